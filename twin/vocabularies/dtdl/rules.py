"""The rules that look at one element as a whole: names that clash, enum values, semantic types with their units."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from twin.vocabularies.dtdl.documents import pointer, term
from twin.vocabularies.dtdl.elements import Element
from twin.vocabularies.dtdl.language import Edition
from twin.vocabularies.dtdl.problems import Problem
from twin.vocabularies.dtdl.quantities import SEMANTIC_TYPES, UNITS

_NAMED = {"Interface": "contents", "Object": "fields", "Enum": "enumValues", "Relationship": "properties"}


def judge(element: Element, edition: Edition) -> list[Problem]:
    """What is wrong with an element beyond its single members; what it holds was judged before."""
    found = [*_names(element), *_quantity(element, edition)]
    if element.type == "Enum":
        found += _enum(element)
    if element.type == "Interface" and edition.interface_bytes is not None:
        found += _size(element, edition.interface_bytes)
    return found


def _bad(element: Element, rule: str, message: str, remedy: str, *steps: str | int) -> Problem:
    return Problem(rule, element.dtmi, pointer(element.path, *steps), message, remedy, element.document)


def _names(element: Element) -> Iterator[Problem]:
    member = _NAMED.get(element.type)
    if member is None:
        return
    seen: set[str] = set()
    for held in element.held(member):
        if isinstance(held, Element) and held.name:
            if held.name in seen:
                yield _bad(
                    held, "name.twice", f"The name {held.name} is used twice in {member}.", "Rename one of them."
                )
            seen.add(held.name)


def _enum(element: Element) -> Iterator[Problem]:
    kind = element.members.get("valueSchema")
    seen: set[object] = set()
    for held in element.held("enumValues"):
        if not isinstance(held, Element) or (value := held.members.get("enumValue")) is None:
            continue
        if (kind == "integer" and isinstance(value, str)) or (kind == "string" and not isinstance(value, str)):
            yield _bad(held, "enum.value", f"enumValue {value!r} does not fit valueSchema {kind}.",
                       f"Write it as {'a number' if kind == 'integer' else 'a text'}.", "enumValue")  # fmt: skip
        if value in seen:
            yield _bad(
                held, "enum.twice", f"enumValue {value!r} is used twice.", "Give each its own value.", "enumValue"
            )
        seen.add(value)


def _quantity(element: Element, edition: Edition) -> Iterator[Problem]:
    types = sorted(element.cotypes & SEMANTIC_TYPES.keys())
    if not types or element.type not in (
        "Property",
        "Telemetry",
        "Field",
        "MapValue",
        "CommandRequest",
        "CommandResponse",
    ):
        return
    if len(types) > 1:
        yield _bad(element, "semantic.many", f"It is {' and '.join(types)} at once.", "Keep one semantic type.")
    name, unit = types[0], element.members.get("unit")
    schema = element.members.get("schema")
    if schema is not None and not (isinstance(schema, str) and schema in edition.numeric):
        yield _bad(element, "semantic.schema", f"A {name} needs a numeric schema.",
                   f"Use {' or '.join(sorted(edition.numeric))}.", "schema")  # fmt: skip
    if unit is None:
        if edition.semantic_types_built_in and "unit" not in element.source:
            yield _bad(element, "semantic.unit", f"A {name} has a unit.", 'Add "unit".')
        return
    allowed = UNITS[SEMANTIC_TYPES[name].unit_type]
    if term(unit) not in allowed:
        near = get_close_matches(unit, list(allowed), n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Use {' or '.join(sorted(allowed))}."
        yield _bad(element, "semantic.unit", f"{unit} is no unit of {name}.", hint, "unit")


def _size(element: Element, most: int) -> Iterator[Problem]:
    size = _bytes(element.source)
    if size > most:
        yield _bad(element, "limit.size", f"The Interface takes {size} bytes.", f"Keep it under {most}.")


def _bytes(value: object) -> int:
    """Bytes of the JSON written without spaces: at most what the author wrote, so that nothing valid is refused."""
    total, waiting = 0, [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            total += 2 + len(item)
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            total += 1 + len(item)
            waiting += item
        elif isinstance(item, str):
            total += 2 + len(item.encode())
        else:
            total += len(str(item))
    return total
