"""What vendor B's server holds: a node for each value, its coding, and whether it may be written.

The devices are AHU 2, the boxes of the second storey and its conference room, the east wing, the rooftop unit, plant,
meters, weather, the commissioning bench - and AHU01, the unit that can take vendor A's place.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.simulator.coding import (
    CELSIUS,
    CUBIC_METRES_AN_HOUR,
    FRACTION,
    HERTZ,
    HUMIDITY,
    IRRADIANCE,
    KILOPASCALS,
    KILOWATT_HOURS,
    PASCALS,
    PPM,
    SWITCH,
    WATTS,
    Coding,
    states,
)
from connectors.simulator.readings import LIMITS

NAMESPACE = "urn:borealis:building-controls"
INDEX = 2
"""The index of `NAMESPACE` in the server's namespace array."""

_MODE = states({"off": 1, "manual": 2, "automatic": 3})
_RUN = states({"stopped": 0, "running": 1, "fault": 9})
_COOLING = states({"stopped": 10, "running": 20, "fault": 99})

_AIR_HANDLER = (
    ("supply-air-temperature", "TSupply", CELSIUS),
    ("supply-air-temperature-setpoint", "TSupplySet", CELSIUS),
    ("return-air-temperature", "TReturn", CELSIUS),
    ("mixed-air-temperature", "TMixed", CELSIUS),
    ("outside-air-temperature", "TOutdoor", CELSIUS),
    ("supply-air-static-pressure", "PDuct", KILOPASCALS),
    ("supply-air-static-pressure-setpoint", "PDuctSet", KILOPASCALS),
    ("supply-air-flow", "QSupply", CUBIC_METRES_AN_HOUR),
    ("supply-fan-status", "FanState", _RUN),
    ("supply-fan-speed", "FanSpeed", FRACTION),
    ("supply-fan-power", "FanPower", WATTS),
    ("cooling-valve-command", "YCool", FRACTION),
    ("heating-valve-command", "YHeat", FRACTION),
    ("outside-air-damper-command", "YDamperSet", FRACTION),
    ("outside-air-damper-position", "YDamper", FRACTION),
    ("filter-differential-pressure", "DpFilter", PASCALS),
    ("return-air-co2", "CO2Return", PPM),
    ("operating-mode", "OpMode", _MODE),
)
_BOX = (
    ("zone-air-temperature", "TRoom", CELSIUS),
    ("zone-air-temperature-setpoint", "TRoomSet", CELSIUS),
    ("supply-air-flow", "QAir", CUBIC_METRES_AN_HOUR),
    ("damper-position", "YDamper", FRACTION),
    ("reheat-valve-command", "YReheat", FRACTION),
    ("discharge-air-temperature", "TDischarge", CELSIUS),
)
_ROOM = (
    ("co2", "CO2", PPM),
    ("occupancy", "Presence", SWITCH),
)
_WING_ROOM = (
    ("temperature", "TRoom", CELSIUS),
    ("temperature-setpoint", "TRoomSet", CELSIUS),
    ("relative-humidity", "RH", HUMIDITY),
    *_ROOM,
)
_LAMP = (("switched-on", "Light", SWITCH),)
_ROOFTOP_UNIT = (
    ("supplyAirTemperature", "TSupply", CELSIUS),
    ("supplyAirTemperatureSetpoint", "TSupplySet", CELSIUS),
    ("returnAirTemperature", "TReturn", CELSIUS),
    ("outsideAirTemperature", "TOutdoor", CELSIUS),
    ("supplyAirFlow", "QSupply", CUBIC_METRES_AN_HOUR),
    ("supplyFanFrequency", "FanFrequency", HERTZ),
    ("electricPower", "PowerEl", WATTS),
    ("operatingMode", "OpMode", _MODE),
    ("displayName", "Nameplate", Coding(text="Rooftop unit 1")),
)
_CHILLER = (
    ("leaving-water-temperature", "TLeaving", CELSIUS),
    ("entering-water-temperature", "TEntering", CELSIUS),
    ("leaving-water-temperature-setpoint", "TLeavingSet", CELSIUS),
    ("electric-power", "PowerEl", WATTS),
    ("run-status", "State", _COOLING),
)
_BOILER = (*_CHILLER[:3], ("gas-power", "PowerGas", WATTS), ("run-status", "State", _RUN))
_METER = (("power", "P", WATTS), ("energy", "E", KILOWATT_HOURS))
_WEATHER = (
    ("outside-air-temperature", "TOutdoor", CELSIUS),
    ("relative-humidity", "RH", HUMIDITY),
    ("solar-irradiance", "Irradiance", IRRADIANCE),
)
_BENCH = (
    ("stuck-damper-ahu-1", "StuckDamperAHU01", SWITCH),
    ("drifting-sensor-ahu-1", "DriftingSensorAHU01", SWITCH),
    ("comms-loss-chiller", "CommsLossCH01", SWITCH),
)


@dataclass(frozen=True, slots=True)
class OpcUaPoint:
    """One node: ``point`` is the property of ours, ``name`` the node's own within its ``device``."""

    point: str
    device: str
    name: str
    coding: Coding
    writable: bool

    @property
    def identifier(self) -> str:
        """The string identifier of the node, e.g. ``AHU02.TSupply``."""
        return f"{self.device}.{self.name}"

    @property
    def address(self) -> str:
        """The node id in text, e.g. ``ns=2;s=AHU02.TSupply``."""
        return f"ns={INDEX};s={self.identifier}"


def _device(twin: str, device: str, rows: tuple[tuple[str, str, Coding], ...]) -> list[OpcUaPoint]:
    return [
        OpcUaPoint(f"{twin}:{name}", device, node, coding, f"{twin}:{name}" in LIMITS) for name, node, coding in rows
    ]


POINTS: tuple[OpcUaPoint, ...] = (
    *_device("ahu-1", "AHU01", _AIR_HANDLER),
    *_device("ahu-2", "AHU02", _AIR_HANDLER),
    *(point for box in range(1, 7) for point in _device(f"vav-2-{box:02}", f"VAV2{box:02}", _BOX)),
    *_device("room-2-06", "R206", _ROOM),
    *(point for room in range(1, 5) for point in _device(f"room-e-{room:02}", f"E{room:02}", _WING_ROOM)),
    *(point for room in range(1, 5) for point in _device(f"lamp-e-{room:02}", f"E{room:02}", _LAMP)),
    *_device("rtu-1", "RTU01", _ROOFTOP_UNIT),
    *_device("chiller-1", "CH01", _CHILLER),
    *_device("boiler-1", "BO01", _BOILER),
    *_device("electricity-meter", "ME01", _METER),
    *_device("heat-meter", "MH01", _METER),
    *_device("cooling-meter", "MC01", _METER),
    *_device("weather-station", "WS01", _WEATHER),
    *_device("bench", "BENCH", _BENCH),
)
"""Every value vendor B serves."""
UNREACHABLE = {"comms-loss-chiller": "CH01"}
"""Which device a fault cuts off."""
