"""A Brick model of any size, the same every time: floors of rooms, each with a VAV box and its points."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

PREFIXES = """\
@prefix brick: <https://brickschema.org/schema/Brick#> .
@prefix quantitykind: <http://qudt.org/vocab/quantitykind/> .
@prefix qudt: <http://qudt.org/schema/qudt/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix unit: <http://qudt.org/vocab/unit/> .
@prefix : <urn:bench:tower:> .
"""
POINTS = (
    ("zone-temperature", "Zone_Air_Temperature_Sensor", "Temperature", "DEG_C"),
    ("zone-setpoint", "Zone_Air_Temperature_Setpoint", "Temperature", "DEG_C"),
    ("supply-temperature", "Supply_Air_Temperature_Sensor", "Temperature", "DEG_C"),
    ("flow", "Supply_Air_Flow_Sensor", "VolumeFlowRate", "L-PER-SEC"),
    ("flow-setpoint", "Supply_Air_Flow_Setpoint", "VolumeFlowRate", "L-PER-SEC"),
    ("damper", "Damper_Position_Sensor", "DimensionlessRatio", "PERCENT"),
    ("damper-command", "Damper_Position_Command", "DimensionlessRatio", "PERCENT"),
    ("reheat", "Valve_Position_Sensor", "DimensionlessRatio", "PERCENT"),
)
ROOMS = 40
"""Rooms of a floor, all served by the floor's air handler."""


def write_model(path: Path, triples: int) -> int:
    """Writes Turtle of at least that many triples, ending with a whole floor; returns how many there are."""
    written = 0
    with path.open("w") as file:
        file.write(PREFIXES + ':building a brick:Building ; rdfs:label "Tower" .\n')
        written += 2
        floor = 0
        while written < triples:
            for text, count in _floor(floor):
                file.write(text)
                written += count
            floor += 1
    return written


def _floor(floor: int) -> Iterator[tuple[str, int]]:
    name, handler = f"floor-{floor}", f"ahu-{floor}"
    yield f':{name} a brick:Floor ; rdfs:label "Floor {floor}" ; brick:isPartOf :building .\n', 3
    yield f':{handler} a brick:Air_Handling_Unit ; rdfs:label "AHU {floor}" ; brick:hasLocation :{name} .\n', 3
    for room in range(ROOMS):
        place, box = f"room-{floor}-{room}", f"vav-{floor}-{room}"
        yield f':{place} a brick:Room ; rdfs:label "Room {floor}.{room:02}" ; brick:isPartOf :{name} .\n', 3
        points = ", ".join(f":{box}-{point}" for point, *_ in POINTS)
        yield (
            f':{box} a brick:VAV ; rdfs:label "VAV {floor}.{room:02}" ; brick:hasLocation :{place} ; '
            f"brick:feeds :{place} ; brick:hasPoint {points} .\n:{handler} brick:feeds :{box} .\n",
            5 + len(POINTS),
        )
        for point, kind, quantity, unit in POINTS:
            yield (
                f':{box}-{point} a brick:{kind} ; rdfs:label "{point} {floor}.{room:02}" ; '
                f"qudt:hasQuantityKind quantitykind:{quantity} ; qudt:hasUnit unit:{unit} .\n",
                4,
            )
