"""The living office: weather, rooms, air handlers and plant stepping together.

`Office` is what the simulated vendors read and write; `trajectory` runs one without them, for training data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from connectors.simulator import readings
from connectors.simulator.air_handlers import AirHandlers
from connectors.simulator.layout import BOXED, FAULTS, ROOMS, UNITS
from connectors.simulator.plant import Demand, Plant
from connectors.simulator.weather import DAY, Weather
from connectors.simulator.zones import Zones

__all__ = ["FAULTS", "Office", "trajectory"]

_LONGEST_STEP = 30.0
_ROUNDING = 1e-3  # an end of a range may come back from a vendor's unit a little beyond it
_MORNING = 9 * 3600.0
_SETTLING = 6 * 3600.0


class Office:
    """An office that runs: the same seed and the same calls give the same numbers.

    ``start`` is the simulated time of day in seconds after Monday midnight at which it is handed over, already settled.
    ``speed`` is how many simulated seconds pass in one second of the clock that stamps the samples; only the energy
    registers need it, so that they agree with power over the stamped time.
    """

    def __init__(self, seed: int = 1, *, start: float = _MORNING, speed: float = 1.0) -> None:
        self._random = np.random.default_rng(seed)
        self.zones = Zones(self._random, ROOMS)
        self.units = AirHandlers(self._by_unit(self.zones.maximum_flow) * 0.85)
        self.plant = Plant(speed)
        self._faults: set[str] = set()
        self._writable = self._settings()
        settled_from = start + 7 * DAY - _SETTLING  # the day before a Monday is a Sunday
        self.weather = Weather(self._random, settled_from)
        self.measured = np.empty(0)
        """The readings of the last step, in the order of ``readings.NAMES``."""
        registers = self.plant.electricity, self.plant.heat, self.plant.cold
        self.step(_SETTLING)
        self.weather.seconds -= 7 * DAY
        self.plant.electricity, self.plant.heat, self.plant.cold = registers
        self._read()

    @property
    def seconds(self) -> float:
        """Simulated seconds since Monday midnight."""
        return self.weather.seconds

    @property
    def faults(self) -> frozenset[str]:
        """The faults that are on, of `FAULTS`."""
        return frozenset(self._faults)

    def step(self, seconds: float) -> None:
        """Lets simulated ``seconds`` pass, then reads every instrument once."""
        count = max(1, int(np.ceil(seconds / _LONGEST_STEP)))
        for _ in range(count):
            self._advance(seconds / count)
        self._read()

    def signals(self) -> Mapping[str, float]:
        """What the instruments said at the last step, by ``<twin>:<property>``; units are those of `readings`.
        What can be written is read back as it stands now."""
        now = dict(zip(readings.NAMES, self.measured.tolist(), strict=True))
        for name in readings.LIMITS:
            now[name] = self.setting(name)
        return now

    def setting(self, name: str) -> float:
        """The value that stands for something writable; raises ``KeyError`` when nothing of that name is writable."""
        if name.startswith("bench:") and name in readings.LIMITS:
            return float(name.removeprefix("bench:") in self._faults)
        column, index = self._writable[name]
        return float(column[index])

    def command(self, name: str, value: float) -> None:
        """Sets something writable, which takes effect with the next step.

        Raises ``KeyError`` when nothing of that name is writable, ``ValueError`` when the device refuses the value.
        """
        low, high = readings.LIMITS[name]
        if not low - _ROUNDING <= value <= high + _ROUNDING:
            raise ValueError(f"{name} takes {low:g} to {high:g}, not {value:g}.")
        value = min(max(value, low), high)
        if name.startswith("bench:"):
            self.fault(name.removeprefix("bench:"), value >= 0.5)
            return
        column, index = self._writable[name]
        column[index] = value

    def fault(self, name: str, on: bool) -> None:
        """Switches a fault on or off; raises ``KeyError`` for a fault that does not exist."""
        if name not in FAULTS:
            raise KeyError(name)
        (self._faults.add if on else self._faults.discard)(name)
        self.units.stuck = "stuck-damper-ahu-1" in self._faults
        self.units.drifting = "drifting-sensor-ahu-1" in self._faults

    def _read(self) -> None:
        true = readings.values(self.units, self.zones, self.plant, self.weather, self._faults)
        spread = readings.ABSOLUTE_NOISE + readings.RELATIVE_NOISE * np.abs(true)
        measured = true + spread * self._random.standard_normal(len(true))
        self.measured = np.where((true >= 0) & (measured < 0), 0.0, measured)

    def _settings(self) -> dict[str, tuple[npt.NDArray[Any], int]]:
        """Where each writable value is kept: a column and the index in it."""
        zones, units, plant = self.zones, self.units, self.plant
        kept: dict[str, tuple[npt.NDArray[Any], int]] = {}
        for i, unit in enumerate(UNITS[:2]):
            kept[f"{unit}:supply-air-temperature-setpoint"] = units.temperature_setpoint, i
            kept[f"{unit}:supply-air-static-pressure-setpoint"] = units.pressure_setpoint, i
            kept[f"{unit}:operating-mode"] = units.mode, i
        kept["rtu-1:supplyAirTemperatureSetpoint"] = units.temperature_setpoint, 2
        kept["rtu-1:operatingMode"] = units.mode, 2
        for i, room in enumerate(ROOMS):
            if i < BOXED:
                kept[f"{room.box}:zone-air-temperature-setpoint"] = zones.setpoint, i
            else:
                kept[f"{room.name}:temperature-setpoint"] = zones.setpoint, i
                kept[f"lamp-{room.name[5:]}:switched-on"] = zones.lights, i
        kept["chiller-1:leaving-water-temperature-setpoint"] = plant.setpoints, 0
        kept["boiler-1:leaving-water-temperature-setpoint"] = plant.setpoints, 1
        return kept

    def _by_unit(self, column: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.bincount(self.zones.served_by, weights=column, minlength=len(UNITS)).astype(np.float64)

    def _advance(self, dt: float) -> None:
        weather, zones, units, plant = self.weather, self.zones, self.units, self.plant
        weather.step(dt)
        zones.step(dt, weather, units.supply, units.supply_co2, units.pressure_ratio, plant.hot)
        weight = zones.flow + 0.5  # a little air comes back even when the fan stands
        share = self._by_unit(weight)
        units.step(
            dt, weather.temperature, self._by_unit(zones.flow), self._by_unit(weight * zones.temperature) / share,
            self._by_unit(weight * zones.co2) / share, plant.chilled, plant.hot,
        )  # fmt: skip
        rooftop = float(units.cold[2]) / readings.ROOFTOP_PERFORMANCE
        cooling = Demand(float(units.cold[:2].sum()), float(units.cooling[:2].max()))
        heating = Demand(float(units.heat.sum() + zones.heat.sum()), float(max(units.heating.max(), zones.valve.max())))
        power = float(zones.electric_power.sum() + units.fan_power.sum()) + rooftop
        plant.step(dt, weather.temperature, cooling, heating, power)


def trajectory(
    seed: int = 1,
    days: float = 30.0,
    dt: float = 60.0,
    *,
    names: Iterable[str] | None = None,
    faults: Iterable[str] = (),
    fault_after: float = 0.0,
    operators: bool = True,
) -> dict[str, npt.NDArray[np.float64]]:
    """What the office's instruments say over ``days`` simulated days, a reading every ``dt`` seconds.

    One float64 column of ``round(days * 86400 / dt)`` rows for each name (all of ``readings.NAMES`` unless ``names``
    are given), and the column ``seconds`` since Monday midnight.  ``faults`` come on after ``fault_after`` days.
    With ``operators``, people change the air handlers' setpoints every few hours within the range they use
    (14 to 18.5 deg C, 200 to 300 Pa), because that is normal operation too.
    A demo that runs at 60 times the pace of the clock, sampled every second, gives the same as ``dt=60``.
    """
    office = Office(seed)
    habits = np.random.default_rng([seed, 7])
    rows = max(1, round(days * DAY / dt))
    chosen = tuple(readings.NAMES if names is None else names)
    at = [readings.NAMES.index(name) for name in chosen]
    taken, seconds = np.empty((rows, len(at))), np.empty(rows)
    change_at = 0
    for row in range(rows):
        if row == round(fault_after * DAY / dt):
            for fault in faults:
                office.fault(fault, True)
        if operators and row == change_at:
            office.units.temperature_setpoint[:] = np.round(habits.uniform(14.0, 18.5, len(UNITS)), 1)
            office.units.pressure_setpoint[:] = np.round(habits.uniform(200, 300, len(UNITS)), -1)
            change_at += max(1, int(habits.uniform(1, 8) * 3600 / dt))
        office.step(dt)
        taken[row] = office.measured[at]
        seconds[row] = office.seconds
    return {"seconds": seconds, **{name: taken[:, i].copy() for i, name in enumerate(chosen)}}
