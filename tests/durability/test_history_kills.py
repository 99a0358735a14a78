"""Killed while it puts its tables in order or deletes by rule, a history has every row once, and nothing comes back."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import sys
from pathlib import Path
from typing import Any

import pytest

from twin.contracts import Retention
from twin.observation import ObservationBatch
from twin.telemetry import duckdb_parts
from twin.telemetry.duckdb import DuckDBHistory

KILLS = 8
SERIES = 6
SECOND = 1_000_000_000
FIRST = 1_000_000  # seconds


def batch(number: int) -> ObservationBatch:
    """Rows of second ``number`` and, late, of one long before."""
    at = [FIRST + number, FIRST + max(number - 7, 0)]
    return ObservationBatch.of(
        [(series, second * SECOND, float(second), 0, at[0] * SECOND) for second in at for series in range(SERIES)]
    )


async def write(path: Path) -> None:
    """Appends and puts in order until it is killed; every 25 batches what is older than 60 seconds is summarised."""
    duckdb_parts.OPEN_ROWS, duckdb_parts.TOGETHER, duckdb_parts.SLICE = 40, 3, 20
    history = await DuckDBHistory(path).open()
    newest = await history.latest()
    number = int(newest.time.max() // SECOND) - FIRST + 1 if len(newest) else 0
    while True:
        await history.append(batch(number))
        print(json.dumps({"row": number}), flush=True)
        if number % 25 == 24:
            before = (FIRST + number - 60) // 10 * 10
            rule = Retention(range(SERIES), before * SECOND, 10 * SECOND)
            await history.retain([rule], time=number)
            print(json.dumps({"before": before}), flush=True)
        number += 1


async def lived(path: Path, chance: random.Random) -> list[dict[str, Any]]:
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.durability.test_history_kills", str(path), stdout=asyncio.subprocess.PIPE
    )
    assert writer.stdout is not None
    told = [await asyncio.wait_for(writer.stdout.readline(), 60)]
    await asyncio.sleep(chance.random() * 1.5)
    writer.kill()
    told += (await writer.communicate())[0].splitlines(keepends=True)
    return [json.loads(line) for line in told if line.endswith(b"\n")]


@pytest.mark.timeout(300)
async def test_a_history_killed_while_it_orders_and_deletes_has_every_row_once(tmp_path: Path) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    path = tmp_path / "history.duckdb"
    last = before = -1
    for _ in range(KILLS):
        for told in await lived(path, chance):
            last, before = max(last, told.get("row", -1)), max(before, told.get("before", -1))
        history = await DuckDBHistory(path).open()
        every = await history.windows(range(SERIES), 0, 2**62, interval=2**61, aggregate="count")
        rows = await history.rows(range(SERIES), 0, 2**62, versions=True)
        for series in range(SERIES):
            seconds = (rows.time[rows.series == series] // SECOND).tolist()
            assert len(seconds) == len(set(seconds)), "no row is there twice"
            assert seconds == list(range(seconds[0], seconds[-1] + 1)), "no row is missing between"
            assert seconds[-1] >= FIRST + last
            if before > 0:
                assert seconds[0] >= before
            # Whatever was summarised and whatever was not: each second counts once.
            assert every[series].count.tolist() == [seconds[-1] - FIRST + 1]
        await history.close()
    assert before > 0, "the rule was applied at least once"


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1])))
