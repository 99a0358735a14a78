"""Which rooms and units the office has, by the local names their twins bear."""

from __future__ import annotations

import math
from dataclasses import dataclass

SOUTH, WEST, NORTH, EAST = 0.0, math.pi / 2, math.pi, -math.pi / 2


@dataclass(frozen=True, slots=True)
class Room:
    """A conditioned room and the box that serves it (its name is empty when its data is not published).

    Floor ``area`` in m2, ``azimuth`` of the facade in radians from south, west positive, number of ``seats``, the index
    of the air handler it is ``served_by``, and the capacity of the ``reheat`` coil in W.
    """

    name: str
    box: str
    area: float
    azimuth: float
    seats: int
    served_by: int
    reheat: float


def _storey(storey: int, served_by: int) -> list[Room]:
    plan = [(42.0, SOUTH, 5), (38.0, SOUTH, 4), (64.0, WEST, 8), (46.0, NORTH, 5), (34.0, NORTH, 3), (36.0, EAST, 12)]
    return [
        Room(f"room-{storey}-{i:02}", f"vav-{storey}-{i:02}", area, azimuth, seats, served_by, 55.0 * area)
        for i, (area, azimuth, seats) in enumerate(plan, start=1)
    ]


_WING = [
    Room(f"room-e-{i:02}", "", area, azimuth, seats, 2, 60.0 * area)
    for i, (area, azimuth, seats) in enumerate(
        [(30.0, EAST, 3), (30.0, EAST, 3), (28.0, NORTH, 8), (48.0, SOUTH, 6)], start=1
    )
]

ROOMS: tuple[Room, ...] = (*_storey(1, 0), *_storey(2, 1), *_WING)
"""Every conditioned room: six on each storey behind their boxes, then the four of the east wing."""
BOXED = 12
"""How many of them stand behind a VAV box whose data is published."""
METERED_ROOMS = (5, 11)
"""The conference rooms, which have their own occupancy and CO2 sensors."""
UNITS = ("ahu-1", "ahu-2", "rtu-1")
"""The air handlers by index; the last is the rooftop unit of the east wing."""
FAULTS = ("stuck-damper-ahu-1", "drifting-sensor-ahu-1", "comms-loss-chiller")
"""What can be made to fail."""
