"""Interfaces as the rest of the product uses them, and the rules that look across interfaces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from twin.vocabularies.dtdl.documents import pointer
from twin.vocabularies.dtdl.elements import Element, Reference
from twin.vocabularies.dtdl.language import Edition, edition
from twin.vocabularies.dtdl.problems import Problem
from twin.vocabularies.dtdl.quantities import SEMANTIC_TYPES
from twin.vocabularies.dtdl.schemas import judge_schemas, schemas_of

ContentKind = Literal["Telemetry", "Property", "Relationship", "Component", "Command"]


@dataclass(frozen=True, slots=True)
class EnumSchema:
    """A set of named values.  ``values`` are (name, value on the wire), in the order of the document."""

    dtmi: str
    values: tuple[tuple[str, int | str], ...]


@dataclass(frozen=True, slots=True)
class Content:
    """One content of an Interface.

    ``schema`` is the name of a primitive, an `EnumSchema`, the identifier of a Component's Interface, or the type of
    another complex schema (``Map``, ``Object``, ``Array``); None for a Relationship or a Command.
    """

    kind: ContentKind
    dtmi: str
    name: str
    label: Mapping[str, str]
    description: Mapping[str, str]
    schema: str | EnumSchema | None
    semantic_type: str | None
    unit: str | None
    writable: bool
    target: str | None


@dataclass(frozen=True, slots=True)
class Interface:
    """One Interface, its own contents only."""

    dtmi: str
    version: int
    label: Mapping[str, str]
    description: Mapping[str, str]
    extends: tuple[str, ...]
    contents: tuple[Content, ...]


@dataclass(frozen=True, slots=True)
class InterfaceSet:
    """Interfaces that were read together, by identifier."""

    interfaces: Mapping[str, Interface] = field(default_factory=dict)

    def lineage(self, dtmi: str) -> list[Interface]:
        """The Interface and all it extends that are in the set, itself first, each once."""
        found: dict[str, Interface] = {}
        waiting = [dtmi]
        while waiting:
            name = waiting.pop(0)
            if name not in found and (interface := self.interfaces.get(name)) is not None:
                found[name] = interface
                waiting += interface.extends
        return list(found.values())

    def contents(self, dtmi: str) -> list[Content]:
        """All contents of an Interface, inherited ones included, its own first."""
        return [content for interface in self.lineage(dtmi) for content in interface.contents]


def _content(element: Element, schemas: Mapping[str, Element]) -> Content:
    members = element.members
    held = members.get("schema")
    if isinstance(held, Reference) and element.type != "Component":
        held = schemas.get(held.dtmi, held)
    schema: str | EnumSchema | None
    if isinstance(held, Reference) or (isinstance(held, Element) and held.type == "Interface"):
        schema = held.dtmi
    elif isinstance(held, Element) and held.type == "Enum":
        values = [value for value in held.held("enumValues") if isinstance(value, Element) and value.name]
        schema = EnumSchema(held.dtmi, tuple((value.name, value.members.get("enumValue", "")) for value in values))
    elif isinstance(held, Element):
        schema = held.type
    else:
        schema = held
    semantic = sorted(element.cotypes & SEMANTIC_TYPES.keys())
    return Content(
        kind=element.type,  # type: ignore[arg-type]  # the walk lets only the five kinds into contents
        dtmi=element.dtmi,
        name=element.name,
        label=members.get("displayName", {}),
        description=members.get("description", {}),
        schema=schema,
        semantic_type=semantic[0] if semantic else None,
        unit=members.get("unit"),
        writable=members.get("writable") is True,
        target=members.get("target"),
    )


def interface(element: Element) -> Interface:
    """The Interface that an element of that type says."""
    schemas = schemas_of(element)
    return Interface(
        dtmi=element.dtmi,
        version=element.version,
        label=element.members.get("displayName", {}),
        description=element.members.get("description", {}),
        extends=tuple(held.dtmi for held in element.held("extends")),
        contents=tuple(_content(held, schemas) for held in element.held("contents") if isinstance(held, Element)),
    )


def judge_set(elements: Iterable[Element], interfaces: InterfaceSet) -> Iterator[Problem]:
    """What is wrong between interfaces: two definitions, missing ones, circles, depth, inherited names that clash."""
    first: dict[str, Element] = {}
    for element in elements:
        earlier = first.setdefault(element.dtmi, element)
        if earlier is not element:
            if dict(earlier.source) != dict(element.source):
                yield _bad(
                    element, "id.twice", "The identifier is defined twice, with other content.", "Keep one of them."
                )
            continue
        language = edition(element.version)
        yield from _references(element, interfaces)
        yield from judge_schemas(element)
        if not interfaces.interfaces[element.dtmi].extends:
            continue
        depth = _depth(element.dtmi, interfaces, ())
        if depth is None:
            yield _bad(element, "extends.cycle", "The Interface extends itself, directly or through others.",
                       "Remove one link of the circle.", "extends")  # fmt: skip
        elif depth > language.extends_depth:
            yield _bad(element, "extends.depth", f"It inherits over {depth} levels.",
                       f"DTDL {element.version} allows {language.extends_depth}.", "extends")  # fmt: skip
        else:
            yield from _inherited(element, interfaces, language)


def _bad(element: Element, rule: str, message: str, remedy: str, *steps: str | int) -> Problem:
    return Problem(rule, element.dtmi, pointer(element.path, *steps), message, remedy, element.document)


def _references(element: Element, interfaces: InterfaceSet) -> Iterator[Problem]:
    for held in element.held("extends"):
        if held.dtmi not in interfaces.interfaces:
            yield _bad(element, "reference.missing", f"It extends {held.dtmi}, which is not given.",
                       "Give its definition too.", "extends")  # fmt: skip
    for content in element.held("contents"):
        if not isinstance(content, Element) or content.type != "Component":
            continue
        schema = content.members.get("schema")
        if not isinstance(schema, Element | Reference):
            continue
        if schema.dtmi not in interfaces.interfaces:
            yield _bad(content, "reference.missing", f"Its Interface {schema.dtmi} is not given.",
                       "Give its definition too.", "schema")  # fmt: skip
        elif any(inner.kind == "Component" for inner in interfaces.contents(schema.dtmi)):
            yield _bad(content, "component.nested", f"Its Interface {schema.dtmi} has Components itself.",
                       "Use a Relationship there.", "schema")  # fmt: skip


def _depth(dtmi: str, interfaces: InterfaceSet, above: tuple[str, ...]) -> int | None:
    """Levels of inheritance above an Interface; None when they form a circle."""
    if dtmi in above or len(above) > 64:
        return None
    found = interfaces.interfaces.get(dtmi)
    depths = [_depth(parent, interfaces, (*above, dtmi)) for parent in found.extends] if found is not None else []
    if None in depths:
        return None
    return 1 + max((depth for depth in depths if depth is not None), default=-1)


def _inherited(element: Element, interfaces: InterfaceSet, language: Edition) -> Iterator[Problem]:
    lineage = interfaces.lineage(element.dtmi)
    if len(lineage) - 1 > language.extends_total:
        yield _bad(element, "extends.total", f"It inherits from {len(lineage) - 1} Interfaces.",
                   f"DTDL {element.version} allows {language.extends_total}.", "extends")  # fmt: skip
    contents = [(content, owner) for owner in lineage for content in owner.contents]
    if len(contents) > language.contents:
        yield _bad(element, "limit.contents", f"It has {len(contents)} contents, inherited ones included.",
                   f"DTDL {element.version} allows {language.contents}.", "contents")  # fmt: skip
    seen: dict[str, str] = {}
    for content, owner in contents:
        other = seen.setdefault(content.name, owner.dtmi)
        if other != owner.dtmi:
            yield _bad(element, "name.inherited", f"{content.name} comes from both {other} and {owner.dtmi}.",
                       "Rename one of them.", "contents")  # fmt: skip
