"""How many properties say something now, how many have ceased to, and how many have never been wired."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.api.services import Services
from twin.graph.twins.property_records import DEFAULT_FRESHNESS
from twin.observation import Float64, Int32
from twin.scope import Scope
from twin.terms import Literal, NamedNode
from twin.vocab import RDF, TWIN


@dataclass(frozen=True, slots=True)
class Counts:
    """``properties`` is the sum of ``live``, ``unavailable`` (wired, or once known, but without a value now) and
    ``unbound``."""

    twins: int
    properties: int
    live: int
    unavailable: int
    unbound: int


@dataclass(frozen=True, slots=True)
class _Columns:
    revision: int
    series: Int32
    freshness: Float64
    fed: npt.NDArray[np.bool_]


class Census:
    """Counts over all properties of a scope.  Its columns are read from the graph once a revision."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._columns: dict[frozenset[str] | None, _Columns] = {}
        self._freshness: dict[int, float] = {}

    def counts(self, scope: Scope) -> Counts:
        """The counts of the scope's sites now."""
        columns = self._current(scope)
        present = self._services.latest.live_many(columns.series, columns.freshness)
        live = int(np.count_nonzero(present.available))
        unbound = int(np.count_nonzero(~present.available & ~columns.fed & np.isnan(present.age)))
        twins, _ = self._services.twins.counts(scope)
        total = len(columns.series)
        return Counts(twins, total, live, total - live - unbound, unbound)

    def live_among(self, series: Iterable[int]) -> int:
        """How many of the series have a value now."""
        self._current(Scope())
        asked = list(series)
        freshness = np.array([self._freshness.get(each, DEFAULT_FRESHNESS) for each in asked], np.float64)
        return int(np.count_nonzero(self._services.latest.live_many(np.array(asked, np.int32), freshness).available))

    def _current(self, scope: Scope) -> _Columns:
        revision = self._services.door.revision
        known = self._columns.get(scope.sites)
        if known is not None and known.revision == revision:
            return known
        if any(columns.revision != revision for columns in self._columns.values()):
            self._columns.clear()  # one revision's columns are kept, so that old scopes do not pile up
        columns = self._columns[scope.sites] = self._read(scope, revision)
        return columns

    def _read(self, scope: Scope, revision: int) -> _Columns:
        store, reader = self._services.store, self._services.twins
        listed = reader.properties(Scope(sites=scope.sites), limit=2**31).items
        numbers = self._services.door.journal.known_series()
        fed = {
            quad.object.value
            for quad in store.quads(None, TWIN.binds, None, None)
            if isinstance(quad.object, NamedNode)
        }
        fed |= reader.bound_by_template(Scope(sites=scope.sites))
        for quad in store.quads(None, RDF.type, TWIN.Score, None):
            if isinstance(quad.subject, NamedNode):
                fed.add(quad.subject.value)
        fresh = {
            quad.subject.value: _seconds(quad.object.value)
            for quad in store.quads(None, TWIN.freshness, None, None)
            if isinstance(quad.subject, NamedNode) and isinstance(quad.object, Literal)
        }
        known = [iri for iri in listed if iri in numbers]
        self._freshness.update({numbers[iri]: fresh[iri] for iri in known if iri in fresh})
        return _Columns(
            revision,
            np.array([numbers[iri] for iri in known], np.int32),
            np.array([fresh.get(iri, DEFAULT_FRESHNESS) for iri in known], np.float64),
            np.array([iri in fed for iri in known], np.bool_),
        )


def _seconds(text: str) -> float:
    try:
        return float(text) or DEFAULT_FRESHNESS
    except ValueError:  # the shapes report it; a reader goes on
        return DEFAULT_FRESHNESS
