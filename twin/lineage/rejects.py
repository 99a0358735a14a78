"""What could not become an observation, on disk before it is acknowledged: with its reason, and whole.

The oldest give way when they are too old or too many bytes.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from twin.clock import NANOSECONDS, Clock
from twin.contracts import Rejected
from twin.errors import Unavailable
from twin.lineage.raw_values import packed, unpacked

T = TypeVar("T")
_DAY = 86_400 * NANOSECONDS
_SCHEMA = """
CREATE TABLE IF NOT EXISTS reject (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    connection TEXT NOT NULL, address TEXT NOT NULL, received INTEGER NOT NULL, reason TEXT NOT NULL,
    kind INTEGER NOT NULL, payload BLOB NOT NULL, bytes INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS reject_connection ON reject (connection, id);
CREATE INDEX IF NOT EXISTS reject_received ON reject (received);
"""
_OVERHEAD = 128
"""Bytes that a row takes beside its payload, roughly."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A rejected payload as it is kept; ``id`` names it."""

    id: int
    connection: str
    rejected: Rejected


@dataclass(frozen=True, slots=True)
class RejectCount:
    """How much of a connection is kept: payloads, bytes, and the receive times of the oldest and newest (ns UTC)."""

    payloads: int
    bytes: int
    oldest: int | None
    newest: int | None


class RejectStore:
    """The rejected payloads of all connections in the SQLite file ``path``; used from one event loop.

    At most ``bytes`` of them are kept, for ``days``.  ``total`` counts those rejected since the start, ``dropped``
    those that gave way.
    """

    def __init__(self, path: Path, clock: Clock, *, bytes: int, days: int) -> None:
        self._clock = clock
        self._most = bytes
        self._days = days
        self.total = self.dropped = 0
        self._thread = ThreadPoolExecutor(1, "rejects")
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")  # the device will not send again what is acknowledged
        self._connection.executescript(_SCHEMA)
        ((self._bytes,),) = self._connection.execute("SELECT coalesce(sum(bytes), 0) FROM reject")

    async def reject(self, connection: str, rejected: Sequence[Rejected]) -> None:
        """Returns when these are on disk; raises `Unavailable` when none of them is, and they must be offered again."""
        if rejected:
            await self._run(lambda: self._insert(connection, rejected))

    async def count(self, connection: str) -> RejectCount:
        """How much of a connection is kept."""
        return await self._run(lambda: self._count(connection))

    async def page(self, connection: str, limit: int, before: int | None = None) -> list[Kept]:
        """The newest of a connection, newest first; ``before`` is the id that the page begins below."""
        return await self._run(
            lambda: self._rows(
                "WHERE connection = ? AND id < ? ORDER BY id DESC LIMIT ?",
                (connection, before if before is not None else 1 << 62, limit),
            )
        )

    async def since(self, connection: str, start: int, end: int, after: int, limit: int) -> list[Kept]:
        """Those received in ``start <= time < end`` (ns UTC), in the order they came, with ids above ``after``."""
        return await self._run(
            lambda: self._rows(
                "WHERE connection = ? AND id > ? AND received >= ? AND received < ? ORDER BY id LIMIT ?",
                (connection, after, start, end, limit),
            )
        )

    async def forget(self, ids: Sequence[int]) -> None:
        """Takes these away: they were decoded after all, or nobody wants them."""
        await self._run(lambda: self._delete("id = ?", [(each,) for each in ids]))

    async def close(self) -> None:
        """Closes the file; closing twice is allowed."""
        await asyncio.to_thread(self._thread.shutdown)
        self._connection.close()

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise Unavailable(
                f"The rejected payloads cannot be kept or read: {error}.", remedy="See that the disk has room."
            ) from error

    def _insert(self, connection: str, rejected: Sequence[Rejected]) -> None:
        rows = []
        for each in rejected:
            kind, payload = packed(each.payload)
            size = len(payload) + len(each.address) + len(each.reason) + _OVERHEAD
            rows.append((connection, each.address, each.received, each.reason, kind, payload, size))
        with self._connection:
            self._connection.execute("BEGIN")
            self._connection.executemany(
                "INSERT INTO reject (connection, address, received, reason, kind, payload, bytes)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
        self.total += len(rows)
        self._bytes += sum(row[-1] for row in rows)
        self._make_room()

    def _make_room(self) -> None:
        oldest = self._clock.now() - self._days * _DAY
        self.dropped += self._delete("received < ?", [(oldest,)])
        excess = self._bytes - self._most
        if excess > 0:
            # A tenth more than needed, so that a flood does not make room with every batch.
            goal, last = excess + self._most // 10, 0
            for number, size in self._connection.execute("SELECT id, bytes FROM reject ORDER BY id"):
                goal, last = goal - size, number
                if goal <= 0:
                    break
            self.dropped += self._delete("id <= ?", [(last,)])

    def _delete(self, where: str, values: list[tuple[int]]) -> int:
        gone = size = 0
        with self._connection:
            self._connection.execute("BEGIN")
            for value in values:
                for (each,) in self._connection.execute(f"DELETE FROM reject WHERE {where} RETURNING bytes", value):  # noqa: S608 - ours
                    gone, size = gone + 1, size + each
        self._bytes -= size
        return gone

    def _count(self, connection: str) -> RejectCount:
        ((payloads, size, oldest, newest),) = self._connection.execute(
            "SELECT count(*), coalesce(sum(bytes), 0), min(received), max(received) FROM reject WHERE connection = ?",
            (connection,),
        )
        return RejectCount(payloads, size, oldest, newest)

    def _rows(self, where: str, values: tuple[object, ...]) -> list[Kept]:
        found = self._connection.execute(
            f"SELECT id, connection, address, received, reason, kind, payload FROM reject {where}",  # noqa: S608 - ours
            values,
        )
        return [
            Kept(number, connection, Rejected(address, unpacked(kind, payload), received, reason))
            for number, connection, address, received, reason, kind, payload in found
        ]
