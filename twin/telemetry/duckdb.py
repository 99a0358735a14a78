"""The history in one DuckDB file: committed batches in, windows and newest rows out.

One thread writes through one connection; batches that queue up while it commits are committed together.
Reads run on cursors of their own in other threads and see whole commits.  Rows are columns of 64-bit
integers: a table of numbers, one of texts and one of arrays, without a key, because a key costs more than the
data; `SeriesHeads` knows instead which rows cannot be there yet, and only the others are compared with the
table.
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
import numpy.typing as npt

from twin.contracts import Aggregate, Window
from twin.errors import ConfigurationError, Unavailable
from twin.observation import ObservationBatch
from twin.telemetry import rows as sql
from twin.telemetry import windows as asked
from twin.telemetry.duckdb_schema import KINDS, MS, prepare
from twin.telemetry.heads import SeriesHeads, check_series
from twin.telemetry.history_copy import copy_database, rows_by_series, set_aside
from twin.telemetry.rows_at import rows_at

R = TypeVar("R")
_GROUP = 200_000  # rows committed together at most, so that one commit stays short
_READERS = 2
_RECENT = 86_400 * 1_000_000_000  # ns
_TABLES = {kind: [kind] for kind in KINDS}


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
        }
        self._heads = SeriesHeads()
        self._replacing: set[int] = set()
        self._writer = ThreadPoolExecutor(1, "history-writer")
        self._readers = ThreadPoolExecutor(_READERS, "history-reader")
        self._cursors: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._connection: Any = None
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
            self._closed = True
            raise
        return self

    async def append(self, batch: ObservationBatch) -> None:
        """Returns when the batch is committed to disk; raises `Unavailable` when nothing of it was."""
        self._check_open()
        if not len(batch):
            return
        check_series(batch.series)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append((batch, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
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
        as_of: int | None = None,
    ) -> Window:
        """One series of `windows`."""
        found = await self.windows(
            [series], start, end, interval=interval, points=points, aggregate=aggregate, as_of=as_of
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
        as_of: int | None = None,
    ) -> Mapping[int, Window]:
        """A window of every given series, found in one query; an unknown one is empty.

        Buckets start at multiples of the interval since 1970; a bucket without samples is absent, one with
        bad samples only has the value NaN and count 0.  With ``points`` the interval is the least that gives
        no more buckets than that.  Texts and arrays are not averaged: a bucket of them is its last one, with
        ``first`` its first.
        """
        buckets = asked.buckets(start, end, interval, points, aggregate)
        which = list(dict.fromkeys(int(one) for one in series))

        def read(cursor: Any) -> Mapping[int, Window]:
            kinds = self._heads.kinds(which)
            corrected = self._heads.any_corrected(which)
            found: dict[int, Window] = dict.fromkeys(which, asked.EMPTY)
            for kind in KINDS:
                chosen = [one for one, its in zip(which, kinds, strict=True) if its == kind]
                if chosen and end > start:
                    where = asked.within(chosen, start, end, as_of)
                    source = asked.newest_versions(_TABLES[kind], where, corrected=corrected)
                    found.update(asked.split(cursor.execute(asked.window(source, kind, buckets)).fetchnumpy()))
            return found

        return await self._read(read)

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
        source = sql.stored(_TABLES, asked.within(which, start, end, as_of))
        if not versions:
            source = f"""SELECT * FROM ({source})
                QUALIFY version = max(version) OVER (PARTITION BY kind, series, ms, nano)"""  # noqa: S608 - ours
        return await self._read(lambda cursor: asked.observations(cursor, source))

    async def latest(self, series: Iterable[int] | None = None) -> ObservationBatch:
        """The newest observation of each series (of all, when None), its newest version.

        A time that lay in the future when it was received counts as its receive time.
        """
        which = None if series is None else np.fromiter(series, np.int64)
        return await self._read(lambda cursor: sql.newest(cursor, _TABLES, *self._heads.newest(which)))

    async def latest_before(self, series: int, time: int) -> ObservationBatch:
        """The newest observation of the series with a source time before ``time``; one row, or none."""
        source = sql.stored(_TABLES, asked.within([series], -(2**63) + MS, time))
        only = "ms DESC, nano DESC, version DESC LIMIT 1"
        return await self._read(lambda cursor: asked.observations(cursor, source, only))

    async def latest_at(self, series: Sequence[int], time: int) -> ObservationBatch:
        """What was known of each series at a moment (ns UTC): its newest observation that had come about by then and,
        where that is not usable, the newest usable one as well."""
        which = list(dict.fromkeys(int(one) for one in series))

        def read(cursor: Any) -> ObservationBatch:
            found, missing = [], which
            for start in (time - _RECENT, -(2**63) + MS):  # most have spoken lately; the others are sought anywhere
                if missing:
                    batch = sql.batch(cursor.execute(rows_at(_TABLES, missing, start, time)).fetchnumpy())
                    found.append(batch)
                    usable = set(batch.series[batch.quality & 0xFF00 == 0].tolist())
                    missing = [one for one in missing if one not in usable]
            return ObservationBatch.joined(found)

        return await self._read(read)

    async def copy_to(self, path: Path) -> None:
        """Writes a copy of every row committed before the call to a new file; batches go on being committed.

        Raises `Unavailable` when the disk refuses; what was written then stays for the caller to remove.
        """
        self._check_open()
        cursor = self._connection.cursor()
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
        return await self._read(rows_by_series)

    async def set_aside(self, known: Iterable[int]) -> int:
        """Puts the rows of other series than the known ones where no read finds them, before any batch is appended;
        how many there were."""
        self._check_open()
        return await asyncio.get_running_loop().run_in_executor(self._writer, set_aside, self._connection, tuple(known))

    async def close(self) -> None:
        """Commits what is queued and closes; closing twice is allowed."""
        if self._closed:
            return
        self._closed = True
        if self._writing is not None:
            await self._writing
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._readers.shutdown)
        await loop.run_in_executor(self._writer, self._close)
        self._writer.shutdown()

    async def _write(self) -> None:
        try:
            while self._pending:
                group = [self._pending.pop(0)]
                size = len(group[0][0])
                while self._pending and size + len(self._pending[0][0]) <= _GROUP:
                    size += len(self._pending[0][0])
                    group.append(self._pending.pop(0))
                await self._commit(group)
        finally:
            self._writing = None

    async def _commit(self, group: list[tuple[ObservationBatch, asyncio.Future[None]]]) -> None:
        loop = asyncio.get_running_loop()
        failure: Exception | None = None
        try:
            await loop.run_in_executor(
                self._writer, self._insert, ObservationBatch.joined([batch for batch, _ in group])
            )
        except Exception as error:
            if len(group) > 1:  # one batch that cannot be stored must not take the others with it
                for one in group:
                    await self._commit([one])
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

    def _insert(self, batch: ObservationBatch) -> None:
        connection, heads = self._connection, self._heads
        fresh = heads.fresh(batch.series, batch.time)
        by_kind = sql.kinds(batch)
        corrected: list[npt.NDArray[np.int32]] = []
        connection.begin()
        try:
            for kind, its in by_kind.items():
                for rows in (np.flatnonzero(fresh & its), np.flatnonzero(~fresh & its)):
                    if not len(rows):
                        continue
                    new = bool(fresh[rows[0]])
                    connection.register("incoming", sql.incoming(batch, rows, kind))
                    try:
                        if new:
                            connection.execute(sql.insert_fresh(kind, kind))
                        else:
                            span = int(batch.time[rows].min()) // MS, int(batch.time[rows].max()) // MS
                            query = sql.insert_compared(kind, kind, _TABLES[kind], *span, self._replacing)
                            added = connection.execute(query).fetchnumpy()
                            corrected.append(added["series"][added["version"] > 0].astype(np.int32))
                    finally:
                        connection.unregister("incoming")
            connection.commit()
        except BaseException:
            with suppress(duckdb.TransactionException):  # a full disk has ended the transaction already
                connection.rollback()
            raise
        for changed in corrected:
            heads.corrected(changed)
        received = sql.received_as_kept(batch.received)
        for kind, its in by_kind.items():
            heads.committed(batch.series[its], batch.time[its], received[its], kind)

    async def _read(self, work: Callable[[Any], R]) -> R:
        self._check_open()

        def run() -> R:
            cursor = self._cursors.get()
            try:
                return work(cursor)
            except BaseException:
                cursor.abort()  # a result left half-read would refuse the next query
                raise
            finally:
                self._cursors.put(cursor)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, run)
        except duckdb.Error as error:
            raise Unavailable(
                f"The history could not be read: {_sentence(error)}",
                remedy="Ask again; if it stays so, the file may be damaged: restore it from a backup.",
            ) from error

    def _check_open(self) -> None:
        if self._closed or self._connection is None:
            raise Unavailable("The history is closed.", remedy="Start the server again.")

    def _open(self) -> None:
        try:
            connection = duckdb.connect(str(self._path), config=self._settings)
        except duckdb.Error as error:
            raise _refusal(self._path, error) from error
        try:
            prepare(connection, self._path)
            for kind in KINDS:
                self._learn(connection.execute(sql.known_series(kind, kind)).fetchnumpy(), kind)
            self._connection = connection
            for _ in range(_READERS):
                cursor = connection.cursor()
                source = asked.newest_versions(["number"], asked.within([0], 0, 1), corrected=False)
                cursor.execute(asked.window(source, "number", asked.buckets(0, 1, None, 1, "mean"))).fetchnumpy()
                self._cursors.put(cursor)
            self._warm_up(connection)
        except duckdb.Error as error:
            connection.close()
            raise _refusal(self._path, error) from error
        except BaseException:
            connection.close()
            raise

    def _learn(self, known: Mapping[str, Any], kind: str) -> None:
        series = np.asarray(known["series"], np.int32)
        corrected = np.asarray(known["version"]) > 0
        self._heads.corrected(series[corrected])
        for time in ("in_order", "ahead_from", "ahead_to", "head"):
            # Each is a row that is there: its time, and the receive time that came with it.
            there = ~np.ma.getmaskarray(known[time])
            self._heads.committed(
                series[there],
                np.asarray(known[time][there], np.int64),
                np.asarray(known[time + "_received"][there], np.int64),
                kind,
            )

    def _warm_up(self, connection: Any) -> None:
        nothing = ObservationBatch.of([(0, 0, 0.0, 0, 0)], {0: ""})
        connection.begin()
        for kind in ("number", "text"):
            connection.register("incoming", sql.incoming(nothing, np.zeros(1, np.intp), kind))
            connection.execute(sql.insert_fresh(kind, kind))
            connection.execute(sql.insert_compared(kind, kind, _TABLES[kind], 0, 0)).fetchnumpy()
            connection.unregister("incoming")
        connection.rollback()

    def _close(self) -> None:
        while not self._cursors.empty():
            self._cursors.get().close()
        self._connection.close()  # checkpoints, so that the next start need not replay
        self._connection = None


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
