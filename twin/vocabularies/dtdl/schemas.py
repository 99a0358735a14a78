"""The rules on schemas within schemas: how deep they may nest, that they form no circle, where an Array may stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from twin.vocabularies.dtdl.documents import pointer
from twin.vocabularies.dtdl.elements import Element, Reference
from twin.vocabularies.dtdl.language import COMPLEX, edition
from twin.vocabularies.dtdl.problems import Problem

_CIRCLE = 1_000_000
"""The depth of a schema that holds itself."""


def judge_schemas(element: Element) -> Iterator[Problem]:
    """What is wrong with the schemas in one Interface: unknown references, circles, nesting beyond the limit, and (v2)
    an Array in a Property."""
    named = schemas_of(element)
    language = edition(element.version)
    for holder, key, schema in _uses(element):
        if isinstance(schema, Reference) and schema.dtmi not in named:
            yield _bad(holder, "reference.missing", f"The schema {schema.dtmi} is not defined in the Interface.",
                       'Define it in the Interface\'s "schemas".', key)  # fmt: skip
            continue
        deep = _depth(schema, named, ())
        if deep >= _CIRCLE:
            if not language.cyclic_schemas:
                yield _bad(holder, "schema.cycle", "The schema holds itself, directly or through others.",
                           "Remove one link of the circle.", key)  # fmt: skip
        elif deep > language.schema_depth and holder.type not in COMPLEX and holder.type not in ("Field", "MapValue"):
            yield _bad(holder, "schema.depth", f"Its schema nests {deep} levels deep.",
                       f"DTDL {element.version} allows {language.schema_depth}.", key)  # fmt: skip
        if holder.type == "Property" and not language.array_in_property and _has_array(schema, named, ()):
            yield _bad(holder, "schema.array", "A Property of DTDL 2 cannot hold an Array.",
                       "Use a Telemetry, or DTDL 3.", key)  # fmt: skip


def schemas_of(element: Element) -> dict[str, Element]:
    """The complex schemas written out anywhere in an Interface, by identifier."""
    found: dict[str, Element] = {}
    for value in element.members.values():
        for held in value if isinstance(value, tuple) else (value,):
            if isinstance(held, Element) and held.type != "Interface":
                if held.type in COMPLEX:
                    found[held.dtmi] = held
                found |= schemas_of(held)
    return found


def _bad(element: Element, rule: str, message: str, remedy: str, *steps: str) -> Problem:
    return Problem(rule, element.dtmi, pointer(element.path, *steps), message, remedy, element.document)


def _uses(element: Element) -> Iterator[tuple[Element, str, Element | Reference]]:
    """Every place in an Interface where a complex schema is used: who uses it, under which member."""
    for key, value in element.members.items():
        for held in value if isinstance(value, tuple) else (value,):
            is_schema = key in ("schema", "elementSchema") and element.type != "Component"
            if is_schema and isinstance(held, Element | Reference):
                yield element, key, held
            if isinstance(held, Element) and held.type != "Interface":
                yield from _uses(held)


def _inner(schema: Element) -> list[Element | Reference | str | None]:
    """The schemas directly in a complex schema."""
    if schema.type == "Array":
        return [schema.members.get("elementSchema")]
    if schema.type == "Map":
        holders = schema.held("mapValue")
    elif schema.type == "Object":
        holders = schema.held("fields")
    else:
        return []
    return [holder.members.get("schema") for holder in holders if isinstance(holder, Element)]


def _resolved(schema: Element | Reference | str | None, named: Mapping[str, Element]) -> Element | None:
    if isinstance(schema, Reference):
        return named.get(schema.dtmi)
    return schema if isinstance(schema, Element) else None


def _depth(schema: Element | Reference | str | None, named: Mapping[str, Element], above: tuple[str, ...]) -> int:
    found = _resolved(schema, named)
    if found is None:
        return 0
    if found.dtmi in above:
        return _CIRCLE
    return 1 + max((_depth(held, named, (*above, found.dtmi)) for held in _inner(found)), default=0)


def _has_array(schema: Element | Reference | str | None, named: Mapping[str, Element], above: tuple[str, ...]) -> bool:
    found = _resolved(schema, named)
    if found is None or found.dtmi in above:
        return False
    return found.type == "Array" or any(_has_array(held, named, (*above, found.dtmi)) for held in _inner(found))
