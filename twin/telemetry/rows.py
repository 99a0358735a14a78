"""Rows of observations in the DuckDB history: the columns that go in and come out, and the statements that add them.

Numbers that stand in a statement's text are Python integers, never text from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.observation import Int64, ObservationBatch
from twin.telemetry.block_codec import digest, packed, unpacked
from twin.telemetry.duckdb_schema import KINDS, MS, columns
from twin.telemetry.heads import AHEAD

_LAST_MS = np.iinfo(np.int64).max // MS
TIME = f"(ms * {MS} + nano)"
RECEIVED = f"((ms + lag) * {MS})"
"""Both in ns UTC, of a row of any table."""


def received_as_kept(received: Int64) -> Int64:
    """Receive times (ns UTC) as the history gives them back: to the millisecond, never earlier than they were."""
    return _ceiling(received) * MS


def _ceiling(time: Int64) -> Int64:
    found = -(-time // MS)
    return np.minimum(found, _LAST_MS)


def known_series(table: str, kind: str) -> str:
    """What `SeriesHeads` needs to know of every series of a table, as columns of times in ns."""
    return f"""SELECT series, '{kind}' AS kind, max(version) AS version,
        max(time) FILTER (NOT late) AS in_order, arg_max(received, time) FILTER (NOT late) AS in_order_received,
        min(time) FILTER (late) AS ahead_from, arg_min(received, time) FILTER (late) AS ahead_from_received,
        max(time) FILTER (late) AS ahead_to, arg_max(received, time) FILTER (late) AS ahead_to_received,
        arg_max(time, arrival) AS head, arg_max(received, arrival) AS head_received
    FROM (SELECT *, received > 0 AND time > received + {AHEAD} AS late,
                 CASE WHEN received > 0 THEN least(time, received) ELSE time END AS arrival
          FROM (SELECT series, {TIME} AS time, {RECEIVED} AS received, version FROM {table}))
    GROUP BY series"""  # noqa: S608 - names of ours


def kinds(batch: ObservationBatch) -> dict[str, npt.NDArray[np.bool_]]:
    """Which rows of a batch go to which kind of table; kinds without rows are left out, a number's rows never."""
    if not batch.text and not batch.blocks:
        return {"number": np.ones(len(batch), np.bool_)}
    found = {"number": batch.numeric()}
    for kind, carried in (("text", batch.text), ("block", batch.blocks)):
        found[kind] = np.zeros(len(batch), np.bool_)
        found[kind][list(carried)] = True
    found["text"] &= ~found["block"]
    return found


def incoming(batch: ObservationBatch, rows: npt.NDArray[np.intp], kind: str) -> dict[str, npt.NDArray[Any]]:
    """Rows of a batch as the columns that the inserts below read as ``incoming``; a value that is no number is NULL."""
    every = len(rows) == len(batch)
    time, received = (batch.time, batch.received) if every else (batch.time[rows], batch.received[rows])
    ms = time // MS
    value: npt.NDArray[Any] = batch.value if every else batch.value[rows]
    if kind != "number":
        value = np.empty(len(rows), np.object_)
        value[:] = [batch.text[row] if kind == "text" else packed(batch.blocks[row]) for row in rows.tolist()]
    found: dict[str, npt.NDArray[Any]] = {
        "series": batch.series if every else batch.series[rows],
        "ms": ms,
        "nano": (time - ms * MS).astype(np.int32),
        "value": value,
        "quality": batch.quality if every else batch.quality[rows],
        "lag": _ceiling(received) - ms,
        "origin": np.zeros(len(rows), np.int32) if batch.origin is None else batch.origin[rows],
        "ordinal": np.arange(len(rows), dtype=np.int64),
    }
    if kind == "block":
        found["digest"] = np.array([digest(batch.blocks[row]) for row in rows.tolist()], np.int64)
    return found


def insert_fresh(table: str, kind: str) -> str:
    """Appends ``incoming`` rows that are known to be new."""
    return f"""INSERT INTO {table} ({columns(kind)})
        SELECT series, ms, nano, value, quality, lag, 0, origin{", digest" if kind == "block" else ""}
        FROM incoming"""  # noqa: S608


def insert_compared(
    table: str, kind: str, tables: Sequence[str], start: int, end: int, replacing: Iterable[int] = ()
) -> str:
    """Appends those ``incoming`` rows, all with ``ms`` in ``start..end``, that differ from every version that these
    tables have of their series and time - those of ``replacing`` origins: from the newest - as the next versions in the
    order they came; returns (series, version) of what it added."""
    origins = ", ".join(str(int(each)) for each in replacing)
    newest = f" AND (k.version = k.newest OR d.origin NOT IN ({origins}))" if origins else ""
    same = "digest" if kind == "block" else "value"
    carried = ", any_value(value) AS value" if kind == "block" else ""
    found = " UNION ALL ".join(
        f"""SELECT series, ms, nano, {same}, quality, version FROM {each} SEMI JOIN incoming USING (series, ms, nano)
            WHERE ms BETWEEN {int(start)} AND {int(end)}"""  # noqa: S608
        for each in tables
    )
    return f"""WITH known AS (
            SELECT *, max(version) OVER (PARTITION BY series, ms, nano) AS newest FROM ({found})),
        distinct_rows AS (
            SELECT series, ms, nano, {same}, quality, arg_min(lag, ordinal) AS lag, arg_min(origin, ordinal) AS origin,
                min(ordinal) AS ordinal{carried}
            FROM incoming GROUP BY series, ms, nano, {same}, quality),
        unknown AS (
            SELECT * FROM distinct_rows AS d WHERE NOT EXISTS (
                SELECT 1 FROM known AS k WHERE k.series = d.series AND k.ms = d.ms AND k.nano = d.nano
                AND k.{same} IS NOT DISTINCT FROM d.{same} AND k.quality = d.quality{newest})),
        versions AS (SELECT series, ms, nano, max(version) + 1 AS next FROM known GROUP BY series, ms, nano)
        INSERT INTO {table} ({columns(kind)})
        SELECT u.series, u.ms, u.nano, u.value, u.quality, u.lag,
            coalesce(v.next, 0) + row_number() OVER (PARTITION BY u.series, u.ms, u.nano ORDER BY u.ordinal) - 1,
            u.origin{", u.digest" if kind == "block" else ""}
        FROM unknown AS u LEFT JOIN versions AS v USING (series, ms, nano)
        RETURNING series, version"""  # noqa: S608


def stored(tables: Mapping[str, Sequence[str]], where: str, join: str = "") -> str:
    """The rows of these tables by kind as `batch` reads them, with ``version``, ``ms``, ``nano`` and ``lag``; only
    those ``where``, and that the ``join`` leaves."""
    parts = []
    for kind, names in tables.items():
        told = ", ".join(
            f"{'value' if one == kind else f'CAST(NULL AS {of_type})'} AS {name}"
            for one, of_type, name in zip(KINDS, KINDS.values(), ("value", "text", "block"), strict=True)
        )
        parts += [
            f"""SELECT series, ms, nano, lag, quality, version, origin, {told}, '{kind}' AS kind
                FROM {name} {join} WHERE {where}"""  # noqa: S608
            for name in names
        ]
    return " UNION ALL ".join(parts)


def at_heads(tables: Mapping[str, Sequence[str]], start: int, end: int) -> str:
    """The newest version of the rows whose series, ms and nano are in ``heads``, all with ``ms`` in ``start..end``."""
    where = f"ms BETWEEN {int(start)} AND {int(end)}"
    rows = stored(tables, where, "SEMI JOIN heads USING (series, ms, nano)")
    return f"""SELECT * FROM ({rows})
        QUALIFY version = max(version) OVER (PARTITION BY kind, series, ms, nano)"""  # noqa: S608


def batch(found: Mapping[str, Any]) -> ObservationBatch:
    """Rows read back as observations."""
    there = np.flatnonzero(~np.ma.getmaskarray(found["text"]))
    blocks = np.flatnonzero(~np.ma.getmaskarray(found["block"]))
    ms = np.asarray(found["ms"], np.int64)
    return ObservationBatch(
        np.asarray(found["series"], np.int32),
        ms * MS + np.asarray(found["nano"], np.int64),
        numbers(found["value"]),
        np.asarray(found["quality"], np.uint16),
        (ms + np.asarray(found["lag"], np.int64)) * MS,
        {row: str(found["text"][row]) for row in there.tolist()},
        {row: unpacked(bytes(found["block"][row])) for row in blocks.tolist()},
        np.asarray(found["origin"], np.int32),
    )


def newest(
    cursor: Any, tables: Mapping[str, Sequence[str]], series: npt.NDArray[np.int32], time: Int64
) -> ObservationBatch:
    """The newest version of the row that each series has at its time."""
    if not len(series):
        return ObservationBatch.of([])
    ms = time // MS
    cursor.register("heads", {"series": series, "ms": ms, "nano": (time - ms * MS).astype(np.int32)})
    try:
        return batch(cursor.execute(at_heads(tables, int(ms.min()), int(ms.max()))).fetchnumpy())
    finally:
        cursor.unregister("heads")


def numbers(column: Any) -> npt.NDArray[np.float64]:
    """A column of numbers, NaN where it is NULL."""
    filled = np.ma.filled(column, np.nan) if np.ma.isMaskedArray(column) else column
    return np.asarray(filled, np.float64)
