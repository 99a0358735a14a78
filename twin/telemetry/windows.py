"""The statements for windows of series in the DuckDB history, and the windows that come of their columns."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np

from twin.contracts import PLAIN, Aggregate, Reading, Window
from twin.errors import InvalidInput
from twin.observation import Int64, ObservationBatch
from twin.telemetry.block_codec import unpacked
from twin.telemetry.duckdb_schema import MS
from twin.telemetry.rows import TIME, batch, numbers

EMPTY = Window(
    np.empty(0, np.int64),
    np.empty(0, np.float64),
    np.empty(0, np.float64),
    np.empty(0, np.float64),
    np.empty(0, np.int64),
    np.empty(0, np.uint16),
)


HEEDFUL = ("time_weighted_mean", "integral", "difference", "durations")
"""The aggregates that heed how long a value stood."""
_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Buckets:
    """How samples are put together: ``interval`` ns from ``origin`` on, between ``edges``, or each by itself."""

    interval: int | None
    origin: int
    aggregate: Aggregate
    edges: tuple[int, ...] | None = None
    percentile: float = 50.0

    @property
    def single(self) -> bool:
        """Whether each sample stands by itself."""
        return self.interval is None and self.edges is None

    def between(self, start: int, end: int) -> Int64:
        """Where the buckets of a stretch begin, and where the last one ends."""
        if self.edges is not None:
            return np.array(self.edges, np.int64)
        width = self.interval or 1
        first = start - (start - self.origin) % width
        if (end - first) // width > _MOST:
            raise InvalidInput("The window has too many buckets.", remedy="Ask for a longer interval or less time.")
        return np.append(np.arange(first, end, width, dtype=np.int64), first + -(-(end - first) // width) * width)


def buckets(
    start: int, end: int, interval: int | None, points: int | None, aggregate: Aggregate, reading: Reading = PLAIN
) -> Buckets:
    """The buckets of a window as asked; raises `InvalidInput` when they make no sense."""
    if aggregate not in get_args(Aggregate):
        raise InvalidInput(
            f"There is no aggregate {aggregate!r}.", remedy=f"Use one of {', '.join(get_args(Aggregate))}."
        )
    if sum(given is not None for given in (interval, points, reading.edges)) > 1:
        raise InvalidInput(
            "A window has an interval, a number of points or edges, not several.", remedy="Leave the others out."
        )
    if any(given is not None and given < 1 for given in (interval, points)):
        raise InvalidInput("An interval and a number of points are greater than 0.")
    if not 0 <= reading.percentile <= 100:
        raise InvalidInput(f"A percentile is from 0 to 100, not {reading.percentile:g}.")
    if (reading.gap is not None and reading.gap < 1) or (reading.rollover is not None and not reading.rollover > 0):
        raise InvalidInput("A gap and the value at which a meter rolls over are greater than 0.")
    edges = reading.edges
    if edges is not None and (len(edges) < 2 or any(a >= b for a, b in itertools.pairwise(edges))):
        raise InvalidInput("Edges are at least two times, each later than the one before.")
    if aggregate in HEEDFUL and interval is None and points is None and edges is None:
        raise InvalidInput(
            f"{aggregate} is of a stretch of time, not of a sample.", remedy="Give an interval or a number of points."
        )
    found = Buckets(interval, 0, aggregate, edges, reading.percentile)
    if points == 1:
        return replace(found, interval=max(end - start, 1), origin=start)
    if points is not None:
        # One bucket less than asked, because the window's ends may cut one in two.
        return replace(found, interval=max(-(-(end - start) // (points - 1)), 1))
    return found


def within(series: Sequence[int], start: int, end: int, as_of: int | None = None) -> str:
    """The condition for the rows of these series with a time in ``start <= time < end`` (ns), received by ``as_of``."""
    which = f"series = {int(series[0])}" if len(series) == 1 else f"series IN ({', '.join(map(str, map(int, series)))})"
    first, beyond = divmod(int(start), MS)
    last, before = divmod(int(end) - 1, MS)
    found = f"{which} AND ms >= {first} AND ms <= {last}"
    if beyond:
        found += f" AND (ms > {first} OR nano >= {beyond})"
    if before != MS - 1:
        found += f" AND (ms < {last} OR nano <= {before})"
    if as_of is not None:
        found += f" AND ms + lag <= {-(-int(as_of) // MS)}"
    return found


def forget_rolled(series: Sequence[int], start: int, end: int) -> str:
    """Deletes the summaries of these series that lie in ``start <= time < end`` (ns) even in part."""
    which = ", ".join(str(int(one)) for one in series)
    return f"""DELETE FROM rolled WHERE series IN ({which})
        AND ms < {-(-int(end) // MS)} AND ms + width > {int(start) // MS}"""  # noqa: S608 - integers


def newest_versions(tables: Sequence[str], where: str, *, corrected: bool) -> str:
    """The rows of tables of one kind, of each series and time the newest version; only where some are ``corrected``
    must it look for them."""
    every = " UNION ALL ".join(f"SELECT * FROM {table} WHERE {where}" for table in tables)  # noqa: S608
    if not corrected:
        return every
    # Corrections are few: a join with them costs a tenth of looking for the newest version of every row.
    return f"""WITH every AS ({every}), corrected AS (
            SELECT series, ms, nano, max(version) AS newest FROM every WHERE version > 0 GROUP BY series, ms, nano)
        SELECT every.* FROM every LEFT JOIN corrected USING (series, ms, nano)
        WHERE newest IS NULL OR version = newest"""  # noqa: S608


def window(source: str, kind: str, buckets: Buckets, start: int) -> str:
    """The query for windows over a ``source`` of rows of one kind, none before ``start`` (ns); its rows are ordered by
    series and time."""
    number = "value" if kind == "number" else "CAST(NULL AS DOUBLE)"
    if buckets.single:
        return f"""SELECT series, {TIME} AS time, {number} AS value, {number} AS minimum, {number} AS maximum,
            CAST(1 AS BIGINT) AS count, quality{"" if kind == "number" else f", value AS {kind}"}
            FROM ({source}) ORDER BY series, ms, nano"""  # noqa: S608
    value = {
        "first": f"arg_min({number}, (ms, nano))",
        "last": f"arg_max({number}, (ms, nano))",
        "mean": f"avg({number})",
        "count": "CAST(count(value) AS DOUBLE)",
        "percentile": f"quantile_cont({number}, {buckets.percentile / 100!r})",
    }.get(buckets.aggregate, f"{buckets.aggregate}({number})")
    side = "arg_min" if buckets.aggregate == "first" else "arg_max"
    carried = "" if kind == "number" else f", {side}(value, (ms, nano)) AS {kind}"
    key, time = _bucket(buckets, start)
    # Aggregates pass over NULL, which is faster than a filter for each; a small whole number is the fastest key.
    return f"""SELECT series, {time} AS time, {value} AS value, min({number}) AS minimum, max({number}) AS maximum,
        count(value) AS count, bit_or(quality) AS quality{carried}
        FROM (SELECT series, ms, nano, {key} AS bucket, CASE WHEN quality < 256 THEN value END AS value, quality
              FROM ({source})) GROUP BY series, bucket ORDER BY series, bucket"""  # noqa: S608


def with_summaries(source: str, series: Sequence[int], start: int, end: int, buckets: Buckets) -> str:
    """The query for windows of numbers over a ``source`` of rows and the summaries that took the place of others."""
    which = ", ".join(str(int(one)) for one in series)
    usable = "quality & 65280 = 0 AND value IS NOT NULL"
    every = f"""SELECT series, ms, nano, ({usable})::BIGINT AS n, value AS sum, value AS minimum, value AS maximum,
            value AS first, value AS last, quality FROM ({source})
        UNION ALL SELECT series, ms, 0, count, sum, minimum, maximum, first, last, quality FROM rolled
        WHERE series IN ({which}) AND ms >= {int(start) // MS} AND ms < {-(-int(end) // MS)}"""  # noqa: S608 - integers
    if buckets.single:
        return f"""SELECT series, ms * {MS} + nano AS time, CASE WHEN n > 1 THEN sum / n ELSE sum END AS value, minimum,
            maximum, greatest(n, 1) AS count, quality FROM ({every}) ORDER BY series, ms, nano"""  # noqa: S608
    value = {
        "mean": "sum(sum) FILTER (n > 0) / sum(n)",
        "count": "CAST(sum(n) AS DOUBLE)",
        "first": "arg_min(first, (ms, nano)) FILTER (n > 0)",
        "last": "arg_max(last, (ms, nano)) FILTER (n > 0)",
        "min": "min(minimum) FILTER (n > 0)",
        "max": "max(maximum) FILTER (n > 0)",
        "sum": "sum(sum) FILTER (n > 0)",
        "percentile": f"quantile_cont(sum / n, {buckets.percentile / 100!r}) FILTER (n > 0)",
    }[buckets.aggregate]
    key, time = _bucket(buckets, start)
    return f"""SELECT series, {time} AS time, {value} AS value, min(minimum) FILTER (n > 0) AS minimum,
        max(maximum) FILTER (n > 0) AS maximum, CAST(sum(n) AS BIGINT) AS count, bit_or(quality) AS quality
        FROM (SELECT *, {key} AS bucket FROM ({every})) GROUP BY series, bucket ORDER BY series, bucket"""  # noqa: S608


def _bucket(buckets: Buckets, start: int) -> tuple[str, str]:
    """The number of the bucket that a row falls into, and where (ns) the ``bucket`` of a number begins."""
    if buckets.edges is not None:
        return _between(buckets.edges), "bucket"
    width, origin, time, scale = buckets.interval or 1, buckets.origin, TIME, 1
    if width % MS == 0 and origin % MS == 0:
        width, origin, time, scale = width // MS, origin // MS, "ms", MS
    since = f"({time} - {origin})"
    # Division is towards zero: times before the origin are brought down first.
    whole = since if start >= buckets.origin else f"({since} - ({since} % {width} + {width}) % {width})"
    key = f"{whole} // {width}"
    return key, f"(bucket * {width} + {origin}) * {scale}"


def _between(edges: Sequence[int]) -> str:
    """The same for edges: runs of buckets of one length, as nearly all days of a year are."""
    runs: list[tuple[int, int, int]] = []  # first, width, end
    for start, end in itertools.pairwise(edges):
        if runs and runs[-1][1] == end - start:
            runs[-1] = (*runs[-1][:2], end)
        else:
            runs.append((start, end - start, end))
    arms = [f"WHEN {TIME} < {end} THEN {TIME} - ({TIME} - {first}) % {width}" for first, width, end in runs]
    return f"CASE {' '.join(arms)} END"


def split(columns: Mapping[str, Any]) -> dict[int, Window]:
    """The windows by series, of columns ordered by series and time."""
    series = columns["series"]
    starts = np.flatnonzero(np.diff(series, prepend=-1))
    ends = np.append(starts, len(series))[1:]
    value, minimum, maximum = (numbers(columns[name]) for name in ("value", "minimum", "maximum"))
    text, block = columns.get("text"), columns.get("block")
    found: dict[int, Window] = {}
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        rows = slice(start, end)
        found[int(series[start])] = Window(
            np.asarray(columns["time"][rows], np.int64),
            value[rows],
            minimum[rows],
            maximum[rows],
            np.asarray(columns["count"][rows], np.int64),
            np.asarray(columns["quality"][rows], np.uint16),
            None if text is None else ["" if word is None else str(word) for word in np.ma.filled(text[rows], None)],
            None
            if block is None
            else [None if one is None else unpacked(bytes(one)) for one in np.ma.filled(block[rows], None)],
        )
    return found


def observations(cursor: Any, source: str, order: str = "series, ms, nano, version") -> ObservationBatch:
    """The rows of a source made by `twin.telemetry.rows.stored`, in this order."""
    return batch(cursor.execute(f"SELECT * FROM ({source}) ORDER BY {order}").fetchnumpy())  # noqa: S608
