"""The open file of a DuckDB history: rows in, tables put in order, and which tables a question must read.

Everything here blocks and belongs in a thread.  One thread inserts, another puts in order, any number read.
"""

from __future__ import annotations

import threading
import time as timing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
import numpy.typing as npt

from twin.observation import ObservationBatch
from twin.telemetry import duckdb_parts as parts
from twin.telemetry import rows as sql
from twin.telemetry.duckdb_parts import read_parts
from twin.telemetry.duckdb_schema import KINDS, MS, prepare
from twin.telemetry.forgotten import Forgotten
from twin.telemetry.heads import SeriesHeads

R = TypeVar("R")
_TRIES = 20  # a question that meets a table gone asks again; tables change seldom


class Tables:
    """The tables of one file.  ``heads`` is what is known of each series, ``parts`` which tables there are,
    ``replacing`` the origins of replacements,
    ``dropped`` how many rows were not taken because their stretch was deleted."""

    def __init__(self, path: Path, settings: Mapping[str, Any], replacing: set[int]) -> None:
        self._replacing = replacing
        self.heads = SeriesHeads()
        self.dropped = 0
        self.connection: Any = duckdb.connect(str(path), config=dict(settings))
        try:
            prepare(self.connection, path)
            self.parts = read_parts(self.connection)
            self.forgotten = Forgotten.of(
                self.connection.execute('SELECT series, start, "end" FROM forgotten').fetchall()
            )
            self._learn()
        except BaseException:
            self.connection.close()
            raise
        self._changing = threading.Lock()  # held while the list of tables changes, and while rows are added to one
        self._ordering = threading.Lock()  # held while tables are put in order
        self._wanted = threading.Event()  # somebody waits for the order to be given up
        self._rows = dict.fromkeys(KINDS, 0)
        self._first_ms: int | None = None
        for kind in KINDS:
            ((self._rows[kind],),) = self.connection.execute(
                f"SELECT count(*) FROM {self.parts.open(kind).name}"  # noqa: S608 - ours
            ).fetchall()

    def insert(self, batch: ObservationBatch) -> None:
        """Commits the rows that are not there yet, as the versions that they are."""
        kept = self.forgotten.left(batch)
        self.dropped += len(batch) - len(kept)
        if not len(kept):
            return
        with self._changing:
            self._insert(kept)

    def _insert(self, batch: ObservationBatch) -> None:
        heads = self.heads
        fresh = heads.fresh(batch.series, batch.time)
        by_kind = sql.kinds(batch)
        corrected: list[npt.NDArray[np.int32]] = []
        added_rows = dict.fromkeys(KINDS, 0)
        with transaction(self.connection) as connection:
            for kind, its in by_kind.items():
                table = self.parts.open(kind).name
                for rows in (np.flatnonzero(fresh & its), np.flatnonzero(~fresh & its)):
                    if not len(rows):
                        continue
                    new = bool(fresh[rows[0]])
                    connection.register("incoming", sql.incoming(batch, rows, kind))
                    try:
                        if new:
                            connection.execute(sql.insert_fresh(table, kind))
                            added_rows[kind] += len(rows)
                        else:
                            span = int(batch.time[rows].min()) // MS, int(batch.time[rows].max()) // MS
                            there = self.parts.tables(*span)[kind]
                            added = connection.execute(
                                sql.insert_compared(table, kind, there, *span, self._replacing)
                            ).fetchnumpy()
                            corrected.append(added["series"][added["version"] > 0].astype(np.int32))
                            added_rows[kind] += len(added["series"])
                    finally:
                        connection.unregister("incoming")
        for changed in corrected:
            heads.corrected(changed)
        received = sql.received_as_kept(batch.received)
        for kind, its in by_kind.items():
            heads.committed(batch.series[its], batch.time[its], received[its], kind)
            self._rows[kind] += added_rows[kind]
        self._close_full(int(batch.received.max()) // MS)

    def _close_full(self, now_ms: int) -> None:
        if self._first_ms is None:
            self._first_ms = now_ms
        if due := parts.due(self._rows, self._first_ms, now_ms):
            self._close(due)
            self._first_ms = now_ms

    def _close(self, kinds: list[str]) -> None:
        with transaction(self.connection):
            for kind in kinds:
                parts.close_open(self.connection, kind)
            found = read_parts(self.connection)
        self.parts = found
        self._rows.update(dict.fromkeys(kinds, 0))

    def close_tables(self) -> None:
        """Closes the open tables that have rows, whatever they have, so that they can be put in order."""
        with self._changing:
            if kinds := [kind for kind, count in self._rows.items() if count and kind != "block"]:
                self._close(kinds)

    @property
    def disorder(self) -> bool:
        """Whether there are tables to be put in order."""
        return bool(parts.next_to_order(self.parts))

    def order_next(self, cursor: Any) -> bool:
        """Takes the next step of putting in order, in one transaction; whether it did.  What it takes is read and
        written while others insert and read; only the moment of its commit is its alone."""
        with self._ordering:
            sources = parts.next_to_order(self.parts)
            if not sources or self._wanted.is_set():
                return False
            with self._changing:  # after what is being inserted, so that all of it is seen
                cursor.begin()
                cursor.execute("SELECT count(*) FROM part").fetchall()
            try:
                if not parts.write_ordered(cursor, sources, stop=self._wanted.is_set):
                    cursor.rollback()
                    return False
                with self._changing:
                    self._save_heads(cursor)
                    cursor.commit()
                    self.parts = read_parts(cursor)  # with what was begun meanwhile
            except BaseException:
                with suppress(duckdb.Error):
                    cursor.rollback()
                raise
            return True

    def give_up_ordering(self) -> None:
        """Ends putting in order, now and for good; a step under way is taken back."""
        self._wanted.set()

    def warm_up(self) -> None:
        """Makes the first batch as fast as those that follow."""
        nothing = ObservationBatch.of([(0, 0, 0.0, 0, 0)], {0: ""})
        connection = self.connection
        connection.begin()
        for kind in ("number", "text"):
            table = self.parts.open(kind).name
            connection.register("incoming", sql.incoming(nothing, np.zeros(1, np.intp), kind))
            connection.execute(sql.insert_fresh(table, kind))
            connection.execute(sql.insert_compared(table, kind, [table], 0, 0)).fetchnumpy()
            connection.unregister("incoming")
        connection.rollback()

    @contextmanager
    def alone(self) -> Iterator[Any]:
        """The connection, in a transaction of the caller's, while nothing is inserted and nothing put in order."""
        self._wanted.set()
        try:
            with self._ordering, self._changing:
                with transaction(self.connection) as connection:
                    yield connection
                    self._save_heads(connection)
                    found = read_parts(connection)
                self.parts = found
        finally:
            self._wanted.clear()

    def read(self, cursor: Any, work: Callable[[Any, Tables], R]) -> R:
        """What ``work`` makes of the tables there are; it is repeated when one went away meanwhile."""
        for tried in range(_TRIES):
            try:
                return work(cursor, self)
            except duckdb.CatalogException:
                cursor.abort()
                if tried == _TRIES - 1:
                    raise
                timing.sleep(0.01)
            except BaseException:
                cursor.abort()  # a result left half-read would refuse the next query
                raise
        raise AssertionError

    def relearn(self, series: npt.NDArray[np.int32]) -> None:
        """Finds the newest rows of these series again, after rows were deleted."""
        self.heads.forget(series)
        which = f"series IN ({', '.join(map(str, series.tolist()))})"
        for part in read_parts(self.connection).all:  # as they are now: some may have gone with their last row
            source = f"(SELECT * FROM {part.name} WHERE {which})"  # noqa: S608 - ours
            self._take(self.connection.execute(sql.known_series(source, part.kind)).fetchnumpy(), part.kind)

    def _learn(self) -> None:
        self.heads.restore(self.connection.execute("FROM head").fetchnumpy())
        for part in self.parts.all:
            if part.level == 0:
                self._take(self.connection.execute(sql.known_series(part.name, part.kind)).fetchnumpy(), part.kind)

    def _save_heads(self, cursor: Any) -> None:
        cursor.execute("DELETE FROM head").fetchall()
        cursor.register("heads_now", self.heads.saved())
        try:
            cursor.execute("INSERT INTO head BY NAME SELECT * FROM heads_now")
        finally:
            cursor.unregister("heads_now")

    def _take(self, known: Mapping[str, Any], kind: str) -> None:
        series = np.asarray(known["series"], np.int32)
        self.heads.corrected(series[np.asarray(known["version"]) > 0])
        for time in ("in_order", "ahead_from", "ahead_to", "head"):
            # Each is a row that is there: its time, and the receive time that came with it.
            there = ~np.ma.getmaskarray(known[time])
            self.heads.committed(
                series[there],
                np.asarray(known[time][there], np.int64),
                np.asarray(known[time + "_received"][there], np.int64),
                kind,
            )


@contextmanager
def transaction(connection: Any) -> Iterator[Any]:
    """A transaction that is committed at the end, or rolled back when something is raised."""
    connection.begin()
    try:
        yield connection
        connection.commit()
    except BaseException:
        with suppress(duckdb.TransactionException):  # a full disk has ended the transaction already
            connection.rollback()
        raise
