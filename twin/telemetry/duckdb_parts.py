"""The tables that hold the rows of a DuckDB history, and how they are put in order in the background.

Rows arrive in the youngest table of their kind, the open one.  When it has enough it is closed and another begins; a
closed one is written again ordered by series and time, and ordered ones of a size are written into one, so that a
series lies together in few places however long it goes on.  Each step is one transaction: the new table is there and
the old ones are not, or the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twin.telemetry.duckdb_schema import KINDS, columns, create

OPEN_ROWS = 4_000_000
"""An open table with so many rows is closed."""
TOGETHER = 8
"""So many ordered tables of a size become one."""
LARGEST = 2_500_000_000
"""No table grows beyond so many rows by that."""
SLICE = 4_000_000  # rows put in order at once, which bounds the memory that it takes
_DAY = 86_400_000  # ms
_DAY_ROWS = 100_000  # a day's rows that are worth a table of their own
ORDERED = "series, CASE WHEN series % 2 = 0 THEN ms ELSE -ms END, nano, version"
"""Every other series lies backwards: where one ends the next begins near by in time, which halves the bits."""


@dataclass(frozen=True, slots=True)
class Part:
    """A table with rows of one kind and times ``first..last`` (ms); ``level`` 0 is not in order, each above it is made
    of `TOGETHER` of the one below.  Of an open table rows, first and last are not known here."""

    name: str
    kind: str
    level: int
    rows: int
    first: int
    last: int
    open: bool


@dataclass(frozen=True, slots=True)
class Parts:
    """All tables, oldest first; the last one of each kind is open."""

    all: tuple[Part, ...]

    def tables(self, first: int | None = None, last: int | None = None) -> dict[str, list[str]]:
        """The names by kind of those that can hold a row with a time in ``first..last`` (ms)."""
        found: dict[str, list[str]] = {kind: [] for kind in KINDS}
        for part in self.all:
            if part.open or ((last is None or part.first <= last) and (first is None or part.last >= first)):
                found[part.kind].append(part.name)
        return found

    def open(self, kind: str) -> Part:
        """The table that rows of this kind go to."""
        return next(part for part in reversed(self.all) if part.kind == kind)


def read_parts(cursor: Any) -> Parts:
    """The tables that the file lists."""
    rows = cursor.execute("SELECT name, kind, level, rows, first, last FROM part ORDER BY number").fetchall()
    newest = {kind: name for name, kind, *_ in rows}
    return Parts(
        tuple(
            Part(name, kind, level, count, first, last, newest[kind] == name)
            for name, kind, level, count, first, last in rows
        )
    )


def close_open(cursor: Any, kind: str) -> None:
    """Closes the open table of a kind and begins another; within the caller's transaction."""
    open_part = read_parts(cursor).open(kind)
    number = _number(cursor)
    of_open = f"SELECT count(*), coalesce(min(ms), 0), coalesce(max(ms), 0) FROM {open_part.name}"  # noqa: S608 - ours
    ((rows, first, last),) = cursor.execute(of_open).fetchall()
    cursor.execute(
        "UPDATE part SET rows = ?, first = ?, last = ? WHERE name = ?", [rows, first, last, open_part.name]
    ).fetchall()
    begin_open(cursor, kind, f"{kind}_{number}", number)


def begin_open(cursor: Any, kind: str, name: str, number: int) -> None:
    """Makes an open table."""
    cursor.execute(create(name, kind))
    cursor.execute("INSERT INTO part VALUES (?, ?, ?, 0, 0, 0, 0)", [number, name, kind])


def next_to_order(parts: Parts) -> list[Part]:
    """The tables that should become one next, or none."""
    for part in parts.all:
        if part.level == 0 and not part.open and part.kind != "block":
            return [part]
    for kind in KINDS:
        for level in sorted({part.level for part in parts.all if part.kind == kind and part.level}):
            alike = [part for part in parts.all if (part.kind, part.level) == (kind, level)][:TOGETHER]
            if len(alike) == TOGETHER and sum(part.rows for part in alike) <= LARGEST:
                return alike
    return []


def write_ordered(
    cursor: Any, sources: Sequence[Part], keep: str = "TRUE", stop: Callable[[], bool] = lambda: False
) -> bool:
    """Writes the rows of these tables for which ``keep`` holds into one table in order, and lists it in their place;
    within the caller's transaction.  False when ``stop`` said so between two slices: roll back then."""
    kind = sources[0].kind
    name = f"{kind}_{_number(cursor)}"
    every = " UNION ALL ".join(f"SELECT {columns(kind)} FROM {part.name} WHERE {keep}" for part in sources)  # noqa: S608
    counted = cursor.execute(f"SELECT series, count(*) AS n FROM ({every}) GROUP BY 1 ORDER BY 1").fetchnumpy()  # noqa: S608
    cursor.execute(create(name, kind))
    for first, last in _slices(counted["series"], counted["n"]):
        if stop():
            return False
        cursor.execute(
            f"""INSERT INTO {name} SELECT * FROM ({every}) WHERE series BETWEEN {first} AND {last}
                ORDER BY {ORDERED}"""  # noqa: S608 - names and integers of ours
        )
    level = max(part.level for part in sources) + (1 if len(sources) > 1 or sources[0].level == 0 else 0)
    # It takes the place of its first source, so that the list stays in the order of arrival.
    place = cursor.execute("SELECT min(number) FROM part WHERE list_contains(?, name)", [[p.name for p in sources]])
    ((at,),) = place.fetchall()
    for part in sources:
        cursor.execute("DELETE FROM part WHERE name = ?", [part.name])
        cursor.execute(f"DROP TABLE {part.name}")
    rows = int(counted["n"].sum())
    if rows:
        cursor.execute(
            f"""INSERT INTO part SELECT {int(at)}, ?, ?, ?, count(*), min(ms), max(ms) FROM {name}""",  # noqa: S608
            [name, kind, level],
        )
    else:
        cursor.execute(f"DROP TABLE {name}")
    return True


def _number(cursor: Any) -> int:
    ((number,),) = cursor.execute("SELECT nextval('part_number')").fetchall()
    return int(number)


def _slices(series: np.ndarray, rows: np.ndarray) -> Iterable[tuple[int, int]]:
    """Ranges of series with about so many rows each as are put in order at once."""
    if not len(series):
        return
    which = (np.cumsum(rows) - rows) // SLICE
    starts = np.flatnonzero(np.diff(which, prepend=-1))
    ends = np.append(starts[1:], len(series)) - 1
    yield from zip(series[starts].tolist(), series[ends].tolist(), strict=True)


def due(rows: Mapping[str, int], first_ms: int, last_ms: int) -> list[str]:
    """The kinds whose open table should be closed, by the rows that it has and the span since it was begun."""
    over = last_ms // _DAY > first_ms // _DAY
    return [
        kind
        for kind, count in rows.items()
        if kind != "block" and (count >= OPEN_ROWS or (over and count >= _DAY_ROWS))
    ]
