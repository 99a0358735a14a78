"""A store on disk with a door and readers, for tests of what changes the graph by SPARQL."""

from __future__ import annotations

from pathlib import Path

from tests.graph.readers.sparql_server import Live
from twin.clock import ManualClock
from twin.contracts import Delta
from twin.flows.updates import Change, Updates
from twin.graph.change import ChangeDoor
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
from twin.graph.readers.service import SparqlService
from twin.scope import Principal, Scope
from twin.settings import SparqlSettings
from twin.terms import Literal, NamedNode, Quad
from twin.vocab import inferred_graph, site_graph

A, B = site_graph("a"), site_graph("b")
BROWSER = Principal("vic", frozenset({"viewer"}))


class Server:
    """The parts together, holding a few quads in two sites and one that is derived."""

    def __init__(self, directory: Path, settings: SparqlSettings) -> None:
        self.settings = settings
        self.store = OxigraphStore(directory / "graph")
        self.journal = Journal()
        self.door = ChangeDoor(self.store, self.journal, ManualClock())
        self.service = SparqlService(self.store, self.door.changes, Live(), directory / "checkpoints", settings)
        self.updates = Updates(self.door, self.service)

    async def start(self) -> Server:
        await self.service.start()
        added = tuple(quad(f"urn:x:{number}", number) for number in range(3))
        derived = quad("urn:x:0", "derived", inferred_graph("a"))
        await self.door.commit(
            Delta(added=(*added, quad("urn:y:0", "other", B), derived)), actor="ann", reason="to begin with"
        )
        return self

    async def update(self, text: str, scope: Scope | None = None, **more: object) -> tuple[list[str], list[str]]:
        """What was removed and what was added, in order."""
        change = Change(scope or Scope(), "a test", more.pop("expected", None))
        delta = (await self.updates.update(text, change, **more)).delta
        return sorted(map(said, delta.removed)), sorted(map(said, delta.added))

    def holds(self, graph: NamedNode) -> list[str]:
        return sorted(said(each) for each in self.store.quads(None, None, None, graph))


def quad(subject: str, value: str | int, graph: NamedNode = A) -> Quad:
    return Quad(NamedNode(subject), NamedNode("urn:p"), Literal(value), graph)


def said(quad: Quad) -> str:
    """A quad in short: the graph's letter, subject, predicate and value."""
    graph = str(quad.graph_name).rpartition(":")[2].rstrip(">")
    target = quad.object.value if isinstance(quad.object, Literal | NamedNode) else str(quad.object)
    return f"{graph} {quad.subject.value} {quad.predicate.value} {target}"
