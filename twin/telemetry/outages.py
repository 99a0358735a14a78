"""When connections were up and when they were not, in a SQLite file: what the past of a property depends on beside its
samples.

A row is a connection's change of state.  A server that ends without stopping its connections leaves them as they were;
the next one closes them at the last moment that is known of it.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from twin.clock import Clock

BEAT = 5.0
"""Seconds between the moments that a running server notes, so that the next one knows how long it lived."""
_DOWN = ("RETRYING", "STOPPED")
_KILLED = "The server ended without closing the connection."
_log = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (
    connection TEXT NOT NULL, since INTEGER NOT NULL, state TEXT NOT NULL, error TEXT NOT NULL,
    PRIMARY KEY (connection, since)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alive (one INTEGER PRIMARY KEY CHECK (one = 1), time INTEGER NOT NULL);
"""
_LAST_LOSS = """
SELECT MIN(since) FROM state WHERE connection = :connection AND since <= :time AND state IN ('RETRYING', 'STOPPED')
    AND since > COALESCE((SELECT MAX(up.since) FROM state AS up
        WHERE up.connection = :connection AND up.state = 'CONNECTED' AND up.since < (
            SELECT MAX(down.since) FROM state AS down WHERE down.connection = :connection AND down.since <= :time
                AND down.state IN ('RETRYING', 'STOPPED'))), -1)
"""
"""When the loss that lasts, or the last one that is over, began: with the first state after the connection stood."""


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """A connection's state from a moment on (ns UTC); ``error`` is what was wrong, empty when nothing was."""

    state: str
    since: int
    error: str


class Outages:
    """The states of every connection; safe to use from several threads.  A ``path`` of None keeps them in memory."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._database = sqlite3.connect(
            ":memory:" if path is None else path, check_same_thread=False, isolation_level=None
        )
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_SCHEMA)
        self._newest: dict[str, str] = {}
        self._close_what_was_left()

    def _close_what_was_left(self) -> None:
        row = self._database.execute("SELECT time FROM alive").fetchone()
        last = self._clock.now() if row is None else int(row[0])
        newest = self._database.execute(
            "SELECT connection, MAX(since), state FROM state GROUP BY connection"  # the state is that of the maximum
        ).fetchall()
        for connection, since, state in newest:
            self._newest[connection] = state
            if state not in _DOWN:
                self.note(connection, "STOPPED", max(last, since + 1), _KILLED)
        self.beat()

    def note(self, connection: str, state: str, since: int, error: str = "") -> None:
        """Keeps that a connection came into a state; the same state again, and a disk that takes nothing, change
        nothing."""
        with self._lock:
            if self._newest.get(connection) == state:
                return
            try:
                # Of two changes in one tick of the clock the later one counts.
                self._database.execute(
                    "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)", (connection, since, state, error)
                )
            except sqlite3.Error as refused:
                _log.warning("That %s is %s could not be kept: %s", connection, state, refused)
                return
            self._newest[connection] = state

    def beat(self) -> None:
        """Notes that the server lives."""
        with self._lock:
            try:
                self._database.execute("INSERT OR REPLACE INTO alive VALUES (1, ?)", (self._clock.now(),))
            except sqlite3.Error as error:
                _log.warning("That the server lives could not be kept: %s", error)

    async def follow(self) -> None:
        """Notes it for as long as it runs; until it is cancelled."""
        while True:
            self.beat()
            await asyncio.sleep(BEAT)

    def state_at(self, connection: str, time: int) -> ConnectionState | None:
        """The state that a connection was in at a moment (ns UTC); None before it was first known."""
        with self._lock:
            row = self._database.execute(
                "SELECT state, since, error FROM state WHERE connection = ? AND since <= ? ORDER BY since DESC LIMIT 1",
                (connection, time),
            ).fetchone()
        return None if row is None else ConnectionState(*row)

    def lost_at(self, connections: Iterable[str], time: int) -> dict[str, int]:
        """For each connection that was ever lost up to a moment, when that was the last time (ns UTC): only what was
        received after that stood at the moment."""
        found: dict[str, int] = {}
        for connection in set(connections):
            with self._lock:
                row = self._database.execute(_LAST_LOSS, {"connection": connection, "time": time}).fetchone()
            if row[0] is not None:
                found[connection] = int(row[0])
        return found

    def close(self) -> None:
        """Notes the last moment and closes the file."""
        self.beat()
        with self._lock:
            self._database.close()
