from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest

from tests.contracts.history import SECOND, START, samples
from twin.errors import ConfigurationError, InvalidInput, Unavailable
from twin.observation import ObservationBatch
from twin.telemetry.duckdb import DuckDBHistory


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.duckdb"


async def test_everything_is_there_after_reopening(path: Path) -> None:
    history = await DuckDBHistory(path).open()
    await history.append(samples((1, 1.0), (2, 2.0)))
    await history.append(samples((1, 1.5)))
    await history.append(samples((3, float("nan")), series=9, text={0: "open"}))
    await history.close()

    history = await DuckDBHistory(path).open()
    assert (await history.window(1, START, START + 9 * SECOND)).value.tolist() == [1.5, 2.0]
    assert sorted((await history.latest()).series.tolist()) == [1, 9]
    await history.append(samples((1, 1.0), (2, 2.0), (3, 3.0)))
    await history.append(samples((3, float("nan")), series=9, text={0: "open"}))
    assert (await history.window(1, START, START + 9 * SECOND)).value.tolist() == [1.5, 2.0, 3.0]
    assert (await history.window(9, START, START + 9 * SECOND)).text == ["open"]
    await history.close()


async def test_a_time_in_the_far_future_is_known_again_after_reopening(path: Path) -> None:
    ahead = ObservationBatch.of([(1, START + 10**9 * SECOND, 5.0, 0, START)])
    history = await DuckDBHistory(path).open()
    await history.append(ahead)
    await history.append(samples((1, 1.0)))
    await history.close()
    history = await DuckDBHistory(path).open()
    await history.append(ahead)
    await history.append(samples((2, 2.0)))
    assert (await history.window(1, START, START + 2 * 10**9 * SECOND)).value.tolist() == [1.0, 2.0, 5.0]
    assert (await history.latest()).value.tolist() == [2.0]
    await history.close()


async def test_a_caller_that_leaves_does_not_take_its_batch_with_it(path: Path) -> None:
    history = await DuckDBHistory(path).open()
    leaving = asyncio.ensure_future(history.append(samples((1, 1.0))))
    await asyncio.sleep(0)
    leaving.cancel()
    await history.append(samples((2, 2.0)))
    assert len(await history.window(1, START, START + 9 * SECOND)) == 2
    await history.close()


async def test_a_refused_batch_leaves_the_history_working(path: Path) -> None:
    history = await DuckDBHistory(path).open()
    with pytest.raises(InvalidInput, match="-1 is outside"):
        await history.append(samples((1, 1.0), series=-1))
    with pytest.raises(InvalidInput, match="outside"):
        await history.append(samples((1, 1.0), series=2_000_000_000))
    await history.append(samples((1, 1.0)))
    assert (await history.latest()).value.tolist() == [1.0]
    await history.close()


async def test_nothing_of_a_failed_commit_is_kept_and_sending_it_again_works(path: Path) -> None:
    history = await DuckDBHistory(path).open()
    broken = ObservationBatch.of([(1, START, 1.0, 0, 0), (2, START, float("nan"), 0, 0)], {1: "\ud800"})
    with pytest.raises((Unavailable, UnicodeError)):
        await history.append(broken)
    assert len(await history.latest()) == 0
    await history.append(
        ObservationBatch(broken.series, broken.time, broken.value, broken.quality, broken.received, {1: "on"})
    )
    assert len(await history.latest()) == 2
    await history.close()


async def test_a_batch_that_cannot_be_stored_does_not_take_the_others_with_it(path: Path) -> None:
    history = await DuckDBHistory(path).open()
    outcomes = await asyncio.gather(
        history.append(samples((1, 1.0))),
        history.append(samples((2, float("nan")), series=2, text={0: "\ud800"})),
        history.append(samples((3, 3.0))),
        return_exceptions=True,
    )
    assert [outcome is None for outcome in outcomes] == [True, False, True]
    assert len(await history.window(1, START, START + 9 * SECOND)) == 2
    await history.close()


async def test_a_closed_history_says_so(path: Path) -> None:
    history = await DuckDBHistory(path).open()
    await history.close()
    with pytest.raises(Unavailable, match="closed"):
        await history.append(samples((1, 1.0)))
    with pytest.raises(Unavailable, match="closed"):
        await history.latest()


def not_a_database(whole: bytes) -> bytes:
    return b"not a database " * 500


def cut(whole: bytes) -> bytes:
    return whole[:5000]


def flipped(whole: bytes) -> bytes:
    return whole[:4096] + bytes(byte ^ 0x55 for byte in whole[4096:])


@pytest.mark.parametrize("damage", [not_a_database, cut, flipped])
def test_a_damaged_file_is_refused_with_the_remedy(path: Path, damage: Callable[[bytes], bytes]) -> None:
    async def write() -> None:
        history = await DuckDBHistory(path).open()
        await history.append(samples(*((at, at) for at in range(1000))))
        await history.close()

    asyncio.run(write())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ConfigurationError) as refusal:
        asyncio.run(DuckDBHistory(path).open())
    assert str(path) in refusal.value.message
    assert "backup" in refusal.value.remedy


async def test_a_file_of_a_newer_format_is_refused_by_name(path: Path) -> None:
    await (await DuckDBHistory(path).open()).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE history_format SET version = 7").fetchall()
    with pytest.raises(ConfigurationError, match="format 7; this version of Twin reads formats 1 to 2"):
        await DuckDBHistory(path).open()


FORMAT_1 = """
CREATE TABLE history_format (version INTEGER NOT NULL);
CREATE TABLE number (series INTEGER NOT NULL, time BIGINT NOT NULL, value DOUBLE, quality USMALLINT NOT NULL,
                     received BIGINT NOT NULL, version USMALLINT NOT NULL);
CREATE TABLE text (series INTEGER NOT NULL, time BIGINT NOT NULL, value VARCHAR, quality USMALLINT NOT NULL,
                   received BIGINT NOT NULL, version USMALLINT NOT NULL);
CREATE TABLE number_set_aside AS FROM number LIMIT 0;
INSERT INTO history_format VALUES (1);
INSERT INTO number VALUES (1, 1000000001, 1.5, 0, 2000000001, 0), (1, 1000000001, 2.5, 0, 3000000000, 1),
                          (1, -1, NULL, 256, -1, 0), (2, 1767225600123456789, 7.0, 4, 0, 0);
INSERT INTO text VALUES (3, 5000000, 'on', 0, 5000000, 0);
INSERT INTO number_set_aside VALUES (9, 1000000001, 1.5, 0, 2000000001, 0);
"""


async def test_a_file_of_format_1_becomes_one_of_format_2_with_every_row(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(FORMAT_1).fetchall()
    for _ in range(2):
        history = await DuckDBHistory(path).open()
        rows = await history.rows([1, 2, 3, 9], -SECOND, 2**62, versions=True)
        assert rows.time.tolist() == [-1, 1000000001, 1000000001, 1767225600123456789, 5000000]
        assert np.array_equal(rows.value, [float("nan"), 1.5, 2.5, 7.0, float("nan")], equal_nan=True)
        assert rows.quality.tolist() == [256, 0, 0, 4, 0]
        assert rows.received.tolist() == [0, 2001000000, 3000000000, 0, 5000000]
        assert rows.text == {4: "on"}
        await history.append(ObservationBatch.of([(1, 1000000001, 1.5, 0, 9)]))
        assert (await history.window(1, 0, 2 * SECOND)).value.tolist() == [2.5]
        assert (await history.rows_by_series()) == {1: 3, 2: 1, 3: 1}
        await history.close()


async def test_a_file_of_format_1_that_cannot_be_brought_over_stays_as_it_was(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(FORMAT_1).fetchall()
        connection.execute("CREATE TABLE block (kept INTEGER)").fetchall()
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="could not be brought to format 2") as refusal:
            await DuckDBHistory(path).open()
        assert "It is as it was" in refusal.value.remedy
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("SELECT count(time) FROM number").fetchall() == [(4,)]


async def test_somebody_elses_database_is_not_written_to(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE accounts (name TEXT)").fetchall()
    with pytest.raises(ConfigurationError, match="not a history"):
        await DuckDBHistory(path).open()


async def test_a_file_in_use_by_another_process_is_refused(path: Path) -> None:
    holder = await _child(f"import duckdb; c = duckdb.connect({str(path)!r}); print('ready', flush=True); input()")
    try:
        assert await asyncio.wait_for(_line(holder), 30) == "ready"
        with pytest.raises(ConfigurationError, match="in use by another process"):
            await DuckDBHistory(path).open()
    finally:
        holder.kill()
        await holder.communicate()


WRITER = """
import asyncio, sys
from pathlib import Path
from twin.observation import ObservationBatch
from twin.telemetry.duckdb import DuckDBHistory

async def main():
    history = await DuckDBHistory(Path(sys.argv[1])).open()
    written = 0
    while True:
        rows = [(series, (written + 1) * 1000 + series, float(written), 0, 0) for series in range(50)]
        await history.append(ObservationBatch.of(rows))
        written += 1
        print(written, flush=True)

asyncio.run(main())
"""


async def test_everything_acknowledged_is_there_after_kill_minus_nine(path: Path) -> None:
    for enough in (3, 40, 120):
        writer = await _child(WRITER, str(path))
        acknowledged = 0
        while acknowledged < enough:
            acknowledged = int(await asyncio.wait_for(_line(writer), 60))
        writer.send_signal(signal.SIGKILL)
        rest, _ = await writer.communicate()
        acknowledged = int((rest.decode().split() or [str(acknowledged)])[-1]) if rest.endswith(b"\n") else acknowledged

        history = await DuckDBHistory(path).open()
        counts = [len(await history.window(series, 0, 10**12)) for series in range(50)]
        assert min(counts) >= acknowledged
        assert max(counts) == min(counts), "a batch is there whole or not at all"
        newest = await history.latest()
        assert np.array_equal(np.sort(newest.series), np.arange(50))
        await history.close()


async def _child(code: str, *arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(sys.executable, "-c", code, *arguments, stdin=pipe, stdout=pipe)


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()
