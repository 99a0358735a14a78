"""What an update comes to, worked out in a reader process: each operation sees what those before it did.

They are really done to the reader's own copy, one after the other, and taken back at the end; the change itself
comes later, through the one door and the change stream, as every change does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from pyoxigraph import QuerySolutions, Store

from twin.graph.readers.answer import Refused
from twin.graph.skolem import named
from twin.terms import BlankNode, DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Triple, parse
from twin.vocab import site_of_any_graph

SYNTAXES: Mapping[str, RdfFormat] = {
    "turtle": RdfFormat.TURTLE,
    "n-triples": RdfFormat.N_TRIPLES,
    "rdf-xml": RdfFormat.RDF_XML,
    "json-ld": RdfFormat.JSON_LD,
}
_WRITABLE = re.compile(r"urn:twin:(site|bindings):([^:/#?\s]+)")
_QUOTES = 64  # quoted triples in one content; many nested ones exhaust the parser's stack, and none can be stored
Solution = Mapping[str, Any]
Live = dict[NamedNode, Callable[..., Any]] | None


class Scratch:
    """A store that is changed for a while: leaving takes every change back.

    ``writable`` says which ``sites`` may be changed (None: all) and whether ``bindings`` may; ``most`` is how many
    quads may change.
    """

    def __init__(self, store: Store, writable: Mapping[str, Any], most: int) -> None:
        self.store = store
        self.removed: set[Quad] = set()
        self.added: set[Quad] = set()
        self._sites = writable["sites"]
        self._bindings = writable["bindings"]
        self._most = most
        self._checked: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for quad in self.added:
            self.store.remove(quad)
        self.store.extend(self.removed)

    def change(self, removed: Iterable[Quad], added: Iterable[Quad]) -> None:
        """Removes, then adds; raises `Refused` for a graph that may not be changed, or for too many quads."""
        coming = set(self._within(added))
        going = {quad for quad in self._within(removed) if quad not in coming and quad in self.store}
        coming = {quad for quad in coming if quad not in self.store}
        for quad in going:
            self.store.remove(quad)
        self.store.extend(coming)
        self.removed |= going - self.added
        self.added -= going
        self.added |= coming - self.removed
        self.removed -= coming

    def _within(self, quads: Iterable[Quad]) -> Iterator[Quad]:
        for number, quad in enumerate(quads):
            if number >= self._most:
                raise Refused(
                    "invalid",
                    f"The update would change more than {self._most:,} quads.",
                    "Change less at once, or import a file.",
                )
            self.check(quad.graph_name)
            yield quad

    def check(self, graph: object) -> None:
        """Returns when the graph may be changed; raises `Refused` otherwise."""
        if isinstance(graph, DefaultGraph) or not isinstance(graph, NamedNode):
            raise Refused(
                "invalid",
                "The update does not say which graph it changes.",
                "Write GRAPH <urn:twin:site:office> { ... } in its templates, or WITH before them.",
            )
        if graph.value in self._checked:
            return
        match = _WRITABLE.fullmatch(graph.value)
        if match is None:
            raise Refused(
                "protected",
                f"The graph <{graph.value}> is not changed by updates.",
                "Only the graphs of sites, urn:twin:site:<site> and urn:twin:bindings:<site>, are; what is derived "
                "and the vocabularies follow by themselves.",
            )
        if self._sites is not None and match[2] not in self._sites:
            raise Refused("forbidden", f"The site {match[2]} is none that you may change.", "Ask for access to it.")
        if match[1] == "bindings" and not self._bindings:
            raise Refused("forbidden", "You may not change bindings.", "Ask for the role engineer.")
        self._checked.add(graph.value)

    def graph(self, iri: str) -> list[Quad]:
        """The quads of a graph, no more than may change and one."""
        found = []
        for quad in self.store.quads_for_pattern(None, None, None, NamedNode(iri)):
            found.append(quad)
            if len(found) > self._most:
                break
        return found


def update_delta(
    scratch: Scratch, operations: Sequence[Mapping[str, Any]], dataset: Mapping[str, Any], live: Live
) -> tuple[set[Quad], set[Quad]]:
    """The quads that the operations remove and add, all in all.  Raises `Refused` or ``SyntaxError``."""
    for number, operation in enumerate(operations, 1):
        kind = operation["kind"]
        try:
            if kind == "modify":
                _modify(scratch, operation, dataset, live)
            elif kind == "clear":
                quads = _existing(scratch, operation["graph"], operation)
                scratch.check(NamedNode(operation["graph"]))
                scratch.change(quads, ())
            elif kind == "create":
                _create(scratch, operation)
            else:
                _transfer(scratch, operation)
        except SyntaxError as error:
            raise Refused("syntax", f"{number if len(operations) > 1 else ''}|{error}") from error
    return scratch.removed, scratch.added


def content_delta(scratch: Scratch, asked: Mapping[str, Any], text: bytes) -> tuple[set[Quad], set[Quad]]:
    """What adding a text to a graph - or replacing the graph by it - removes and adds."""
    graph = NamedNode(asked["graph"])
    scratch.check(graph)
    if text.count(b"<<") > _QUOTES:
        raise Refused("invalid", "The text quotes triples inside each other.", "Say it with a node of its own.")
    placed = []
    for quad in parse(text, format=SYNTAXES[asked["syntax"]], base_iri=asked["base"]):
        if not isinstance(quad.graph_name, DefaultGraph):
            raise Refused("invalid", "The text names graphs of its own.", "Send triples; the address names the graph.")
        if isinstance(quad.object, Triple):
            raise Refused("invalid", "The text quotes a triple.", "Say it with a node of its own.")
        placed.append(Quad(quad.subject, quad.predicate, quad.object, graph))
    quads = named(placed, site_of_any_graph(graph) or "")
    scratch.change(scratch.graph(asked["graph"]) if asked["replace"] else (), quads)
    return scratch.removed, scratch.added


def _modify(scratch: Scratch, operation: Mapping[str, Any], dataset: Mapping[str, Any], live: Live) -> None:
    home = NamedNode(operation["graph"]) if operation["graph"] else DefaultGraph()
    deleted, inserted = _template(operation["delete"], home), _template(operation["insert"], home)
    if any(isinstance(term, BlankNode) for quad in deleted for term in (quad.subject, quad.object)):
        raise Refused(
            "invalid",
            "DELETE names a blank node, and nobody can tell which stored node that is.",
            "Every node was given an IRI when it was stored; use that, or a variable.",
        )
    solutions = list(_solutions(scratch.store, operation, home, dataset, live))
    marker = operation["marker"]
    scratch.change(_filled(deleted, solutions, marker), _filled(inserted, solutions, marker))


def _template(text: str, home: NamedNode | DefaultGraph) -> list[Quad]:
    quads = []
    for quad in parse(text, format=RdfFormat.TRIG) if text else ():
        if isinstance(quad.object, Triple):
            raise Refused("invalid", "The update quotes a triple.", "Say it with a node of its own.")
        graph = home if isinstance(quad.graph_name, DefaultGraph) else quad.graph_name
        quads.append(Quad(quad.subject, quad.predicate, quad.object, graph))
    return quads


def _solutions(
    store: Store,
    operation: Mapping[str, Any],
    home: NamedNode | DefaultGraph,
    dataset: Mapping[str, Any],
    live: Live,
) -> Iterator[Solution]:
    if not operation["where"]:
        yield {}
        return
    graphs = dict(dataset)
    if "default" in operation:
        graphs = {
            "default_graph": [NamedNode(graph) for graph in operation["default"]],
            "named_graphs": [NamedNode(graph) for graph in operation["named"]],
        }
    elif isinstance(home, NamedNode):
        graphs.pop("use_default_graph_as_union", None)
        graphs["default_graph"] = home
    found = store.query(operation["where"], custom_functions=live, **graphs)
    if not isinstance(found, QuerySolutions):
        raise TypeError("a pattern is asked for by SELECT")
    names = [variable.value for variable in found.variables]
    for row in found:
        yield {name: row[name] for name in names}


def _filled(template: Sequence[Quad], solutions: Iterable[Solution], marker: str) -> Iterator[Quad]:
    """The template's quads for each solution, without those that would be no RDF."""

    for solution in solutions:
        fresh: dict[Any, BlankNode] = {}
        for quad in template:
            subject, predicate, target, graph = (
                _term(part, solution, fresh, marker)
                for part in (quad.subject, quad.predicate, quad.object, quad.graph_name)
            )
            if (
                isinstance(subject, NamedNode | BlankNode)
                and isinstance(predicate, NamedNode)
                and isinstance(target, NamedNode | BlankNode | Literal)
                and isinstance(graph, NamedNode | DefaultGraph)
            ):
                yield Quad(subject, predicate, target, graph)


def _term(given: Any, solution: Solution, fresh: dict[Any, BlankNode], marker: str) -> Any:
    """A part of a template filled in; None for a variable without a value."""
    if isinstance(given, NamedNode) and given.value.startswith(marker):
        return solution.get(given.value[len(marker) :])
    if isinstance(given, BlankNode):
        return fresh.setdefault(given, BlankNode())
    return given


def _existing(scratch: Scratch, graph: str, operation: Mapping[str, Any]) -> list[Quad]:
    found = scratch.graph(graph)
    if not found and not operation["silent"]:
        raise Refused("missing", f"There is no graph <{graph}>.", "Write SILENT if that does not matter.")
    return found


def _create(scratch: Scratch, operation: Mapping[str, Any]) -> None:
    # A graph is there when it holds something: there is nothing to do for one that is new.
    scratch.check(NamedNode(operation["graph"]))
    if scratch.graph(operation["graph"]) and not operation["silent"]:
        raise Refused("invalid", f"The graph <{operation['graph']}> is there already.", "Write SILENT if it may be.")


def _transfer(scratch: Scratch, operation: Mapping[str, Any]) -> None:
    source, target, kind = operation["source"], operation["graph"], operation["kind"]
    if source == target:
        return
    moved = _existing(scratch, source, operation)
    into = NamedNode(target)
    scratch.check(into)
    old = scratch.graph(target) if kind != "add" else []
    leaving = moved if kind == "move" else []
    arriving = (Quad(quad.subject, quad.predicate, quad.object, into) for quad in moved)
    scratch.change([*old, *leaving], arriving)
