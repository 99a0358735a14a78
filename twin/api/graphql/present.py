"""Live values of the properties of one list, read together the first time one is asked for.

From the latest table, or as of a moment of the past from the history.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from twin.clock import ManualClock
from twin.contracts import History
from twin.graph.twins.records import PropertyRecord
from twin.telemetry.latest import LatestTable, Live, LiveColumns
from twin.tracing import note_read


class Present:
    """What the listed properties say now, as seen in one instant."""

    __slots__ = ("_columns", "_latest", "_records")

    def __init__(self, latest: LatestTable, records: Sequence[PropertyRecord]) -> None:
        self._latest = latest
        self._records = records
        self._columns: LiveColumns | None = None

    def live(self, index: int) -> Live:
        """What the property at ``index`` says."""
        if self._columns is None:
            note_read(record.series for record in self._records)
            self._columns = self._latest.live_many(
                np.array([record.series for record in self._records], np.int32),
                np.array([record.freshness for record in self._records], np.float64),
            )
        return self._columns.row(index)


class AsOf:
    """What the listed properties said at a moment of the past (ns UTC).

    As in the present, a value stands for its freshness, and no longer than until its connection was lost: ``lost``
    says of properties when that was.
    """

    __slots__ = ("_columns", "_history", "_lost", "_reading", "_records", "_time")

    def __init__(
        self,
        history: History,
        records: Sequence[PropertyRecord],
        time: int,
        lost: Callable[[Sequence[str], int], Mapping[str, int]] = lambda _properties, _time: {},
    ) -> None:
        self._lost = lost
        self._history = history
        self._records = records
        self._time = time
        self._columns: LiveColumns | None = None
        self._reading = asyncio.Lock()

    async def live(self, index: int) -> Live:
        """What the property at ``index`` said; raises what the history raises."""
        async with self._reading:
            if self._columns is None:
                self._columns = await self._read()
        return self._columns.row(index)

    async def _read(self) -> LiveColumns:
        series = np.array([record.series for record in self._records], np.int32)
        latest = LatestTable(ManualClock(self._time), capacity=int(series.max(initial=0)) + 1)
        lost = await asyncio.to_thread(self._lost, [record.iri for record in self._records], self._time)
        for record in self._records:  # before the samples are taken: one that was received after it stands again
            if record.iri in lost:
                latest.mark_unavailable([record.series], lost[record.iri])
        latest.seed(await self._history.latest_at(series.tolist(), self._time))
        return latest.live_many(series, np.array([record.freshness for record in self._records], np.float64))
