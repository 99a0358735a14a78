"""What every property says now: the newest value of each series, in columns, and whether it still stands."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from twin.clock import NANOSECONDS, Clock
from twin.observation import Block, Float64, Int32, Int64, ObservationBatch, Quality, UInt16
from twin.telemetry.heads import MAXIMUM_SERIES, check_series

T = TypeVar("T")

NEVER = np.iinfo(np.int64).min
"""The time of what never happened; in `LiveColumns` it stands where `Live` has None."""
_STANDING = np.iinfo(np.int64).max
PUT_BACK = 2 * NANOSECONDS
"""A clock that goes back by more than this was set anew; by less, it is being kept right."""
_COLUMNS: dict[str, tuple[Any, int | float]] = {
    # The newest sample of the series, whatever its quality.
    "order": (np.int64, NEVER),
    "quality": (np.uint16, 0),
    # The newest sample whose value may be used, and what it said.
    "value_order": (np.int64, NEVER),
    "value": (np.float64, np.nan),
    "time": (np.int64, NEVER),
    "received": (np.int64, NEVER),
    "origin": (np.int32, 0),
    "has_text": (np.bool_, False),
    "has_block": (np.bool_, False),
    # When the connection was lost, and whether it still is.
    "lost": (np.int64, _STANDING),
    "down": (np.bool_, False),
}


@dataclass(frozen=True, slots=True)
class Live:
    """A property's present: ``value`` (or ``text``, or ``block``) is None whenever it is not ``available``.

    ``time`` and ``received`` (ns UTC) belong to the last usable value, shown or not; ``unavailable_since`` is
    when that value ceased to stand for the present; ``age`` is seconds since its source time.
    """

    value: float | None
    text: str | None
    time: int | None
    received: int | None
    quality: Quality
    available: bool
    unavailable_since: int | None
    age: float | None
    block: Block | None = None


@dataclass(frozen=True, slots=True)
class LiveColumns:
    """The present of many properties as columns of one length, in the order asked.

    ``value`` is NaN, ``time``, ``received`` and ``unavailable_since`` are `NEVER` and ``age`` is NaN where
    `Live` has None; ``text`` and ``blocks`` map rows that carry a text or an array to it; ``origin`` is the number of
    where the value came from.
    """

    value: Float64
    time: Int64
    received: Int64
    quality: UInt16
    available: npt.NDArray[np.bool_]
    unavailable_since: Int64
    age: Float64
    text: dict[int, str]
    blocks: dict[int, Block] = field(default_factory=dict)
    origin: Int32 = field(default_factory=lambda: np.zeros(0, np.int32))

    def __len__(self) -> int:
        return len(self.value)

    def row(self, index: int) -> Live:
        """One row as a `Live`."""
        available = bool(self.available[index])
        text, block = self.text.get(index), self.blocks.get(index)
        since = int(self.unavailable_since[index])
        known = int(self.time[index]) != NEVER
        return Live(
            value=float(self.value[index]) if available and text is None and block is None else None,
            text=text,
            time=int(self.time[index]) if known else None,
            received=int(self.received[index]) if known else None,
            quality=Quality(int(self.quality[index])),
            available=available,
            unavailable_since=None if since == NEVER else since,
            age=float(self.age[index]) if known else None,
            block=block,
        )


def order_of(time: Int64, received: Int64) -> Int64:
    """The moments by which samples are put in order: the source time, but never later than the sample was
    received.

    A device whose clock runs ahead, even by years, thereby neither hides the samples that follow it nor stays
    fresh longer than others.  A receive time of 0 means that it is unknown.
    """
    return np.where(received > 0, np.minimum(time, received), time)


class LatestTable:
    """The newest value of every series.  Every method may be called from any thread."""

    def __init__(self, clock: Clock, capacity: int = 1024) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._size = capacity
        self._columns: dict[str, npt.NDArray[Any]] = {
            name: np.full(capacity, empty, kind) for name, (kind, empty) in _COLUMNS.items()
        }
        self._text: dict[int, str] = {}
        self._blocks: dict[int, Block] = {}
        self._changes = 0
        self._wall, self._elapsed = clock.now(), clock.monotonic()

    @property
    def changes(self) -> int:
        """Grows with every call that may have changed what is shown; equal numbers mean equal samples."""
        return self._changes

    def apply(self, batch: ObservationBatch) -> None:
        """Takes what is newer than what is known (at an equal time, what came last).

        A bad sample changes the quality shown and leaves the last usable value where it is.
        """
        if not len(batch):
            return
        with self._lock:
            self._reserve(batch.series)
            columns = self._columns
            now = self._present()
            order = np.minimum(order_of(batch.time, batch.received), now)
            rows = _newest(batch.series, order)
            rows = rows[order[rows] >= columns["order"][batch.series[rows]]]
            columns["order"][batch.series[rows]] = order[rows]
            columns["quality"][batch.series[rows]] = batch.quality[rows]

            has_text = np.zeros(len(batch), np.bool_)
            has_text[list(batch.text)] = True
            has_block = np.zeros(len(batch), np.bool_)
            has_block[list(batch.blocks)] = True
            known = has_text | has_block | ~np.isnan(batch.value)
            usable = np.flatnonzero((batch.quality & 0xFF00 == 0) & known)
            rows = usable[_newest(batch.series[usable], order[usable])]
            rows = rows[order[rows] >= columns["value_order"][batch.series[rows]]]
            series = batch.series[rows]
            columns["value_order"][series] = order[rows]
            for name in ("value", "time", "received"):
                columns[name][series] = getattr(batch, name)[rows]
            columns["origin"][series] = 0 if batch.origin is None else batch.origin[rows]
            self._set("has_text", self._text, batch.text, batch.series, rows, has_text)
            self._set("has_block", self._blocks, batch.blocks, batch.series, rows, has_block)
            back = ~columns["down"][series] | (batch.received[rows] > columns["lost"][series])
            columns["lost"][series[back]] = _STANDING
            columns["down"][series[back]] = False
            self._changes += 1

    def seed(self, batch: ObservationBatch) -> None:
        """Takes what the history knew at start, where nothing newer has arrived yet."""
        self.apply(batch)

    def mark_unavailable(self, series: Iterable[int], since: int) -> None:
        """The connection behind these series was lost at ``since`` (ns UTC): their values no longer stand.

        A sample received after that moment stands again.  Marking twice keeps the earlier moment.
        """
        self._mark(series, since)

    def mark_available(self, series: Iterable[int]) -> None:
        """The connection behind these series is back: any sample newer than what is known will stand again.

        The old value stays unavailable, because nobody knows what happened meanwhile.
        """
        self._mark(series, None)

    def live(self, series: int, freshness: float) -> Live:
        """What one series says now; a value older than ``freshness`` seconds is unavailable."""
        return self.live_many(np.array([series], np.int32), np.array([freshness], np.float64)).row(0)

    def live_many(self, series: Int32, freshness: Float64) -> LiveColumns:
        """What many series say now, as seen in one instant; ``freshness`` in seconds, one for each."""
        with self._lock:
            now = self._present()
            known = (series >= 0) & (series < self._size)
            at = np.where(known, series, 0)
            taken = {name: column[at] for name, column in self._columns.items()}
            texts = {row: self._text[int(series[row])] for row in np.flatnonzero(known & taken["has_text"]).tolist()}
            blocks = {
                row: self._blocks[int(series[row])] for row in np.flatnonzero(known & taken["has_block"]).tolist()
            }
        for name, (_, empty) in _COLUMNS.items():
            taken[name][~known] = empty
        order = taken["value_order"]
        ever = order != NEVER
        # Freshness beyond 100 years is "for ever", and must not overflow.
        lifetime = (np.minimum(freshness, 3.15e9) * NANOSECONDS).astype(np.int64)
        ends = np.minimum(np.where(ever, order, 0) + lifetime, taken["lost"])
        lost = taken["lost"] != _STANDING
        available = ever & (now <= ends) & ~lost
        quality = taken["quality"].copy()
        quality[ever & ~available & ~lost] |= np.uint16(Quality.STALE)
        quality[lost] |= np.uint16(Quality.COMMS)
        quality[(taken["order"] == NEVER) & ~lost] = np.uint16(Quality.STALE)
        return LiveColumns(
            value=np.where(available, taken["value"], np.nan),
            time=taken["time"],
            received=taken["received"],
            quality=quality,
            available=available,
            unavailable_since=np.where(ever & ~available, ends, NEVER),
            age=np.where(ever, (now - np.where(ever, order, 0)) / NANOSECONDS, np.nan),
            text={row: text for row, text in texts.items() if available[row]},
            blocks={row: block for row, block in blocks.items() if available[row]},
            origin=taken["origin"],
        )

    def _mark(self, series: Iterable[int], since: int | None) -> None:
        with self._lock:
            which = np.fromiter(series, np.int32)
            if not len(which):
                return
            self._reserve(which)
            self._columns["down"][which] = since is not None
            if since is not None:
                self._columns["lost"][which] = np.minimum(self._columns["lost"][which], since)
            self._changes += 1

    def _set(
        self,
        flag: str,
        kept: dict[int, T],
        given: Mapping[int, T],
        series: Int32,
        rows: npt.NDArray[np.intp],
        has: npt.NDArray[np.bool_],
    ) -> None:
        """Keeps what does not fit in a column for the series of these rows, and drops what they say no more."""
        standing = self._columns[flag]
        for row in rows[has[rows] | standing[series[rows]]].tolist():
            if has[row]:
                kept[int(series[row])] = given[row]
            else:
                kept.pop(int(series[row]), None)
        standing[series[rows]] = has[rows]

    def _present(self) -> int:
        """The time now; the lock is held.

        When the server's clock was put back meanwhile, everything known is put back with it: nothing that arrives from
        now on would be newer for as long, and an old value would be shown as the present.
        """
        now, elapsed = self._clock.now(), self._clock.monotonic()
        stepped = now - self._wall - int((elapsed - self._elapsed) * NANOSECONDS)
        self._wall, self._elapsed = now, elapsed
        if stepped < -PUT_BACK:
            for name, never in (("order", NEVER), ("value_order", NEVER), ("lost", _STANDING)):
                column = self._columns[name]
                column[column != never] += stepped
            self._changes += 1
        return now

    def _reserve(self, series: Int32) -> None:
        check_series(series)
        highest = int(series.max())
        if highest < self._size:
            return
        size = min(max(self._size * 2, highest + 1), MAXIMUM_SERIES)
        for name, (kind, empty) in _COLUMNS.items():
            column = np.full(size, empty, kind)
            column[: self._size] = self._columns[name]
            self._columns[name] = column
        self._size = size


def _newest(series: Int32, order: Int64) -> npt.NDArray[np.intp]:
    """The row of each series that is newest, of equals the one that came last."""
    by_series = np.lexsort((order, series))
    last = np.empty(len(by_series), np.bool_)
    last[-1:] = True
    ordered = series[by_series]
    np.not_equal(ordered[1:], ordered[:-1], out=last[:-1])
    return by_series[last]
