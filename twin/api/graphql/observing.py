"""Which observations a subscriber asked for, and how fast: selection by series, newest wins under a rate."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twin.api.graphql.context import RequestContext
from twin.bus import Lost, Subscription
from twin.errors import InvalidInput
from twin.graph.twins.records import PropertyRecord
from twin.observation import Int32, ObservationBatch

EVERYTHING = 2**31
SHARED = 10_000
"""Samples that are kept for subscribers that follow a little later."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One observation of one property, as it goes to subscribers: one object for all of them.

    ``answers`` keeps by revision what was answered about it, for whoever asks in the same words.
    """

    record: PropertyRecord
    time: int
    received: int
    value: float | None
    text: str | None
    quality: int
    answers: dict[str, dict[Any, Any]] = field(default_factory=dict, compare=False, repr=False)


class _Told:
    """The samples of the latest batches that were told to anybody, so that everybody is told the same objects."""

    def __init__(self) -> None:
        self._batches: OrderedDict[int, tuple[ObservationBatch, dict[int, Sample]]] = OrderedDict()
        self._count = 0

    def sample(self, record: PropertyRecord, batch: ObservationBatch, row: int) -> Sample:
        """The sample of a row of a batch."""
        _, known = self._batches.setdefault(id(batch), (batch, {}))  # the batch is kept, so that its id stays its own
        sample = known.get(row)
        if sample is None or sample.record is not record:
            self._count += row not in known
            known[row] = sample = _sample(record, batch, row)
            while self._count > SHARED and len(self._batches) > 1:
                self._count -= len(self._batches.popitem(last=False)[1][1])
        return sample


_told = _Told()


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
                yield _told.sample(record, batch, row)

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

    What is older than what was told of its property, or says the same of the same time, is not told: it is in the
    history.  With ``max_rate`` each property is told at most so many times a second, its newest observation winning.
    The observations that the subscriber was too slow for are counted in ``context.lost``.
    """
    monotonic = context.services.clock.monotonic
    pace = _Pace(None if max_rate is None else 1.0 / max_rate)
    newest: dict[int, Sample] = {}
    for sample in present_samples(context, selection):
        newest[sample.record.series] = sample
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
                series = sample.record.series
                # Late ones come from a device that sends what it kept, from the other connection at a handover, or
                # with the value told at the start still in the queue.
                if (known := newest.get(series)) is None or _is_news(sample, known):
                    newest[series] = sample
                    if pace.take(sample, monotonic()):
                        yield sample
        for sample in pace.due(monotonic()):
            yield sample


def _is_news(sample: Sample, known: Sample) -> bool:
    if (moment := _moment(sample)) != (before := _moment(known)):
        return moment > before
    if sample.time != known.time:
        return True
    same = sample.text == known.text and sample.quality == known.quality
    return not same or (
        sample.value != known.value and not (sample.value != sample.value and known.value != known.value)
    )


def _moment(sample: Sample) -> int:
    """Where the sample stands among others, as in `twin.telemetry.latest.order_of`: a clock ahead hides nothing."""
    return min(sample.time, sample.received) if sample.received > 0 else sample.time


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
