"""The history in one DuckDB file: committed batches in, windows and newest rows out.

One thread writes through one connection; batches that queue up while it commits are committed together.
Reads run on cursors of their own in other threads and see whole commits; one more thread puts in order what has been
written.  Rows are columns of integers and numbers without a key, because a key costs more than the data; `SeriesHeads`
knows instead which rows cannot be there yet, and only the others are compared with the tables.
"""

from __future__ import annotations

import asyncio
import logging
import queue
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np

from twin.contracts import PLAIN, Aggregate, Reading, Retention, Window
from twin.errors import ConfigurationError, InvalidInput, Unavailable
from twin.observation import ObservationBatch
from twin.telemetry import duckdb_reading as reader
from twin.telemetry import windows as asked
from twin.telemetry.duckdb_forgetting import forget, retain
from twin.telemetry.duckdb_tables import Tables
from twin.telemetry.heads import check_series
from twin.telemetry.history_copy import copy_database, rows_by_series, set_aside

logger = logging.getLogger(__name__)
R = TypeVar("R")
_GROUP = 200_000  # rows committed together at most, so that one commit stays short
_READERS = 2


class DuckDBHistory:
    """The `twin.contracts.History` in the file ``path``; `open` it before use.

    ``memory`` bounds DuckDB's own memory (its text form, e.g. ``"128MB"``), ``threads`` its workers.  A row
    identical to any version already kept of its (series, time) - value, text and quality alike, whenever
    received - is a no-op, so replaying whatever was sent before changes nothing.
    """

    def __init__(self, path: Path, *, memory: str = "128MB", threads: int = 2) -> None:
        self._path = path
        self._settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory,
            "threads": str(threads),
            "autoinstall_known_extensions": "false",
            "perfect_ht_threshold": "20",  # buckets of a dashboard are counted in an array, not hashed
        }
        self._replacing: set[int] = set()
        self._tables: Tables | None = None
        self._writer = ThreadPoolExecutor(1, "history-writer")
        self._orderer = ThreadPoolExecutor(1, "history-orderer")
        self._readers = ThreadPoolExecutor(_READERS, "history-reader")
        self._cursors: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._order_cursor: Any = None
        self._ordering: asyncio.Task[None] | None = None
        self._pending: list[tuple[ObservationBatch, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._closed = False

    async def open(self) -> DuckDBHistory:
        """Opens or creates the file, reads what is known of each series, and warms up so that the first batch
        does not wait; returns itself.  Raises `ConfigurationError` for a file that is damaged, newer or in
        use."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._writer, self._open)
        except BaseException:
            self._writer.shutdown()
            self._readers.shutdown()
            self._orderer.shutdown()
            self._closed = True
            raise
        return self

    @property
    def dropped(self) -> int:
        """How many rows were not taken since the start, because their stretch was deleted."""
        return 0 if self._tables is None else self._tables.dropped

    @property
    def tables(self) -> int:
        """In how many tables its rows lie now."""
        return 0 if self._tables is None else len(self._tables.parts.all)

    async def append(self, batch: ObservationBatch) -> None:
        """Returns when the batch is committed to disk; raises `Unavailable` when nothing of it was."""
        tables = self._open_tables
        if not len(batch):
            return
        check_series(batch.series)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append((batch, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(tables))
        await asyncio.shield(done)  # a caller that leaves does not take its batch with it

    def replaces(self, origin: int) -> None:
        """From now on rows of this origin are compared with the newest version alone."""
        self._replacing.add(int(origin))

    async def window(
        self,
        series: int,
        start: int,
        end: int,
        *,
        interval: int | None = None,
        points: int | None = None,
        aggregate: Aggregate = "mean",
        reading: Reading = PLAIN,
    ) -> Window:
        """One series of `windows`."""
        found = await self.windows(
            [series], start, end, interval=interval, points=points, aggregate=aggregate, reading=reading
        )
        return found[series]

    async def windows(
        self,
        series: Sequence[int],
        start: int,
        end: int,
        *,
        interval: int | None = None,
        points: int | None = None,
        aggregate: Aggregate = "mean",
        reading: Reading = PLAIN,
    ) -> Mapping[int, Window]:
        """A window of every given series, found in one query; an unknown one is empty.

        Buckets start at multiples of the interval since 1970; a bucket without samples is absent, one with
        bad samples only has the value NaN and count 0.  With ``points`` the interval is the least that gives
        no more buckets than that.  Texts and arrays are not averaged: a bucket of them is its last one, with
        ``first`` its first.
        """
        buckets = asked.buckets(start, end, interval, points, aggregate, reading)
        if reading.drawing is not None and points is None:
            raise InvalidInput("Samples that draw a picture have a number.", remedy="Give a number of points.")
        which = list(dict.fromkeys(int(one) for one in series))

        return await self._read(
            lambda cursor, tables: reader.windows(
                cursor, tables.parts, tables.heads, tables.forgotten, which, (start, end), buckets, points, reading
            )
        )

    async def rows(
        self,
        series: Sequence[int],
        start: int,
        end: int,
        *,
        as_of: int | None = None,
        versions: bool = False,
    ) -> ObservationBatch:
        """The observations as they were appended; see `twin.contracts.History`."""
        which = list(dict.fromkeys(int(one) for one in series))
        if not which or end <= start:
            return ObservationBatch.of([])
        return await self._read(
            lambda cursor, tables: reader.rows(cursor, tables.parts, which, start, end, as_of, versions)
        )

    async def latest(self, series: Iterable[int] | None = None) -> ObservationBatch:
        """The newest observation of each series (of all, when None), its newest version.

        A time that lay in the future when it was received counts as its receive time.
        """
        which = None if series is None else np.fromiter(series, np.int64)
        return await self._read(lambda cursor, tables: reader.latest(cursor, tables.parts, tables.heads, which))

    async def latest_before(self, series: int, time: int) -> ObservationBatch:
        """The newest observation of the series with a source time before ``time``; one row, or none."""
        return await self._read(
            lambda cursor, tables: reader.latest_before(cursor, tables.parts, int(series), int(time))
        )

    async def latest_at(self, series: Sequence[int], time: int) -> ObservationBatch:
        """What was known of each series at a moment (ns UTC): its newest observation that had come about by then and,
        where that is not usable, the newest usable one as well."""
        which = list(dict.fromkeys(int(one) for one in series))
        return await self._read(lambda cursor, tables: reader.latest_at(cursor, tables.parts, which, int(time)))

    async def copy_to(self, path: Path) -> None:
        """Writes a copy of every row committed before the call to a new file; batches go on being committed.

        Raises `Unavailable` when the disk refuses; what was written then stays for the caller to remove.
        """
        cursor = self._open_tables.connection.cursor()
        try:
            await asyncio.to_thread(copy_database, cursor, path)
        except duckdb.Error as error:
            raise Unavailable(
                f"The history could not be copied: {_sentence(error)}", remedy="See that the disk has room."
            ) from error
        finally:
            cursor.close()

    async def rows_by_series(self) -> Mapping[int, int]:
        """How many rows there are of each series, after every block of the file was read; raises `Unavailable` when
        one cannot be."""
        return await self._read(lambda cursor, tables: rows_by_series(cursor, tables.parts))

    async def forget(self, series: Sequence[int], start: int, end: int, *, time: int, reason: str) -> int:
        """Deletes ``start <= time < end`` (ns UTC) of these series for good; see `twin.contracts.History`."""
        which = [int(one) for one in dict.fromkeys(series)]
        if not which or end <= start:
            return 0
        check_series(np.array(which, np.int64).clip(-1, 2**31 - 1).astype(np.int32))
        return await self._write_alone(lambda tables: forget(tables, which, start, end, time, reason))

    async def retain(self, rules: Sequence[Retention], *, time: int) -> int:
        """Deletes what the rules do not keep, summarised first where they say so; how many rows."""
        return await self._write_alone(lambda tables: retain(tables, rules, time))

    async def put_in_order(self, *, all: bool = False) -> None:
        """Returns when every closed table is in order; with ``all`` those that are open are closed first."""
        if all:
            await self._write_alone(lambda tables: tables.close_tables())
        self._order()
        while self._ordering is not None:
            await asyncio.shield(self._ordering)
            if self._open_tables.disorder:
                self._order()

    async def set_aside(self, known: Iterable[int]) -> int:
        """Puts the rows of other series than the known ones where no read finds them, before any batch is appended;
        how many there were."""
        which = tuple(known)

        def work(tables: Tables) -> int:
            with tables.alone() as connection:
                return set_aside(connection, tables.parts, which)

        return await self._write_alone(work)

    async def close(self) -> None:
        """Commits what is queued and closes; closing twice is allowed."""
        if self._closed:
            return
        self._closed = True
        if self._writing is not None:
            await self._writing
        if self._tables is not None:
            self._tables.give_up_ordering()
        if self._ordering is not None:
            await self._ordering
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._readers.shutdown)
        await loop.run_in_executor(self._writer, self._close)
        self._writer.shutdown()
        self._orderer.shutdown()

    async def _write(self, tables: Tables) -> None:
        try:
            while self._pending:
                group = [self._pending.pop(0)]
                size = len(group[0][0])
                while self._pending and size + len(self._pending[0][0]) <= _GROUP:
                    size += len(self._pending[0][0])
                    group.append(self._pending.pop(0))
                await self._commit(tables, group)
        finally:
            self._writing = None
            self._order()

    def _order(self) -> None:
        """Begins to put closed tables in order, unless that goes on already."""
        tables = self._tables
        if self._ordering is None and not self._closed and tables is not None and tables.disorder:
            self._ordering = asyncio.create_task(self._put_in_order(tables))

    async def _put_in_order(self, tables: Tables) -> None:
        loop = asyncio.get_running_loop()
        try:
            while not self._closed and await loop.run_in_executor(self._orderer, tables.order_next, self._order_cursor):
                pass
        except Exception as error:  # the rows are where they were: it is tried again after the next commits
            logger.warning("The history could not be put in order: %s", _sentence(error))
        finally:
            self._ordering = None

    async def _write_alone(self, work: Callable[[Tables], R]) -> R:
        tables = self._open_tables
        try:
            return await asyncio.get_running_loop().run_in_executor(self._writer, work, tables)
        except duckdb.Error as error:
            raise Unavailable(
                f"The history could not be changed: {_sentence(error)}", remedy="See that the disk has room."
            ) from error

    async def _commit(self, tables: Tables, group: list[tuple[ObservationBatch, asyncio.Future[None]]]) -> None:
        loop = asyncio.get_running_loop()
        failure: Exception | None = None
        try:
            await loop.run_in_executor(
                self._writer, tables.insert, ObservationBatch.joined([batch for batch, _ in group])
            )
        except Exception as error:
            if len(group) > 1:  # one batch that cannot be stored must not take the others with it
                for one in group:
                    await self._commit(tables, [one])
                return
            failure = error
        if isinstance(failure, duckdb.Error):
            failure = Unavailable(
                f"The history could not store {len(group[0][0])} observations: {_sentence(failure)}",
                remedy="Nothing of them was kept; make room on the disk, then send them again.",
            )
        for _, done in group:
            if failure is None:
                done.set_result(None)
            else:
                done.set_exception(failure)
                done.exception()  # marks it as seen: the caller may have left

    async def _read(self, work: Callable[[Any, Tables], R]) -> R:
        tables = self._open_tables

        def run() -> R:
            cursor = self._cursors.get()
            try:
                return tables.read(cursor, work)
            finally:
                self._cursors.put(cursor)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, run)
        except duckdb.Error as error:
            raise Unavailable(
                f"The history could not be read: {_sentence(error)}",
                remedy="Ask again; if it stays so, the file may be damaged: restore it from a backup.",
            ) from error

    @property
    def _open_tables(self) -> Tables:
        if self._closed or self._tables is None:
            raise Unavailable("The history is closed.", remedy="Start the server again.")
        return self._tables

    def _open(self) -> None:
        try:
            tables = Tables(self._path, self._settings, self._replacing)
        except duckdb.Error as error:
            raise _refusal(self._path, error) from error
        try:
            for _ in range(_READERS):
                cursor = tables.connection.cursor()
                source = asked.newest_versions(
                    tables.parts.tables()["number"], asked.within([0], 0, 1), corrected=False
                )
                cursor.execute(asked.window(source, "number", asked.buckets(0, 1, None, 1, "mean"), 0)).fetchnumpy()
                self._cursors.put(cursor)
            self._order_cursor = tables.connection.cursor()
            tables.warm_up()
        except duckdb.Error as error:
            tables.connection.close()
            raise _refusal(self._path, error) from error
        self._tables = tables

    def _close(self) -> None:
        while not self._cursors.empty():
            self._cursors.get().close()
        if self._tables is not None:
            self._order_cursor.close()
            self._tables.connection.close()  # checkpoints, so that the next start need not replay
            self._tables = None


def _refusal(path: Path, error: Exception) -> ConfigurationError:
    cause = _sentence(error)
    if "could not set lock" in cause.lower():
        return ConfigurationError(
            f"The history {path} is in use by another process.",
            remedy="Stop that process, or start with another data directory.",
        )
    return ConfigurationError(
        f"The history {path} cannot be opened: {cause}",
        remedy="Restore it from a backup, or move the file away to begin an empty history.",
    )


def _sentence(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") + "."
