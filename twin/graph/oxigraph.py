"""The graph store on Oxigraph: on disk, or in memory when no directory is given.

Isolation: a read sees whole changes only, because a change is one ``update`` (a separate remove and extend would show
torn states).  Oxigraph loses concurrent updates silently, so one lock stands around every write.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pyoxigraph import (
    BlankNode,
    Literal,
    NamedNode,
    Quad,
    QueryResultsFormat,
    QuerySolutions,
    RdfFormat,
    Store,
    Triple,
    Variable,
)

from twin.contracts import Delta
from twin.errors import ConfigurationError, Unavailable
from twin.graph.canonical import spelled
from twin.scope import Scope
from twin.terms import Object, Subject
from twin.vocab import TWIN, XSD

SYSTEM_GRAPH = NamedNode("urn:twin:system")
_STORE = NamedNode("urn:twin:system#store")
_PATIENCE = 5.0  # seconds that reads under way get to let go of a store that is opened again
_log = logging.getLogger(__name__)


class OxigraphStore:
    """A `twin.contracts.GraphStore`; reads from any thread, writes one at a time.

    ``refused`` says that the disk refused a write: nothing more is taken until `reopen`.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._hidden: set[NamedNode] = set()
        self._directory = directory
        self.refused = False
        self._store = _opened(directory)
        with _readable(directory):
            self._revision = self._read_revision()

    @property
    def on_disk(self) -> bool:
        """Whether it has a directory."""
        return self._directory is not None

    def quads(
        self,
        subject: Subject | None = None,
        predicate: NamedNode | None = None,
        object: Object | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        """The quads that match; None matches anything.  1-7 microseconds for a bound subject."""
        found = self._store.quads_for_pattern(subject, predicate, object, graph)
        if isinstance(object, Literal) and object.value.startswith("-"):
            # The engine's key of -1 ends in bytes of ones, and a scan for it on disk runs on into what follows.
            asked = spelled(object)
            return (quad for quad in found if quad.object == asked)
        return found

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
        everything = not self._hidden and (
            scope is None or (scope.sites is None and scope.principal.may_see_bindings())
        )
        substitutions: dict[Variable, NamedNode | BlankNode | Literal | Triple] | None
        substitutions = {Variable(name): term for name, term in bound.items()} or None
        if everything:  # ten times faster than a list of the same graphs; the system graph says nothing of twins
            solutions = self._store.query(text, use_default_graph_as_union=True, substitutions=substitutions)
        else:
            solutions = self._store.query(text, default_graph=list(self.graphs(scope)), substitutions=substitutions)
        if not isinstance(solutions, QuerySolutions):
            raise TypeError("select() takes a SELECT query")
        names = [variable.value for variable in solutions.variables]
        return [{name: row[name] for name in names if row[name] is not None} for row in solutions]

    def apply(self, delta: Delta, revision: int) -> None:
        """Applies the delta and the revision in one atomic update."""
        with self._lock:
            self._apply(delta, revision)

    def _apply(self, delta: Delta, revision: int) -> None:
        with self._writing():
            self._store.update(_update_text(delta, self._revision, revision))
            self._revision = revision

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Says in words what the disk refuses, and notes it: the engine takes nothing more until `reopen`."""
        try:
            with _readable(self._directory):
                yield
        except OSError as error:
            self.refused = True
            raise Unavailable(
                f"The graph store refused to write: {error}.",
                remedy="Free disk space; what the journal holds already is applied by itself then.",
            ) from error

    def reopen(self) -> None:
        """Opens the directory again after a write was refused; raises `Unavailable` as long as that cannot be done.

        Reads go on meanwhile, from the files as they are.
        """
        if self._directory is None:
            self.refused = False
            return
        with self._lock:
            try:
                self._store = Store.read_only(str(self._directory))  # lets go of the engine that refuses
                self._store = _released(self._directory)
            except (OSError, RuntimeError) as error:
                raise Unavailable(
                    f"The graph store cannot be opened again: {error}.", remedy="Free disk space."
                ) from error
            self._revision = self._read_revision()
            self.refused = False

    def bulk_load(self, quads: Iterable[Quad]) -> None:
        """Loads many quads fast, not atomically: only into graphs that `hide` has taken out of every scope."""
        with self._lock, self._writing():
            self._store.bulk_extend(quads)

    def bulk_load_text(self, data: bytes, syntax: RdfFormat, graph: NamedNode | None, base_iri: str) -> None:
        """Loads RDF text as fast as it can be parsed, its triples into ``graph`` (None: the quads name theirs); not
        atomic, as `bulk_load`.  Raises ``SyntaxError`` with line and column.

        Several may run at once, and beside a change and a checkpoint: it adds files to the store and reads nothing.
        """
        with self._writing():
            self._store.bulk_load(input=data, format=syntax, base_iri=base_iri, to_graph=graph)

    def pairs(self, predicate: NamedNode, graph: NamedNode) -> list[tuple[str, str]]:
        """Subject and object of a graph's quads with this predicate that join two IRIs, written ``<IRI>``.

        For whole graphs: 4 microseconds a quad, a third of what `quads` takes, and other threads run meanwhile.
        """
        rows = (line.split("\t") for line in self._column(f"SELECT ?s ?o {{ ?s {predicate} ?o }}", graph))
        return [(s, o) for s, o in rows if s[0] == "<" and o[0] == "<" and not o.startswith("<<")]

    def instances(self, cls: NamedNode, graph: NamedNode) -> list[str]:
        """The IRIs that a graph says to be of the class, written ``<IRI>``; as `pairs`."""
        return [node for node in self._column(f"SELECT ?s {{ ?s a {cls} }}", graph) if node[0] == "<"]

    def subjects(self, predicate: NamedNode, graph: NamedNode) -> list[str]:
        """The IRIs of which a graph says something by the predicate, written ``<IRI>``; as `pairs`."""
        return [node for node in self._column(f"SELECT DISTINCT ?s {{ ?s {predicate} ?o }}", graph) if node[0] == "<"]

    def _column(self, query: str, graph: NamedNode) -> list[str]:
        found = self._store.query(query, default_graph=graph)
        if not isinstance(found, QuerySolutions):
            raise TypeError("a column is that of a SELECT")
        # TSV escapes tabs and line feeds within its terms.
        return (found.serialize(format=QueryResultsFormat.TSV) or b"").decode().split("\n")[1:-1]

    def blank_quads(self, graph: NamedNode) -> list[Quad]:
        """The quads of a graph with a blank node in them."""
        text = "SELECT ?s ?p ?o { ?s ?p ?o FILTER(isBlank(?s) || isBlank(?o)) }"
        found = self._store.query(text, default_graph=graph)
        return [Quad(row["s"], row["p"], row["o"], graph) for row in found]  # type: ignore[union-attr]  # a SELECT

    def exchange(self, removed: Iterable[Quad], added: Iterable[Quad]) -> None:
        """Removes and adds quads one by one, not atomically: only in graphs that `hide` took out of every scope."""
        with self._lock, self._writing():
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
        with self._lock:
            self._apply(Delta(), revision)
            self._hidden.difference_update(graphs)

    def drop(self, graphs: Iterable[NamedNode]) -> None:
        """Empties graphs: what is left of an import that did not finish."""
        with self._lock, self._writing():
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
        with self._lock, self._writing():
            for quad in list(self._store.quads_for_pattern(_STORE, TWIN.vocabularies, None, SYSTEM_GRAPH)):
                self._store.remove(quad)
            self._store.add(Quad(_STORE, TWIN.vocabularies, Literal(stamp), SYSTEM_GRAPH))
            self._store.flush()

    def revision(self) -> int:
        """The last revision applied; 0 for an empty store."""
        # Known, because looking it up passes over every revision that was removed and not tidied away yet.
        return self._revision

    def _read_revision(self) -> int:
        for quad in self._store.quads_for_pattern(_STORE, TWIN.revision, None, SYSTEM_GRAPH):
            if isinstance(quad.object, Literal):
                return int(quad.object.value)
        return 0

    def checkpoint(self, directory: Path) -> int:
        """Writes an independent copy (hard links where the file system has them); returns its revision."""
        return self.copy(directory)[0]

    def copy(self, directory: Path) -> tuple[int, frozenset[NamedNode]]:
        """As `checkpoint`; its revision, and the graphs in it that no read may see yet."""
        with self._lock:
            self._store.flush()
            self._store.backup(str(directory))
            return self.revision(), frozenset(self._hidden)

    def __len__(self) -> int:
        return len(self._store)

    def close(self) -> None:
        """Flushes; the directory is released when the last reference to the store goes."""
        with self._lock:
            try:
                self._store.flush()
            except OSError as error:
                _log.warning("The graph store could not be flushed: %s; the journal has what it lacks.", error)
            del self._store


def _opened(directory: Path | None) -> Store:
    with _readable(directory):
        try:
            return Store() if directory is None else Store(str(directory))
        except OSError as error:  # a file that is missing, and a directory that is held, are the same to the engine
            if "lock" in str(error).lower():
                raise Unavailable(
                    f"The graph store in {directory} is in use by another process.", remedy="Stop that process."
                ) from error
            if error.errno == errno.ENOSPC or "no space" in str(error).lower():
                raise Unavailable(
                    f"The graph store in {directory} cannot be opened: {error}.", remedy="Free disk space."
                ) from error
            raise damaged(directory, error) from error


def _released(directory: Path) -> Store:
    """The store of a directory that reads in other threads still hold for a moment."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return Store(str(directory))
        except OSError as error:
            if "lock" not in str(error).lower() or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


@contextmanager
def _readable(directory: Path | None) -> Iterator[None]:
    """Says in words that a store's files are damaged, which the engine tells by exceptions of several kinds."""
    try:
        yield
    except RuntimeError as error:
        raise damaged(directory, error) from error
    except Exception:
        raise
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # of the engine, which knows no way on; no Exception in Python
            raise damaged(directory, error) from None
        raise


def damaged(directory: Path | None, error: BaseException) -> ConfigurationError:
    """What is said of a store that cannot be read."""
    said = " ".join(str(error).split())[:300].rstrip(".")
    where = "" if directory is None else f" --data {directory.parent}"
    return ConfigurationError(
        f"The graph store in {directory} is damaged: {said}.",
        remedy=f"Make it anew from the journal, which is kept apart from it: twin repair{where}.",
    )


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
