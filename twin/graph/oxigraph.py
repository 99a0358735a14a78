"""The graph store on Oxigraph: on disk, or in memory when no directory is given.

Isolation: a read sees whole changes only, because a change is one ``update`` (a separate remove and extend would show
torn states).  Oxigraph loses concurrent updates silently, so one lock stands around every write.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, QuerySolutions, RdfFormat, Store, Triple, Variable

from twin.contracts import Delta
from twin.errors import Unavailable
from twin.scope import Scope
from twin.terms import Object, Subject
from twin.vocab import TWIN, XSD

SYSTEM_GRAPH = NamedNode("urn:twin:system")
_STORE = NamedNode("urn:twin:system#store")
_GRAPHS_BY_LIST = 64  # beyond this many graphs a dataset list costs more than the union


class OxigraphStore:
    """A `twin.contracts.GraphStore`; reads from any thread, writes one at a time."""

    def __init__(self, directory: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._hidden: set[NamedNode] = set()
        try:
            self._store = Store() if directory is None else Store(str(directory))
        except OSError as error:
            raise Unavailable(
                f"The graph store in {directory} cannot be opened: {error}.",
                remedy="See whether another process has it open, or rebuild it from the journal.",
            ) from error

    def quads(
        self,
        subject: Subject | None = None,
        predicate: NamedNode | None = None,
        object: Object | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        """The quads that match; None matches anything.  1-7 microseconds for a bound subject."""
        return self._store.quads_for_pattern(subject, predicate, object, graph)

    def graphs(self, scope: Scope | None = None) -> list[NamedNode]:
        """The named graphs inside the scope, without those that are still being loaded."""
        return [
            graph
            for graph in self._store.named_graphs()
            if isinstance(graph, NamedNode) and self._visible(graph, scope)
        ]

    def _visible(self, graph: NamedNode, scope: Scope | None) -> bool:
        return graph not in self._hidden and graph != SYSTEM_GRAPH and (scope is None or scope.sees_graph(graph))

    def select(self, text: str, scope: Scope | None = None, **bound: Object) -> list[Mapping[str, Object]]:
        """The rows of a SELECT of ours over the union of the scope's graphs, unbound variables left out of the row.

        ``bound`` gives values to variables of the projection.
        """
        graphs = self.graphs(scope)
        everything = not self._hidden and (
            scope is None or (scope.sites is None and scope.principal.may_see_bindings())
        )
        substitutions: dict[Variable, NamedNode | BlankNode | Literal | Triple] | None
        substitutions = {Variable(name): term for name, term in bound.items()} or None
        if everything and len(graphs) > _GRAPHS_BY_LIST:
            solutions = self._store.query(text, use_default_graph_as_union=True, substitutions=substitutions)
        else:
            solutions = self._store.query(text, default_graph=list(graphs), substitutions=substitutions)
        if not isinstance(solutions, QuerySolutions):
            raise TypeError("select() takes a SELECT query")
        names = [variable.value for variable in solutions.variables]
        return [{name: row[name] for name in names if row[name] is not None} for row in solutions]

    def apply(self, delta: Delta, revision: int) -> None:
        """Applies the delta and the revision in one atomic update."""
        with self._lock:
            try:
                self._store.update(_update_text(delta, self.revision(), revision))
            except OSError as error:
                raise Unavailable(
                    f"The graph store refused to write: {error}.",
                    remedy="Free disk space; the change is in the journal and is replayed when the store opens again.",
                ) from error

    def bulk_load(self, quads: Iterable[Quad]) -> None:
        """Loads many quads fast, not atomically: only into graphs that `hide` has taken out of every scope."""
        with self._lock:
            self._store.bulk_extend(quads)

    def bulk_load_text(self, data: bytes, syntax: RdfFormat, graph: NamedNode | None, base_iri: str) -> None:
        """Loads RDF text as fast as it can be parsed, its triples into ``graph`` (None: the quads name theirs); not
        atomic, as `bulk_load`.  Raises ``SyntaxError`` with line and column."""
        with self._lock:
            self._store.bulk_load(input=data, format=syntax, base_iri=base_iri, to_graph=graph)

    def blank_quads(self, graph: NamedNode) -> list[Quad]:
        """The quads of a graph with a blank node in them."""
        text = "SELECT ?s ?p ?o { ?s ?p ?o FILTER(isBlank(?s) || isBlank(?o)) }"
        found = self._store.query(text, default_graph=graph)
        return [Quad(row["s"], row["p"], row["o"], graph) for row in found]  # type: ignore[union-attr]  # a SELECT

    def exchange(self, removed: Iterable[Quad], added: Iterable[Quad]) -> None:
        """Removes and adds quads one by one, not atomically: only in graphs that `hide` took out of every scope."""
        with self._lock:
            for quad in removed:
                self._store.remove(quad)
            self._store.extend(added)

    def count(self, graph: NamedNode) -> int:
        """How many quads a graph holds."""
        found = self._store.query("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }", default_graph=graph)
        return int(next(iter(found))["n"].value)  # type: ignore[arg-type]  # one row with one number

    def dump(self, graph: NamedNode) -> bytes:
        """A graph's quads as N-Quads text."""
        text = self._store.dump(format=RdfFormat.N_TRIPLES, from_graph=graph) or b""
        # A literal holds no bare line feed in N-Triples, so this is the end of each line and nothing else.
        return text.replace(b" .\n", f" {graph} .\n".encode())

    def hide(self, graphs: Iterable[NamedNode]) -> None:
        """Takes graphs out of every scope while they are being loaded."""
        self._hidden.update(graphs)

    def publish(self, graphs: Iterable[NamedNode], revision: int) -> None:
        """Puts loaded graphs into scope, with the revision that publishes them."""
        self.apply(Delta(), revision)
        self._hidden.difference_update(graphs)

    def drop(self, graphs: Iterable[NamedNode]) -> None:
        """Empties graphs: what is left of an import that did not finish."""
        with self._lock:
            for graph in graphs:
                self._store.remove_graph(graph)
                self._hidden.discard(graph)

    def stamp(self) -> str:
        """What `set_stamp` wrote last: which version's vocabularies are loaded."""
        for quad in self._store.quads_for_pattern(_STORE, TWIN.vocabularies, None, SYSTEM_GRAPH):
            if isinstance(quad.object, Literal):
                return quad.object.value
        return ""

    def set_stamp(self, stamp: str) -> None:
        """Notes which version's vocabularies are loaded."""
        with self._lock:
            for quad in list(self._store.quads_for_pattern(_STORE, TWIN.vocabularies, None, SYSTEM_GRAPH)):
                self._store.remove(quad)
            self._store.add(Quad(_STORE, TWIN.vocabularies, Literal(stamp), SYSTEM_GRAPH))
            self._store.flush()

    def revision(self) -> int:
        """The last revision applied; 0 for an empty store."""
        for quad in self._store.quads_for_pattern(_STORE, TWIN.revision, None, SYSTEM_GRAPH):
            if isinstance(quad.object, Literal):
                return int(quad.object.value)
        return 0

    def checkpoint(self, directory: Path) -> int:
        """Writes an independent copy (hard links where the file system has them); returns its revision."""
        with self._lock:
            self._store.flush()
            self._store.backup(str(directory))
            return self.revision()

    def __len__(self) -> int:
        return len(self._store)

    def close(self) -> None:
        """Flushes; the directory is released when the last reference to the store goes."""
        with self._lock:
            self._store.flush()
            del self._store


def _update_text(delta: Delta, before: int, revision: int) -> str:
    # Terms print as N-Triples, which SPARQL reads back unchanged; blank nodes were skolemised at the door.
    counter = f"<{_STORE.value}> <{TWIN.revision.value}> {{}}"
    parts = []
    if delta.removed or before != revision:
        old = [counter.format(Literal(str(before), datatype=XSD.integer)) + f" {SYSTEM_GRAPH}"] if before else []
        removed = _grouped(delta.removed, old)
        if removed:
            parts.append(f"DELETE DATA {{ {removed} }}")
    new = counter.format(Literal(str(revision), datatype=XSD.integer)) + f" {SYSTEM_GRAPH}"
    parts.append(f"INSERT DATA {{ {_grouped(delta.added, [new])} }}")
    return " ;\n".join(parts)


def _grouped(quads: Iterable[Quad], system: list[str]) -> str:
    by_graph: dict[str, list[str]] = {}
    for quad in quads:
        by_graph.setdefault(str(quad.graph_name), []).append(str(quad.triple))
    for line in system:
        triple, _, graph = line.rpartition(" ")
        by_graph.setdefault(graph, []).append(triple)
    return "\n".join(f"GRAPH {graph} {{ {' . '.join(triples)} }}" for graph, triples in by_graph.items())
