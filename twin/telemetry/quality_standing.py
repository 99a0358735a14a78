"""How each series stands by its last sample that was measured: what it said, when, with which codes, and since when."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.clock import NANOSECONDS
from twin.observation import Float64, ObservationBatch, Quality
from twin.telemetry.latest import NEVER, order_of

LASTING = int(
    Quality.OUT_OF_RANGE | Quality.FLATLINE | Quality.CLOCK_SUSPECT | Quality.UNCERTAIN | Quality.DEVICE_FAULT
    | Quality.CONFIGURATION | Quality.NOT_A_NUMBER
)  # fmt: skip
"""Codes that say that something is wrong for as long as they come."""
PASSING = int(Quality.SPIKE | Quality.RATE)
"""Codes of one value: several in an hour say that something is wrong."""
HOUR = 3600.0
_LEARNING = 0.2  # how much of the usual interval is that of the last samples
_COLUMNS: dict[str, tuple[Any, float]] = {
    "order": (np.int64, NEVER),
    "arrived": (np.int64, NEVER),
    "value": (np.float64, np.nan),
    "codes": (np.uint16, 0),
    "since": (np.int64, NEVER),
    "bursts": (np.float64, 0.0),
    "burst": (np.int64, NEVER),
    "interval": (np.float64, np.nan),
}


class Standing:
    """The standing of every series in columns.  What was substituted is passed over: nobody measured it.

    Every method may be called from any thread.  ``order`` and ``arrived`` are the source and receive time of the last
    sample (ns UTC, `twin.telemetry.latest.NEVER`: there was none), ``since`` when its lasting codes began, ``bursts``
    how many passing ones there were, each counting less as time goes by (to a third in an hour); ``interval`` the
    seconds that usually lie between two samples.
    """

    def __init__(self, capacity: int = 1024) -> None:
        self._lock = threading.Lock()
        self._size = capacity
        self._columns = {name: np.full(capacity, empty, kind) for name, (kind, empty) in _COLUMNS.items()}
        self.highest = -1

    def apply(self, batch: ObservationBatch) -> None:
        """Takes the samples that are newer than what is known."""
        rows = np.flatnonzero(batch.quality & int(Quality.SUBSTITUTED) == 0)
        if not len(rows):
            return
        with self._lock:
            self._reserve(int(batch.series[rows].max()))
            columns = self._columns
            order = order_of(batch.time[rows], batch.received[rows])
            newer = order >= columns["order"][batch.series[rows]]
            rows = rows[newer]
            series, codes = batch.series[rows], batch.quality[rows]
            passing = codes & PASSING != 0
            if passing.any():
                self._count(series[passing], order[newer][passing])
            series, backwards, counts = np.unique(series[::-1], return_index=True, return_counts=True)
            last = rows[len(rows) - 1 - backwards]
            order, codes = order_of(batch.time[last], batch.received[last]), batch.quality[last]
            began = (codes & LASTING != 0) & (columns["codes"][series] & LASTING == 0)
            columns["since"][series[began]] = order[began]
            known = columns["order"][series] != NEVER
            step = np.where(known, order - np.where(known, columns["order"][series], 0), 0) / NANOSECONDS / counts
            usual = columns["interval"][series]
            step = np.where(np.isnan(usual), step, usual + _LEARNING * (step - usual))
            columns["interval"][series[known]] = step[known]
            columns["order"][series], columns["codes"][series] = order, codes
            columns["arrived"][series], columns["value"][series] = batch.received[last], batch.value[last]

    def column(self, name: str, series: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """One column of these series."""
        with self._lock:
            if len(series):
                self._reserve(int(series.max()), seen=False)
            return np.asarray(self._columns[name][series])

    def lasting(self) -> npt.NDArray[np.intp]:
        """The series whose last sample has codes that last."""
        with self._lock:
            return np.flatnonzero(self._columns["codes"][: self.highest + 1] & LASTING)

    def bursting(self, now: int, least: float) -> npt.NDArray[np.intp]:
        """The series with at least so many passing codes of late (``now`` in ns UTC)."""
        with self._lock:
            counted = self._columns["bursts"][: self.highest + 1]
            some = np.flatnonzero(counted)
            return some[self._worn(counted[some], self._columns["burst"][some], now) >= least]

    def _count(self, series: npt.NDArray[Any], order: npt.NDArray[np.int64]) -> None:
        columns = self._columns
        for each, moment in zip(series.tolist(), order.tolist(), strict=True):
            before = np.array([columns["bursts"][each]])
            columns["bursts"][each] = float(self._worn(before, columns["burst"][each : each + 1], moment)[0]) + 1
            columns["burst"][each] = moment

    @staticmethod
    def _worn(count: Float64, counted: npt.NDArray[np.int64], now: int) -> Float64:
        hours = np.where(count > 0, now - np.where(count > 0, counted, now), 0) / NANOSECONDS / HOUR
        return np.asarray(count * np.exp(-np.maximum(hours, 0)), np.float64)

    def _reserve(self, highest: int, seen: bool = True) -> None:
        if seen:
            self.highest = max(self.highest, highest)
        if highest < self._size:
            return
        size = max(self._size * 2, highest + 1)
        for name, (kind, empty) in _COLUMNS.items():
            column = np.full(size, empty, kind)
            column[: self._size] = self._columns[name]
            self._columns[name] = column
        self._size = size
