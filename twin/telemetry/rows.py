"""The statements behind `twin.telemetry.duckdb`, and the columns that go in and come out of them.

Numbers that stand in a statement's text are Python integers, never text from outside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from twin.contracts import Aggregate, Window
from twin.errors import ConfigurationError, InvalidInput
from twin.observation import ObservationBatch
from twin.telemetry.heads import AHEAD

FORMAT = 1
"""The version of the tables below."""
_CREATE = """
CREATE TABLE history_format (version INTEGER NOT NULL);
CREATE TABLE number (series INTEGER NOT NULL, time BIGINT NOT NULL, value DOUBLE, quality USMALLINT NOT NULL,
                     received BIGINT NOT NULL, version USMALLINT NOT NULL);
CREATE TABLE text (series INTEGER NOT NULL, time BIGINT NOT NULL, value VARCHAR, quality USMALLINT NOT NULL,
                   received BIGINT NOT NULL, version USMALLINT NOT NULL);
"""
EMPTY = Window(
    np.empty(0, np.int64),
    np.empty(0, np.float64),
    np.empty(0, np.float64),
    np.empty(0, np.float64),
    np.empty(0, np.int64),
    np.empty(0, np.uint16),
)
KNOWN_SERIES = tuple(
    f"""SELECT series, {table == "text"} AS text, max(version) AS version,
        max(time) FILTER (NOT late) AS in_order, arg_max(received, time) FILTER (NOT late) AS in_order_received,
        min(time) FILTER (late) AS ahead_from, arg_min(received, time) FILTER (late) AS ahead_from_received,
        max(time) FILTER (late) AS ahead_to, arg_max(received, time) FILTER (late) AS ahead_to_received,
        arg_max(time, arrival) AS head, arg_max(received, arrival) AS head_received
    FROM (SELECT *, received > 0 AND time > received + {AHEAD} AS late,
                 CASE WHEN received > 0 THEN least(time, received) ELSE time END AS arrival FROM {table})
    GROUP BY series"""  # noqa: S608 - a constant table name
    for table in ("number", "text")
)
"""What `SeriesHeads` needs to know of every series, a query for each table."""
TIME_BEFORE = """SELECT max(time) FROM (
    SELECT max(time) AS time FROM number WHERE series = ? AND time < ?
    UNION ALL SELECT max(time) FROM text WHERE series = ? AND time < ?)"""


@dataclass(frozen=True, slots=True)
class Buckets:
    """How samples are put together: ``interval`` ns from ``origin`` on, or None for each sample by itself."""

    interval: int | None
    origin: int
    aggregate: Aggregate


def prepare(connection: Any, path: Path) -> None:
    """Makes the tables of a new file; raises `ConfigurationError` for a file of another format."""
    tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not tables:
        connection.begin()
        for statement in _CREATE.split(";"):
            if statement.strip():
                connection.execute(statement)
        connection.execute("INSERT INTO history_format VALUES (?)", [FORMAT])
        connection.commit()
        return
    if "history_format" not in tables:
        raise ConfigurationError(
            f"The file {path} is a DuckDB database, but not a history.",
            remedy="Move it away, or start with another data directory.",
        )
    ((found,),) = connection.execute("SELECT version FROM history_format").fetchall()
    if found != FORMAT:
        raise ConfigurationError(
            f"The history {path} has format {found}; this version of Twin reads format {FORMAT}.",
            remedy="Start it with the version of Twin that wrote it, or with another data directory.",
        )


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


def window(series: Sequence[int], start: int, end: int, buckets: Buckets, *, corrected: bool, text: bool) -> str:
    """The query for the windows of these series, which are all of text or all of numbers; rows ordered by
    series and time.  Only where some are ``corrected`` must it look for their newest versions."""
    which = f"series = {int(series[0])}" if len(series) == 1 else f"series IN ({', '.join(map(str, map(int, series)))})"
    source = f"{'text' if text else 'number'} WHERE {which} AND time >= {int(start)} AND time < {int(end)}"
    if corrected:
        # Corrections are few: a join with them costs a tenth of looking for the newest version of every row.
        source = f"""(WITH corrected AS (SELECT series, time, max(version) AS newest FROM {source} AND version > 0
                                        GROUP BY series, time)
            SELECT all_rows.* FROM (SELECT * FROM {source}) AS all_rows LEFT JOIN corrected USING (series, time)
            WHERE newest IS NULL OR version = newest)"""  # noqa: S608
    number = "CAST(NULL AS DOUBLE)" if text else "value"
    if buckets.interval is None:
        return f"""SELECT series, time, {number} AS value, {number} AS minimum, {number} AS maximum,
            CAST(1 AS BIGINT) AS count, quality{", value AS text" if text else ""}
            FROM {source} ORDER BY series, time"""  # noqa: S608
    # The remainder is brought into 0..interval, so that times before the origin fall into their own bucket.
    width = buckets.interval
    bucket = f"time - ((time - {buckets.origin}) % {width} + {width}) % {width}"
    usable = "FILTER (quality & 65280 = 0 AND value IS NOT NULL)"
    value = {
        "first": f"arg_min({number}, time) {usable}",
        "last": f"arg_max({number}, time) {usable}",
        "mean": f"avg({number}) {usable}",
        "count": f"CAST(count(*) {usable} AS DOUBLE)",
    }.get(buckets.aggregate, f"{buckets.aggregate}({number}) {usable}")
    words = f", {'arg_min' if buckets.aggregate == 'first' else 'arg_max'}(value, time) {usable} AS text"
    return f"""SELECT series, {bucket} AS bucket, {value} AS value, min({number}) {usable} AS minimum,
        max({number}) {usable} AS maximum, count(*) {usable} AS count, bit_or(quality) AS quality{words if text else ""}
        FROM {source} GROUP BY series, bucket ORDER BY series, bucket"""  # noqa: S608


def split(columns: Mapping[str, Any]) -> dict[int, Window]:
    """The windows by series, of columns ordered by series and time."""
    series = columns["series"]
    starts = np.flatnonzero(np.diff(series, prepend=-1))
    ends = np.append(starts, len(series))[1:]
    time = columns["bucket"] if "bucket" in columns else columns["time"]
    value, minimum, maximum = (_numbers(columns[name]) for name in ("value", "minimum", "maximum"))
    text = columns.get("text")
    found: dict[int, Window] = {}
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        rows = slice(start, end)
        found[int(series[start])] = Window(
            time[rows],
            value[rows],
            minimum[rows],
            maximum[rows],
            np.asarray(columns["count"][rows], np.int64),
            np.asarray(columns["quality"][rows], np.uint16),
            None if text is None else _words(text[rows]),
        )
    return found


def incoming(batch: ObservationBatch, rows: npt.NDArray[np.intp], *, text: bool) -> dict[str, npt.NDArray[Any]]:
    """Rows of a batch as the columns that the inserts below read as ``incoming``; a value that is no number
    is NULL."""
    value: npt.NDArray[Any] = batch.value[rows]
    if text:
        value = np.array([batch.text[row] for row in rows.tolist()], np.object_)
    columns: dict[str, npt.NDArray[Any]] = {"series": batch.series[rows], "time": batch.time[rows], "value": value}
    columns["quality"], columns["received"] = batch.quality[rows], batch.received[rows]
    columns["ordinal"] = np.arange(len(rows), dtype=np.int64)
    return columns


def insert_fresh(*, text: bool) -> str:
    """Appends ``incoming`` rows that are known to be new."""
    return f"""INSERT INTO {"text" if text else "number"}
        SELECT series, time, value, quality, received, 0 FROM incoming"""  # noqa: S608


def insert_compared(start: int, end: int, *, text: bool) -> str:
    """Appends those ``incoming`` rows, all with times in ``start..end``, that differ from every version of
    their series and time, as the next versions in the order they came; returns (series, version) of what it
    added."""
    table = "text" if text else "number"
    return f"""WITH known AS (
            SELECT series, time, value, quality, version FROM {table}
            WHERE time BETWEEN {int(start)} AND {int(end)}
              AND (series, time) IN (SELECT (series, time) FROM incoming)),
        distinct_rows AS (
            SELECT series, time, value, quality, arg_min(received, ordinal) AS received, min(ordinal) AS ordinal
            FROM incoming GROUP BY series, time, value, quality),
        unknown AS (
            SELECT * FROM distinct_rows AS d WHERE NOT EXISTS (
                SELECT 1 FROM known AS k WHERE k.series = d.series AND k.time = d.time
                AND k.value IS NOT DISTINCT FROM d.value AND k.quality = d.quality)),
        versions AS (SELECT series, time, max(version) + 1 AS next FROM known GROUP BY series, time)
        INSERT INTO {table}
        SELECT u.series, u.time, u.value, u.quality, u.received,
            coalesce(v.next, 0) + row_number() OVER (PARTITION BY u.series, u.time ORDER BY u.ordinal) - 1
        FROM unknown AS u LEFT JOIN versions AS v USING (series, time)
        RETURNING series, version"""  # noqa: S608


def at_heads(start: int, end: int, *, text: bool) -> str:
    """The newest version of the rows whose series and time are in ``heads``, all with times in
    ``start..end``."""
    tables = [("number", "CAST(NULL AS VARCHAR)", "value"), ("text", "value", "CAST(NULL AS DOUBLE)")]
    return " UNION ALL ".join(
        f"""(SELECT series, time, {number} AS value, quality, received, {words} AS text
            FROM {table} SEMI JOIN heads USING (series, time) WHERE time BETWEEN {int(start)} AND {int(end)}
            QUALIFY version = max(version) OVER (PARTITION BY series, time))"""  # noqa: S608
        for table, words, number in (tables if text else tables[:1])
    )


def batch(columns: Mapping[str, Any]) -> ObservationBatch:
    """Rows read back as observations."""
    there = np.flatnonzero(~np.ma.getmaskarray(columns["text"]))
    return ObservationBatch(
        np.asarray(columns["series"], np.int32),
        np.asarray(columns["time"], np.int64),
        _numbers(columns["value"]),
        np.asarray(columns["quality"], np.uint16),
        np.asarray(columns["received"], np.int64),
        {row: str(columns["text"][row]) for row in there.tolist()},
    )


def newest(
    cursor: Any, series: npt.NDArray[np.int32], time: npt.NDArray[np.int64], *, any_text: bool
) -> ObservationBatch:
    """The newest version of the row that each series has at its time; without ``any_text`` all are numbers."""
    if not len(series):
        return ObservationBatch.of([])
    cursor.register("heads", {"series": series, "time": time})
    try:
        query = at_heads(int(time.min()), int(time.max()), text=any_text)
        return batch(cursor.execute(query).fetchnumpy())
    finally:
        cursor.unregister("heads")


def _numbers(column: Any) -> npt.NDArray[np.float64]:
    filled = np.ma.filled(column, np.nan) if np.ma.isMaskedArray(column) else column
    return np.asarray(filled, np.float64)


def _words(column: Any) -> list[str]:
    return ["" if word is None else str(word) for word in np.ma.filled(column, None)]
