"""Checks that remember: rate of change, spike (Hampel) and flatline, over the last values of each series.

A flag depends on the values of its series before it and on nothing else, so batches may be split in any way.  What is
not newer than all that came before it is late: it is not judged by what came after it, and changes no memory.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from twin.clock import NANOSECONDS
from twin.observation import Float64, Int32, Int64, ObservationBatch, Quality, UInt16
from twin.telemetry.latest import NEVER, order_of
from twin.telemetry.quality_settings import Thresholds

WINDOW = 9
"""How many values of a series are remembered: what the next one is compared with."""
FEWEST = 5
"""Values that a spike is judged by, and equal values that make a flat line, at least."""
_PAUSE = 5  # a silence this many times the usual one: what comes after it is no spike of what was before
_MINUTE = 60 * NANOSECONDS
_SCALED = 1.4826  # the median absolute deviation of a normal distribution is its standard deviation / 1.4826
_BAD = 0xFF00
_UNUSABLE = _BAD | int(Quality.SUBSTITUTED)  # nobody measured a substitute: it is no value to compare with
_Rows = npt.NDArray[np.intp]


class Memory:
    """What the checks remember of every series, in columns.  Every method may be called from any thread."""

    def __init__(self, capacity: int = 1024) -> None:
        self._lock = threading.Lock()
        self._size = 0
        self._values: Float64 = np.empty((0, WINDOW))
        self._times: Int64 = np.empty((0, WINDOW), np.int64)
        self._codes: UInt16 = np.empty((0, WINDOW), np.uint16)
        self._run_start: Int64 = np.empty(0, np.int64)
        self._run_length: Int64 = np.empty(0, np.int64)
        self._reserve(capacity - 1)

    def judge(self, batch: ObservationBatch, thresholds: Thresholds) -> UInt16:
        """The codes that these checks add to each row; the rows are remembered.  Every series is known to the
        thresholds."""
        added = np.zeros(len(batch), np.uint16)
        usable = thresholds.windowed[batch.series] & np.isfinite(batch.value) & (batch.quality & _UNUSABLE == 0)
        rows = np.flatnonzero(usable)
        if not len(rows):
            return added
        with self._lock:
            self._reserve(int(batch.series[rows].max()))
            order = np.argsort(batch.series[rows], kind="stable")
            rows = rows[order]
            series = batch.series[rows]
            time = order_of(batch.time[rows], batch.received[rows])
            value = batch.value[rows]
            late = self._late(series, time)
            if late.any():
                added[rows[late]] = self._as_before(series[late], time[late], value[late])
                rows, series, time, value = rows[~late], series[~late], time[~late], value[~late]
            if len(rows):
                added[rows] = self._judge(series, time, value, thresholds)
        return added

    def seed(self, batch: ObservationBatch) -> None:
        """Takes the newest sample of each series, where nothing is remembered of it yet."""
        usable = np.flatnonzero(np.isfinite(batch.value) & (batch.quality & _BAD == 0))
        if not len(usable):
            return
        with self._lock:
            self._reserve(int(batch.series[usable].max()))
            usable = usable[self._times[batch.series[usable], -1] == NEVER]
            series = batch.series[usable]
            time = order_of(batch.time[usable], batch.received[usable])
            self._values[series, -1] = batch.value[usable]
            self._times[series, -1] = time
            self._codes[series, -1] = batch.quality[usable]
            self._run_start[series] = time
            self._run_length[series] = 1

    def save(self, path: Path) -> None:
        """Writes what is remembered to a file, so that a server that starts again goes on where it was."""
        with self._lock, path.open("wb") as file:
            np.savez(file, values=self._values, times=self._times, codes=self._codes, run_start=self._run_start,
                     run_length=self._run_length)  # fmt: skip

    def load(self, path: Path) -> bool:
        """Takes what a file holds; returns False, and nothing is taken, when there is none that can be read."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
                values, times, codes = found["values"], found["times"], found["codes"]
                start, length = found["run_start"], found["run_length"]
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return False
        if values.shape[1:] != (WINDOW,) or {len(each) for each in (times, codes, start, length)} != {len(values)}:
            return False
        with self._lock:
            self._values, self._times, self._codes = values, times, codes
            self._run_start, self._run_length = start, length
            self._size = len(values)
        return True

    def spacing(self, series: npt.NDArray[Any]) -> Float64:
        """The mean seconds between the remembered samples of each series; NaN with fewer than `FEWEST` of them."""
        with self._lock:
            if len(series):
                self._reserve(int(series.max()))
            times = self._times[series]
        count = (times != NEVER).sum(axis=1)
        oldest = times[np.arange(len(series)), np.minimum(WINDOW - count, WINDOW - 1)]
        span = np.where(count > 1, times[:, -1] - oldest, 0) / NANOSECONDS
        return np.where(count >= FEWEST, span / np.maximum(count - 1, 1), np.nan)

    def _late(self, series: Int32, time: Int64) -> npt.NDArray[np.bool_]:
        """Which rows, in groups of one series in the order they came, are not newer than all before them."""
        first = _firsts(series)
        before = self._times[series[first], -1]
        if len(first) == len(series):
            return np.asarray(time <= before, np.bool_)
        # The running maximum within each group: ranks instead of times, and each group in a range of its own.
        group = np.cumsum(_starts(series)) - 1
        ranks = np.unique(np.concatenate([time, before]), return_inverse=True)[1].astype(np.int64)
        line = np.insert(ranks[: len(time)], first, ranks[len(time) :])
        own = np.insert(group, first, np.arange(len(first))) * (len(line) + 1)
        highest = np.maximum.accumulate(line + own) - own
        at = np.arange(len(series)) + group + 1
        return np.asarray(line[at] <= highest[at - 1], np.bool_)

    def _as_before(self, series: Int32, time: Int64, value: Float64) -> UInt16:
        """The codes that a sample which is sent again had when it first came; 0 for others."""
        same = (self._times[series] == time[:, None]) & (self._values[series] == value[:, None])
        found: UInt16 = np.where(same, self._codes[series], 0).max(axis=1).astype(np.uint16)
        return found

    def _judge(self, series: Int32, time: Int64, value: Float64, thresholds: Thresholds) -> UInt16:
        line = _Line.of(series, time, value, self._values, self._times)
        codes = np.zeros(len(series), np.uint16)
        moved = np.abs(value - line.before(0))
        codes[_too_fast(line, series, moved, thresholds)] |= np.uint16(Quality.RATE)
        codes[_spiking(line, series, moved, thresholds)] |= np.uint16(Quality.SPIKE)
        codes[self._flat(line, series, moved, thresholds)] |= np.uint16(Quality.FLATLINE)
        self._remember(line, series, codes)
        return codes

    def _flat(self, line: _Line, series: Int32, moved: Float64, thresholds: Thresholds) -> npt.NDArray[np.bool_]:
        """Where a value has stayed the same for too long; the runs are carried on."""
        count = np.arange(len(series))
        changed = ~(moved <= np.nan_to_num(thresholds.of("band", series)))
        last = np.maximum.accumulate(np.where(changed, count, -1))
        first = line.first[line.group]
        within = last >= first
        start = np.where(within, line.time[np.maximum(last, 0)], self._run_start[series])
        length = np.where(within, count - last + 1, self._run_length[series] + count - first + 1)
        ends = np.append(line.first[1:], len(series)) - 1
        self._run_start[series[ends]] = start[ends]
        self._run_length[series[ends]] = length[ends]
        seconds = (line.time - start) / NANOSECONDS
        rests = (line.value <= thresholds.of("rests_below", series)) | (
            line.value >= thresholds.of("rests_above", series)
        )
        return (seconds >= thresholds.of("flatline", series)) & (length >= FEWEST) & ~rests

    def _remember(self, line: _Line, series: Int32, codes: UInt16) -> None:
        which = series[line.first]
        if line.values is None or line.times is None:
            for kept, new in ((self._values, line.value), (self._times, line.time), (self._codes, codes)):
                moved = kept[which]
                moved[:, :-1] = moved[:, 1:]
                moved[:, -1] = new
                kept[which] = moved
            return
        said = np.zeros(len(line.values), np.uint16)
        said[line.heads[:, None] + np.arange(WINDOW)] = self._codes[which]
        said[line.at] = codes
        ends = np.append(line.heads[1:], len(line.values))[:, None] - np.arange(WINDOW, 0, -1)
        self._values[which], self._times[which], self._codes[which] = line.values[ends], line.times[ends], said[ends]

    def _reserve(self, highest: int) -> None:
        if highest < self._size:
            return
        more = max(self._size * 2, highest + 1) - self._size
        self._values = np.concatenate([self._values, np.full((more, WINDOW), np.nan)])
        self._times = np.concatenate([self._times, np.full((more, WINDOW), NEVER, np.int64)])
        self._codes = np.concatenate([self._codes, np.zeros((more, WINDOW), np.uint16)])
        self._run_start = np.concatenate([self._run_start, np.full(more, NEVER, np.int64)])
        self._run_length = np.concatenate([self._run_length, np.zeros(more, np.int64)])
        self._size += more


@dataclass(frozen=True, slots=True)
class _Line:
    """The rows to be judged, in groups of one series each (``first`` row of each, ``group`` of each row), with what is
    remembered of the series laid before them.

    Where every series has one row, ``past`` holds what is remembered of each and there is no line at all; otherwise
    ``values`` and ``times`` are the line, ``heads`` where each group begins on it and ``at`` where each row stands.
    """

    first: _Rows
    group: npt.NDArray[np.int64]
    time: Int64
    value: Float64
    past: tuple[Float64, Int64]
    values: Float64 | None
    times: Int64 | None
    heads: npt.NDArray[np.int64]
    at: npt.NDArray[np.int64]

    @staticmethod
    def of(series: Int32, time: Int64, value: Float64, kept: Float64, moments: Int64) -> _Line:
        first = _firsts(series)
        which = series[first]
        past = (kept[which], moments[which])
        count = np.arange(len(series))
        if len(first) == len(series):
            return _Line(first, count, time, value, past, None, None, count, count)
        group = np.cumsum(_starts(series)) - 1
        heads = first + np.arange(len(first)) * WINDOW
        at = count + (group + 1) * WINDOW
        values = np.empty(len(series) + len(first) * WINDOW)
        times = np.empty(len(values), np.int64)
        slots = heads[:, None] + np.arange(WINDOW)
        values[slots], times[slots] = past
        values[at], times[at] = value, time
        return _Line(first, group, time, value, past, values, times, heads, at)

    def before(self, back: int) -> Float64:
        """The value before each row (``back`` 0), or the one before that (1)."""
        return self.past[0][:, WINDOW - 1 - back] if self.values is None else self.values[self.at - 1 - back]

    def time_before(self, back: int) -> Int64:
        """The time of it; `NEVER` where there is none."""
        return self.past[1][:, WINDOW - 1 - back] if self.times is None else self.times[self.at - 1 - back]

    def window(self, rows: _Rows) -> tuple[Float64, Int64]:
        """The values and times before each of these rows, oldest first, as [rows, WINDOW]."""
        if self.values is None or self.times is None:
            return self.past[0][rows], self.past[1][rows]
        places = self.at[rows][:, None] - np.arange(WINDOW, 0, -1)
        return self.values[places], self.times[places]


def _too_fast(line: _Line, series: Int32, moved: Float64, thresholds: Thresholds) -> npt.NDArray[np.bool_]:
    """Where a value moved further than it may, both from the one before it and from the one before that: the way back
    from a single wrong value is no offence, and neither is the second value on a new level."""
    rate = thresholds.of("rate", series)
    found = moved > rate  # every interval counts as a minute at least: few are left
    rows = np.flatnonzero(found)
    if len(rows):
        now, value, earlier = line.time[rows], line.value[rows], line.before(1)[rows]
        once = moved[rows] > rate[rows] * _minutes(now - line.time_before(0)[rows])
        since = now - np.where(np.isnan(earlier), now, line.time_before(1)[rows])
        found[rows] = once & ~(np.abs(value - earlier) <= rate[rows] * _minutes(since))
    return found


def _minutes(span: Int64) -> Float64:
    return np.maximum(span / _MINUTE, 1.0)


def _spiking(line: _Line, series: Int32, moved: Float64, thresholds: Thresholds) -> npt.NDArray[np.bool_]:
    """Where a value jumps away from the median of those before it, by more than their spread explains."""
    floor = thresholds.of("spike_floor", series)
    found = moved > floor  # few: what follows is done for them alone
    rows = np.flatnonzero(found)
    if not len(rows):
        return found
    values, times = line.window(rows)
    count = (times != NEVER).sum(axis=1)
    now = line.time[rows]
    oldest = times[np.arange(len(rows)), np.minimum(WINDOW - count, WINDOW - 1)]
    usual = np.where(count > 1, times[:, -1] - oldest, 0) / np.maximum(count - 1, 1)
    judged = (count >= FEWEST) & (now - np.where(count > 0, times[:, -1], now) <= _PAUSE * usual)
    middle = _median(values, count)
    spread = _median(np.abs(values - middle[:, None]), count) * _SCALED
    away = np.abs(line.value[rows] - middle)
    limit = np.maximum(thresholds.of("spike", series)[rows] * spread, floor[rows])
    found[rows] = judged & (away > limit)
    return found


def _median(values: Float64, count: npt.NDArray[np.int64]) -> Float64:
    """The median of each row, whose ``count`` numbers are followed, once sorted, by NaN."""
    ordered = np.sort(values, axis=1)
    rows = np.arange(len(values))
    last = np.maximum(count, 1)
    return np.asarray((ordered[rows, (last - 1) // 2] + ordered[rows, last // 2]) / 2, np.float64)


def _starts(series: Int32) -> npt.NDArray[np.bool_]:
    found = np.ones(len(series), np.bool_)
    np.not_equal(series[1:], series[:-1], out=found[1:])
    return found


def _firsts(series: Int32) -> _Rows:
    return np.flatnonzero(_starts(series))
