"""The statements for windows of series in the DuckDB history, and the windows that come of their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from twin.contracts import Aggregate, Window
from twin.errors import InvalidInput
from twin.observation import ObservationBatch
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


@dataclass(frozen=True, slots=True)
class Buckets:
    """How samples are put together: ``interval`` ns from ``origin`` on, or None for each sample by itself."""

    interval: int | None
    origin: int
    aggregate: Aggregate


def buckets(start: int, end: int, interval: int | None, points: int | None, aggregate: Aggregate) -> Buckets:
    """The buckets of a window as asked; raises `InvalidInput` when they make no sense."""
    if aggregate not in get_args(Aggregate):
        raise InvalidInput(
            f"There is no aggregate {aggregate!r}.", remedy=f"Use one of {', '.join(get_args(Aggregate))}."
        )
    if interval is not None and points is not None:
        raise InvalidInput("A window has an interval or a number of points, not both.", remedy="Leave one out.")
    if any(given is not None and given < 1 for given in (interval, points)):
        raise InvalidInput("An interval and a number of points are greater than 0.")
    if points == 1:
        return Buckets(max(end - start, 1), start, aggregate)
    if points is not None:
        # One bucket less than asked, because the window's ends may cut one in two.
        return Buckets(max(-(-(end - start) // (points - 1)), 1), 0, aggregate)
    return Buckets(interval, 0, aggregate)


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


def window(source: str, kind: str, buckets: Buckets) -> str:
    """The query for windows over a ``source`` of rows of one kind; its rows are ordered by series and time."""
    number = "value" if kind == "number" else "CAST(NULL AS DOUBLE)"
    if buckets.interval is None:
        return f"""SELECT series, {TIME} AS time, {number} AS value, {number} AS minimum, {number} AS maximum,
            CAST(1 AS BIGINT) AS count, quality{"" if kind == "number" else f", value AS {kind}"}
            FROM ({source}) ORDER BY series, ms, nano"""  # noqa: S608
    usable = "FILTER (quality & 65280 = 0 AND value IS NOT NULL)"
    moment = "ms" if kind == "number" else "(ms, nano)"
    if kind == "number":
        moment = "(ms, nano)" if buckets.aggregate in ("first", "last") else "ms"
    value = {
        "first": f"arg_min({number}, {moment}) {usable}",
        "last": f"arg_max({number}, {moment}) {usable}",
        "mean": f"avg({number}) {usable}",
        "count": f"CAST(count(*) {usable} AS DOUBLE)",
    }.get(buckets.aggregate, f"{buckets.aggregate}({number}) {usable}")
    side = "arg_min" if buckets.aggregate == "first" else "arg_max"
    carried = "" if kind == "number" else f", {side}(value, {moment}) {usable} AS {kind}"
    return f"""SELECT series, {_bucket(buckets.interval, buckets.origin)} AS time, {value} AS value,
        min({number}) {usable} AS minimum, max({number}) {usable} AS maximum, count(*) {usable} AS count,
        bit_or(quality) AS quality{carried}
        FROM ({source}) GROUP BY series, 2 ORDER BY series, 2"""  # noqa: S608


def _bucket(width: int, origin: int) -> str:
    """The start (ns) of the bucket that a row falls into; the remainder is brought into 0..width, so that times before
    the origin fall into their own."""
    if width % MS == 0 and origin % MS == 0:
        width, origin = width // MS, origin // MS
        return f"(ms - ((ms - {origin}) % {width} + {width}) % {width}) * {MS}"
    return f"{TIME} - (({TIME} - {origin}) % {width} + {width}) % {width}"


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
