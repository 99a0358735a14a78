"""Copies of a history, and rows that belong to no property: the statements behind `twin.telemetry.duckdb`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from twin.telemetry.duckdb_parts import Parts

_COPY = "history_copy"


def copy_database(cursor: Any, path: Path) -> None:
    """Writes every row committed until now to a new file.

    One transaction that only reads: others go on being committed meanwhile (20 million rows took 10 s, and no commit
    longer than 0.1 s).
    """
    ((own,),) = cursor.execute("SELECT current_database()").fetchall()
    quoted = str(path).replace("'", "''")
    cursor.execute(f"ATTACH '{quoted}' AS {_COPY}")
    try:
        cursor.execute(f'COPY FROM DATABASE "{own}" TO {_COPY}')
    finally:
        cursor.execute(f"DETACH {_COPY}")


def set_aside(connection: Any, parts: Parts, known: Iterable[int]) -> int:
    """Moves the rows whose series is not known to tables beside, in the caller's transaction; how many there were.

    They are kept, because they may be somebody's; they are not read, because nobody can say of what they are values.
    """
    moved = 0
    connection.register("known_series", {"series": np.fromiter(known, np.int32)})
    try:
        for part in parts.all:
            beside, where = f"{part.kind}_set_aside", "WHERE series NOT IN (SELECT series FROM known_series)"
            ((count,),) = connection.execute(f"SELECT count(*) FROM {part.name} {where}").fetchall()  # noqa: S608
            if count:
                connection.execute(f"CREATE TABLE IF NOT EXISTS {beside} AS FROM {part.name} LIMIT 0")
                connection.execute(f"INSERT INTO {beside} SELECT * FROM {part.name} {where}")  # noqa: S608 - ours
                connection.execute(f"DELETE FROM {part.name} {where}")  # noqa: S608 - ours
            moved += int(count)
        connection.execute("DELETE FROM head WHERE series NOT IN (SELECT series FROM known_series)").fetchall()
    finally:
        connection.unregister("known_series")
    return moved


def rows_by_series(cursor: Any, parts: Parts) -> dict[int, int]:
    """How many rows there are of each series; reads every column, so that a damaged block is found."""
    found: dict[int, int] = {}
    for part in parts.all:
        query = f"""SELECT series, count(*), bit_xor(hash(ms, nano, value, quality, lag, version, origin))
                    FROM {part.name} GROUP BY series"""  # noqa: S608 - ours
        for series, count, _ in cursor.execute(query).fetchall():
            found[int(series)] = found.get(int(series), 0) + int(count)
    return found
