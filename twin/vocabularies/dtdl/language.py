"""The language itself as tables: for each version of DTDL the elements, what they may say, and the limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

Kind = Literal["text", "localized", "name", "boolean", "integer", "literal", "term", "dtmi", "schema", "one", "many"]


@dataclass(frozen=True, slots=True)
class Member:
    """What an element may say under one key.

    ``longest`` counts characters (or elements, for ``many``), ``least`` and ``most`` bound an integer, ``of`` names the
    types an element may have (or the words a ``term`` may be); with ``untyped`` a held element may leave out ``@type``.
    """

    kind: Kind
    required: bool = False
    longest: int | None = None
    least: int | None = None
    most: int | None = None
    of: tuple[str, ...] = ()
    untyped: bool = False
    by_reference: bool = False


@dataclass(frozen=True, slots=True)
class Edition:
    """One version of DTDL."""

    version: int
    elements: Mapping[str, Mapping[str, Member]]
    primitives: frozenset[str]
    numeric: frozenset[str]
    extends_depth: int
    extends_total: int
    contents: int
    schema_depth: int
    array_in_property: bool
    undefined_extensions: bool
    """Whether co-types, properties and contexts that nobody defined are allowed unless the caller says otherwise."""
    semantic_types_built_in: bool
    cyclic_schemas: bool
    interface_bytes: int | None = None
    reserved: frozenset[str] = field(default=frozenset())


CONTENTS = ("Command", "Component", "Property", "Relationship", "Telemetry")
COMPLEX = ("Array", "Enum", "Map", "Object")
GEOSPATIAL = frozenset({"lineString", "multiLineString", "multiPoint", "multiPolygon", "point", "polygon"})
_PRIMITIVES_2 = frozenset(
    {"boolean", "date", "dateTime", "double", "duration", "float", "integer", "long", "string", "time"}
)
_PRIMITIVES_4 = _PRIMITIVES_2 | {
    "byte", "bytes", "decimal", "short", "unsignedByte", "unsignedInteger", "unsignedLong", "unsignedShort", "uuid",
}  # fmt: skip
_NUMERIC_2 = frozenset({"double", "float", "integer", "long"})
_NUMERIC_4 = _NUMERIC_2 | {
    "byte", "decimal", "short", "unsignedByte", "unsignedInteger", "unsignedLong", "unsignedShort", "scaledDecimal",
}  # fmt: skip


def _elements(version: int) -> dict[str, dict[str, Member]]:
    short = 64 if version == 2 else 512
    two = version == 2
    common = {
        "comment": Member("text", longest=512),
        "description": Member("localized", longest=512),
        "displayName": Member("localized", longest=short),
    }
    named = common | {"name": Member("name", required=True, longest=short)}
    schema = Member("schema", required=True)
    payload = named | {"schema": schema}
    nullable = {"nullable": Member("boolean")} if version >= 4 else {}
    request, response = ("CommandPayload", "CommandPayload") if two else ("CommandRequest", "CommandResponse")
    elements = {
        "Interface": common
        | {
            "contents": Member("many", of=CONTENTS),
            "extends": Member("many", of=("Interface",), longest=2 if two else None, by_reference=True),
            "schemas": Member("many", of=COMPLEX),
        },
        "Telemetry": named | {"schema": schema},
        "Property": named | {"schema": schema, "writable": Member("boolean")},
        "Command": named
        | {
            "request": Member("one", of=(request,), untyped=True),
            "response": Member("one", of=(response,), untyped=True),
        }
        | ({"commandType": Member("term", of=("synchronous", "asynchronous"))} if two else {}),
        "Relationship": named
        | {
            "maxMultiplicity": Member("integer", least=1, most=500 if two else None),
            "minMultiplicity": Member("integer", least=0, most=0),
            "properties": Member("many", of=("Property",), longest=300 if two else None),
            "target": Member("dtmi", longest=2048),
            "writable": Member("boolean"),
        },
        "Component": named | {"schema": Member("one", required=True, of=("Interface",), by_reference=True)},
        "Array": common | {"elementSchema": schema},
        "Enum": common
        | {
            "enumValues": Member("many", required=two, of=("EnumValue",), untyped=True, longest=100 if two else None),
            "valueSchema": Member("term", required=True, of=("integer", "string")),
        },
        "EnumValue": named | {"enumValue": Member("literal", required=True)},
        "Map": common
        | {
            "mapKey": Member("one", required=True, of=("MapKey",), untyped=True),
            "mapValue": Member("one", required=True, of=("MapValue",), untyped=True),
        },
        "MapKey": named | {"schema": Member("term", required=True, of=("string",))},
        "MapValue": payload,
        "Object": common
        | {"fields": Member("many", required=two, of=("Field",), untyped=True, longest=30 if two else None)},
        "Field": payload,
    }
    if two:
        elements["CommandPayload"] = payload
    else:
        elements["CommandRequest"] = elements["CommandResponse"] = payload | nullable
    return elements


@cache
def edition(version: int) -> Edition:
    """The tables of DTDL 2, 3 or 4."""
    two, four = version == 2, version >= 4
    return Edition(
        version=version,
        elements=_elements(version),
        primitives=(_PRIMITIVES_4 if four else _PRIMITIVES_2),
        numeric=(_NUMERIC_4 if four else _NUMERIC_2),
        extends_depth=12 if four else 10,
        extends_total=1024,
        contents=300 if two else 100_000,
        schema_depth=8 if four else 5,
        array_in_property=not two,
        undefined_extensions=two,
        semantic_types_built_in=two,
        cyclic_schemas=four,
        interface_bytes=None if two else 1_048_576,
        reserved=frozenset({"scaledDecimal"}) if four else frozenset(),
    )
