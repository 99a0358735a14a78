"""The day before the demo began: what its building would have shown, so that a chart has something to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from twin.clock import NANOSECONDS
from twin.contracts import History
from twin.graph.twins.reader import TwinReader
from twin.observation import ObservationBatch, Quality
from twin.scope import Scope

HOURS = 24.0
EVERY = 300.0
"""Seconds between two samples of the past."""
_REGISTERS = "energy"
"""A meter's register starts anew with its device, so it has no past that fits."""


async def fill_history(
    past: Mapping[str, Sequence[float]], prefix: str, twins: TwinReader, history: History, end: int
) -> int:
    """How many observations were written before ``end`` (ns UTC), ``past`` being columns by local property name.

    Each is marked as substituted: it was computed, not measured.
    """
    columns: dict[int, Sequence[float]] = {}
    for name, values in past.items():
        record = twins.property(Scope(), prefix + name)
        if record is not None and record.kind != "text" and _REGISTERS not in name:
            columns[record.series] = values
    if not columns:
        return 0
    rows = min(len(values) for values in columns.values())
    times = end - (np.arange(rows, 0, -1) * int(EVERY * NANOSECONDS)).astype(np.int64)
    time = np.tile(times, len(columns))
    await history.append(
        ObservationBatch(
            np.repeat(np.array(list(columns), np.int32), rows),
            time,
            np.concatenate([np.asarray(values[-rows:], np.float64) for values in columns.values()]),
            np.full(len(time), int(Quality.SUBSTITUTED), np.uint16),
            time,
        )
    )
    return len(time)
