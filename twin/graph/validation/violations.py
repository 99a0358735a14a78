"""The violations that stand at present, in a SQLite file: found by page, by twin and by rule without checking anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from threading import Lock

from twin.errors import InvalidInput
from twin.graph.violation import Judgement, Source, Violation

__all__ = ["Standing", "ViolatingNode", "ViolationGroup", "ViolationPage", "ViolationStore"]

_COLUMNS = tuple(field.name for field in fields(Violation))
_IDENTITY = ("focus", "path", "component", "shape", "value")
_MARKS = ", ".join("?" * (len(_COLUMNS) + 1))
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS violation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    site TEXT NOT NULL,
    {", ".join(f"{column} TEXT NOT NULL" for column in _COLUMNS)},
    UNIQUE (site, source, {", ".join(_IDENTITY)})
);
CREATE INDEX IF NOT EXISTS violation_focus ON violation (focus);
CREATE INDEX IF NOT EXISTS violation_shape ON violation (site, source, shape);
CREATE TABLE IF NOT EXISTS due (site TEXT PRIMARY KEY, reason TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """A violation that stands, with its site and the number that names it as long as it does."""

    number: str
    site: str
    violation: Violation


@dataclass(frozen=True, slots=True)
class ViolatingNode:
    """How many rules a node breaks, or how many times."""

    focus: str
    count: int


@dataclass(frozen=True, slots=True)
class ViolationPage:
    """Some of the violations, in the order they were found; ``cursors`` name them one by one for the next page."""

    items: tuple[Violation, ...]
    cursors: tuple[str, ...]
    total: int
    has_next: bool


@dataclass(frozen=True, slots=True)
class ViolationGroup:
    """How many nodes break one rule."""

    shape: str
    rule: str
    severity: str
    source: str
    count: int


class ViolationStore:
    """The current violations of every site; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")  # whatever a crash loses is found again by a check
        self._connection.executescript(_SCHEMA)

    def replace(self, site: str, source: Source, violations: Iterable[Violation]) -> None:
        """Makes these the violations of a site by one source; those that stay keep their place."""
        found = {violation.identity: violation for violation in violations}
        with self._lock, self._connection:
            self._connection.execute("BEGIN")
            standing = {
                tuple(row[1:]): row[0]
                for row in self._connection.execute(
                    f"SELECT id, {', '.join(_IDENTITY)} FROM violation WHERE site = ? AND source = ?",  # noqa: S608  # names of ours
                    (site, source),
                )
            }
            gone = [(number,) for identity, number in standing.items() if identity not in found]
            self._connection.executemany("DELETE FROM violation WHERE id = ?", gone)
            self._insert(site, sorted(found.values(), key=lambda violation: violation.identity))

    def update(self, site: str, source: Source, judgement: Judgement) -> None:
        """Takes away the violations a committed change resolved and keeps those it added."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN")
            where = " AND ".join(f"{column} = ?" for column in _IDENTITY)
            self._connection.executemany(
                f"DELETE FROM violation WHERE site = ? AND source = ? AND {where}",  # noqa: S608  # names of ours
                [(site, source, *violation.identity) for violation in judgement.resolved],
            )
            self._insert(site, judgement.added)

    def _insert(self, site: str, violations: Iterable[Violation]) -> None:
        self._connection.executemany(
            f"INSERT INTO violation (site, {', '.join(_COLUMNS)}) VALUES ({_MARKS})"  # noqa: S608  # names of ours
            " ON CONFLICT DO UPDATE SET severity = excluded.severity, rule = excluded.rule,"
            " remedy = excluded.remedy, found = excluded.found",
            [(site, *astuple(violation)) for violation in violations],
        )

    def page(
        self,
        site: str | None = None,
        twin: str | Collection[str] | None = None,
        after: str | None = None,
        limit: int = 50,
        *,
        source: str | None = None,
        shape: str | None = None,
        severity: str | None = None,
    ) -> ViolationPage:
        """A page of violations: all, or those of a site, of one or several nodes, of a source, a shape, a severity.

        Raises `twin.errors.InvalidInput` for an ``after`` that is no cursor.
        """
        where, values = _where(site, twin, source=source, shape=shape, severity=severity)
        if after is not None and not after.isdecimal():
            raise InvalidInput(f"{after!r} is no cursor of a page of violations.", remedy="Use one that a page gave.")
        with self._lock, closing(self._connection.cursor()) as cursor:
            total = cursor.execute(f"SELECT COUNT(*) FROM violation{where}", values).fetchone()[0]  # noqa: S608  # marks only
            beyond = f"{where} {'AND' if where else 'WHERE'} id > ?"
            rows = cursor.execute(
                f"SELECT id, {', '.join(_COLUMNS)} FROM violation{beyond} ORDER BY id LIMIT ?",  # noqa: S608  # marks only
                [*values, int(after or 0), limit + 1],
            ).fetchall()
        shown = rows[:limit]
        return ViolationPage(
            tuple(Violation(*row[1:]) for row in shown),
            tuple(str(row[0]) for row in shown),
            total,
            len(rows) > limit,
        )

    def find(self, number: str) -> Standing | None:
        """The violation of a number; None when it stands no longer."""
        if not number.isdecimal():
            return None
        with self._lock:
            row = self._connection.execute(
                f"SELECT id, site, {', '.join(_COLUMNS)} FROM violation WHERE id = ?",  # noqa: S608  # names of ours
                (int(number),),
            ).fetchone()
        return None if row is None else Standing(str(row[0]), row[1], Violation(*row[2:]))

    def count(
        self,
        site: str | None = None,
        *,
        twin: str | Collection[str] | None = None,
        source: str | None = None,
        severity: str | None = None,
    ) -> int:
        """How many violations there are."""
        where, values = _where(site, twin, source=source, severity=severity)
        with self._lock:
            row = self._connection.execute(f"SELECT COUNT(*) FROM violation{where}", values).fetchone()  # noqa: S608  # marks only
        return int(row[0])

    def groups(
        self,
        site: str | None = None,
        *,
        twin: str | Collection[str] | None = None,
        source: str | None = None,
        severity: str | None = None,
    ) -> list[ViolationGroup]:
        """The rules that are broken, in words, the most often broken first."""
        where, values = _where(site, twin, source=source, severity=severity)
        with self._lock:
            rows = self._connection.execute(
                f"SELECT shape, rule, severity, source, COUNT(*) AS broken FROM violation{where}"  # noqa: S608  # marks only
                " GROUP BY shape, rule, severity, source ORDER BY broken DESC, rule, shape",
                values,
            ).fetchall()
        return [ViolationGroup(*row) for row in rows]

    def nodes(
        self,
        site: str | None = None,
        *,
        source: str | None = None,
        shape: str | None = None,
        severity: str | None = None,
        limit: int = 50,
    ) -> list[ViolatingNode]:
        """The nodes that break rules, those that break most first; at most ``limit``."""
        where, values = _where(site, None, source=source, shape=shape, severity=severity)
        with self._lock:
            rows = self._connection.execute(
                f"SELECT focus, COUNT(*) AS broken FROM violation{where}"  # noqa: S608  # marks only
                " GROUP BY focus ORDER BY broken DESC, focus LIMIT ?",
                [*values, limit],
            ).fetchall()
        return [ViolatingNode(*row) for row in rows]

    def mark_due(self, sites: Iterable[str], reason: str) -> None:
        """Notes that what stands here for these sites may be wrong until they are validated anew, and why."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN")
            self._connection.executemany(
                "INSERT INTO due (site, reason) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [(site, reason) for site in sites],
            )

    def due(self) -> dict[str, str]:
        """The sites that are to be validated anew, each with the reason; oldest first."""
        with self._lock:
            return dict(self._connection.execute("SELECT site, reason FROM due ORDER BY rowid").fetchall())

    def not_due(self, site: str) -> None:
        """Notes that a site was validated anew."""
        with self._lock, self._connection:
            self._connection.execute("DELETE FROM due WHERE site = ?", (site,))

    def counts(self, site: str | None = None, *, source: str | None = None) -> dict[str, int]:
        """How many violations each node has that has any."""
        where, values = _where(site, None, source=source)
        with self._lock:
            rows = self._connection.execute(
                f"SELECT focus, COUNT(*) FROM violation{where} GROUP BY focus",  # noqa: S608  # marks only
                values,
            ).fetchall()
        return dict(rows)

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()


def _where(
    site: str | None,
    twin: str | Collection[str] | None,
    *,
    source: str | None = None,
    shape: str | None = None,
    severity: str | None = None,
) -> tuple[str, list[str]]:
    conditions: list[str] = []
    values: list[str] = []
    for column, value in (("site", site), ("source", source), ("shape", shape), ("severity", severity)):
        if value is not None:
            conditions.append(f"{column} = ?")
            values.append(value)
    if twin is not None:
        foci = [twin] if isinstance(twin, str) else list(twin)
        conditions.append(f"focus IN ({', '.join('?' * len(foci))})")
        values.extend(foci)
    return (f" WHERE {' AND '.join(conditions)}" if conditions else ""), values
