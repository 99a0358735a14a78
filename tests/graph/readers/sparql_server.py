"""A store on disk with its readers, and a source of live values, for tests of the query service."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twin.bus import Topic
from twin.contracts import Delta, Revision
from twin.errors import Unavailable
from twin.graph.oxigraph import OxigraphStore
from twin.graph.readers.live_functions import LiveValue, LiveView
from twin.graph.readers.service import SparqlService
from twin.graph.readers.streamed import SparqlAnswer
from twin.scope import Scope
from twin.settings import SparqlSettings
from twin.terms import Literal, NamedNode, Quad
from twin.vocab import bindings_graph, site_graph

OFFICE, DEPOT, WIRING = site_graph("office"), site_graph("depot"), bindings_graph("office")
SAT, FAN, DEAD = (NamedNode(f"urn:twin:office:{name}") for name in ("sat", "fan", "dead"))
RUNAWAY = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?n ?o }"


def quad(subject: str, value: str | int, graph: NamedNode = OFFICE, predicate: str = "urn:p") -> Quad:
    return Quad(NamedNode(subject), NamedNode(predicate), Literal(value), graph)


class Live:
    """Live values that a test sets."""

    def __init__(self) -> None:
        self.now: dict[str, LiveValue] = {
            SAT.value: LiveValue(21.5, 1_767_225_600_000_000_000, "good", 2.0),
            FAN.value: LiveValue(True, 1_767_225_600_000_000_000, "good", 1.0),
            DEAD.value: LiveValue(None, None, "uncertain", None),
        }
        self.scopes: list[Scope] = []
        self.standing: dict[str, dict[str, Any]] = {}
        self.broken = False

    def view(self, scope: Scope) -> LiveView:
        return View(self, scope)


class View:
    """What one query reads of them."""

    def __init__(self, live: Live, scope: Scope) -> None:
        self.live = live
        self.scope = scope

    async def values(self, property: str, size: int) -> Mapping[str, LiveValue]:
        self.live.scopes.append(self.scope)
        return self.live.now if property in self.live.now else {}

    async def values_at(self, property: str, size: int, at: int) -> Mapping[str, LiveValue]:
        return {property: LiveValue(float(at // 1_000_000_000), at, "good", 0.0)}

    async def aggregates(
        self, property: str, size: int, seconds: float, aggregate: str, end: int | None
    ) -> Mapping[str, float | None]:
        if self.live.broken:
            raise Unavailable("The history is closed.")
        if end is not None:
            return {SAT.value: float(end // 1_000_000_000)}
        return {SAT.value: {"mean": 20.0, "min": 18.0, "max": seconds}[aggregate]}

    def standing(self, what: str) -> Mapping[str, Any]:
        return self.live.standing.get(what, {})


class Server:
    """The parts together; ``commit`` is the one door."""

    def __init__(self, directory: Path, settings: SparqlSettings) -> None:
        self.directory = directory
        self.store = OxigraphStore(directory / "graph")
        self.changes: Topic[Revision] = Topic()
        self.live = Live()
        self.checkpoints = directory / "checkpoints"
        self.service = SparqlService(
            self.store,
            self.changes,
            self.live,
            self.checkpoints,
            settings,
        )
        self.commit(quad("urn:a", "office"), quad("urn:b", "depot", DEPOT), quad("urn:c", "wire", WIRING))

    def apply(self, *added: Quad, removed: tuple[Quad, ...] = ()) -> Revision:
        """Applies a change without telling anybody."""
        revision = Revision(self.store.revision() + 1, 0, "test", "because", "", Delta(removed, added))
        self.store.apply(revision.delta, revision.token)
        return revision

    def commit(self, *added: Quad, removed: tuple[Quad, ...] = ()) -> None:
        self.changes.publish(self.apply(*added, removed=removed))

    async def ask(self, text: str, scope: Scope | None = None, accept: str = "text/csv") -> list[str]:
        """The lines of an answer, the header of a CSV left out."""
        answer: SparqlAnswer = await self.service.query(text, scope, accept)
        lines = (await answer.read()).decode().splitlines()
        return sorted(lines[1:]) if text.lstrip().startswith("SELECT") else lines
