"""Reads SPARQL in shapes (SHACL, 5 to 6, and the SPARQL targets of SHACL Advanced Features): the text, made whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from twin.graph.shacl.constraints import ShapeRef, Sparql
from twin.graph.shacl.paths import Path, path_text
from twin.graph.shacl.query_rules import check_query
from twin.graph.shacl.shape_graph import IllFormed, ShapeGraph
from twin.graph.shacl.shapes import SparqlTarget
from twin.graph.shacl.triples import Term
from twin.terms import Literal, NamedNode, Object
from twin.vocab import OWL, RDF, RDFS, SH, XSD

__all__ = ["Components", "sparql_constraints", "sparql_target"]

_PATH = re.compile(r"[?$]PATH\b")
_NAME = re.compile(r"[^\W\d]\w*")
_RESERVED = frozenset(("this", "shapesGraph", "currentShape", "path", "PATH", "value"))


@dataclass(frozen=True, slots=True)
class _Parameter:
    predicate: NamedNode
    name: str
    optional: bool


@dataclass(frozen=True, slots=True)
class _Component:
    node: NamedNode
    parameters: tuple[_Parameter, ...]
    node_validator: Object | None
    property_validator: Object | None
    validator: Object | None


class Components:
    """The constraint components that a graph of shapes declares itself."""

    def __init__(self, graph: ShapeGraph) -> None:
        self.all: list[_Component] = []
        for node in graph.instances(SH.ConstraintComponent):
            component = graph.attempt(node, _component, graph, node)
            if component is not None and component not in self.all:
                self.all.append(component)
        self.parameters = tuple(each.predicate for component in self.all for each in component.parameters)


def _component(graph: ShapeGraph, node: ShapeRef) -> _Component | None:
    """A component with a validator in SPARQL; None for one without, such as SHACL's own."""
    validators = [graph.one(node, each) for each in (SH.nodeValidator, SH.propertyValidator, SH.validator)]
    if not any(validator is not None for validator in validators):
        return None
    if not isinstance(node, NamedNode):
        raise IllFormed("is a constraint component without an IRI", "Give it an IRI.")
    parameters = tuple(sorted(_parameters(graph, node), key=lambda each: each.name))
    if all(each.optional for each in parameters):
        raise IllFormed("is a constraint component without a parameter that is required", "Declare sh:parameter.")
    return _Component(node, parameters, *validators)


def _parameters(graph: ShapeGraph, node: ShapeRef) -> Iterator[_Parameter]:
    for parameter in graph.objects(node, SH.parameter):
        predicate = graph.iri(parameter, SH.path)
        name = re.split(r"[#/:]", predicate.value)[-1] if predicate is not None else ""
        if predicate is None or not _NAME.fullmatch(name) or name in _RESERVED:
            raise IllFormed(
                "declares a parameter whose sh:path cannot be the name of a variable", "Name it by a word of its own."
            )
        yield _Parameter(predicate, name, graph.boolean(parameter, SH.optional))


def sparql_constraints(
    graph: ShapeGraph, components: Components, node: ShapeRef, path: Path | None
) -> Iterator[Sparql]:
    """The demands of a shape that are written in SPARQL; an ill-formed one is noted and left out."""
    for value in graph.objects(node, SH.sparql):
        constraint = graph.attempt(node, _stated, graph, node, value, path)
        if constraint is not None:
            yield constraint
    for component in components.all:
        yield from graph.attempt(node, _of_component, graph, component, node, path) or ()


def _stated(graph: ShapeGraph, node: ShapeRef, value: Object, path: Path | None) -> Sparql | None:
    if graph.boolean(value, SH.deactivated):
        return None
    query, is_ask = _query(graph, value, path, frozenset())
    return Sparql(
        component=SH.SPARQLConstraintComponent,
        node=value if not isinstance(value, Literal) else node,
        query=query,
        is_ask=is_ask,
        bindings=(("currentShape", node),),
        messages=graph.texts(value, SH.message),
        path=path,
    )


def _of_component(graph: ShapeGraph, component: _Component, node: ShapeRef, path: Path | None) -> list[Sparql]:
    values = {each.name: list(graph.objects(node, each.predicate)) for each in component.parameters}
    if not all(values[each.name] for each in component.parameters if not each.optional):
        return []
    if len(component.parameters) > 1 and any(len(each) > 1 for each in values.values()):
        raise IllFormed(f"has several values of a parameter of {component.node.value}", "Keep one of them.")
    validator = (component.property_validator if path is not None else component.node_validator) or component.validator
    if validator is None:
        return []  # a component for the other kind of shape: ignored, as SHACL says (6.3)
    names = [name for name, given in values.items() if given]
    query, is_ask = _query(graph, validator, path, frozenset(names))
    messages = graph.texts(validator, SH.message) or graph.texts(component.node, SH.message)
    return [
        Sparql(
            component=component.node,
            node=component.node,
            query=query,
            is_ask=is_ask,
            bindings=(("currentShape", node), *zip(names, given, strict=True)),
            messages=messages,
            path=path,
        )
        for given in product(*(values[name] for name in names))
    ]


def _query(graph: ShapeGraph, node: Object, path: Path | None, names: frozenset[str]) -> tuple[str, bool]:
    """The whole text of a constraint's or validator's query, and whether it is an ASK."""
    ask, select = graph.text(node, SH.ask), graph.text(node, SH.select)
    text = ask if ask is not None else select
    if text is None or (ask is not None and select is not None):
        raise IllFormed("has a SPARQL constraint without one sh:select or sh:ask", "State one of them.")
    if path is not None:
        written = f"({path_text(path)})"
        text = _PATH.sub(lambda _: written, text)
    elif _PATH.search(text):
        raise IllFormed("uses $PATH and is no property shape", "Write the predicate out.")
    whole = _prologue(graph, node) + text
    check_query(whole, is_ask=ask is not None, bound=names | {"this", "value"} if ask is not None else names | {"this"})
    return whole, ask is not None


def sparql_target(graph: ShapeGraph, node: Object) -> SparqlTarget:
    """A target given by a SELECT, its own or that of its type."""
    text = graph.text(node, SH.select)
    holder: Term = node
    bindings: list[tuple[str, Term]] = []
    if text is None:
        for kind in graph.types(node):
            if graph.text(kind, SH.select) is None:
                continue
            text, holder = graph.text(kind, SH.select), kind
            for parameter in _parameters(graph, kind) if not isinstance(kind, Literal) else ():
                value = graph.one(node, parameter.predicate)
                if value is None and not parameter.optional:
                    raise IllFormed(f"has a target without {parameter.predicate.value}", "State the parameter.")
                if value is not None:
                    bindings.append((parameter.name, value))
    if text is None:
        raise IllFormed("has a target without sh:select", "State which nodes it is for by a SELECT of ?this.")
    whole = _prologue(graph, holder) + text
    check_query(whole, is_ask=False, bound=frozenset(name for name, _ in bindings))
    return SparqlTarget(whole, tuple(bindings))


def _prologue(graph: ShapeGraph, node: Term) -> str:
    """The prefixes that ``sh:prefixes`` leads to (5.2.1), and the usual ones of RDF, which many shapes forget."""
    ahead: list[Term] = list(graph.objects(node, SH.prefixes))
    seen: set[Term] = set()
    found: dict[str, str] = {}
    usual = {"rdf": str(RDF), "rdfs": str(RDFS), "owl": str(OWL), "xsd": str(XSD), "sh": str(SH)}
    while ahead:
        here = ahead.pop()
        if here in seen:
            continue
        seen.add(here)
        ahead.extend(graph.objects(here, OWL.imports))
        for declared in graph.objects(here, SH.declare):
            prefix, namespace = graph.text(declared, SH.prefix), graph.text(declared, SH.namespace)
            if prefix is None or namespace is None:
                raise IllFormed("declares a prefix without sh:prefix or sh:namespace", "State both.")
            if found.setdefault(prefix, namespace) != namespace:
                raise IllFormed(f"declares the prefix {prefix} twice, for different namespaces", "Keep one of them.")
    return "".join(f"PREFIX {prefix}: <{namespace}>\n" for prefix, namespace in sorted({**usual, **found}.items()))
