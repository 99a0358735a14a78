"""Observations as a building makes them: a sample a minute from each point, ordered by time as they arrive."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from twin.observation import ObservationBatch

MS = 1_000_000
START = 1_767_225_600_000  # ms: 2026-01-01
MINUTE = 60_000  # ms
JITTER, WAY = 250, (5, 200)
"""Milliseconds by which a device misses its minute, and that a sample takes to arrive."""


class Building:
    """So many points: half are temperatures and the like with one decimal that drift, a quarter whole numbers, a
    quarter positions that seldom change; times to the millisecond, none missing, all good."""

    def __init__(self, points: int, seed: int = 7) -> None:
        self.points = points
        self._rng = np.random.default_rng(seed)
        self._phase = self._rng.integers(0, MINUTE - JITTER, points)
        self._value = self._rng.uniform(10, 100, points)
        self._kind = np.arange(points) % 4
        self._series = np.arange(points, dtype=np.int32)

    def minutes(self, first: int, count: int) -> Iterator[ObservationBatch]:
        """A batch a minute, of every point."""
        for minute in range(first, first + count):
            rng = self._rng
            drift = rng.standard_normal(self.points) * np.where(self._kind < 2, 0.1, 2.0)
            drift[(self._kind == 3) & (rng.random(self.points) < 0.98)] = 0.0
            self._value = self._value + drift
            time = START + minute * MINUTE + self._phase + rng.integers(0, JITTER, self.points)
            received = time + rng.integers(*WAY, self.points)
            yield ObservationBatch(
                self._series,
                time * MS,
                self._rounded(),
                np.zeros(self.points, np.uint16),
                received * MS,
                origin=self._series // 8,
            )

    def _rounded(self) -> npt.NDArray[np.float64]:
        return np.where(self._kind < 2, np.round(self._value, 1), np.round(self._value))


def pieces(batch: ObservationBatch, rows: int) -> Iterator[ObservationBatch]:
    """The batch in pieces of at most so many rows, without copying."""
    for start in range(0, len(batch), rows):
        part = slice(start, start + rows)
        yield ObservationBatch(
            batch.series[part],
            batch.time[part],
            batch.value[part],
            batch.quality[part],
            batch.received[part],
            origin=None if batch.origin is None else batch.origin[part],
        )
