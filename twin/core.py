"""The graph side of a server, opened on a data directory: what a command needs that runs without connections."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from twin.clock import Clock
from twin.directory import DataDirectory
from twin.flows.imports import Importer
from twin.flows.lifetimes import Lifetimes
from twin.flows.repairs import Repairing
from twin.flows.revalidation import Revalidation, Rules
from twin.flows.vocabularies import load_vocabularies, vocabulary_files
from twin.graph.change import ChangeDoor
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
from twin.graph.recovery import mend, recover
from twin.graph.twins.reader import TwinReader
from twin.graph.validation.gate import Gate, our_shapes
from twin.graph.validation.violations import ViolationStore
from twin.jobs import Jobs
from twin.scope import Scope
from twin.settings import Settings
from twin.terms import read_file
from twin.vocab import site_of_graph
from twin.vocabularies.brick import brick_file


@dataclass(slots=True)
class Core:
    """Store, journal, door, read model, violations and importer of one data directory."""

    store: OxigraphStore
    journal: Journal
    door: ChangeDoor
    twins: TwinReader
    violations: ViolationStore
    importer: Importer
    gate: Gate
    revalidation: Revalidation
    repairing: Repairing
    jobs: Jobs
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
        rules = _rules(settings)
        gate = _gate(rules)
        jobs = Jobs(clock)
        door = ChangeDoor(store, journal, clock, gate, partial(mend, store, journal, directory.raw), jobs)
        if renewed:
            sites = (site_of_graph(graph) for graph in store.graphs())
            door.derive_anew([site for site in sites if site is not None], "the vocabularies of this version")
        twins = TwinReader(store, lambda: door.hierarchy, journal.known_series)
        violations = ViolationStore(directory.violations)
        opened.pop_all()
    door.before_announcing.append(twins.refresh)

    door.before_announcing.append(gate.follow)
    lifetimes = Lifetimes(store, journal, violations, ("twin", "user", "brick"))
    lifetimes.open()
    door.judged = lifetimes.heed
    known = partial(twins.sites, Scope())
    copies = directory.past / "validation"
    revalidation = Revalidation(store, gate, violations, copies, clock, jobs, known, rules)
    repairing = Repairing(door, gate, violations)
    importer = Importer(
        door,
        directory.raw,
        revalidation.validate,
        lambda site: twins.counts(Scope(), site),
        settings.imports,
        twins.expect,
    )
    return Core(store, journal, door, twins, violations, importer, gate, revalidation, repairing, jobs, replayed)


def _gate(rules: Rules) -> Gate:
    """The gate by these rules."""
    ontology = None if rules.ontology is None else partial(read_file, rules.ontology)
    return Gate(our_shapes(), ontology=ontology, ontology_refuses=rules.refuses)


def _rules(settings: Settings) -> Rules:
    """Our shapes, and Brick's own unless they are off."""
    chosen = settings.validation.brick_shapes
    brick = None if chosen == "off" else brick_file(settings.validation.brick)
    return Rules.of(vocabulary_files(), brick, chosen == "refuse")
