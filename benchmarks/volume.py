"""A campus of 200,000 points at one sample a minute: whether the history keeps pace, and what it takes in room, memory
and patience.

A month is 8.6 thousand million rows.  Three days of it are made and appended as fast as they go (--quick: some hours),
while the history puts itself in order; what a month takes is then worked out from what was measured, and said so.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import psutil

from benchmarks.history import timed, used
from benchmarks.parts.history_rows import MINUTE, MS, START, Building
from benchmarks.report import Report, options
from twin.telemetry.duckdb import DuckDBHistory

POINTS = 200_000
MONTH = 30 * 1440  # minutes
BYTES_FREE = 16  # a row, at most, while tables are written again
LONGEST = 780  # seconds of appending, after which it is enough
_MEMORY = 2_000_000_000


def main() -> int:
    chosen = options(__doc__ or "")
    report = Report("volume")
    minutes, longest = (60, 25) if chosen.quick else (3 * 1440, LONGEST)
    with tempfile.TemporaryDirectory() as folder:
        room = shutil.disk_usage(folder).free
        if minutes * POINTS * BYTES_FREE > room * 0.8:
            minutes = int(room * 0.8 / POINTS / BYTES_FREE)
            report.note(f"only {room / 1e9:.0f} GB are free: less is appended")
        asyncio.run(_run(report, Path(folder) / "history.duckdb", minutes, longest))
    return report.finish()


async def _run(report: Report, path: Path, minutes: int, longest: float) -> None:
    peak = _Peak()
    history = await DuckDBHistory(path, threads=2, memory="512MB").open()
    building = Building(POINTS)
    began = time.perf_counter()
    making = appending = slowest = 0.0
    done = 0
    batches = building.minutes(0, minutes)
    while done < minutes and time.perf_counter() - began < longest:
        start = time.perf_counter()
        batch = next(batches)
        made = time.perf_counter()
        await history.append(batch)
        took = time.perf_counter() - made
        making += made - start
        appending += took
        slowest = max(slowest, took)
        done += 1
    await history.put_in_order()
    took = time.perf_counter() - began
    rows = done * POINTS
    report.figure("rows", rows)
    report.figure("days", done / 1440)
    report.figure("rows_per_second", rows / (took - making))
    report.figure("times_real_time", done * 60 / (took - making), at_least=20)
    report.figure("slowest_append_seconds", slowest)
    await history.put_in_order(all=True)
    await history.close()
    size = used(path)
    report.figure("bytes_per_point", size / rows, at_most=4)
    report.figure("file_bytes_per_point", path.stat().st_size / rows)  # noqa: ASYNC240 - nothing else runs
    report.figure("month_gigabytes", size / rows * MONTH * POINTS / 1e9)
    opening = time.perf_counter()
    history = await DuckDBHistory(path, threads=2, memory="512MB").open()
    report.figure("open_seconds", time.perf_counter() - opening)
    await _ask(report, history, done)
    report.figure("tables", history.tables)
    await history.close()
    report.figure("memory_gigabytes", peak.stop() / 1e9, at_most=_MEMORY / 1e9)
    report.note(f"{done / 1440:.2f} days were appended; month figures are worked out: bytes per point x 8.64 G rows.")
    report.note("Dashboards ask for all that was appended, in one question.")


async def _ask(report: Report, history: DuckDBHistory, minutes: int) -> None:
    start, end = START * MS, (START + (minutes + 1) * MINUTE) * MS
    chance = np.random.default_rng(3)
    day = min(minutes, 1440) * MINUTE * MS

    async def series_day() -> None:
        assert len(await history.window(int(chance.integers(POINTS)), end - day, end)) >= min(minutes, 1440) - 1

    async def buckets() -> None:
        assert len(await history.window(int(chance.integers(POINTS)), start, end, points=200)) > 0

    async def dashboard() -> None:
        first = int(chance.integers(POINTS - 100))
        assert len(await history.windows(range(first, first + 100), start, end, points=200)) == 100

    async def scattered() -> None:
        which = chance.choice(POINTS, 100, replace=False).tolist()
        assert len(await history.windows(which, start, end, points=200)) == 100

    asks: dict[str, tuple[Callable[[], Awaitable[None]], float | None]] = {
        "series_day_ms": (series_day, 10),
        "all_200_buckets_ms": (buckets, 30),
        "hundred_series_200_buckets_ms": (dashboard, 100),
        "hundred_scattered_series_200_buckets_ms": (scattered, None),
    }
    for name, (ask, target) in asks.items():
        report.figure(name, await timed(ask), at_most=target)


class _Peak:
    """The most memory that this process had, looked at ten times a second."""

    def __init__(self) -> None:
        self._most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """The most until now, in bytes."""
        self._over.set()
        self._thread.join()
        return self._most

    def _look(self) -> None:
        process = psutil.Process()
        while not self._over.wait(0.1):
            self._most = max(self._most, process.memory_info().rss)


if __name__ == "__main__":
    sys.exit(main())
