"""Reading bindings and connections from the graph, and the quads of a binding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from twin.graph.overlay import QuadView
from twin.graph.twins.membership import bindings_site, name_of
from twin.graph.twins.records import BindingRecord, ConnectionRecord
from twin.payload import AS_USUAL, PayloadForm
from twin.terms import Literal, NamedNode, Quad
from twin.vocab import RDF, TWIN, XSD, bindings_graph

_TEXTS = {
    TWIN.address: "address",
    TWIN.writeAddress: "write_address",
    TWIN.path: "path",
    TWIN.timePath: "time_path",
    TWIN.writePath: "write_path",
}
_NODES = {TWIN.binds: "property", TWIN.connection: "connection", TWIN.sourceUnit: "source_unit"}
_NUMBERS = {TWIN.scale: "scale", TWIN.offset: "offset"}
_FORM = {
    TWIN.format: "format",
    TWIN.packing: "packing",
    TWIN.bits: "bits",
    TWIN.timeForm: "time_form",
    TWIN.timeZone: "time_zone",
    TWIN.step: "step",
    TWIN.stepPath: "step_path",
    TWIN.start: "start",
    TWIN.startPath: "start_path",
}
_FORM_NUMBERS = ("step", "start")


def read_binding(view: QuadView, property_iri: str) -> BindingRecord | None:
    """The binding of a property; the first by IRI should there be several."""
    found = sorted(
        quad.subject.value
        for quad in view.quads(None, TWIN.binds, NamedNode(property_iri), None)
        if isinstance(quad.subject, NamedNode)
    )
    return read_record(view, NamedNode(found[0])) if found else None


def read_bindings(view: QuadView, sites: Iterable[str], predicate: NamedNode = TWIN.binds) -> list[BindingRecord]:
    """The bindings of these sites, by IRI; with `TWIN.bindsEach` what is written of their templates."""
    nodes = {
        quad.subject
        for site in sites
        for quad in view.quads(None, predicate, None, bindings_graph(site))
        if isinstance(quad.subject, NamedNode)
    }
    records = (read_record(view, node) for node in sorted(nodes, key=lambda node: node.value))
    return [record for record in records if record is not None]


def read_record(view: QuadView, node: NamedNode) -> BindingRecord | None:
    """What is written of a binding, or of a template with its pattern for a property; None when it is not whole."""
    texts: dict[str, str] = {}
    numbers: dict[str, float] = {}
    form: dict[str, Any] = {}
    states: list[tuple[str, str]] = []
    for quad in view.quads(node, None, None, None):
        value = quad.object
        if isinstance(value, Literal):
            if quad.predicate in _TEXTS:
                texts[_TEXTS[quad.predicate]] = value.value
            elif quad.predicate == TWIN.bindsEach:
                texts["property"] = value.value
            elif quad.predicate in _NUMBERS:
                numbers[_NUMBERS[quad.predicate]] = _number(value)
            elif quad.predicate in _FORM:
                field = _FORM[quad.predicate]
                form[field] = _number(value) if field in _FORM_NUMBERS else value.value
        elif isinstance(value, NamedNode):
            if quad.predicate in _NODES:
                texts[_NODES[quad.predicate]] = value.value
            elif quad.predicate == TWIN.stateEntry:
                entry = {
                    fact.predicate: fact.object.value
                    for fact in view.quads(value, None, None, None)
                    if isinstance(fact.object, Literal)
                }
                if TWIN.code in entry and TWIN.word in entry:
                    states.append((entry[TWIN.code], entry[TWIN.word]))
    if not {"property", "connection", "address"} <= texts.keys():
        return None
    return BindingRecord(
        iri=node.value,
        property=texts["property"],
        connection=texts["connection"],
        address=texts["address"],
        write_address=texts.get("write_address"),
        path=texts.get("path"),
        time_path=texts.get("time_path"),
        write_path=texts.get("write_path"),
        source_unit=texts.get("source_unit"),
        scale=numbers.get("scale", 1.0),
        offset=numbers.get("offset", 0.0),
        states=tuple(sorted(states)),
        form=PayloadForm(**form) if form else AS_USUAL,
    )


def _number(literal: Literal) -> float:
    try:
        return float(literal.value)
    except ValueError:  # the shapes report it; a binding with a broken number decodes to what is not a number
        return float("nan")


def read_connections(view: QuadView, sites: Iterable[str]) -> list[ConnectionRecord]:
    """The connections of these sites, by name."""
    found = []
    for site in sites:
        for quad in view.quads(None, RDF.type, TWIN.Connection, bindings_graph(site)):
            if not isinstance(quad.subject, NamedNode):
                continue
            facts: dict[NamedNode, list[str]] = {}
            for fact in view.quads(quad.subject, None, None, None):
                if isinstance(fact.object, Literal):
                    facts.setdefault(fact.predicate, []).append(fact.object.value)
            options = dict(option.split("=", 1) for option in facts.get(TWIN.option, []) if "=" in option)
            found.append(
                ConnectionRecord(
                    quad.subject.value,
                    name_of(view, quad.subject),
                    bindings_site(quad.graph_name) or site if isinstance(quad.graph_name, NamedNode) else site,
                    next(iter(facts.get(TWIN.protocol, [])), ""),
                    next(iter(facts.get(TWIN.endpoint, [])), ""),
                    options,
                )
            )
    return sorted(found, key=lambda record: (record.name, record.iri))


def binding_quads(record: BindingRecord, site: str) -> Iterator[Quad]:
    """The quads that say a binding, in the site's bindings graph."""
    graph, node = bindings_graph(site), NamedNode(record.iri)
    yield Quad(node, RDF.type, TWIN.Binding, graph)
    for predicate, field in {**_NODES, **_TEXTS}.items():
        value = getattr(record, field)
        if value is not None:
            term = NamedNode(value) if predicate in _NODES else Literal(value)
            yield Quad(node, predicate, term, graph)
    for predicate, field, default in ((TWIN.scale, "scale", 1.0), (TWIN.offset, "offset", 0.0)):
        if getattr(record, field) != default:
            yield Quad(node, predicate, Literal(repr(float(getattr(record, field))), datatype=XSD.double), graph)
    for predicate, field in _FORM.items():
        value = getattr(record.form, field)
        if value is not None:
            number = field in _FORM_NUMBERS
            term = Literal(repr(float(value)), datatype=XSD.double) if number else Literal(value)
            yield Quad(node, predicate, term, graph)
    for index, (code, word) in enumerate(record.states):
        entry = NamedNode(f"{record.iri}-state-{index}")
        yield Quad(node, TWIN.stateEntry, entry, graph)
        yield Quad(entry, TWIN.code, Literal(code), graph)
        yield Quad(entry, TWIN.word, Literal(word), graph)
