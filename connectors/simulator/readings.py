"""What the office's instruments say: each reading's name, its value, and the noise of its sensor.

Names are the local names of the twins' properties.  Units: deg C, Pa, L/s, percent, ppm, kW, kWh, W/m2; a boolean is
0 or 1, a state its index (`OPERATING_MODES`, `RUN_STATES`).
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from connectors.simulator.air_handlers import AirHandlers
from connectors.simulator.layout import BOXED, FAULTS, METERED_ROOMS, ROOMS, UNITS
from connectors.simulator.plant import Plant
from connectors.simulator.weather import Weather
from connectors.simulator.zones import Column, Zones

OPERATING_MODES = ("off", "automatic", "manual")
RUN_STATES = ("stopped", "running", "fault")
MAINS_HERTZ = 50.0
ROOFTOP_PERFORMANCE = 3.2
"""Watts of cold for a watt of electricity, in the rooftop unit's own compressor."""

_EXACT = (0.0, 0.0)
_TEMPERATURE = (0.06, 0.0)
_FLOW = (0.5, 0.008)
_PRESSURE = (1.2, 0.004)
_POSITION = (0.25, 0.0)
_CO2 = (3.0, 0.004)
_POWER = (0.0, 0.006)

# Readings of an air handler: property of ahu-1 and ahu-2, content of the rooftop unit, noise (absolute, relative).
_AIR_HANDLER = (
    ("supply-air-temperature", "supplyAirTemperature", _TEMPERATURE),
    ("supply-air-temperature-setpoint", "supplyAirTemperatureSetpoint", _EXACT),
    ("return-air-temperature", "returnAirTemperature", _TEMPERATURE),
    ("mixed-air-temperature", "", _TEMPERATURE),
    ("outside-air-temperature", "outsideAirTemperature", _TEMPERATURE),
    ("supply-air-static-pressure", "", _PRESSURE),
    ("supply-air-static-pressure-setpoint", "", _EXACT),
    ("supply-air-flow", "supplyAirFlow", _FLOW),
    ("supply-fan-speed", "supplyFanFrequency", _POSITION),
    ("supply-fan-status", "", _EXACT),
    ("supply-fan-power", "electricPower", _POWER),
    ("cooling-valve-command", "", _EXACT),
    ("heating-valve-command", "", _EXACT),
    ("outside-air-damper-command", "", _EXACT),
    ("outside-air-damper-position", "", _POSITION),
    ("filter-differential-pressure", "", _PRESSURE),
    ("return-air-co2", "", _CO2),
    ("operating-mode", "operatingMode", _EXACT),
)  # fmt: skip
_BOX = (
    ("zone-air-temperature", _TEMPERATURE),
    ("zone-air-temperature-setpoint", _EXACT),
    ("supply-air-flow", _FLOW),
    ("damper-position", _POSITION),
    ("reheat-valve-command", _EXACT),
    ("discharge-air-temperature", _TEMPERATURE),
)
_WING_ROOM = (
    ("temperature", _TEMPERATURE),
    ("temperature-setpoint", _EXACT),
    ("relative-humidity", (0.3, 0.0)),
    ("co2", _CO2),
    ("occupancy", _EXACT),
)
_PLANT = (
    ("chiller-1:leaving-water-temperature", _TEMPERATURE),
    ("chiller-1:entering-water-temperature", _TEMPERATURE),
    ("chiller-1:leaving-water-temperature-setpoint", _EXACT),
    ("chiller-1:electric-power", _POWER),
    ("chiller-1:run-status", _EXACT),
    ("boiler-1:leaving-water-temperature", _TEMPERATURE),
    ("boiler-1:entering-water-temperature", _TEMPERATURE),
    ("boiler-1:leaving-water-temperature-setpoint", _EXACT),
    ("boiler-1:gas-power", _POWER),
    ("boiler-1:run-status", _EXACT),
    ("electricity-meter:power", _POWER),
    ("electricity-meter:energy", _EXACT),
    ("heat-meter:power", _POWER),
    ("heat-meter:energy", _EXACT),
    ("cooling-meter:power", _POWER),
    ("cooling-meter:energy", _EXACT),
    ("weather-station:outside-air-temperature", _TEMPERATURE),
    ("weather-station:relative-humidity", (0.3, 0.0)),
    ("weather-station:solar-irradiance", (1.0, 0.01)),
)


def _named() -> list[tuple[str, tuple[float, float]]]:
    wing = ROOMS[BOXED:]
    rows = [(f"{unit}:{name}", noise) for name, _, noise in _AIR_HANDLER for unit in UNITS[:2]]
    rows += [(f"rtu-1:{content}", noise) for _, content, noise in _AIR_HANDLER if content]
    rows += [(f"{room.box}:{name}", noise) for name, noise in _BOX for room in ROOMS[:BOXED]]
    rows += [(f"{room.name}:{name}", noise) for name, noise in _WING_ROOM for room in wing]
    rows += [(f"lamp-{room.name[5:]}:switched-on", _EXACT) for room in wing]
    rows += [(f"{ROOMS[i].name}:co2", _CO2) for i in METERED_ROOMS]
    rows += [(f"{ROOMS[i].name}:occupancy", _EXACT) for i in METERED_ROOMS]
    return rows + list(_PLANT) + [(f"bench:{fault}", _EXACT) for fault in FAULTS]


NAMES: tuple[str, ...] = tuple(name for name, _ in _named())
"""Every reading, in the order of `values`."""
ABSOLUTE_NOISE = np.array([noise[0] for _, noise in _named()])
RELATIVE_NOISE = np.array([noise[1] for _, noise in _named()])
_CONTENTS = [i for i, (_, content, _) in enumerate(_AIR_HANDLER) if content]
_METERED = list(METERED_ROOMS)

LIMITS = {
    **{f"{unit}:supply-air-temperature-setpoint": (12.0, 22.0) for unit in UNITS[:2]},
    **{f"{unit}:supply-air-static-pressure-setpoint": (100.0, 400.0) for unit in UNITS[:2]},
    **{f"{unit}:operating-mode": (0.0, 2.0) for unit in UNITS[:2]},
    "rtu-1:supplyAirTemperatureSetpoint": (12.0, 22.0),
    "rtu-1:operatingMode": (0.0, 2.0),
    **{f"{room.box}:zone-air-temperature-setpoint": (18.0, 26.0) for room in ROOMS[:BOXED]},
    **{f"{room.name}:temperature-setpoint": (18.0, 26.0) for room in ROOMS[BOXED:]},
    **{f"lamp-{room.name[5:]}:switched-on": (0.0, 1.0) for room in ROOMS[BOXED:]},
    "chiller-1:leaving-water-temperature-setpoint": (5.0, 14.0),
    "boiler-1:leaving-water-temperature-setpoint": (40.0, 75.0),
    **{f"bench:{fault}": (0.0, 1.0) for fault in FAULTS},
}
"""What may be written, and the least and the greatest value a device takes."""


def values(units: AirHandlers, zones: Zones, plant: Plant, weather: Weather, faults: Collection[str]) -> Column:
    """The true values of all readings now, in the order of `NAMES`."""
    outside = np.full(len(UNITS), weather.temperature)
    air = np.stack([
        units.supply_sensed, units.temperature_setpoint, units.returning, units.mixed, outside, units.pressure,
        units.pressure_setpoint, units.flow, units.speed * 100, (units.speed > 0.01).astype(float),
        units.fan_power / 1000, units.cooling * 100, units.heating * 100, units.damper_command * 100,
        units.damper * 100, units.filter_pressure, units.return_co2, units.mode.astype(float),
    ])  # fmt: skip
    air[8, 2] *= MAINS_HERTZ / 100
    air[10, 2] += units.cold[2] / ROOFTOP_PERFORMANCE / 1000
    box = np.stack([
        zones.temperature, zones.setpoint, zones.flow, zones.damper * 100, zones.valve * 100, zones.discharge,
    ])  # fmt: skip
    wing = slice(BOXED, None)
    occupied = (zones.people > 0).astype(float)
    outdoors = weather.relative_humidity / 100 * _saturation(np.array([weather.temperature]))
    vapour = outdoors + 0.02 * zones.people[wing]
    humidity = np.clip(100 * vapour / _saturation(zones.temperature[wing]), 15, 95)
    fixed = [
        plant.chilled, plant.chilled_return, plant.setpoints[0], plant.chiller_power / 1000, float(plant.chiller_on),
        plant.hot, plant.hot_return, plant.setpoints[1], plant.gas_power / 1000, float(plant.boiler_on),
        plant.building_power / 1000, plant.electricity, plant.heating_load / 1000, plant.heat,
        plant.cooling_load / 1000, plant.cold, weather.temperature, weather.relative_humidity, weather.irradiance,
        *(float(name in faults) for name in FAULTS),
    ]  # fmt: skip
    return np.concatenate([
        air[:, :2].ravel(), air[_CONTENTS, 2], box[:, :BOXED].ravel(), zones.temperature[wing], zones.setpoint[wing],
        humidity, zones.co2[wing], occupied[wing], zones.lights[wing], zones.co2[_METERED], occupied[_METERED], fixed,
    ])  # fmt: skip


def _saturation(temperature: Column) -> Column:
    """Saturation vapour pressure in kPa (Magnus form)."""
    return np.asarray(0.6112 * np.exp(17.62 * temperature / (243.12 + temperature)))
