"""Intervals as people divide time: hours, days, weeks, months and years of a time zone, daylight saving included."""

from __future__ import annotations

import bisect
import itertools
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from twin.api.graphql.durations import nanoseconds
from twin.clock import NANOSECONDS
from twin.errors import InvalidInput

_PERIOD = re.compile(r"P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,4})D)?", re.ASCII)
_MOST = 100_000
_DAY = 86_400 * NANOSECONDS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def zone(name: str) -> ZoneInfo:
    """The time zone of the IANA database with this name; raises `InvalidInput`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(
            f"There is no time zone {name[:60]!r}.", remedy='Name one of the IANA database, such as "Europe/Berlin".'
        ) from error


def in_calendar(interval: str) -> bool:
    """Whether an interval has no fixed length: months and years."""
    found = _PERIOD.fullmatch(interval.strip())
    return found is not None and bool(found[1] or found[2])


def edges(start: int, end: int, interval: str, name: str) -> tuple[int, ...]:
    """Where the intervals of a zone begin (ns UTC), from the last one up to ``start`` to the first one from ``end`` on.

    An interval shorter than a day is counted from midnight of each day, whose last one may be shorter; a longer one is
    one of `calendar_edges`.  Raises `InvalidInput`.
    """
    trimmed = interval.strip()
    if _PERIOD.fullmatch(trimmed):
        return calendar_edges(start, end, trimmed, name)
    length = nanoseconds(trimmed)
    if length >= _DAY:
        raise InvalidInput(
            f"{interval[:40]!r} is not an interval of the calendar.",
            remedy="Write P1D, P1W, P1M or P1Y, or one shorter than a day.",
        )
    if (end - start) // length > _MOST:
        raise InvalidInput("The history would have too many intervals.", remedy="Ask for less time.")
    found: list[int] = []
    for day, next_day in itertools.pairwise(calendar_edges(start, end, "P1D", name)):
        found += range(day, next_day, length)
    found.append(next_day)
    first = bisect.bisect_right(found, start) - 1
    last = bisect.bisect_left(found, end)
    return tuple(found[max(first, 0) : last + 1])


def calendar_edges(start: int, end: int, period: str, name: str) -> tuple[int, ...]:
    """Where days, weeks, months or years of a zone begin (ns UTC), from the last one up to ``start`` to the first one
    from ``end`` on.

    ``period`` is an ISO 8601 duration of one of those units, such as ``P1D``, ``P1W`` (from Monday on), ``P1M``,
    ``P3M`` or ``P1Y``.  Days are counted from 1970-01-01, months and years from January of year 0.  A day that begins
    in an hour which the clocks leap over begins with the first moment after it.  Raises `InvalidInput`.
    """
    found = _PERIOD.fullmatch(period)
    given = [] if found is None else [(unit, int(n)) for unit, n in zip("YMWD", found.groups(), strict=True) if n]
    if len(given) != 1 or given[0][1] < 1:
        raise InvalidInput(
            f"{period[:40]!r} is not a period of the calendar.", remedy="Write one unit: P1D, P1W, P1M, P3M or P1Y."
        )
    (unit, count), where = given[0], zone(name)
    first = datetime.fromtimestamp(start // NANOSECONDS, UTC).astimezone(where)
    number = _number(first, unit) // count * count
    edges: list[int] = []
    while not edges or edges[-1] < end:
        if len(edges) > _MOST:
            raise InvalidInput("The history would have too many periods.", remedy="Ask for less time.")
        edges.append(_begin(number, unit, where))
        number += count
    return tuple(edges)


def _number(moment: datetime, unit: str) -> int:
    """Which day, week, month or year of the calendar it is."""
    if unit in "DW":
        days = moment.date().toordinal() - _EPOCH.date().toordinal()
        return days if unit == "D" else (days + 3) // 7  # 1970-01-01 was a Thursday
    return moment.year if unit == "Y" else moment.year * 12 + moment.month - 1


def _begin(number: int, unit: str, where: ZoneInfo) -> int:
    try:
        if unit in "DW":
            day = _EPOCH.replace(tzinfo=None) + timedelta(days=number if unit == "D" else number * 7 - 3)
        else:
            months = number * 12 if unit == "Y" else number
            day = datetime(months // 12, months % 12 + 1, 1)  # noqa: DTZ001 - its zone follows
    except (OverflowError, ValueError) as error:
        raise InvalidInput(
            "The calendar does not reach that far.", remedy="Use a time between 1900 and 2200."
        ) from error
    moment = day.replace(tzinfo=where).astimezone(UTC)
    if moment.astimezone(where).replace(tzinfo=None) != day:  # midnight does not exist: the clocks leapt over it
        before, after = (day.replace(tzinfo=where, fold=fold).astimezone(UTC) for fold in (1, 0))
        low, high = sorted((before, after))
        while high - low > timedelta(seconds=1):
            middle = low + (high - low) / 2
            if middle.astimezone(where).replace(tzinfo=None) < day:
                low = middle
            else:
                high = middle
        moment = high.replace(microsecond=0)
    return int((moment - _EPOCH).total_seconds()) * NANOSECONDS
