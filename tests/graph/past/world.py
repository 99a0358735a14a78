"""A graph on disk whose every past is known to the test: changes, imports, snapshots and restarts."""

from __future__ import annotations

from pathlib import Path

from twin.clock import ManualClock
from twin.contracts import Delta
from twin.graph.bulk import Text, graphs_of, load_texts
from twin.graph.change import ChangeDoor
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
from twin.graph.past.pinned import Pasts
from twin.graph.past.snapshots import Snapshots
from twin.graph.recovery import keep_artifacts, recover
from twin.graph.twins.reader import TwinReader
from twin.scope import Scope
from twin.terms import NamedNode, Quad, RdfFormat
from twin.vocab import site_graph

SYSTEM = NamedNode("urn:twin:system")


class World:
    """A store, its journal and its past in one directory."""

    def __init__(self, directory: Path, keep: int = 3) -> None:
        self.directory = directory
        self.keep = keep
        self.clock = ManualClock()
        (directory / "raw").mkdir(parents=True)
        self.states: list[frozenset[Quad]] = [frozenset()]
        self.start()

    def start(self) -> None:
        """Opens everything."""
        self.journal = Journal(self.directory / "journal.sqlite")
        self.store = OxigraphStore(self.directory / "graph")
        recover(self.store, self.journal, self.directory / "raw")
        self.door = ChangeDoor(self.store, self.journal, self.clock)
        self.twins = TwinReader(self.store, lambda: self.door.hierarchy, self.journal.known_series)
        self.door.before_announcing.append(self.twins.refresh)
        self.snapshots = Snapshots(
            self.store, self.journal, self.directory / "snapshots", self.directory / "graph", keep=self.keep, size=2**40
        )
        self.pasts = Pasts(
            self.store,
            self.journal,
            self.twins,
            self.snapshots,
            self.directory / "past",
            self.directory / "raw",
            self.clock,
            most=2,
        )

    async def stop(self) -> None:
        """Closes everything."""
        await self.pasts.close()
        self.store.close()
        self.journal.close()

    async def change(self, removed: tuple[Quad, ...] = (), added: tuple[Quad, ...] = ()) -> int:
        """Commits a change a second later, and remembers the state after it."""
        self.clock.advance(1)
        committed = await self.door.commit(Delta(removed, added), actor="ann", reason="a change")
        return self._remember(committed.token)

    async def bring(self, site: str, turtle: str) -> int:
        """Imports a new site in bulk."""
        self.clock.advance(1)
        texts = [Text(turtle.encode(), RdfFormat.TURTLE, site_graph(site).value)]

        def load() -> str:
            raw = self.directory / "raw"
            return load_texts(
                self.store,
                texts,
                site,
                self.door.derivation,
                self.journal.series,
                lambda found: keep_artifacts(raw, site, found),
            ).artifact

        committed = await self.door.publish_import(graphs_of(site), load, actor="bob", reason=f"import of {site}")
        return self._remember(committed.token)

    def _remember(self, revision: int) -> int:
        if revision == len(self.states):
            self.states.append(state_of(self.store))
        return revision

    async def read(self, revision: int) -> frozenset[Quad]:
        """The state as the past tells it."""
        return state_of((await self.pasts.pin(revision)).store)


def state_of(store: OxigraphStore) -> frozenset[Quad]:
    """The quads of a store that reads see."""
    visible = set(store.graphs())
    return frozenset(quad for quad in store.quads() if quad.graph_name in visible)


def told(twins: TwinReader) -> dict[str, object]:
    """What a read model says of everything: for comparing two."""
    scope = Scope()
    listed = twins.twins(scope, limit=10_000).items, twins.properties(scope, limit=10_000).items
    return {
        "sites": twins.sites(scope),
        "listed": [list(each) for each in listed],
        "twins": [twins.twin(scope, iri) for iri in listed[0]],
        "properties": [twins.property(scope, iri) for iri in listed[1]],
        "places": [twins.contents(scope, iri) for iri in listed[0]],
        "bindings": twins.bindings(scope),
        "counts": twins.counts(scope),
    }
