"""Violations with their lifetimes, in a SQLite file: found without checking anew, for now and as of the past.

Each stands from one revision on and up to the one that ended it.  A full check of a site as it was at a revision, and
the judgements of the changes after it, may come in in any order: what is kept is the same.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from twin.errors import Unavailable
from twin.graph.validation.violation_list import (
    COLUMNS,
    Audited,
    Standing,
    ViolatingNode,
    ViolationGroup,
    ViolationList,
    ViolationPage,
)
from twin.graph.violation import Judgement, Source, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Audited", "Due", "Standing", "ViolatingNode", "ViolationGroup", "ViolationList", "ViolationPage",
           "ViolationStore"]  # fmt: skip

_IDENTITY = ("focus", "path", "component", "shape", "value")
_IS = " AND ".join(f"{column} = ?" for column in _IDENTITY)
_PLACES = ", ".join("?" * (len(COLUMNS) + 3))
_STANDING = f"site, source, {', '.join(_IDENTITY)}"
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS finding (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    site TEXT NOT NULL,
    since INTEGER NOT NULL,
    gone INTEGER,
    {", ".join(f"{column} TEXT NOT NULL" for column in COLUMNS)}
);
CREATE UNIQUE INDEX IF NOT EXISTS finding_standing ON finding ({_STANDING}) WHERE gone IS NULL;
CREATE INDEX IF NOT EXISTS finding_focus ON finding (focus);
CREATE INDEX IF NOT EXISTS finding_shape ON finding (site, source, shape) WHERE gone IS NULL;
CREATE INDEX IF NOT EXISTS finding_gone ON finding (gone) WHERE gone IS NOT NULL;
CREATE TABLE IF NOT EXISTS pending (
    site TEXT PRIMARY KEY, reason TEXT NOT NULL, since INTEGER NOT NULL, latest INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS audit (
    site TEXT NOT NULL, revision INTEGER NOT NULL, state TEXT NOT NULL, started INTEGER NOT NULL,
    finished INTEGER NOT NULL, message TEXT NOT NULL, PRIMARY KEY (site, revision)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS judged (site TEXT PRIMARY KEY, rules TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
"""
_BEFORE_LIFETIMES = f"""
INSERT INTO finding (site, since, {", ".join(COLUMNS)}) SELECT site, 0, {", ".join(COLUMNS)} FROM violation ORDER BY id;
DROP TABLE violation;
DROP TABLE due;
"""  # noqa: S608 - names of ours


@dataclass(frozen=True, slots=True)
class Due:
    """Why a site is to be validated anew: from the revision ``since`` on, what is kept of it may be wrong; ``latest``
    is the newest one for which that was said."""

    reason: str
    since: int
    latest: int


class ViolationStore(ViolationList):
    """The violations of every site as they come and go; itself the list of those that stand now."""

    def __init__(self, path: Path) -> None:
        connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        # Whatever a crash loses is found again: the revision that is kept with it tells what is missing.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'violation'").fetchone():
            connection.executescript(f"BEGIN; {_BEFORE_LIFETIMES} COMMIT;")
        super().__init__(connection, Lock())

    def as_of(self, revision: int) -> ViolationList:
        """The violations that stood at a revision: right from `known_from` on."""
        return ViolationList(self._connection, self._lock, revision)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is kept, or `Unavailable` and nothing of it."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise Unavailable(
                        f"The list of violations cannot be written: {error}.",
                        remedy="See that the disk has room; what is missing is found again by itself.",
                    ) from error
                raise

    # -- how far it goes ------------------------------------------------------------------------------------------

    @property
    def told(self) -> int | None:
        """The newest revision that what stands here is of; None when nothing was ever told."""
        return self._noted("told")

    @property
    def known_from(self) -> int:
        """The first revision of which the violations are told rightly."""
        return self._noted("known_from") or 0

    def _noted(self, name: str) -> int | None:
        with self._lock:
            row = self._connection.execute("SELECT revision FROM note WHERE name = ?", (name,)).fetchone()
        return None if row is None else int(row[0])

    def begin(self, revision: int) -> None:
        """Notes that lifetimes are kept from a revision on, at which what stands here is right."""
        with self._writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO note VALUES (?, ?)", [("known_from", revision), ("told", revision)]
            )

    def rewind(self, revision: int) -> None:
        """Goes back to how it was at a revision: the journal that it belongs to knows no later one."""
        with self._writing() as connection:
            connection.execute("DELETE FROM finding WHERE since > ?", (revision,))
            connection.execute("UPDATE finding SET gone = NULL WHERE gone > ?", (revision,))
            connection.execute("DELETE FROM audit WHERE revision > ?", (revision,))
            connection.execute("DELETE FROM pending WHERE since > ?", (revision,))
            connection.execute("UPDATE pending SET latest = min(latest, ?)", (revision,))
            connection.execute("UPDATE note SET revision = min(revision, ?)", (revision,))

    def trim(self, oldest: int) -> None:
        """Forgets what ended before the oldest revision that can be asked for."""
        with self._writing() as connection:
            connection.execute("DELETE FROM finding WHERE gone <= ?", (oldest,))
            connection.execute(
                "DELETE FROM audit WHERE revision < (SELECT MAX(newer.revision) FROM audit AS newer"
                " WHERE newer.site = audit.site AND newer.revision <= ?)",
                (oldest,),
            )

    # -- what changes ---------------------------------------------------------------------------------------------

    def tell(
        self, revision: int, judgements: Mapping[tuple[str, Source], Judgement], due: Mapping[str, str] | None = None
    ) -> None:
        """Keeps what a committed change added and resolved, by site and source, and notes its revision; ``due`` are
        sites of which it is not known, with the reason."""
        with self._writing() as connection:
            for (site, source), judgement in judgements.items():
                self._take(connection, site, source, judgement, revision)
            self._mark(connection, due or {}, revision)
            connection.execute("INSERT OR REPLACE INTO note VALUES ('told', ?)", (revision,))

    def update(self, site: str, source: Source, judgement: Judgement, *, revision: int = 0) -> None:
        """Takes away the violations a committed change resolved and keeps those it added."""
        with self._writing() as connection:
            self._take(connection, site, source, judgement, revision)

    def replace(
        self,
        site: str,
        source: Source,
        violations: Iterable[Violation],
        *,
        revision: int = 0,
        since: int | None = None,
    ) -> None:
        """Makes these the violations that a site had by one source at a revision; those that stay keep their place, and
        what came and went after it stays as it is.  What is new stands ``since`` that revision unless told."""
        found = {violation.identity: violation for violation in violations}
        began = min(revision, revision if since is None else since)
        with self._writing() as connection:
            alive: dict[tuple[str, ...], tuple[int, int]] = {}
            before: dict[tuple[str, ...], int] = {}
            kept = set[tuple[str, ...]]()
            for number, first, gone, *key in connection.execute(
                f"SELECT id, since, gone, {', '.join(_IDENTITY)} FROM finding"  # noqa: S608  # names of ours
                " WHERE site = ? AND source = ? AND (gone IS NULL OR gone > ?)",
                (site, source, began),
            ).fetchall():
                identity = tuple(key)
                if gone is not None and gone <= revision:
                    before[identity] = max(gone, before.get(identity, 0))
                elif first <= revision:
                    alive[identity] = number, first
                    if gone is not None:
                        kept.add(identity)
                elif gone is None:
                    kept.add(identity)
            ended = [
                (max(began, first), number) for identity, (number, first) in alive.items() if identity not in found
            ]
            connection.executemany("UPDATE finding SET gone = ? WHERE id = ?", ended)
            connection.execute("DELETE FROM finding WHERE gone <= since")
            for identity, violation in sorted(found.items()):
                if identity not in kept:  # one that stands gets the newest words
                    self._insert(connection, site, (violation,), max(began, before.get(identity, 0)))

    def _take(
        self, connection: sqlite3.Connection, site: str, source: Source, judgement: Judgement, revision: int
    ) -> None:
        row = connection.execute("SELECT since FROM pending WHERE site = ?", (site,)).fetchone()
        unsure = row[0] if row is not None and row[0] < revision else None
        standing = f"site = ? AND source = ? AND gone IS NULL AND {_IS}"
        for violation in judgement.resolved:
            known = (site, source, *violation.identity)
            ended = connection.execute(f"UPDATE finding SET gone = ? WHERE {standing}", (revision, *known))  # noqa: S608  # names of ours
            if not ended.rowcount and unsure is not None:
                # It came with what was not judged, and is gone before the site is validated.
                connection.execute(
                    f"INSERT INTO finding (site, since, gone, {', '.join(COLUMNS)}) VALUES ({_PLACES})",  # noqa: S608  # names of ours
                    (site, unsure, revision, *astuple(violation)),
                )
        if unsure is not None:  # what is added did not stand before it: what was not judged had resolved it
            for violation in judgement.added:
                known = (site, source, *violation.identity)
                rows = connection.execute(f"SELECT id, since FROM finding WHERE {standing}", known).fetchall()  # noqa: S608  # names of ours
                self._end(connection, rows, unsure)
        self._insert(connection, site, judgement.added, revision)

    @staticmethod
    def _end(connection: sqlite3.Connection, rows: Iterable[tuple[int, int]], revision: int) -> None:
        """Ends findings of (number, first revision) at a revision; one that did not stand before it never was."""
        for number, first in rows:
            if first < revision:
                connection.execute("UPDATE finding SET gone = ? WHERE id = ?", (revision, number))
            else:
                connection.execute("DELETE FROM finding WHERE id = ?", (number,))

    @staticmethod
    def _insert(connection: sqlite3.Connection, site: str, violations: Iterable[Violation], revision: int) -> None:
        connection.executemany(
            f"INSERT INTO finding (site, since, gone, {', '.join(COLUMNS)}) VALUES ({_PLACES})"  # noqa: S608  # names of ours
            f" ON CONFLICT ({_STANDING}) WHERE gone IS NULL DO UPDATE SET severity = excluded.severity,"
            " rule = excluded.rule, remedy = excluded.remedy, found = excluded.found",
            [(site, revision, None, *astuple(violation)) for violation in violations],
        )

    def note_audit(self, site: str, audited: Audited) -> None:
        """Keeps what an audit that ended said of a site."""
        with self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO audit VALUES (?, ?, ?, ?, ?, ?)", (site, *astuple(audited)))

    def rules_of(self, site: str) -> str | None:
        """By which rules all of a site was judged; None before it was."""
        with self._lock:
            row = self._connection.execute("SELECT rules FROM judged WHERE site = ?", (site,)).fetchone()
        return None if row is None else str(row[0])

    def note_rules(self, site: str, rules: str) -> None:
        """Notes by which rules all of a site was judged."""
        with self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO judged VALUES (?, ?)", (site, rules))

    # -- one by its number ----------------------------------------------------------------------------------------

    def find(self, number: str) -> Standing | None:
        """The violation of a number; None when it stands no longer."""
        if not number.isdecimal():
            return None
        with self._lock:
            row = self._connection.execute(
                f"SELECT id, site, {', '.join(COLUMNS)} FROM finding WHERE id = ? AND gone IS NULL",  # noqa: S608  # names of ours
                (int(number),),
            ).fetchone()
        return None if row is None else Standing(str(row[0]), row[1], Violation(*row[2:]))

    # -- what is to be validated anew -----------------------------------------------------------------------------

    def mark_due(self, sites: Iterable[str], reason: str, *, revision: int = 0) -> None:
        """Notes that what stands here for these sites may be wrong from a revision on, and why."""
        with self._writing() as connection:
            self._mark(connection, dict.fromkeys(sites, reason), revision)

    @staticmethod
    def _mark(connection: sqlite3.Connection, due: Mapping[str, str], revision: int) -> None:
        connection.executemany(
            "INSERT INTO pending VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET latest = max(latest, excluded.latest)",
            [(site, reason, revision, revision) for site, reason in due.items()],
        )

    def due(self) -> dict[str, Due]:
        """The sites that are to be validated anew; oldest first."""
        with self._lock:
            rows = self._connection.execute("SELECT site, reason, since, latest FROM pending ORDER BY rowid").fetchall()
        return {site: Due(*rest) for site, *rest in rows}

    def not_due(self, site: str, *, revision: int = 2**62) -> None:
        """Notes that a site was validated as it was at a revision: what was said of a later one stays due."""
        with self._writing() as connection:
            connection.execute("DELETE FROM pending WHERE site = ? AND latest <= ?", (site, revision))
            connection.execute("UPDATE pending SET since = latest WHERE site = ? AND since <= ?", (site, revision))

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()
