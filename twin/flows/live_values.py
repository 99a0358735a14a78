"""What properties say now and said before, for the ``live:`` functions of SPARQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

import numpy as np

from twin.clock import NANOSECONDS, Clock
from twin.contracts import PLAIN, Aggregate, Reading, Window
from twin.flows.losses import Losses, nothing_lost
from twin.graph.readers.live_details import LiveDetails
from twin.graph.readers.live_functions import LiveScalar, LiveValue
from twin.graph.twins.reader import TwinReader
from twin.graph.twins.records import PropertyRecord
from twin.lineage.origins import Origin
from twin.observation import Block, Quality
from twin.scope import Scope
from twin.telemetry.latest import LatestTable, LiveColumns

_FRESH = 0.05  # seconds for which one picture of the present serves the queries that follow, unless a sample arrives
_FOR_EVER = 3e9  # seconds
_AT_ONCE = 256  # records that are read before others get a turn
_HEEDFUL: Mapping[str, Aggregate] = {
    "timeWeightedMean": "time_weighted_mean",
    "integral": "integral",
    "difference": "difference",
}
_UNUSABLE = 0xFF00  # the bits of a quality that make a sample unusable


Stands = Callable[[Scope, str], Mapping[str, Any]]
"""All that stands of ``alerts`` or ``contracts`` in a scope, by IRI."""


def nothing_stands(_scope: Scope, _what: str) -> Mapping[str, Any]:
    """Nothing."""
    return {}


class Windows(Protocol):
    """A history that answers for many series at once."""

    async def windows(
        self,
        series: Sequence[int],
        start: int,
        end: int,
        *,
        points: int | None = None,
        aggregate: Aggregate = "mean",
        reading: Reading = PLAIN,
    ) -> Mapping[int, Window]:
        """The window of each series."""
        ...


def _untold(_number: int) -> Origin | None:
    return None


class LiveValues:
    """The `twin.graph.readers.live_functions.LiveSource` of a running server."""

    def __init__(
        self,
        twins: TwinReader,
        latest: LatestTable,
        history: Windows,
        clock: Clock,
        losses: Losses = nothing_lost,
        origin_of: Callable[[int], Origin | None] = _untold,
        standing: Stands = nothing_stands,
    ) -> None:
        self._standing = standing
        self._losses = losses
        self._origin_of = origin_of
        self._twins = twins
        self._latest = latest
        self._history = history
        self._clock = clock
        self._series = 1024
        self._picture: Picture | None = None

    def view(self, scope: Scope) -> View:
        """What one query reads; nothing is looked up before it asks."""
        return View(scope, self._twins, self._history, self.picture, self._losses, self._origin_of, self._standing)

    def picture(self, series: int = 0) -> Picture:
        """The present of every series, up to the one given at least: the last one taken while it still holds."""
        now, changes = self._clock.now(), self._latest.changes
        taken = self._picture
        if series >= self._series:
            self._series = 1 << series.bit_length()
        elif taken is not None and taken.changes == changes and 0 <= now - taken.now < _FRESH * NANOSECONDS:
            return taken
        every = np.arange(self._series, dtype=np.int32)
        # How long a value stands differs from property to property: that is seen to when it is told.
        columns = self._latest.live_many(every, np.full(len(every), _FOR_EVER))
        self._picture = Picture(columns, now, changes)
        return self._picture


class Picture:
    """The present of all series as of ``now`` (ns UTC)."""

    def __init__(self, columns: LiveColumns, now: int, changes: int) -> None:
        self._columns = columns
        self.now = now
        self.changes = changes

    def covers(self, series: int) -> bool:
        """Whether the series is in it."""
        return series < len(self._columns)

    def live(self, record: PropertyRecord) -> LiveValue:
        """What the property said then, in the words of its kind."""
        live = self._columns.row(record.series)
        stale = live.age is not None and live.age > record.freshness
        usable = live.available and not stale
        quality = Quality(int(live.quality) | int(Quality.STALE)) if stale and live.available else live.quality
        since = live.unavailable_since
        if stale and live.age is not None:
            ended = self.now - int((live.age - record.freshness) * NANOSECONDS)
            since = ended if since is None else min(ended, since)
        value = scalar(record, live.value, live.text) if usable else None
        return LiveValue(value, live.time, Quality(quality).word, live.age, since)

    def details(self, record: PropertyRecord, origin_of: Callable[[int], Origin | None]) -> LiveDetails:
        """What is known of it beside the value."""
        live = self._columns.row(record.series)
        origin = origin_of(int(self._columns.origin[record.series]))
        stale = live.age is not None and live.age > record.freshness
        code = Quality(int(live.quality) | int(Quality.STALE)) if stale and live.available else live.quality
        return LiveDetails(
            live.received,
            ",".join(Quality(code).flags),
            None if live.block is None or stale else _statistics(live.block),
            origin="" if origin is None else origin.kind,
            connection="" if origin is None else origin.connection,
            address="" if origin is None else origin.address,
            binding=origin.subject if origin is not None and origin.connection else "",
        )


def _statistics(block: Block) -> tuple[int, float, float, float, float]:
    known = block.values[np.isfinite(block.values)]
    if not len(known):
        return len(block), np.nan, np.nan, np.nan, np.nan
    rms = float(np.sqrt(np.mean(np.square(known))))
    return len(block), float(known.mean()), rms, float(known.min()), float(known.max())


class View:
    """The `twin.graph.readers.live_functions.LiveView` of one query."""

    def __init__(
        self,
        scope: Scope,
        twins: TwinReader,
        history: Windows,
        picture: Callable[[int], Picture],
        losses: Losses = nothing_lost,
        origin_of: Callable[[int], Origin | None] = _untold,
        standing: Stands = nothing_stands,
    ) -> None:
        self._standing = standing
        self._losses = losses
        self._origin_of = origin_of
        self._scope = scope
        self._twins = twins
        self._history = history
        self._take = picture
        self._picture: Picture | None = None
        self._order: Sequence[str] | None = None
        self._told: dict[object, tuple[set[str], int]] = {}

    async def values(self, property: str, size: int) -> Mapping[str, LiveValue]:
        """What the property and others of the scope say at the instant of the first question."""
        records = await self._batch(None, property, size)
        if not records:
            return {}
        highest = max(record.series for record in records)
        picture = self._present()
        if not picture.covers(highest):  # a series newer than any seen before: once, and not again
            picture = self._picture = self._take(highest)
        return {record.iri: picture.live(record) for record in records}

    async def details(self, property: str, size: int) -> Mapping[str, LiveDetails]:
        """What is known of what they say, beside the value; where it came from for those who may see bindings."""
        records = await self._batch("details", property, size)
        if not records:
            return {}
        highest = max(record.series for record in records)
        picture = self._present()
        if not picture.covers(highest):
            picture = self._picture = self._take(highest)
        sees = self._scope.principal.may_see_bindings()
        return {record.iri: picture.details(record, self._origin_of if sees else _untold) for record in records}

    def standing(self, what: str) -> Mapping[str, Any]:
        """What stands of ``alerts`` or ``contracts`` in the scope."""
        return self._standing(self._scope, what)

    async def values_at(self, property: str, size: int, at: int) -> Mapping[str, LiveValue]:
        """What they said at a moment: the last usable sample before it, as long as it stood and unless the connection
        was lost after it."""
        records = await self._batch(("at", at), property, size)
        lost = await asyncio.to_thread(self._losses, self._twins, [record.iri for record in records], at)
        found: dict[str, LiveValue] = {}
        for freshness in {record.freshness for record in records}:
            alike = {record.series: record for record in records if record.freshness == freshness}
            start = at - int(min(freshness, _FOR_EVER) * NANOSECONDS)
            windows = await self._history.windows(list(alike), start, at + 1)
            for series, window in windows.items():
                if len(window):
                    record = alike[series]
                    found[record.iri] = _past(record, window, at, lost.get(record.iri))
        return found

    async def aggregates(
        self, property: str, size: int, seconds: float, aggregate: str, end: int | None
    ) -> Mapping[str, float | None]:
        """The aggregate of each over the window; no entry without samples."""
        records = await self._batch((seconds, aggregate, end), property, size)
        if not records:
            return {}
        by_series = {record.series: record for record in records if record.kind != "text"}
        # The end of a window is exclusive, and a sample may be stamped at the very moment.
        until = (self._present().now if end is None else end) + 1
        start = until - int(seconds * NANOSECONDS)
        # Not more than one bucket: the whole stretch is one aggregate.
        if aggregate not in _HEEDFUL:
            windows = await self._history.windows(
                list(by_series), start, until, points=1, aggregate=cast(Aggregate, aggregate)
            )
        else:  # a value stands as long as it is fresh, and nothing stands beyond the present
            windows = {}
            for freshness in {record.freshness for record in by_series.values()}:
                alike = [series for series, record in by_series.items() if record.freshness == freshness]
                gap = max(1, int(min(freshness, _FOR_EVER) * NANOSECONDS))
                windows |= await self._history.windows(
                    alike, start, until, points=1, aggregate=_HEEDFUL[aggregate], reading=Reading(gap=gap)
                )
        found: dict[str, float | None] = {record.iri: None for record in records}
        for series, window in windows.items():
            if len(window) and not np.isnan(window.value[0]):
                found[by_series[series].iri] = float(window.value[0])
        return found

    def _present(self) -> Picture:
        if self._picture is None:
            self._picture = self._take(0)
        return self._picture

    async def _batch(self, about: object, property: str, size: int) -> list[PropertyRecord]:
        """The records of the property and of others of the scope that were not told in this respect."""
        record = self._twins.property(self._scope, property)
        if record is None:
            return []
        told, place = self._told.get(about, (set(), -1))
        records = [record]
        told.add(property)
        if size > 1:
            if self._order is None:
                self._order = self._twins.properties(self._scope, limit=10_000_000).items
            order = self._order
            if place < 0:  # what stands beside it in the list is asked for next, as a rule
                place = order.index(property) if property in order else 0
            for step in range(len(order)):
                iri = order[(place + step) % len(order)]
                if len(records) >= size:
                    place = (place + step) % len(order)
                    break
                if iri not in told:
                    told.add(iri)
                    if (other := self._twins.property(self._scope, iri)) is not None:
                        records.append(other)
                if step % _AT_ONCE == _AT_ONCE - 1:
                    await asyncio.sleep(0)
        self._told[about] = told, place
        return records


def _past(record: PropertyRecord, window: Window, at: int, lost: int | None) -> LiveValue:
    """What a property said when the last of these samples was the newest; ``lost`` is when its connection was, if it
    ever was."""
    quality = Quality(int(window.quality[-1])).word
    usable = np.flatnonzero(window.quality & _UNUSABLE == 0)
    if not len(usable):
        return LiveValue(None, None, quality, None)
    row = int(usable[-1])
    text = window.text[row] if window.text is not None else None
    value = None if text is not None or np.isnan(window.value[row]) else float(window.value[row])
    time = int(window.time[row])
    if lost is not None and time <= lost:
        return LiveValue(None, time, Quality.COMMS.word, (at - time) / NANOSECONDS)
    return LiveValue(scalar(record, value, text), time, quality, (at - time) / NANOSECONDS)


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
