"""Which observations a subscriber asked for, and how fast: selection by series, newest wins under a rate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from twin.api.graphql.context import RequestContext
from twin.bus import Lost, Subscription
from twin.errors import InvalidInput
from twin.graph.records import PropertyRecord
from twin.observation import Int32, ObservationBatch

EVERYTHING = 2**31


@dataclass(frozen=True, slots=True)
class Sample:
    """One observation of one property, as it goes to a subscriber."""

    record: PropertyRecord
    time: int
    received: int
    value: float | None
    text: str | None
    quality: int


class Selection:
    """The properties a subscriber asked for, looked up anew after each change of the graph.

    ``properties`` and ``twins`` (whose properties are meant) add up; neither means every property in scope.
    Raises `NotFound` for an id that is not there, `InvalidInput` for a selection of nothing.
    """

    def __init__(self, context: RequestContext, properties: Sequence[str] | None, twins: Sequence[str] | None) -> None:
        if (properties is not None or twins is not None) and not (properties or twins):
            raise InvalidInput(
                "The subscription selects nothing.",
                remedy="Name properties or twins, or leave both out to observe everything.",
            )
        self._context = context
        self._properties = properties or ()
        self._twins = twins or ()
        self._all = properties is None and twins is None
        for iri in self._properties:
            context.property_record(iri)
        for iri in self._twins:
            context.twin_record(iri)
        self._look_up()

    def records(self) -> list[PropertyRecord]:
        """The selected properties now."""
        if self._all:
            reader, scope = self._context.services.twins, self._context.scope
            found = (reader.property(scope, iri) for iri in reader.properties(scope, limit=EVERYTHING).items)
            return [record for record in found if record is not None]
        self._refresh()
        return list(self._by_series.values())

    def samples(self, batch: ObservationBatch) -> Iterator[Sample]:
        """The selected observations of a batch, in its order."""
        if self._all:
            rows = list(range(len(batch)))
        else:
            self._refresh()
            rows = np.flatnonzero(np.isin(batch.series, self._series)).tolist()
        for row in rows:
            record = self._record(int(batch.series[row]))
            if record is not None:
                yield _sample(record, batch, row)

    def _record(self, series: int) -> PropertyRecord | None:
        if not self._all:
            return self._by_series.get(series)
        record = self._context.services.twins.property_by_series(series)
        return record if record is not None and self._context.scope.sees(record.site) else None

    def _refresh(self) -> None:
        if self._revision != self._context.revision:
            self._look_up()

    def _look_up(self) -> None:
        self._revision = self._context.revision
        self._by_series: dict[int, PropertyRecord] = {}
        self._series: Int32 = np.array([], np.int32)
        if self._all:
            return
        reader, scope = self._context.services.twins, self._context.scope
        wanted = dict.fromkeys(self._properties)
        for twin in self._twins:
            wanted.update(dict.fromkeys(reader.properties(scope, owner=twin, limit=EVERYTHING).items))
        for iri in wanted:
            record = reader.property(scope, iri)
            if record is not None:  # removed since: it comes back if the property does
                self._by_series[record.series] = record
        self._series = np.array(list(self._by_series), np.int32)


def _sample(record: PropertyRecord, batch: ObservationBatch, row: int) -> Sample:
    return Sample(
        record,
        int(batch.time[row]),
        int(batch.received[row]),
        float(batch.value[row]),
        batch.text.get(row),
        int(batch.quality[row]),
    )


def present_samples(context: RequestContext, selection: Selection) -> list[Sample]:
    """What each selected property says now, those that say something."""
    records = selection.records()
    live = context.services.latest.live_many(
        np.array([record.series for record in records], np.int32),
        np.array([record.freshness for record in records], np.float64),
    )
    rows = [live.row(index) for index in range(len(records))]
    return [
        Sample(record, row.time, row.received or row.time, row.value, row.text, int(row.quality))
        for record, row in zip(records, rows, strict=True)
        if row.available and row.time is not None
    ]


async def observed(
    context: RequestContext,
    selection: Selection,
    subscription: Subscription[ObservationBatch],
    max_rate: float | None,
) -> AsyncGenerator[Sample, None]:
    """The present value of each selected property that has one, then its observations as they come.

    With ``max_rate`` each property is told at most so many times a second, its newest observation winning.
    The messages that the subscriber was too slow for are counted in ``context.lost``.
    """
    monotonic = context.services.clock.monotonic
    pace = _Pace(None if max_rate is None else 1.0 / max_rate)
    first: dict[int, Sample] = {}
    for sample in present_samples(context, selection):
        first[sample.record.series] = sample
        pace.told(sample, monotonic())
        yield sample
    while True:
        message: ObservationBatch | Lost | None
        try:
            async with asyncio.timeout(pace.wait(monotonic())):
                message = await anext(subscription)
        except TimeoutError:
            message = None
        if isinstance(message, Lost):
            context.lost += message.count
        elif message is not None:
            for sample in selection.samples(message):
                known = first.pop(sample.record.series, None)
                # The value told at the start may still be on its way through the queue.
                if known is not None and sample.time <= known.time and sample.received <= known.received:
                    first[sample.record.series] = known
                elif pace.take(sample, monotonic()):
                    yield sample
        for sample in pace.due(monotonic()):
            yield sample


class _Pace:
    """Holds back what would be told sooner than ``gap`` seconds (monotonic) after the property's last event."""

    def __init__(self, gap: float | None) -> None:
        self._gap = gap
        self._last: dict[int, float] = {}
        self._held: dict[int, Sample] = {}

    def told(self, sample: Sample, now: float) -> None:
        """Notes that a sample was told."""
        if self._gap is not None:
            self._last[sample.record.series] = now
            self._held.pop(sample.record.series, None)

    def take(self, sample: Sample, now: float) -> bool:
        """Whether the sample may be told at once; otherwise it is held, in place of an older one."""
        series = sample.record.series
        if self._gap is None or now - self._last.get(series, -self._gap) >= self._gap:
            self.told(sample, now)
            return True
        self._held[series] = sample
        return False

    def due(self, now: float) -> list[Sample]:
        """The held samples whose time has come; they count as told."""
        gap = self._gap or 0.0
        ready = [sample for series, sample in self._held.items() if now - self._last[series] >= gap]
        for sample in ready:
            self.told(sample, now)
        return ready

    def wait(self, now: float) -> float | None:
        """Seconds until the next held sample is due; None when there is none."""
        if not self._held:
            return None
        return max(0.0, min(self._last[series] for series in self._held) + (self._gap or 0.0) - now)
