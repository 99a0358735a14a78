"""The feature extensions of DTDL: the co-types each adds, to which elements, with which members."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from twin.vocabularies.dtdl.language import Member
from twin.vocabularies.dtdl.quantities import SEMANTIC_TYPES

_TEXT = Member("text")
_NEEDED = Member("text", required=True)
_INDEX = Member("integer", required=True, least=1)
_MQTT = {"commandTopic": _TEXT, "payloadFormat": _NEEDED, "telemetryTopic": _TEXT}
_GROUPS = {"cmdServiceGroupId": _TEXT, "telemServiceGroupId": _TEXT}


@dataclass(frozen=True, slots=True)
class CoType:
    """A type that a feature extension adds to elements (``on``), with its members and its first version."""

    extension: str
    on: tuple[str, ...]
    members: Mapping[str, Member]
    since: int = 1


_VALUES = ("CommandRequest", "CommandResponse", "Field", "MapValue", "Property", "Telemetry")
COTYPES: Mapping[str, CoType] = {
    **{name: CoType("quantitativeTypes", _VALUES, {"unit": Member("term")}) for name in SEMANTIC_TYPES},
    "ValueAnnotation": CoType("annotation", ("Property", "Telemetry"), {"annotates": _NEEDED}),
    "Override": CoType("overriding", ("Property",), {"overrides": _NEEDED}),
    "Historized": CoType("historization", ("Property", "Telemetry"), {}),
    "Required": CoType("requirement", ("Field",), {}),
    "Mqtt": CoType("mqtt", ("Interface",), _MQTT | _GROUPS),
    "Idempotent": CoType("mqtt", ("Command",), {}),
    "Cacheable": CoType("mqtt", ("Command",), {"ttl": _NEEDED}),
    "Transparent": CoType("mqtt", ("CommandRequest", "CommandResponse"), {}, since=2),
    "Indexed": CoType("mqtt", ("EnumValue", "Field", "Telemetry"), {"index": _INDEX}),
    "Result": CoType("mqtt", ("Object",), {}, since=3),
    "NormalResult": CoType("mqtt", ("Field",), {}, since=3),
    "ErrorResult": CoType("mqtt", ("Field",), {}, since=3),
    "Error": CoType("mqtt", ("Object",), {}, since=3),
    "ErrorMessage": CoType("mqtt", ("Field",), {}, since=3),
}
"""Every co-type that a feature extension defines, by name."""

USABLE_FROM: Mapping[str, Mapping[int, tuple[int, ...]]] = {
    "quantitativeTypes": {1: (3,), 2: (3, 4)},
    "annotation": {1: (3,), 2: (3, 4)},
    "overriding": {1: (3,), 2: (3, 4)},
    "historization": {1: (3,), 2: (3, 4)},
    "requirement": {1: (3, 4)},
    "mqtt": {1: (3,), 2: (3, 4), 3: (3, 4)},
}
"""Versions of DTDL in which each version of a feature extension may be used."""

_CONTEXT = re.compile(r"dtmi:dtdl:extension:(\w+);([1-9]\d*)")
PARTNER_CONTEXTS = frozenset({"dtmi:iotcentral:context;2"})
PARTNER_TERMS = frozenset({"State", "Event", "Location", "VelocityVector", "AccelerationVector", "vector", "geopoint"})


def feature(context: str) -> tuple[str, int] | None:
    """Name and version of the feature extension that a context names, or None when it names none that is defined."""
    match = _CONTEXT.fullmatch(context)
    if match is None or int(match[2]) not in USABLE_FROM.get(match[1], {}):
        return None
    return match[1], int(match[2])
