"""The tables of the DuckDB history, its format, and how a file of an earlier format becomes one of this.

A source time is kept to the nanosecond as two columns, ``ms`` (milliseconds since 1970, rounded down) and ``nano`` (the
nanoseconds beyond, 0..999,999, nearly always 0 and then free); a receive time as ``lag``, the milliseconds from
``ms`` to it, rounded up.  Decision 0015 has the measurements.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from twin.errors import ConfigurationError

FORMAT = 2
"""The version of the tables below."""
MS = 1_000_000  # ns
KINDS = {"number": "DOUBLE", "text": "VARCHAR", "block": "BLOB"}
"""The tables that rows are appended to, by what they carry, and the type of its value."""
COLUMNS = "series, ms, nano, value, quality, lag, version, origin"
"""What each of them has; ``block`` has a ``digest`` as well."""


def columns(kind: str) -> str:
    """The names of the columns of a table of this kind, in their order."""
    return COLUMNS + (", digest" if kind == "block" else "")


def create(table: str, kind: str) -> str:
    """Makes a table of this kind."""
    digest = ", digest BIGINT NOT NULL" if kind == "block" else ""
    return f"""CREATE TABLE {table} (series INTEGER NOT NULL, ms BIGINT NOT NULL, nano INTEGER NOT NULL,
        value {KINDS[kind]}, quality USMALLINT NOT NULL, lag BIGINT NOT NULL, version USMALLINT NOT NULL,
        origin INTEGER NOT NULL{digest})"""


def prepare(connection: Any, path: Path) -> None:
    """Makes the tables of a new file, and brings one of an earlier format to this one, whole or not at all.

    Raises `ConfigurationError` for a newer format, for a file that is not a history, and when there is no room.
    """
    tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not tables:
        _in_one_step(connection, [*_NEW, f"INSERT INTO history_format VALUES ({FORMAT})"])  # noqa: S608 - ours
        return
    if "history_format" not in tables:
        raise ConfigurationError(
            f"The file {path} is a DuckDB database, but not a history.",
            remedy="Move it away, or start with another data directory.",
        )
    ((found,),) = connection.execute("SELECT version FROM history_format").fetchall()
    if found == 1:
        try:
            _in_one_step(connection, _from_1(tables))
        except duckdb.Error as error:
            raise ConfigurationError(
                f"The history {path} has format 1 and could not be brought to format {FORMAT}: "
                f"{str(error).strip().splitlines()[0]}",
                remedy="It is as it was; make room on the disk (as much again as the file has), then start again.",
            ) from error
    elif found != FORMAT:
        raise ConfigurationError(
            f"The history {path} has format {found}; this version of Twin reads formats 1 to {FORMAT}.",
            remedy="Start it with the version of Twin that wrote it, or with another data directory.",
        )


_BESIDE = [
    # The tables of rows, in the order in which what they hold arrived.
    """CREATE TABLE part (number BIGINT NOT NULL, name VARCHAR NOT NULL, kind VARCHAR NOT NULL, level INTEGER NOT NULL,
        rows BIGINT NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL)""",
    "INSERT INTO part VALUES (0, 'number', 'number', 0, 0, 0, 0), (1, 'text', 'text', 0, 0, 0, 0), "
    "(2, 'block', 'block', 0, 0, 0, 0)",
    "CREATE SEQUENCE part_number START 3",
    # What is known of each series up to the last time that rows were put in order.
    """CREATE TABLE head (series INTEGER NOT NULL, last BIGINT NOT NULL, ahead_from BIGINT NOT NULL,
        ahead_to BIGINT NOT NULL, head BIGINT NOT NULL, "order" BIGINT NOT NULL, text BOOLEAN NOT NULL,
        block BOOLEAN NOT NULL, corrected BOOLEAN NOT NULL)""",
    # Stretches (ns, half open) that were deleted and stay so.
    """CREATE TABLE forgotten (series INTEGER NOT NULL, start BIGINT NOT NULL, "end" BIGINT NOT NULL,
        time BIGINT NOT NULL, reason VARCHAR NOT NULL)""",
    # Summaries (of usable samples) that took the place of rows; several of one series and ms belong together.
    """CREATE TABLE rolled (series INTEGER NOT NULL, ms BIGINT NOT NULL, width BIGINT NOT NULL, count BIGINT NOT NULL,
        sum DOUBLE, minimum DOUBLE, maximum DOUBLE, first DOUBLE, last DOUBLE, quality USMALLINT NOT NULL)""",
]
_NEW = [
    "CREATE TABLE history_format (version INTEGER NOT NULL)",
    *(create(kind, kind) for kind in KINDS),
    *_BESIDE,
]


def _from_1(tables: set[str]) -> list[str]:
    """Format 1 had ``number`` and ``text`` (and, beside them, rows set aside) with ``time`` and ``received`` in ns."""
    steps = []
    for kind in ("number", "text"):
        for name in (kind, f"{kind}_set_aside"):
            if name in tables:
                steps += [
                    f"ALTER TABLE {name} RENAME TO {name}_of_1",
                    create(name, kind),
                    f"""INSERT INTO {name} SELECT series, {_floor("time")}, time - {_floor("time")} * {MS}, value,
                        quality, {_ceiling("received")} - {_floor("time")}, version, 0
                        FROM {name}_of_1""",  # noqa: S608 - names of ours
                    f"DROP TABLE {name}_of_1",
                ]
    return [*steps, create("block", "block"), *_BESIDE, f"UPDATE history_format SET version = {FORMAT}"]  # noqa: S608 - ours


def _floor(column: str) -> str:
    return f"(({column} - (({column} % {MS}) + {MS}) % {MS}) // {MS})"


def _ceiling(column: str) -> str:
    return f"({_floor(column)} + (({column} % {MS}) != 0)::BIGINT)"


def _in_one_step(connection: Any, statements: list[str]) -> None:
    connection.begin()
    try:
        for statement in statements:
            connection.execute(statement).fetchall()
        connection.commit()
    except BaseException:
        with suppress(duckdb.TransactionException):  # a full disk has ended it already
            connection.rollback()
        raise
