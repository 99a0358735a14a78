"""The statement for what was known of series at a moment of the past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twin.telemetry.duckdb_schema import MS
from twin.telemetry.rows import RECEIVED, TIME, stored


def rows_at(tables: Mapping[str, Sequence[str]], series: Sequence[int], start: int, time: int) -> str:
    """For each series the newest row that had come about between ``start`` and ``time`` (ns UTC), whatever its quality,
    and the newest usable one: at most two rows, of each its newest version; columns as `twin.telemetry.rows.batch`
    reads them."""
    which = ", ".join(str(int(one)) for one in series)
    every = stored(tables, f"series IN ({which}) AND ms >= {int(start) // MS}")
    return f"""WITH every AS (SELECT *, {TIME} AS time, {RECEIVED} AS received,
            CASE WHEN {RECEIVED} > 0 THEN least({TIME}, {RECEIVED}) ELSE {TIME} END AS moment,
            (quality & 65280 = 0 AND (kind <> 'number' OR value IS NOT NULL)) AS usable FROM ({every})),
        told AS (SELECT * FROM every WHERE time >= {int(start)}
            AND CASE WHEN received > 0 AND time > received THEN ms + lag <= {-(-int(time) // MS)}
                ELSE time <= {int(time)} END
            QUALIFY version = max(version) OVER (PARTITION BY kind, series, ms, nano))
        SELECT series, ms, nano, lag, value, quality, origin, text, block FROM told
        QUALIFY row_number() OVER (PARTITION BY series ORDER BY moment DESC, time DESC) = 1
            OR (usable AND row_number() OVER (PARTITION BY series, usable ORDER BY moment DESC, time DESC) = 1)"""  # noqa: S608
