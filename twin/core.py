"""The graph side of a server, opened on a data directory: what a command needs that runs without connections."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from twin.clock import Clock
from twin.contracts import Delta
from twin.directory import DataDirectory
from twin.flows.imports import Importer
from twin.flows.vocabularies import load_vocabularies, shape_quads
from twin.graph.change import ChangeDoor
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
from twin.graph.recovery import recover
from twin.graph.twins import TwinReader
from twin.graph.validation import Gate, Judgement, validate
from twin.graph.violations import ViolationStore
from twin.scope import Scope
from twin.settings import Settings
from twin.terms import NamedNode
from twin.vocab import site_of_any_graph


@dataclass(slots=True)
class Core:
    """Store, journal, door, read model, violations and importer of one data directory."""

    store: OxigraphStore
    journal: Journal
    door: ChangeDoor
    twins: TwinReader
    violations: ViolationStore
    importer: Importer
    replayed: int

    def close(self) -> None:
        """Closes what holds files."""
        self.violations.close()
        self.store.close()
        self.journal.close()


def open_core(directory: DataDirectory, settings: Settings, clock: Clock) -> Core:
    """Opens the graph of an entered data directory, brings it up to its journal and to this version's vocabularies.

    Raises `twin.errors.ConfigurationError` for what cannot be opened, in words.
    """
    journal = Journal(directory.journal)
    store = OxigraphStore(directory.graph)
    load_vocabularies(store, settings.validation.brick)

    replayed = recover(store, journal, directory.raw)
    door = ChangeDoor(store, journal, clock, Gate(shape_quads()))
    twins = TwinReader(store, lambda: door.hierarchy, journal.known_series)
    door.before_announcing.append(twins.refresh)
    violations = ViolationStore(directory.violations)

    def keep(delta: Delta, judgement: Judgement) -> None:
        graphs = {quad.graph_name for quad in (*delta.removed, *delta.added)}
        sites = {site_of_any_graph(graph) for graph in graphs if isinstance(graph, NamedNode)}
        for site in sites - {None}:
            violations.update(str(site), "twin", judgement)

    door.judged = keep

    async def validate_site(site: str) -> int:
        found = await asyncio.to_thread(validate, store, site)
        violations.replace(site, "twin", found)
        return len(found)

    importer = Importer(door, directory.raw, validate_site, lambda site: twins.counts(Scope(), site))
    return Core(store, journal, door, twins, violations, importer, replayed)
