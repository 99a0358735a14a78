"""What properties say now and said lately, for the ``live:`` functions of SPARQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, cast

import numpy as np

from twin.clock import NANOSECONDS, Clock
from twin.contracts import Aggregate, Window
from twin.graph.live_functions import LiveScalar, LiveValue
from twin.graph.records import PropertyRecord
from twin.graph.twins import TwinReader
from twin.observation import Quality
from twin.scope import Scope
from twin.telemetry.latest import LatestTable


class Windows(Protocol):
    """A history that answers for many series at once."""

    async def windows(
        self, series: Sequence[int], start: int, end: int, *, points: int | None = None, aggregate: Aggregate = "mean"
    ) -> Mapping[int, Window]:
        """The window of each series."""
        ...


class LiveValues:
    """The `twin.graph.live_functions.LiveSource` of a running server."""

    def __init__(self, twins: TwinReader, latest: LatestTable, history: Windows, clock: Clock) -> None:
        self._twins = twins
        self._latest = latest
        self._history = history
        self._clock = clock

    def values(self, scope: Scope) -> Mapping[str, LiveValue]:
        """What every property of the scope says now, by IRI."""
        records = list(self._records(scope))
        columns = self._latest.live_many(
            np.array([record.series for record in records], np.int32),
            np.array([record.freshness for record in records], np.float64),
        )
        found = {}
        for row, record in enumerate(records):
            live = columns.row(row)
            found[record.iri] = LiveValue(
                scalar(record, live.value, live.text) if live.available else None,
                live.time,
                Quality(live.quality).word,
                live.age,
            )
        return found

    def _records(self, scope: Scope) -> Iterator[PropertyRecord]:
        for site in self._twins.sites(scope):
            page = self._twins.properties(scope, site=site, limit=10_000_000)
            for iri in page.items:
                record = self._twins.property(scope, iri)
                if record is not None:
                    yield record

    async def aggregates(
        self, scope: Scope, properties: Sequence[str], seconds: float, aggregate: str
    ) -> Mapping[str, float | None]:
        """The mean, min or max of each property over the last ``seconds``; no entry without samples."""
        records = {record.series: record for iri in properties if (record := self._twins.property(scope, iri))}
        end = self._clock.now() + 1  # the end of a window is exclusive, and a sample may be stamped now
        # Not more than one bucket: the whole stretch is one aggregate.
        windows = await self._history.windows(
            list(records), end - int(seconds * NANOSECONDS), end, points=1, aggregate=cast(Aggregate, aggregate)
        )
        return {
            records[series].iri: float(window.value[0])
            for series, window in windows.items()
            if len(window) and not np.isnan(window.value[0])
        }


def scalar(record: PropertyRecord, value: float | None, text: str | None) -> LiveScalar | None:
    """A value as its property's kind says it: a number, a truth, a state's word, a text."""
    if text is not None:
        return text
    if value is None:
        return None
    if record.kind == "boolean":
        return bool(value)
    if record.kind == "state":
        index = int(value)
        return record.states[index] if 0 <= index < len(record.states) else None
    return value
