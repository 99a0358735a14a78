"""The graph side of a server, opened on a data directory: what a command needs that runs without connections."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from twin.clock import Clock
from twin.contracts import Delta
from twin.directory import DataDirectory
from twin.flows.imports import Importer
from twin.flows.vocabularies import load_vocabularies
from twin.graph.change import ChangeDoor
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
from twin.graph.recovery import recover
from twin.graph.twins import TwinReader
from twin.graph.validation import Gate, Judgement, Violation, our_shapes, validate
from twin.graph.violations import ViolationStore
from twin.scope import Scope
from twin.settings import Settings
from twin.terms import NamedNode, Quad
from twin.vocab import site_of_any_graph, site_of_graph


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
    with ExitStack() as opened:  # what was opened is closed when the rest cannot be
        journal = Journal(directory.journal)
        opened.callback(journal.close)
        store = OxigraphStore(directory.graph)
        opened.callback(store.close)
        renewed = load_vocabularies(store, settings.validation.brick)
        replayed = recover(store, journal, directory.raw)
        door = ChangeDoor(store, journal, clock, Gate(our_shapes()))
        if renewed:
            sites = (site_of_graph(graph) for graph in store.graphs())
            door.derive_anew([site for site in sites if site is not None], "the vocabularies of this version")
        twins = TwinReader(store, lambda: door.hierarchy, journal.known_series)
        violations = ViolationStore(directory.violations)
        opened.pop_all()
    door.before_announcing.append(twins.refresh)

    door.judged = partial(_keep, store, violations)

    async def validate_site(site: str) -> int:
        found = await asyncio.to_thread(validate, store, site)
        violations.replace(site, "twin", found)
        return len(found)

    importer = Importer(door, directory.raw, validate_site, lambda site: twins.counts(Scope(), site))
    return Core(store, journal, door, twins, violations, importer, replayed)


def _keep(store: OxigraphStore, violations: ViolationStore, delta: Delta, judgement: Judgement) -> None:
    """Keeps what a committed change added and takes away what it resolved, each at the sites that speak of the node."""
    touched = _sites((*delta.removed, *delta.added))
    added: dict[str, list[Violation]] = {}
    resolved: dict[str, list[Violation]] = {}
    for found, by_site in ((judgement.added, added), (judgement.resolved, resolved)):
        for violation in found:
            for site in _sites(store.quads(NamedNode(violation.focus), None, None, None)) or touched:
                by_site.setdefault(site, []).append(violation)
    for site in added.keys() | resolved.keys():
        violations.update(site, "twin", Judgement(tuple(added.get(site, ())), tuple(resolved.get(site, ()))))


def _sites(quads: Iterable[Quad]) -> set[str]:
    graphs = (quad.graph_name for quad in quads)
    return {site for graph in graphs if isinstance(graph, NamedNode) and (site := site_of_any_graph(graph))}
