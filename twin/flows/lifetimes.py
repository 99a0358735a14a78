"""The violations that are kept follow the graph: every change tells what it added and resolved, and what was not
judged, or was judged by a server that ended before it could tell, is validated anew."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from twin.contracts import Revision
from twin.graph.journal import Journal
from twin.graph.journal_rows import TooOld
from twin.graph.oxigraph import OxigraphStore
from twin.graph.validation.violations import ViolationStore
from twin.graph.violation import Judgement, Source, Violation
from twin.terms import NamedNode, Quad
from twin.vocab import shapes_graph, site_graph, site_of_any_graph, site_of_graph, vocabulary_graph

__all__ = ["IMPORTED", "Lifetimes"]

IMPORTED = "it was imported"
_UNTOLD = "it was changed in a way that was not judged, or the server ended before that was kept"
_AT_ONCE = 500  # changes


@dataclass(slots=True)
class Lifetimes:
    """Keeps a `ViolationStore` at the journal's revision; ``sources`` are those that changes are judged for."""

    store: OxigraphStore
    journal: Journal
    violations: ViolationStore
    sources: Collection[Source]

    def open(self) -> None:
        """Brings what is kept to the journal's revision, before anything else happens."""
        newest, told = self.journal.revision(), self.violations.told
        if told is None:
            # An older version kept what stands and not since when; a file that was lost kept nothing.
            if newest and not self.violations.count():
                self.violations.mark_due(self._every_site(), _UNTOLD, revision=newest)
            self.violations.begin(newest)
        elif told > newest:  # the journal of a backup is a little older than what was copied after it
            self.violations.rewind(newest)
        elif told < newest:
            self._pass_over(told, newest)

    def heed(self, committed: Revision, judgement: Judgement | None) -> None:
        """Keeps what a committed change did; ``judgement`` is None for one that was not judged."""
        told = self.violations.told
        if told is not None and told < committed.token - 1:  # the disk refused what was to be kept of those between
            self._pass_over(told, committed.token - 1)
        if judgement is None:
            self.violations.tell(committed.token, {}, dict.fromkeys(self._unjudged(committed), self._reason(committed)))
        else:
            self.violations.tell(committed.token, self._by_site(committed, judgement))

    @staticmethod
    def _reason(committed: Revision) -> str:
        quads = committed.delta.added
        return _UNTOLD if committed.delta and not any(vocabularies_of(quads)) else IMPORTED

    def _pass_over(self, told: int, newest: int) -> None:
        """Marks the sites that the changes in between were about."""
        while told < newest:
            try:
                changes = self.journal.since(told, _AT_ONCE)
            except TooOld:
                self.violations.tell(newest, {}, dict.fromkeys(self._every_site(), _UNTOLD))
                return
            for change in changes[: newest - told]:
                self.violations.tell(change.token, {}, dict.fromkeys(self._unjudged(change), self._reason(change)))
            told = changes[-1].token

    def _unjudged(self, change: Revision) -> Iterable[str]:
        """The sites whose violations a change may have touched."""
        artifact = None if change.delta else self.journal.artifact(change.token)
        if artifact is not None:
            return [artifact.partition("\n")[0]]
        removed, added = change.delta.removed, change.delta.added
        if any(vocabularies_of(removed)) or any(_is_shape(quad) for quad in (*removed, *added)):
            return self._every_site()
        named = set(vocabularies_of(added))  # who else is concerned is found when that site is validated
        return sites_of((*removed, *added)) | {site for site in named if self._holds(site)}

    def _every_site(self) -> list[str]:
        graphs = self.store.graphs()
        return sorted({site for graph in graphs if (site := site_of_graph(graph)) is not None and self._holds(site)})

    def _holds(self, site: str) -> bool:
        return any(True for _ in self.store.quads(None, None, None, site_graph(site)))

    def _by_site(self, committed: Revision, judgement: Judgement) -> dict[tuple[str, Source], Judgement]:
        """What was added and resolved, each at the sites that speak of the node."""
        touched: set[str] | None = None
        found: dict[tuple[str, Source], tuple[list[Violation], list[Violation]]] = {}
        for place, violations in enumerate((judgement.added, judgement.resolved)):
            for violation in violations:
                if violation.source not in self.sources:
                    continue
                sites = sites_of(self.store.quads(NamedNode(violation.focus), None, None, None))
                if place or not sites:  # what is resolved may have stood at a site that no longer speaks of it
                    if touched is None:
                        touched = sites_of((*committed.delta.removed, *committed.delta.added))
                    sites = sites | touched
                for site in sites:
                    found.setdefault((site, violation.source), ([], []))[place].append(violation)
        return {where: Judgement(tuple(added), tuple(resolved)) for where, (added, resolved) in found.items()}


def sites_of(quads: Iterable[Quad]) -> set[str]:
    """The sites whose graphs the quads are in."""
    graphs = {quad.graph_name for quad in quads}
    return {site for graph in graphs if isinstance(graph, NamedNode) and (site := site_of_any_graph(graph))}


def vocabularies_of(quads: Iterable[Quad]) -> Iterable[str]:
    """The names of the vocabularies whose graphs the quads are in."""
    prefix = vocabulary_graph("").value
    graphs = {quad.graph_name for quad in quads}
    return [
        graph.value.removeprefix(prefix)
        for graph in graphs
        if isinstance(graph, NamedNode) and graph.value.startswith(prefix)
    ]


def _is_shape(quad: Quad) -> bool:
    graph = quad.graph_name
    return isinstance(graph, NamedNode) and graph.value.startswith(shapes_graph("").value)
