"""What was known of series at a moment of the past."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from twin.observation import ObservationBatch, Quality
from twin.telemetry.duckdb import DuckDBHistory

DAY = 86_400 * 10**9
T0 = 1_767_225_600 * 10**9
BAD = int(Quality.DEVICE_FAULT)


@pytest.fixture
async def history(tmp_path: Path) -> AsyncIterator[DuckDBHistory]:
    history = await DuckDBHistory(tmp_path / "history.duckdb").open()
    yield history
    await history.close()


async def known(history: DuckDBHistory, series: list[int], time: int) -> set[tuple[int, int, float | str, int]]:
    batch = await history.latest_at(series, time)
    return {
        (int(batch.series[row]), int(batch.time[row]) - T0, batch.text.get(row, float(batch.value[row])),
         int(batch.quality[row]))
        for row in range(len(batch))
    }  # fmt: skip


async def test_the_newest_up_to_the_moment_is_told_and_nothing_later(history: DuckDBHistory) -> None:
    await history.append(ObservationBatch.of([(1, T0 + n, float(n), 0, T0 + n) for n in range(5)]))
    assert await known(history, [1, 2], T0 + 2) == {(1, 2, 2.0, 0)}
    assert await known(history, [1], T0 - 1) == set()
    assert await known(history, [], T0) == set()


async def test_behind_a_bad_one_the_newest_usable_one_is_told_as_well(history: DuckDBHistory) -> None:
    await history.append(ObservationBatch.of([(1, T0, 1.0, 0, T0), (1, T0 + 1, 2.0, 1, T0), (1, T0 + 2, 3.0, BAD, T0)]))
    assert await known(history, [1], T0 + 9) == {(1, 1, 2.0, 1), (1, 2, 3.0, BAD)}


async def test_what_was_said_long_ago_is_found_and_a_correction_counts(history: DuckDBHistory) -> None:
    await history.append(ObservationBatch.of([(1, T0, 1.0, 0, T0), (2, T0 + 40 * DAY, 2.0, 0, T0 + 40 * DAY)]))
    await history.append(ObservationBatch.of([(1, T0, 7.0, 0, T0 + 5)]))
    assert await known(history, [1, 2], T0 + 41 * DAY) == {(1, 0, 7.0, 0), (2, 40 * DAY, 2.0, 0)}


async def test_a_text_is_told_and_a_clock_that_runs_ahead_counts_when_it_was_heard(history: DuckDBHistory) -> None:
    await history.append(ObservationBatch.of([(3, T0, float("nan"), 0, T0)], {0: "open"}))
    await history.append(ObservationBatch.of([(4, T0 + 10 * DAY, 4.0, 0, T0 + 1)]))
    assert await known(history, [3, 4], T0 + 2) == {(3, 0, "open", 0), (4, 10 * DAY, 4.0, 0)}
