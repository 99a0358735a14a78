"""What vendor A's devices publish: topic, place in the payload, coding, and the topic that sets it.

The devices are AHU 1, the boxes of the first storey and its conference room.
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.simulator.coding import (
    CUBIC_FEET_A_MINUTE,
    FAHRENHEIT,
    INCHES_OF_WATER,
    KILOWATTS,
    PERCENT,
    PPM,
    Coding,
    states,
)

PREFIX = "acme/hq"
TIME_PATH = "ts"
WRITE_PATH = "v"

_MODE = states({"off": "OFF", "automatic": "AUTO", "manual": "HAND"})
_FAN = states({"stopped": "STOP", "running": "RUN", "fault": "ALM"})
_PRESENCE = states({"false": "VAC", "true": "OCC"})

_AIR_HANDLER = (
    ("supply-air-temperature", "sat_f", FAHRENHEIT, ""),
    ("supply-air-temperature-setpoint", "sat_sp_f", FAHRENHEIT, "sat_sp"),
    ("return-air-temperature", "rat_f", FAHRENHEIT, ""),
    ("mixed-air-temperature", "mat_f", FAHRENHEIT, ""),
    ("outside-air-temperature", "oat_f", FAHRENHEIT, ""),
    ("supply-air-static-pressure", "duct.dsp_inwc", INCHES_OF_WATER, ""),
    ("supply-air-static-pressure-setpoint", "duct.dsp_sp_inwc", INCHES_OF_WATER, "dsp_sp"),
    ("supply-air-flow", "duct.flow_cfm", CUBIC_FEET_A_MINUTE, ""),
    ("supply-fan-status", "fan.st", _FAN, ""),
    ("supply-fan-speed", "fan.spd", PERCENT, ""),
    ("supply-fan-power", "fan.kw", KILOWATTS, ""),
    ("cooling-valve-command", "vlv.clg", PERCENT, ""),
    ("heating-valve-command", "vlv.htg", PERCENT, ""),
    ("outside-air-damper-command", "oad.cmd", PERCENT, ""),
    ("outside-air-damper-position", "oad.pos", PERCENT, ""),
    ("filter-differential-pressure", "filt_inwc", INCHES_OF_WATER, ""),
    ("return-air-co2", "ra_co2_ppm", PPM, ""),
    ("operating-mode", "mode", _MODE, "mode"),
)
_BOX = (
    ("zone-air-temperature", "zone.t_f", FAHRENHEIT, ""),
    ("zone-air-temperature-setpoint", "zone.sp_f", FAHRENHEIT, "sp"),
    ("supply-air-flow", "box.cfm", CUBIC_FEET_A_MINUTE, ""),
    ("damper-position", "box.dmp", PERCENT, ""),
    ("reheat-valve-command", "box.rht", PERCENT, ""),
    ("discharge-air-temperature", "box.dat_f", FAHRENHEIT, ""),
)
_ROOM = (
    ("co2", "co2_ppm", PPM, ""),
    ("occupancy", "occ", _PRESENCE, ""),
)


@dataclass(frozen=True, slots=True)
class MqttPoint:
    """One value of a device: ``point`` is the property of ours, ``path`` the dotted place in the payload of the status
    ``topic``, ``set_topic`` what writes it (empty: read-only)."""

    point: str
    topic: str
    path: str
    coding: Coding
    set_topic: str


def _device(twin: str, topic: str, rows: tuple[tuple[str, str, Coding, str], ...]) -> list[MqttPoint]:
    base = f"{PREFIX}/{topic}"
    return [
        MqttPoint(f"{twin}:{name}", f"{base}/status", path, coding, f"{base}/set/{setting}" if setting else "")
        for name, path, coding, setting in rows
    ]


POINTS: tuple[MqttPoint, ...] = (
    *_device("ahu-1", "ahu/1", _AIR_HANDLER),
    *(point for box in range(1, 7) for point in _device(f"vav-1-{box:02}", f"vav/1{box:02}", _BOX)),
    *_device("room-1-06", "room/106", _ROOM),
)
"""Every value vendor A publishes."""
