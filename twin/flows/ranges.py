"""The ranges of properties by series, as the quality checks want them, learnt from the graph."""

from __future__ import annotations

from collections.abc import Callable

from twin.contracts import Revision
from twin.graph.twins.records import PropertyRecord
from twin.observation import ObservationBatch
from twin.telemetry.quality import Ranges, check
from twin.terms import Quad
from twin.vocab import TWIN

PropertyBySeries = Callable[[int], PropertyRecord | None]
"""The property that a series number stands for."""


class KnownRanges:
    """Adds quality codes to arriving batches by the ranges that the graph states (`twin:minimum`, `twin:maximum`)."""

    def __init__(self, properties: PropertyBySeries) -> None:
        self._properties = properties
        self._known: dict[int, tuple[float | None, float | None]] = {}
        self._ranges = Ranges.of({})

    def forget(self, revision: Revision) -> None:
        """Learns anew after a change that may move a range, or make or end a property."""
        delta = revision.delta
        if not delta or any(_moves_a_range(quad) for quads in (delta.removed, delta.added) for quad in quads):
            self._known.clear()
            self._ranges = Ranges.of({})

    def check(self, batch: ObservationBatch, now: int) -> ObservationBatch:
        """The batch with the codes that the checks add."""
        unknown = set(batch.series.tolist()) - self._known.keys()
        if unknown:
            for series in unknown:
                record = self._properties(series)
                self._known[series] = (None, None) if record is None else (record.minimum, record.maximum)
            if any(self._known[series] != (None, None) for series in unknown):
                bounded = {series: bounds for series, bounds in self._known.items() if bounds != (None, None)}
                self._ranges = Ranges.of(bounded)
        return check(batch, self._ranges, now)


def _moves_a_range(quad: Quad) -> bool:
    return quad.predicate in (TWIN.minimum, TWIN.maximum) or quad.object == TWIN.Property
