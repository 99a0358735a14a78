"""What an Interface becomes in the graph: a class, and its contents classes of properties."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from twin.terms import Literal, NamedNode, Object, Quad
from twin.vocab import OWL, QUANTITYKIND, QUDT, RDF, RDFS, TWIN, UNIT, vocabulary_graph
from twin.vocabularies.dtdl.interfaces import Content, EnumSchema, InterfaceSet
from twin.vocabularies.dtdl.language import GEOSPATIAL
from twin.vocabularies.dtdl.quantities import quantity_kind, qudt_unit

GRAPH = vocabulary_graph("dtdl")
_WORD = re.compile(r"[A-Z]+[0-9]*(?![a-z])|[A-Z]?[a-z]+[0-9]*|[0-9]+")
_NO_NUMBER = frozenset({"string", "date", "dateTime", "duration", "time", "uuid", "bytes"})


def role(name: str) -> str:
    """The role that a content's name says, in snake_case.

    >>> role("supplyAirTemperature"), role("CO2Level"), role("setpoint_1")
    ('supply_air_temperature', 'co2_level', 'setpoint_1')
    """
    return "_".join(word.lower() for part in name.split("_") for word in _WORD.findall(part))


def value_kind(content: Content) -> str | None:
    """``number``, ``boolean``, ``state`` or ``text``; None for what holds no single value."""
    if content.kind not in ("Telemetry", "Property") or content.schema is None:
        return None
    if isinstance(content.schema, EnumSchema):
        return "state"
    if content.schema == "boolean":
        return "boolean"
    if content.schema in _NO_NUMBER:
        return "text"
    if content.schema in ("Array", "Map", "Object", "scaledDecimal") or content.schema in GEOSPATIAL:
        return None
    return None if content.schema.startswith("dtmi:") else "number"


def quantity(content: Content) -> tuple[NamedNode, NamedNode | None]:
    """Quantity kind and unit of a content.

    A content without a semantic type is a plain number; a unit is None when QUDT has none for the DTDL name.
    """
    if content.semantic_type is None:
        return QUANTITYKIND.Dimensionless, UNIT.UNITLESS
    return quantity_kind(content.semantic_type), qudt_unit(content.unit) if content.unit else None


def text(by_language: Mapping[str, str], otherwise: str) -> str:
    """The text to show: English first (DTDL's default language), else the first one given."""
    for language, words in by_language.items():
        if language.lower() == "en" or language.lower().startswith("en-"):
            return words
    return next(iter(by_language.values()), otherwise)


def interface_quads(interfaces: InterfaceSet) -> Iterator[Quad]:
    """The classes, property classes and relations of all interfaces, in the DTDL vocabulary's graph.

    The IRI of a class is the DTMI as it is; that of a content the identifier DTDL assigns (``...:_contents:__name;1``).
    """
    for interface in interfaces.interfaces.values():
        name = interface.dtmi.rpartition(":")[2].partition(";")[0]
        subject = NamedNode(interface.dtmi)
        yield _quad(subject, RDF.type, OWL.Class)
        yield _quad(subject, RDF.type, TWIN.Interface)
        yield from _labels(subject, interface.label, name, interface.description)
        for parent in interface.extends:
            yield _quad(subject, RDFS.subClassOf, NamedNode(parent))
        if not interface.extends:
            yield _quad(subject, RDFS.subClassOf, TWIN.Interface)
        for content in interface.contents:
            yield from _content_quads(content)


def _content_quads(content: Content) -> Iterator[Quad]:
    subject = NamedNode(content.dtmi)
    if content.kind in ("Relationship", "Component"):
        yield _quad(subject, RDF.type, OWL.ObjectProperty)
        yield from _labels(subject, content.label, content.name, content.description)
        return
    kind = value_kind(content)
    if kind is None:
        return
    yield _quad(subject, RDF.type, OWL.Class)
    yield _quad(subject, RDFS.subClassOf, TWIN.Property)
    yield from _labels(subject, content.label, content.name, content.description)
    yield _quad(subject, TWIN.role, Literal(role(content.name)))
    quantity_kind_iri, unit = quantity(content)
    yield _quad(subject, QUDT.hasQuantityKind, quantity_kind_iri)
    if unit is not None:
        yield _quad(subject, QUDT.hasUnit, unit)


def _labels(
    subject: NamedNode, label: Mapping[str, str], otherwise: str, description: Mapping[str, str]
) -> Iterator[Quad]:
    yield _quad(subject, RDFS.label, Literal(text(label, otherwise)))
    if description:
        yield _quad(subject, RDFS.comment, Literal(text(description, "")))


def _quad(subject: NamedNode, predicate: NamedNode, value: Object) -> Quad:
    return Quad(subject, predicate, value, GRAPH)
