"""The statement for what was known of series at a moment of the past."""

from __future__ import annotations

from collections.abc import Sequence


def rows_at(series: Sequence[int], start: int, time: int) -> str:
    """For each series the newest row that had come about between ``start`` and ``time`` (ns UTC), whatever its quality,
    and the newest usable one: at most two rows, of each its newest version; columns as `twin.telemetry.rows.batch`
    reads them."""
    which = ", ".join(str(int(one)) for one in series)
    tables = (
        f"""SELECT series, time, {number} AS value, quality, received, {words} AS text, version, {table!r} AS home,
            CASE WHEN received > 0 THEN least(time, received) ELSE time END AS moment,
            (quality & 65280 = 0 AND value IS NOT NULL) AS usable
        FROM {table} WHERE series IN ({which}) AND time >= {int(start)}"""  # noqa: S608 - integers and names of ours
        for table, number, words in (
            ("number", "value", "CAST(NULL AS VARCHAR)"),
            ("text", "CAST(NULL AS DOUBLE)", "value"),
        )
    )
    return f"""WITH told AS (SELECT * FROM ({" UNION ALL ".join(tables)}) WHERE moment <= {int(time)}
            QUALIFY version = max(version) OVER (PARTITION BY home, series, time))
        SELECT series, time, value, quality, received, text FROM told
        QUALIFY row_number() OVER (PARTITION BY series ORDER BY moment DESC, time DESC) = 1
            OR (usable AND row_number() OVER (PARTITION BY series, usable ORDER BY moment DESC, time DESC) = 1)"""  # noqa: S608
