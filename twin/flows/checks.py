"""The checks of every property by series, learnt from the graph with its first sample and kept up with changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from twin.contracts import Revision
from twin.graph.hierarchy import Hierarchy
from twin.graph.overlay import QuadView
from twin.graph.twins.checks import CHECK_TERMS, StatedChecks, read_checks, stated_by_class
from twin.graph.twins.records import PropertyRecord
from twin.observation import Int32, ObservationBatch, Quality
from twin.telemetry.quality import check
from twin.telemetry.quality_settings import NO_CHECKS, CheckSettings, Missing, Thresholds
from twin.telemetry.quality_windows import Memory
from twin.terms import NamedNode, Quad
from twin.vocab import BRICK, QUDT, RDF, RDFS, SAREF, TWIN

PropertyBySeries = Callable[[int], PropertyRecord | None]
"""The property that a series number stands for."""
_POLICIES: dict[str, Missing] = {"hold": "hold", "interpolate": "interpolate", "null": "null"}
_GAPS = 3.0  # expected periods without a sample that make a gap, where nothing else is stated
_OF_A_PROPERTY = frozenset(
    (TWIN.checkedBy, TWIN.minimum, TWIN.maximum, TWIN.valueKind, TWIN.writable, QUDT.hasUnit, BRICK.hasUnit,
     SAREF.isMeasuredIn, QUDT.unit, QUDT.hasQuantityKind, BRICK.hasQuantity, RDF.type)
)  # fmt: skip
"""Predicates of a property that decide what it is held against."""


class KnownChecks:
    """Adds quality codes to arriving batches by what the graph states, and remembers what the checks need.

    ``hierarchy`` gives the class tree that stands; ``substituting`` are the series that have a policy for what is
    missing, ``drifted`` those whose sensors are known to have moved away from their peers.
    """

    def __init__(self, properties: PropertyBySeries, view: QuadView, hierarchy: Callable[[], Hierarchy]) -> None:
        self.thresholds = Thresholds()
        self.memory = Memory()
        self.settings: dict[int, CheckSettings] = {}
        self.substituting: set[int] = set()
        self.drifted: frozenset[int] = frozenset()
        self._properties = properties
        self._view = view
        self._hierarchy = hierarchy
        self._of_class: dict[object, StatedChecks] = {}
        self._series: dict[str, int] = {}

    def forget(self, revision: Revision) -> None:
        """Learns anew, after a change, what it may have moved: one property, or all where a class, a check set or the
        class tree was changed."""
        delta = revision.delta
        quads = (*delta.removed, *delta.added)
        if not delta or any(self._moves_many(quad) for quad in quads):
            self._of_class.clear()
            self._series.clear()
            self.settings.clear()
            self.substituting.clear()
            self.thresholds.forget()
            return
        for quad in quads:
            if quad.predicate in _OF_A_PROPERTY and isinstance(quad.subject, NamedNode):
                series = self._series.pop(quad.subject.value, None)
                if series is not None:
                    self.settings.pop(series, None)
                    self.substituting.discard(series)
                    self.thresholds.forget(series)

    def check(self, batch: ObservationBatch, now: int) -> ObservationBatch:
        """The batch with the codes that the checks add (``now`` in ns UTC)."""
        self.learn(batch.series)
        judged = check(batch, self.thresholds.ranges(), now)
        added = self.memory.judge(judged, self.thresholds)
        if self.drifted:
            measured = judged.quality & int(Quality.SUBSTITUTED) == 0
            added[np.isin(batch.series, list(self.drifted)) & measured] |= np.uint16(Quality.UNCERTAIN)
        return replace(judged, quality=judged.quality | added) if added.any() else judged

    def learn(self, series: Int32) -> None:
        """Reads the settings of these series where they are not known yet."""
        for number in self.thresholds.unknown(series):
            record = self._properties(number)
            settings = NO_CHECKS if record is None else self.settings_of(record)
            if record is None:
                self._series[f"series {number}"] = number
            else:
                self._series[record.iri] = number
            self.settings[number] = settings
            if settings.missing is not None:
                self.substituting.add(number)
            self.thresholds.set(number, settings)

    def stated(self, record: PropertyRecord) -> StatedChecks:
        """What the graph states for a property now, and where."""
        common = (record.classes, record.quantity_kind, record.unit, record.site, record.kind, record.writable)
        if common not in self._of_class:
            self._of_class[common] = stated_by_class(self._view, record, self._hierarchy().above)
        return read_checks(self._view, record, self._of_class[common])

    def settings_of(self, record: PropertyRecord) -> CheckSettings:
        """What a property is held against now."""
        stated = self.stated(record)
        found = stated.numbers.get
        period, gap = found("expectedPeriod"), found("gapAfter")
        return CheckSettings(
            minimum=found("minimum"),
            maximum=found("maximum"),
            rate=found("maximumRate"),
            spike=found("spikeDeviations"),
            spike_floor=found("spikeFloor", 0.0),
            flatline=found("flatlineAfter"),
            band=found("flatlineBand", 0.0),
            rests_below=found("restsBelow"),
            rests_above=found("restsAbove"),
            period=period,
            gap=gap if gap is not None or period is None or "gap" in stated.without else _GAPS * period,
            drift=found("driftTolerance"),
            along=stated.along,
            missing=_POLICIES.get(stated.missing or ""),
        )

    def _moves_many(self, quad: Quad) -> bool:
        """Whether a statement may decide over more than one property that is known."""
        if quad.object == TWIN.Property:  # one that is new is known as nothing yet
            return True
        if quad.predicate in (RDFS.subClassOf, TWIN.whenMissing):
            return True
        known = isinstance(quad.subject, NamedNode) and quad.subject.value in self._series
        return not known and (quad.predicate in CHECK_TERMS or quad.predicate in (QUDT.hasUnit, QUDT.hasQuantityKind))


def remember(memory: Memory, path: Path, newest: ObservationBatch) -> None:
    """Gives the checks their memory back: what the last run wrote when it ended, and of the rest the newest samples.

    The file is taken away: a run that is killed leaves none, rather than one that is behind its history.
    """
    memory.load(path)
    path.unlink(missing_ok=True)
    memory.seed(newest)
