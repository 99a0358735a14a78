"""Stretches of series that were deleted: rows that come again, from a device's memory or a replay, are not taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from twin.observation import Int64, ObservationBatch

EVER = -(2**63) + 1_000_000
"""The start (ns) of what reaches back to the beginning."""


class Forgotten:
    """The deleted stretches, as one thread reads and changes them."""

    def __init__(self) -> None:
        self._before: Int64 = np.empty(0, np.int64)  # by series: nothing earlier is taken
        self._stretches: dict[int, list[tuple[int, int]]] = {}

    @staticmethod
    def of(rows: Iterable[tuple[int, int, int]]) -> Forgotten:
        """Those listed, each a series with start and end (ns, half open)."""
        found = Forgotten()
        for series, start, end in rows:
            found.add(np.array([series], np.int32), start, end)
        return found

    def add(self, series: npt.NDArray[np.int32], start: int, end: int) -> None:
        """Takes a stretch of these series."""
        if start > EVER:
            for one in series.tolist():
                self._stretches.setdefault(one, []).append((start, end))
        elif len(series):
            size = int(series.max()) + 1
            if size > len(self._before):
                grown = np.full(max(size, 2 * len(self._before)), EVER, np.int64)
                grown[: len(self._before)] = self._before
                self._before = grown
            self._before[series] = np.maximum(self._before[series], end)

    def before(self, series: Sequence[int]) -> int:
        """The latest moment up to which rows of one of these series were deleted by rule."""
        known = [one for one in series if 0 <= one < len(self._before)]
        return int(self._before[known].max(initial=EVER)) if known else EVER

    def left(self, batch: ObservationBatch) -> ObservationBatch:
        """The rows of a batch that lie in no deleted stretch."""
        if not len(self._before) and not self._stretches:
            return batch
        gone = np.zeros(len(batch), np.bool_)
        if len(self._before):
            inside = np.minimum(batch.series, len(self._before) - 1)
            gone = (batch.series < len(self._before)) & (batch.time < self._before[inside])
        for series in self._stretches.keys() & set(batch.series.tolist()) if self._stretches else ():
            its = batch.series == series
            for start, end in self._stretches[series]:
                gone |= its & (batch.time >= start) & (batch.time < end)
        return batch.take(np.flatnonzero(~gone)) if gone.any() else batch
