"""Whatever is appended, corrected, deleted, put in order and reopened: the history says what a plain list of rows
would say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.history import SECOND, START
from twin.contracts import Reading
from twin.observation import ObservationBatch
from twin.telemetry import duckdb_parts
from twin.telemetry.duckdb import DuckDBHistory

SERIES = range(4)
BAD = 0x0100
MS = 1_000_000


@dataclass
class Model:
    """Rows by series and time, versions in the order of arrival: (value, quality, received, origin)."""

    rows: dict[tuple[int, int], list[tuple[float, int, int, int]]] = field(default_factory=dict)
    forgotten: list[tuple[int, int, int]] = field(default_factory=list)

    def append(self, series: int, time: int, value: float, quality: int, received: int) -> None:
        if any(s == series and start <= time < end for s, start, end in self.forgotten):
            return
        versions = self.rows.setdefault((series, time), [])
        if (value, quality) not in [(v, q) for v, q, *_ in versions]:
            versions.append((value, quality, received, 0))

    def forget(self, series: int, start: int, end: int) -> int:
        self.forgotten.append((series, start, end))
        gone = [key for key in self.rows if key[0] == series and start <= key[1] < end]
        return sum(len(self.rows.pop(key)) for key in gone)

    def newest(self, series: int, as_of: int | None = None) -> Iterator[tuple[int, float, int]]:
        for (one, time), versions in sorted(self.rows.items()):
            known = [v for v in versions if as_of is None or v[2] <= as_of]
            if one == series and known:
                yield time, known[-1][0], known[-1][1]


Row = tuple[int, int, int, int]
rows = st.tuples(st.sampled_from(SERIES), st.integers(0, 30), st.integers(0, 3), st.sampled_from([0, 0, 0, 4, BAD]))
steps = st.one_of(
    st.tuples(st.just("append"), st.lists(rows, min_size=1, max_size=12)),
    st.tuples(st.just("append"), st.lists(rows, min_size=1, max_size=12)),
    st.tuples(st.just("forget"), st.tuples(st.sampled_from(SERIES), st.integers(0, 30), st.integers(1, 8))),
    st.tuples(st.just("order"), st.booleans()),
    st.tuples(st.just("reopen"), st.none()),
)


async def play(path: Path, story: list[tuple[str, object]]) -> None:
    model = Model()
    history = await DuckDBHistory(path).open()
    try:
        for number, (what, how) in enumerate(story):
            received = START + (100 + number) * SECOND
            if what == "append":
                batch = [(s, START + t * SECOND // 2 + t % 3, float(v), q, received) for s, t, v, q in how]
                await history.append(ObservationBatch.of(batch))
                for row in batch:
                    model.append(*row)
            elif what == "forget":
                series, at, length = how
                start, end = START + at * SECOND // 2, START + (at + length) * SECOND // 2
                gone = await history.forget([series], start, end, time=received, reason="a test")
                assert gone == model.forget(series, start, end)
            elif what == "order":
                await history.put_in_order(all=bool(how))
            else:
                await history.close()
                history = await DuckDBHistory(path).open()
            await compare(history, model, received)
        await compare(history, model, START + 110 * SECOND)
    finally:
        await history.close()


async def compare(history: DuckDBHistory, model: Model, now: int) -> None:
    middle = (START + 100 * SECOND + now) // 2 // MS * MS
    for as_of in (None, middle):
        windows = await history.windows(list(SERIES), START, START + 100 * SECOND, reading=Reading(as_of=as_of))
        buckets = await history.windows(
            list(SERIES),
            START,
            START + 100 * SECOND,
            interval=4 * SECOND,
            aggregate="sum",
            reading=Reading(as_of=as_of),
        )
        for series in SERIES:
            expected = list(model.newest(series, as_of))
            window = windows[series]
            assert list(zip(window.time.tolist(), window.value.tolist(), window.quality.tolist(), strict=True)) == (
                expected
            )
            sums: dict[int, tuple[float, int]] = {}
            for time, value, quality in expected:
                bucket = time // (4 * SECOND) * 4 * SECOND
                total, count = sums.get(bucket, (0.0, 0))
                sums[bucket] = (total, count) if quality & 0xFF00 else (total + value, count + 1)
            told = buckets[series]
            found = zip(told.time.tolist(), told.value.tolist(), told.count.tolist(), strict=True)
            assert {t: (v if n else 0.0, n) for t, v, n in found} == sums
    latest = await history.latest()
    expected_heads = {}
    for series in SERIES:
        known = list(model.newest(series))
        if known:
            expected_heads[series] = known[-1]
    assert {
        s: (t, v, q)
        for s, t, v, q in zip(
            latest.series.tolist(), latest.time.tolist(), latest.value.tolist(), latest.quality.tolist(), strict=True
        )
    } == expected_heads
    every = await history.rows(list(SERIES), START, START + 100 * SECOND, versions=True)
    assert len(every) == sum(len(versions) for versions in model.rows.values())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duckdb_parts, "OPEN_ROWS", 10)
    monkeypatch.setattr(duckdb_parts, "TOGETHER", 2)
    monkeypatch.setattr(duckdb_parts, "SLICE", 3)


@pytest.mark.usefixtures("small")
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(steps, min_size=1, max_size=10))
async def test_any_story_of_a_history_reads_as_a_plain_list_of_rows_would(
    tmp_path_factory: pytest.TempPathFactory, story: list[tuple[str, object]]
) -> None:
    await play(tmp_path_factory.mktemp("history") / "history.duckdb", story)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("small")
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(steps, min_size=5, max_size=30))
async def test_many_long_stories_do_too(
    tmp_path_factory: pytest.TempPathFactory, story: list[tuple[str, object]]
) -> None:
    await play(tmp_path_factory.mktemp("history") / "history.duckdb", story)
