"""A property's history as CSV (RFC 4180), read and sent piece by piece so that its length does not matter."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass

from twin.api.graphql.durations import nanoseconds
from twin.api.graphql.values import value_of
from twin.clock import NANOSECONDS, from_iso, iso
from twin.contracts import Aggregate, History, Window
from twin.errors import InvalidInput
from twin.graph.twins.records import PropertyRecord

_DAY = 86_400 * NANOSECONDS
_BUCKETS_A_PIECE = 5_000
_MOST_PIECES = 100_000


@dataclass(frozen=True, slots=True)
class HistoryWindow:
    """A stretch of time (ns UTC, half open), and the length of its buckets (None: every sample)."""

    start: int
    end: int
    interval: int | None

    @staticmethod
    def of(start: str | None, end: str | None, interval: str | None, now: int) -> HistoryWindow:
        """The window of request parameters, the last day by default; raises `InvalidInput`."""
        last = _time("to", end) if end is not None else now
        first = _time("from", start) if start is not None else last - _DAY
        if first >= last:
            raise InvalidInput("The history would end before it begins.", remedy="Give a from earlier than to.")
        window = HistoryWindow(first, last, None if interval is None else nanoseconds(interval))
        if (last - first) // window.piece > _MOST_PIECES:
            raise InvalidInput("The history would be too long.", remedy="Ask for a longer interval or less time.")
        return window

    @property
    def piece(self) -> int:
        """The length of what is read at once, a multiple of the interval."""
        return _DAY if self.interval is None else self.interval * _BUCKETS_A_PIECE


async def csv_lines(history: History, record: PropertyRecord, window: HistoryWindow) -> AsyncIterator[str]:
    """The CSV text in pieces: a header, then a line each sample or bucket, oldest first."""
    bucketed = window.interval is not None
    yield "time,value,minimum,maximum,count,quality\r\n" if bucketed else "time,value,quality\r\n"
    aggregate: Aggregate = "mean" if record.kind == "number" else "last"
    start = window.start
    while start < window.end:
        # Pieces end where buckets do, so that no bucket is cut in two.
        end = min(window.end, (start // window.piece + 1) * window.piece)
        found = await history.window(record.series, start, end, interval=window.interval, aggregate=aggregate)
        if len(found):
            yield _lines(record, found, bucketed)
        start = end


def _lines(record: PropertyRecord, window: Window, bucketed: bool) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in range(len(window)):
        text = window.text[row] if window.text is not None else None
        shown = value_of(record, float(window.value[row]), text)
        value = str(shown).lower() if isinstance(shown, bool) else "" if shown is None else shown
        time, quality = iso(int(window.time[row])), int(window.quality[row])
        if bucketed:
            extremes = (
                "" if record.kind != "number" or math.isnan(found) else found
                for found in (float(window.minimum[row]), float(window.maximum[row]))
            )
            writer.writerow([time, value, *extremes, int(window.count[row]), quality])
        else:
            writer.writerow([time, value, quality])
    return buffer.getvalue()


def _time(name: str, text: str) -> int:
    try:
        found = from_iso(text)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            f"{name}: {text[:40]!r} is not a time.", remedy="Write it as ISO 8601: 2026-01-01T00:00:00Z."
        ) from error
    if not -(2**62) < found < 2**62:
        raise InvalidInput(f"{name}: {text[:40]!r} is too far away.", remedy="Use a time between 1900 and 2100.")
    return found
