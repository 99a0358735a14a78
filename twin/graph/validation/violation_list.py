"""Reading violations: by page, by twin and by rule, as they stand now or as they stood at a revision of the past."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass, fields
from threading import Lock

from twin.errors import InvalidInput
from twin.graph.violation import Violation

COLUMNS = tuple(field.name for field in fields(Violation))


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
    """Some of the violations, in the order they were found; ``cursors`` name them one by one for the next page and
    ``since`` are the revisions from which they stand (0: from before that was kept); ``sites`` are theirs."""

    items: tuple[Violation, ...]
    cursors: tuple[str, ...]
    total: int
    has_next: bool
    since: tuple[int, ...] = ()
    sites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ViolationGroup:
    """How many nodes break one rule."""

    shape: str
    rule: str
    severity: str
    source: str
    count: int


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit that ended said of a site as it was at ``revision``; times are nanoseconds UTC."""

    revision: int
    state: str
    started_at: int
    finished_at: int
    message: str


class ViolationList:
    """The violations of every site: those that stand now, or those that stood at ``revision``.  Safe to use from
    several threads."""

    def __init__(self, connection: sqlite3.Connection, lock: Lock, revision: int | None = None) -> None:
        self._connection = connection
        self._lock = lock
        self._revision = revision

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
        where, values = self._where(site, twin, source=source, shape=shape, severity=severity)
        if after is not None and not after.isdecimal():
            raise InvalidInput(f"{after!r} is no cursor of a page of violations.", remedy="Use one that a page gave.")
        with self._lock, closing(self._connection.cursor()) as cursor:
            total = cursor.execute(f"SELECT COUNT(*) FROM finding{where}", values).fetchone()[0]  # noqa: S608  # marks only
            rows = cursor.execute(
                f"SELECT id, since, site, {', '.join(COLUMNS)} FROM finding{where} AND id > ? ORDER BY id LIMIT ?",  # noqa: S608  # marks only
                [*values, int(after or 0), limit + 1],
            ).fetchall()
        shown = rows[:limit]
        return ViolationPage(
            tuple(Violation(*row[3:]) for row in shown),
            tuple(str(row[0]) for row in shown),
            total,
            len(rows) > limit,
            tuple(row[1] for row in shown),
            tuple(row[2] for row in shown),
        )

    def count(
        self,
        site: str | None = None,
        *,
        twin: str | Collection[str] | None = None,
        source: str | None = None,
        severity: str | None = None,
    ) -> int:
        """How many violations there are."""
        where, values = self._where(site, twin, source=source, severity=severity)
        with self._lock:
            row = self._connection.execute(f"SELECT COUNT(*) FROM finding{where}", values).fetchone()  # noqa: S608  # marks only
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
        where, values = self._where(site, twin, source=source, severity=severity)
        with self._lock:
            rows = self._connection.execute(
                f"SELECT shape, rule, severity, source, COUNT(*) AS broken FROM finding{where}"  # noqa: S608  # marks only
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
        where, values = self._where(site, None, source=source, shape=shape, severity=severity)
        with self._lock:
            rows = self._connection.execute(
                f"SELECT focus, COUNT(*) AS broken FROM finding{where}"  # noqa: S608  # marks only
                " GROUP BY focus ORDER BY broken DESC, focus LIMIT ?",
                [*values, limit],
            ).fetchall()
        return [ViolatingNode(*row) for row in rows]

    def counts(self, site: str | None = None, *, source: str | None = None) -> dict[str, int]:
        """How many violations each node has that has any."""
        where, values = self._where(site, None, source=source)
        with self._lock:
            rows = self._connection.execute(
                f"SELECT focus, COUNT(*) FROM finding{where} GROUP BY focus",  # noqa: S608  # marks only
                values,
            ).fetchall()
        return dict(rows)

    def audited(self, site: str) -> Audited | None:
        """The newest audit of a site that ended, of its state up to the revision; None when there is none."""
        bound = 2**62 if self._revision is None else self._revision
        with self._lock:
            row = self._connection.execute(
                "SELECT revision, state, started, finished, message FROM audit"
                " WHERE site = ? AND revision <= ? ORDER BY revision DESC LIMIT 1",
                (site, bound),
            ).fetchone()
        return None if row is None else Audited(*row)

    def _where(
        self,
        site: str | None,
        twin: str | Collection[str] | None,
        *,
        source: str | None = None,
        shape: str | None = None,
        severity: str | None = None,
    ) -> tuple[str, list[str | int]]:
        conditions: list[str] = ["gone IS NULL"]
        values: list[str | int] = []
        if self._revision is not None:
            conditions = ["since <= ?", "(gone IS NULL OR gone > ?)"]
            values = [self._revision, self._revision]
        for column, value in (("site", site), ("source", source), ("shape", shape), ("severity", severity)):
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        if twin is not None:
            foci = [twin] if isinstance(twin, str) else list(twin)
            conditions.append(f"focus IN ({', '.join('?' * len(foci))})")
            values.extend(foci)
        return f" WHERE {' AND '.join(conditions)}", values
