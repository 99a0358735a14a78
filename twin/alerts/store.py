"""The alerts of a server in a SQLite file: those that stand, those that stood, and every step of their lives."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from threading import RLock
from typing import Any, Self

from twin.alerts.records import Alert, Consequence, Kind, Severity, State, Transition

_COLUMNS = tuple(field.name for field in fields(Alert))
_LIST = ", ".join(f'"{name}"' for name in _COLUMNS)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS alert (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT, "key" TEXT NOT NULL, "kind" TEXT NOT NULL, "severity" TEXT NOT NULL,
    "message" TEXT NOT NULL, "about" TEXT NOT NULL, "site" TEXT NOT NULL, "twin" TEXT NOT NULL,
    "since" INTEGER NOT NULL, "raised" INTEGER NOT NULL, "updated" INTEGER NOT NULL, "times" INTEGER NOT NULL,
    "acknowledged" INTEGER, "acknowledged_by" TEXT NOT NULL, "shelved_until" INTEGER, "assigned" TEXT NOT NULL,
    "cleared" INTEGER, "consequences" INTEGER NOT NULL, "cause" INTEGER
);
CREATE UNIQUE INDEX IF NOT EXISTS alert_stands ON alert ("key") WHERE "cleared" IS NULL;
CREATE INDEX IF NOT EXISTS alert_about ON alert ("about");
CREATE INDEX IF NOT EXISTS alert_twin ON alert ("twin");
CREATE TABLE IF NOT EXISTS transition (
    "number" INTEGER PRIMARY KEY AUTOINCREMENT, "alert" INTEGER NOT NULL, "time" INTEGER NOT NULL,
    "actor" TEXT NOT NULL, "action" TEXT NOT NULL, "note" TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS transition_alert ON transition ("alert");
CREATE TABLE IF NOT EXISTS consequence (
    "number" INTEGER PRIMARY KEY AUTOINCREMENT, "alert" INTEGER NOT NULL, "about" TEXT NOT NULL,
    "message" TEXT NOT NULL, "since" INTEGER NOT NULL, UNIQUE ("alert", "about")
);
CREATE INDEX IF NOT EXISTS consequence_about ON consequence ("about");
CREATE TABLE IF NOT EXISTS outbox (
    "number" INTEGER PRIMARY KEY AUTOINCREMENT, "hook" TEXT NOT NULL, "content" TEXT NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0, "due" INTEGER NOT NULL, "error" TEXT NOT NULL DEFAULT ''
);
"""
_RANK = "CASE severity WHEN 'critical' THEN 2 WHEN 'warning' THEN 1 ELSE 0 END"
_STATES: Mapping[State, str] = {
    "cleared": "cleared IS NOT NULL",
    "shelved": "cleared IS NULL AND COALESCE(shelved_until, 0) > :now",
    "acknowledged": "cleared IS NULL AND COALESCE(shelved_until, 0) <= :now AND acknowledged IS NOT NULL",
    "raised": "cleared IS NULL AND COALESCE(shelved_until, 0) <= :now AND acknowledged IS NULL",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts are asked for; an empty one means all.  ``about`` finds those of an IRI: what an alert concerns, the
    twin it belongs to, or one of its consequences."""

    states: Sequence[State] = ()
    kinds: Sequence[Kind] = ()
    severities: Sequence[Severity] = ()
    sites: Sequence[str] | None = None
    about: Sequence[str] = ()
    assigned: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Some of the alerts, the newest first."""

    items: tuple[Alert, ...]
    total: int
    has_next: bool


class AlertStore:
    """The file.  Safe to use from several threads; ``with store:`` makes several writes one, on disk when it ends."""

    def __init__(self, path: Path | str) -> None:
        self._lock = RLock()
        self._depth = 0
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")  # what somebody was told of is there after a power cut
        self._connection.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        self._lock.acquire()
        self._depth += 1
        if self._depth == 1:
            self._connection.execute("BEGIN")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._depth -= 1
            if not self._depth:
                self._connection.execute("COMMIT" if kind is None else "ROLLBACK")
        finally:
            self._lock.release()

    def add(self, alert: Alert) -> Alert:
        """The alert as it is kept: with its number."""
        values = [getattr(alert, name) for name in _COLUMNS[1:]]
        marks = ", ".join("?" * len(values))
        names = ", ".join(f'"{name}"' for name in _COLUMNS[1:])
        with self:
            done = self._connection.execute(f"INSERT INTO alert ({names}) VALUES ({marks})", values)  # noqa: S608  # names of ours
            return _with_id(alert, int(done.lastrowid or 0))

    def put(self, alert: Alert) -> None:
        """Keeps what an alert has become."""
        settings = ", ".join(f'"{name}" = ?' for name in _COLUMNS[1:])
        with self:
            self._connection.execute(
                f"UPDATE alert SET {settings} WHERE id = ?",  # noqa: S608  # names of ours
                [*(getattr(alert, name) for name in _COLUMNS[1:]), alert.id],
            )

    def note(self, step: Transition) -> None:
        """Keeps a step of an alert's life."""
        with self:
            self._connection.execute(
                'INSERT INTO transition ("alert", "time", "actor", "action", "note") VALUES (?, ?, ?, ?, ?)',
                (step.alert, step.time, step.actor, step.action, step.note),
            )

    def add_consequences(self, alert: int, found: Iterable[Consequence]) -> int:
        """Keeps what follows from an alert, each once; how many there are now."""
        with self:
            self._connection.executemany(
                'INSERT OR IGNORE INTO consequence ("alert", "about", "message", "since") VALUES (?, ?, ?, ?)',
                [(alert, each.about, each.message, each.since) for each in found],
            )
            return self._count("SELECT COUNT(*) FROM consequence WHERE alert = ?", (alert,))

    def standing(self) -> dict[str, Alert]:
        """The alerts that are not cleared, by key."""
        return {each.key: each for each in self._alerts("WHERE cleared IS NULL ORDER BY id", {})}

    def last_of(self, key: str) -> Alert | None:
        """The latest alert of a condition, cleared or not."""
        return next(iter(self._alerts('WHERE "key" = :key ORDER BY id DESC LIMIT 1', {"key": key})), None)

    def find(self, number: int) -> Alert | None:
        """The alert of a number."""
        return next(iter(self._alerts("WHERE id = :id", {"id": number})), None)

    def page(self, wanted: Wanted, now: int, before: int | None = None, limit: int = 50) -> AlertPage:
        """A page of alerts, the newest first; ``before`` is the number of the last one seen."""
        where, values = _where(wanted, now)
        with self._lock:
            total = self._count(f"SELECT COUNT(*) FROM alert {where}", values)  # noqa: S608  # marks only
            beyond = f"{where} {'AND' if where else 'WHERE'} id < :before" if before is not None else where
            rows = self._alerts(
                f"{beyond} ORDER BY id DESC LIMIT :limit", {**values, "before": before, "limit": limit + 1}
            )
        return AlertPage(tuple(rows[:limit]), total, len(rows) > limit)

    def counts(self, wanted: Wanted, now: int) -> dict[tuple[str, str], int]:
        """How many alerts there are by kind and severity."""
        where, values = _where(wanted, now)
        with self._lock:
            rows = self._connection.execute(
                f"SELECT kind, severity, COUNT(*) FROM alert {where} GROUP BY kind, severity",  # noqa: S608  # marks only
                values,
            ).fetchall()
        return {(kind, severity): count for kind, severity, count in rows}

    def about(self, things: Sequence[str], now: int) -> dict[str, list[Alert]]:
        """The alerts that stand on each of these IRIs (as `Wanted.about`), the gravest first, then the newest."""
        if not things:
            return {}
        marks = ", ".join("?" * len(things))
        with self._lock:
            rows = self._connection.execute(
                f"SELECT wanted, {_LIST} FROM (SELECT about AS wanted, * FROM alert WHERE cleared IS NULL"  # noqa: S608  # marks only
                f" UNION SELECT twin AS wanted, * FROM alert WHERE cleared IS NULL"
                f" UNION SELECT consequence.about AS wanted, alert.* FROM consequence JOIN alert"
                f" ON alert.id = consequence.alert WHERE alert.cleared IS NULL) WHERE wanted IN ({marks})"
                f" ORDER BY {_RANK} DESC, id DESC",
                list(things),
            ).fetchall()
        found: dict[str, list[Alert]] = {}
        for wanted, *values in rows:
            found.setdefault(wanted, []).append(Alert(*values))
        return found

    def transitions(self, alert: int) -> list[Transition]:
        """The steps of an alert's life, oldest first."""
        with self._lock:
            rows = self._connection.execute(
                'SELECT "alert", "time", "actor", "action", "note" FROM transition WHERE alert = ? ORDER BY number',
                (alert,),
            ).fetchall()
        return [Transition(*row) for row in rows]

    def consequences(self, alert: int, after: str | None = None, limit: int = 50) -> list[Consequence]:
        """What follows from an alert, by IRI, after one of them."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT about, message, since FROM consequence WHERE alert = ? AND about > ? ORDER BY about LIMIT ?",
                (alert, after or "", limit),
            ).fetchall()
        return [Consequence(*row) for row in rows]

    def send(self, hook: str, content: str, due: int) -> None:
        """Puts a message for a hook into the outbox (``due`` in ns UTC)."""
        with self:
            self._connection.execute(
                'INSERT INTO outbox ("hook", "content", "due") VALUES (?, ?, ?)', (hook, content, due)
            )

    def due(self, hook: str, now: int, limit: int = 20) -> list[tuple[int, str, int]]:
        """The messages of a hook whose time has come: number, content, and how often each was tried."""
        with self._lock:
            return self._connection.execute(
                "SELECT number, content, attempts FROM outbox WHERE hook = ? AND due <= ? ORDER BY number LIMIT ?",
                (hook, now, limit),
            ).fetchall()

    def waiting(self) -> int:
        """How many messages are in the outbox."""
        return self._count("SELECT COUNT(*) FROM outbox", ())

    def sent(self, number: int) -> None:
        """Takes a message out of the outbox."""
        with self:
            self._connection.execute("DELETE FROM outbox WHERE number = ?", (number,))

    def again(self, number: int, due: int, error: str) -> None:
        """Puts a message off."""
        with self:
            self._connection.execute(
                "UPDATE outbox SET attempts = attempts + 1, due = ?, error = ? WHERE number = ?", (due, error, number)
            )

    def forget(self, before: int) -> None:
        """Takes away what was cleared before a moment (ns UTC), with its steps and consequences."""
        with self:
            old = "(SELECT id FROM alert WHERE cleared < ?)"
            for table in ("transition", "consequence"):
                self._connection.execute(f"DELETE FROM {table} WHERE alert IN {old}", (before,))  # noqa: S608  # names of ours
            self._connection.execute("DELETE FROM alert WHERE cleared < ?", (before,))

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    def _alerts(self, rest: str, values: Mapping[str, Any]) -> list[Alert]:
        with self._lock:
            rows = self._connection.execute(f"SELECT {_LIST} FROM alert {rest}", values).fetchall()  # noqa: S608  # marks only
        return [Alert(*row) for row in rows]

    def _count(self, text: str, values: Any) -> int:
        with self._lock:
            return int(self._connection.execute(text, values).fetchone()[0])


def _with_id(alert: Alert, number: int) -> Alert:
    return Alert(number, *(getattr(alert, name) for name in _COLUMNS[1:]))


def _where(wanted: Wanted, now: int) -> tuple[str, dict[str, Any]]:
    values: dict[str, Any] = {"now": now}
    tests: list[str] = []

    def one_of(name: str, among: Sequence[str]) -> str:
        marks = [f"{name}_{index}" for index in range(len(among))]
        values.update(zip(marks, among, strict=True))
        return ", ".join(f":{mark}" for mark in marks)

    if wanted.states:
        tests.append("(" + " OR ".join(f"({_STATES[state]})" for state in wanted.states) + ")")
    if wanted.kinds:
        tests.append(f"kind IN ({one_of('kind', wanted.kinds)})")
    if wanted.severities:
        tests.append(f"severity IN ({one_of('severity', wanted.severities)})")
    if wanted.sites is not None:
        tests.append(f"site IN ({one_of('site', ['', *wanted.sites])})")
    if wanted.about:
        things = one_of("about", wanted.about)
        tests.append(
            f"(about IN ({things}) OR twin IN ({things})"  # noqa: S608  # marks only
            f" OR id IN (SELECT alert FROM consequence WHERE about IN ({things})))"
        )
    if wanted.assigned is not None:
        values["assigned"] = wanted.assigned
        tests.append("assigned = :assigned")
    if wanted.text:
        values["text"] = f"%{wanted.text.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        tests.append("(message LIKE :text ESCAPE '!' OR about LIKE :text ESCAPE '!')")
    return (f"WHERE {' AND '.join(tests)}" if tests else ""), values
