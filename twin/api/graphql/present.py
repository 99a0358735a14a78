"""Live values of the properties of one list, read from the latest table together the first time one is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twin.graph.records import PropertyRecord
from twin.telemetry.latest import LatestTable, Live, LiveColumns


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
            self._columns = self._latest.live_many(
                np.array([record.series for record in self._records], np.int32),
                np.array([record.freshness for record in self._records], np.float64),
            )
        return self._columns.row(index)
