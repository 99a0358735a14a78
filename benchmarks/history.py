"""The history: rows a second appended and committed, bytes a point once in order, and how long dashboards wait.

The limit is DuckDB itself: the same columns in the same batches inserted into one table of ours and nothing else.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import duckdb
import numpy as np

from benchmarks.parts.history_rows import MINUTE, MS, START, Building, pieces
from benchmarks.report import Report, median, options
from twin.observation import ObservationBatch
from twin.telemetry.duckdb import DuckDBHistory
from twin.telemetry.duckdb_schema import create
from twin.telemetry.rows import incoming, insert_fresh

BATCH = 10_000
DAY = 1440  # minutes
PUBLISHED = 3_960_000
"""Rows a second of bare DuckDB in such batches, measured before on a quiet machine of this kind (fewer columns)."""


def main() -> int:
    chosen = options(__doc__ or "")
    points, days = (400, 30) if chosen.quick else (1000, 30)
    report = Report("history")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_run(report, Path(folder), points, days, 2 if chosen.quick else 3))
    return report.finish()


async def _run(report: Report, folder: Path, points: int, days: int, rounds: int) -> None:
    ours, bare = [], []
    for number in range(rounds):  # in turns, so that both meet the same machine
        batches = _batches(1_000_000)
        bare.append(_bare(folder / f"bare-{number}.duckdb", batches))
        history = await DuckDBHistory(folder / f"append-{number}.duckdb", threads=2).open()
        began = time.perf_counter()
        for batch in batches:
            await history.append(batch)
        ours.append(1_000_000 / (time.perf_counter() - began))
        await history.close()
    report.figure("append_rows_per_second", median(ours), at_least=1_000_000)
    report.limit("bare_duckdb_rows_per_second", median(bare), published=PUBLISHED * 0.7)
    report.ratio("append_over_bare", median(ours) / median(bare), at_least=0.25)
    await _month(report, folder / "month.duckdb", points, days)


async def _month(report: Report, path: Path, points: int, days: int) -> None:
    history = await DuckDBHistory(path, threads=2, memory="512MB").open()
    building = Building(points)
    rows, waiting = 0, []
    for batch in building.minutes(0, days * DAY):
        waiting.append(batch)
        if len(waiting) * points >= 200_000:
            await history.append(ObservationBatch.joined(waiting))
            rows, waiting = rows + len(waiting) * points, []
    if waiting:
        await history.append(ObservationBatch.joined(waiting))
        rows += len(waiting) * points
    began = time.perf_counter()
    await history.put_in_order(all=True)
    report.figure("rows", rows)
    report.figure("order_rest_seconds", time.perf_counter() - began)
    await history.close()
    report.figure("bytes_per_point", used(path) / rows, at_most=4.0)
    history = await DuckDBHistory(path, threads=2, memory="512MB").open()
    start, end = START * MS, (START + days * DAY * MINUTE) * MS
    chance = np.random.default_rng(3)

    async def day() -> None:
        found = await history.window(int(chance.integers(points)), end - 86_400_000 * MS, end)
        assert len(found) == DAY

    async def month() -> None:
        assert len(await history.window(int(chance.integers(points)), start, end, points=200)) > 150

    async def dashboard() -> None:
        first = int(chance.integers(points - 100))
        found = await history.windows(range(first, first + 100), start, end, points=200)
        assert min(len(window) for window in found.values()) > 150

    async def scattered() -> None:
        which = chance.choice(points, 100, replace=False).tolist()
        found = await history.windows(which, start, end, points=200)
        assert min(len(window) for window in found.values()) > 150

    report.figure("series_day_ms", await timed(day), at_most=10)
    report.figure("month_200_buckets_ms", await timed(month), at_most=30)
    report.figure("hundred_series_200_buckets_ms", await timed(dashboard), at_most=100)
    report.figure("hundred_scattered_series_200_buckets_ms", await timed(scattered))
    await history.close()
    report.note(f"{points:,} points, one sample a minute for {days} days, {rows:,} rows; medians.")


async def timed(ask: Callable[[], Awaitable[None]]) -> float:
    """The median milliseconds of asking several times, after it is warm."""
    found = []
    for _ in range(9):
        began = time.perf_counter()
        await ask()
        found.append((time.perf_counter() - began) * 1000)
    return median(found[2:])


def _batches(rows: int) -> list[ObservationBatch]:
    building = Building(50_000)
    return [piece for batch in building.minutes(0, rows // 50_000) for piece in pieces(batch, BATCH)]


def _bare(path: Path, batches: list[ObservationBatch]) -> float:
    with duckdb.connect(str(path), config={"threads": 2}) as connection:
        connection.execute(create("number", "number"))
        every = np.arange(BATCH)
        began = time.perf_counter()
        for batch in batches:
            connection.register("incoming", incoming(batch, every, "number"))
            connection.execute(insert_fresh("number", "number"))
            connection.unregister("incoming")
        return len(batches) * BATCH / (time.perf_counter() - began)


def used(path: Path) -> int:
    """The bytes of a history's file that hold something."""
    with duckdb.connect(str(path), read_only=True) as connection:
        ((blocks, size),) = connection.execute("SELECT used_blocks, block_size FROM pragma_database_size()").fetchall()
    return int(blocks * size)


if __name__ == "__main__":
    sys.exit(main())
