"""What every `twin.contracts.History` promises.

An implementation's test module subclasses `HistoryContract` and gives it a fixture ``history``: an empty one, open.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.history_aggregates import HistoryAggregates
from twin.contracts import History, Reading, Window
from twin.errors import InvalidInput
from twin.observation import Block, ObservationBatch, Quality

SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND
BAD = int(Quality.DEVICE_FAULT)
_unused = itertools.count(1000)  # examples share one history, so each takes series of its own


def samples(
    *rows: tuple[float, float] | tuple[float, float, int], series: int = 1, text: dict[int, str] | None = None
) -> ObservationBatch:
    """Rows of (seconds after the start, value[, quality]), each received a millisecond after its time."""
    return ObservationBatch.of(
        [
            (
                series,
                START + int(at * SECOND),
                value,
                quality[0] if quality else 0,
                START + int(at * SECOND) + 1_000_000,
            )
            for at, value, *quality in rows
        ],
        text,
    )


def arrays(*blocks: Block, series: int = 3) -> ObservationBatch:
    """Arrays, one a second from the start on."""
    batch = samples(*((at, float("nan")) for at in range(len(blocks))), series=series)
    return replace(batch, blocks=dict(enumerate(blocks)))


def seconds(window: Window) -> list[float]:
    return [(time - START) / SECOND for time in window.time.tolist()]


class HistoryContract(HistoryAggregates):
    """The suite."""

    async def everything(self, history: History, series: int = 1) -> Window:
        return await history.window(series, START - 10**6 * SECOND, START + 10**6 * SECOND)

    async def test_what_was_appended_is_read_in_order_of_time(self, history: History) -> None:
        await history.append(samples((3, 30.0), (1, 10.0)))
        await history.append(samples((2, 20.0), (0, 0.5)))
        window = await self.everything(history)
        assert seconds(window) == [0, 1, 2, 3]
        assert window.value.tolist() == [0.5, 10.0, 20.0, 30.0]
        assert window.minimum.tolist() == window.maximum.tolist() == window.value.tolist()
        assert window.count.tolist() == [1, 1, 1, 1]
        assert window.text is None

    async def test_a_window_has_its_start_and_not_its_end(self, history: History) -> None:
        await history.append(samples(*((at, at) for at in range(10))))
        window = await history.window(1, START + 2 * SECOND, START + 5 * SECOND)
        assert seconds(window) == [2, 3, 4]

    async def test_an_unknown_series_and_an_empty_stretch_give_empty_windows(self, history: History) -> None:
        await history.append(samples((1, 1.0)))
        assert len(await self.everything(history, series=77)) == 0
        assert len(await history.window(1, START + 5 * SECOND, START + 5 * SECOND)) == 0
        assert len(await history.window(1, START + 9 * SECOND, START + 5 * SECOND, points=5)) == 0

    async def test_an_empty_batch_is_accepted(self, history: History) -> None:
        await history.append(ObservationBatch.of([]))
        assert len(await history.latest()) == 0

    async def test_sending_the_same_again_changes_nothing(self, history: History) -> None:
        batch = samples((1, 1.0), (2, float("nan"), BAD), (3, 3.0))
        for _ in range(3):
            await history.append(batch)
        again = ObservationBatch(batch.series, batch.time, batch.value, batch.quality, batch.received + SECOND)
        await history.append(again)
        assert seconds(await self.everything(history)) == [1, 2, 3]

    async def test_the_same_twice_in_one_batch_is_one_row(self, history: History) -> None:
        await history.append(samples((1, 1.0), (1, 1.0), (1, 1.0)))
        window = await history.window(1, START, START + 10 * SECOND, interval=10 * SECOND, aggregate="count")
        assert window.count.tolist() == [1]

    async def test_a_different_value_at_the_same_time_replaces_the_one_before(self, history: History) -> None:
        await history.append(samples((1, 1.0), (2, 2.0)))
        await history.append(samples((1, 1.5)))
        await history.append(samples((1, 1.7), (1, 1.8)))
        assert (await self.everything(history)).value.tolist() == [1.8, 2.0]
        bucket = await history.window(1, START, START + 10 * SECOND, interval=10 * SECOND, aggregate="sum")
        assert bucket.value.tolist() == [pytest.approx(3.8)]
        assert bucket.count.tolist() == [2]

    async def test_a_correction_in_one_batch_with_what_it_corrects_wins(self, history: History) -> None:
        await history.append(samples((1, 1.0), (1, 9.0), (2, 2.0)))
        assert (await self.everything(history)).value.tolist() == [9.0, 2.0]

    async def test_replaying_a_correction_and_what_it_corrected_keeps_the_correction(self, history: History) -> None:
        for _ in range(2):
            await history.append(samples((1, 1.0)))
            await history.append(samples((1, 9.0)))
        await history.append(samples((1, 1.0), (1, 9.0)))
        assert (await self.everything(history)).value.tolist() == [9.0]

    async def test_a_bad_sample_is_kept_with_its_quality(self, history: History) -> None:
        await history.append(samples((1, 1.0), (2, 999.0, BAD), (3, float("nan"), BAD)))
        window = await self.everything(history)
        assert window.quality.tolist() == [0, BAD, BAD]
        assert window.value[1] == 999.0
        assert np.isnan(window.value[2])

    @pytest.mark.parametrize(
        ("aggregate", "expected"),
        [("mean", 4.0), ("min", 1.0), ("max", 9.0), ("sum", 12.0), ("count", 3.0), ("first", 9.0), ("last", 2.0)],
    )
    async def test_an_aggregate_leaves_bad_samples_out(self, history: History, aggregate: str, expected: float) -> None:
        await history.append(samples((1, 9.0), (2, 1.0), (3, 500.0, BAD), (4, 2.0), (5, float("nan"), BAD)))
        window = await history.window(1, START, START + 60 * SECOND, interval=60 * SECOND, aggregate=aggregate)
        assert window.value.tolist() == [expected]
        assert (window.minimum.tolist(), window.maximum.tolist(), window.count.tolist()) == ([1.0], [9.0], [3])
        assert window.quality.tolist() == [BAD]

    async def test_an_uncertain_sample_enters_an_aggregate_and_shows_in_its_quality(self, history: History) -> None:
        await history.append(samples((1, 2.0), (2, 4.0, int(Quality.SPIKE)), (3, 6.0, int(Quality.RATE))))
        window = await history.window(1, START, START + 60 * SECOND, interval=60 * SECOND)
        assert window.value.tolist() == [4.0]
        assert window.quality.tolist() == [int(Quality.SPIKE | Quality.RATE)]

    async def test_buckets_start_at_multiples_of_the_interval(self, history: History) -> None:
        await history.append(samples((7, 1.0), (12, 2.0), (19, 4.0), (31, 8.0)))
        window = await history.window(1, START + 5 * SECOND, START + 40 * SECOND, interval=10 * SECOND)
        assert seconds(window) == [0, 10, 30]
        assert window.value.tolist() == [1.0, 3.0, 8.0]

    async def test_times_before_1970_fall_into_their_own_bucket(self, history: History) -> None:
        await history.append(ObservationBatch.of([(1, -1, 1.0, 0, 0), (1, 1, 3.0, 0, 0), (1, -SECOND, 5.0, 0, 0)]))
        window = await history.window(1, -10 * SECOND, 10 * SECOND, interval=SECOND)
        assert window.time.tolist() == [-SECOND, 0]
        assert window.value.tolist() == [3.0, 3.0]

    async def test_a_bucket_of_bad_samples_only_has_no_value(self, history: History) -> None:
        await history.append(samples((1, 5.0, BAD)))
        window = await history.window(1, START, START + 10 * SECOND, interval=10 * SECOND)
        assert window.count.tolist() == [0]
        assert np.isnan([window.value[0], window.minimum[0], window.maximum[0]]).all()

    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(points=st.integers(1, 60), start=st.integers(0, 90), length=st.integers(1, 200))
    async def test_points_give_no_more_than_asked_and_keep_the_extremes(
        self, history: History, points: int, start: int, length: int
    ) -> None:
        series = next(_unused)
        values = [(at + 0.25, float((at * 7919) % 101)) for at in range(100)]
        await history.append(samples(*values, series=series))
        window = await history.window(series, START + start * SECOND, START + (start + length) * SECOND, points=points)
        inside = [value for at, value in values if start <= at < start + length]
        assert len(window) <= points
        assert window.count.sum() == len(inside)
        assert (window.minimum.min(), window.maximum.max()) == (min(inside), max(inside))

    async def test_a_window_that_makes_no_sense_is_refused(self, history: History) -> None:
        for arguments in ({"interval": 0}, {"points": 0}, {"interval": -5}, {"interval": 5, "points": 5}):
            with pytest.raises(InvalidInput):
                await history.window(1, START, START + SECOND, **arguments)
        with pytest.raises(InvalidInput):
            await history.window(1, START, START + SECOND, interval=5, aggregate="median")  # that is the point

    async def test_text_is_kept_beside_numbers(self, history: History) -> None:
        await history.append(
            ObservationBatch.of(
                [
                    (1, START, 1.0, 0, START),
                    (2, START, float("nan"), 0, START),
                    (2, START + SECOND, float("nan"), 0, START + SECOND),
                ],
                {1: "heating", 2: "冷却"},
            )
        )
        words = await self.everything(history, series=2)
        assert words.text == ["heating", "冷却"]
        assert np.isnan(words.value).all()
        assert (await self.everything(history, series=1)).value.tolist() == [1.0]

    async def test_a_bucket_of_text_is_its_last_word_or_its_first(self, history: History) -> None:
        nan = float("nan")
        await history.append(samples((1, nan), (2, nan), (11, nan), series=4, text={0: "a", 1: "b", 2: "c"}))
        mean = await history.window(4, START, START + 20 * SECOND, interval=10 * SECOND)
        first = await history.window(4, START, START + 20 * SECOND, interval=10 * SECOND, aggregate="first")
        assert (mean.text, first.text) == (["b", "c"], ["a", "c"])
        assert mean.count.tolist() == [2, 1]

    async def test_a_corrected_text_is_read_corrected(self, history: History) -> None:
        await history.append(samples((1, float("nan")), series=4, text={0: "wrong"}))
        await history.append(samples((1, float("nan")), series=4, text={0: "right"}))
        await history.append(samples((1, float("nan")), series=4, text={0: "wrong"}))
        assert (await self.everything(history, series=4)).text == ["right"]
        assert (await history.latest([4])).text == {0: "right"}

    async def test_an_array_is_kept_whole_and_read_back_by_window_rows_and_latest(self, history: History) -> None:
        waveform = Block(np.sin(np.arange(8192) / 7.0), step=39_062, start=-5)
        spectrum = Block(np.array([1.0, float("nan"), 2.5]))
        empty = Block(np.empty(0))
        await history.append(arrays(waveform, spectrum, empty))
        await history.append(arrays(waveform))
        window = await self.everything(history, series=3)
        assert window.blocks == [waveform, spectrum, empty]
        assert np.isnan(window.value).all()
        assert seconds(window) == [0, 1, 2]
        assert (await history.latest([3])).blocks == {0: empty}
        assert (await history.rows([3], START, START + 2 * SECOND)).blocks == {0: waveform, 1: spectrum}
        bucket = await history.window(3, START, START + 9 * SECOND, interval=10 * SECOND)
        assert (bucket.blocks, bucket.count.tolist()) == ([empty], [3])

    async def test_an_array_with_one_sample_changed_is_a_correction(self, history: History) -> None:
        before, after = np.arange(100.0), np.arange(100.0)
        after[50] = 0.1
        for values in (before, after, before):
            await history.append(arrays(Block(values, step=10)))
        assert (await self.everything(history, series=3)).blocks == [Block(after, step=10)]
        await history.append(arrays(Block(after, step=11)))
        assert (await self.everything(history, series=3)).blocks == [Block(after, step=11)]

    async def test_every_row_tells_its_origin_and_when_it_was_received(self, history: History) -> None:
        batch = samples((1, 1.0), (2, 2.0), (3, 3.0))
        origin = np.array([7, 0, 2_000_000_000], np.int32)
        await history.append(replace(batch, origin=origin))
        await history.append(samples((4, 4.0)))
        rows = await history.rows([1], START, START + 9 * SECOND)
        assert rows.origin is not None
        assert rows.origin.tolist() == [7, 0, 2_000_000_000, 0]
        assert rows.received.tolist()[:3] == batch.received.tolist()
        newest = (await history.latest_before(1, START + 3 * SECOND)).origin
        assert newest is not None
        assert newest.tolist() == [0]

    async def test_a_source_time_comes_back_to_the_nanosecond_and_a_receive_time_to_the_millisecond(
        self, history: History
    ) -> None:
        times = [START + 1, START + 1_001, START + 1_000_001, -1, -1_000_001, 0, 2**62 + 7]
        received = [START, START + 999_999, START + 1_000_001, -1, 5, 0, 2**62]
        await history.append(
            ObservationBatch.of([(1, t, float(n), 0, r) for n, (t, r) in enumerate(zip(times, received, strict=True))])
        )
        rows = await history.rows([1], -(2**62), 2**63 - 1)
        told = dict(zip(rows.time.tolist(), rows.received.tolist(), strict=True))
        assert sorted(told) == sorted(times)
        assert all(0 <= told[time] - came < 1_000_000 for time, came in zip(times, received, strict=True))
        assert (await history.window(1, START + 2, START + 1_000_001)).time.tolist() == [START + 1_001]

    async def test_what_the_history_said_before_a_correction_can_be_asked_for(self, history: History) -> None:
        def told(value: float, received: int, at: int = 1) -> ObservationBatch:
            return ObservationBatch.of([(1, START + at * SECOND, value, 0, START + received * SECOND)])

        for batch in (told(1.0, 10), told(2.0, 20), told(3.0, 30), told(7.0, 25, at=2)):
            await history.append(batch)
        for when, expected in ((9, []), (10, [1.0]), (20, [2.0]), (25, [2.0, 7.0]), (30, [3.0, 7.0])):
            moment = START + when * SECOND
            window = await history.window(1, START, START + 9 * SECOND, reading=Reading(as_of=moment))
            assert window.value.tolist() == expected
            mean = await history.window(1, START, START + 9 * SECOND, points=1, reading=Reading(as_of=moment))
            assert mean.value.tolist() == ([sum(expected) / len(expected)] if expected else [])
            assert (await history.rows([1], START, START + 9 * SECOND, as_of=moment)).value.tolist() == expected
        every = await history.rows([1], START, START + 9 * SECOND, versions=True)
        assert every.value.tolist() == [1.0, 2.0, 3.0, 7.0]

    async def test_many_series_are_read_in_one_question(self, history: History) -> None:
        for series in (1, 2, 3):
            await history.append(samples((1, series * 10.0), (11, series * 20.0), series=series))
        await history.append(samples((1, float("nan")), series=4, text={0: "on"}))
        found = await history.windows([3, 1, 4, 99, 1], START, START + 20 * SECOND, interval=10 * SECOND)
        assert list(found) == [3, 1, 4, 99]
        assert found[3].value.tolist() == [30.0, 60.0]
        assert found[1].value.tolist() == [10.0, 20.0]
        assert found[4].text == ["on"]
        assert len(found[99]) == 0

    async def test_the_newest_before_a_time_is_found(self, history: History) -> None:
        await history.append(samples((1, 1.0), (5, 5.0)))
        await history.append(samples((1, 1.25)))
        await history.append(samples((3, float("nan")), series=2, text={0: "on"}))
        assert (await history.latest_before(1, START + 5 * SECOND)).value.tolist() == [1.25]
        assert (await history.latest_before(1, START + 6 * SECOND)).value.tolist() == [5.0]
        assert (await history.latest_before(2, START + 6 * SECOND)).text == {0: "on"}
        assert len(await history.latest_before(1, START)) == 0

    async def test_latest_is_the_newest_row_of_each_series(self, history: History) -> None:
        await history.append(samples((1, 1.0), (3, 3.0), (2, 2.0), series=1))
        await history.append(samples((7, 7.0), series=5))
        await history.append(samples((9, float("nan")), series=6, text={0: "on"}))
        await history.append(samples((7, 7.5), series=5))
        every = await history.latest()
        rows = dict(zip(every.series.tolist(), every.value.tolist(), strict=True))
        assert rows.keys() == {1, 5, 6}
        assert (rows[1], rows[5]) == (3.0, 7.5)
        assert list(every.text.values()) == ["on"]
        some = await history.latest([1, 99])
        assert some.series.tolist() == [1]
        assert some.time.tolist() == [START + 3 * SECOND]
        assert some.received.tolist() == [START + 3 * SECOND + 1_000_000]

    async def test_a_sample_from_the_future_does_not_stay_the_latest_for_ever(self, history: History) -> None:
        year = 365 * 86_400 * SECOND
        await history.append(ObservationBatch.of([(1, START + 70 * year, 99.0, 4, START)]))
        assert (await history.latest([1])).value.tolist() == [99.0]
        await history.append(samples((1, 1.0), (2, 2.0)))
        assert (await history.latest([1])).value.tolist() == [2.0]
        await history.append(ObservationBatch.of([(1, START + 70 * year, 99.0, 4, START + 9 * SECOND)]))
        window = await history.window(1, START, START + 100 * year)
        assert window.value.tolist() == [1.0, 2.0, 99.0]

    async def test_batches_sent_at_once_all_arrive(self, history: History) -> None:
        await asyncio.gather(*(history.append(samples((at, at), series=at % 3)) for at in range(60)))
        counts = [len(await self.everything(history, series=series)) for series in range(3)]
        assert counts == [20, 20, 20]

    async def test_closing_commits_what_is_queued_and_may_be_repeated(self, history: History) -> None:
        queued = [asyncio.ensure_future(history.append(samples((at, at)))) for at in range(5)]
        await asyncio.sleep(0)
        await history.close()
        assert await asyncio.gather(*queued) == [None] * 5
        await history.close()

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        batches=st.lists(
            st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6), st.integers(0, 2)), max_size=8), max_size=6
        )
    )
    async def test_any_sequence_of_batches_reads_as_the_rules_say(
        self, history: History, batches: list[list[tuple[int, int, int]]]
    ) -> None:
        first = next(_unused) * 10
        versions: dict[tuple[int, int], list[int]] = {}
        for batch in batches:
            await history.append(
                ObservationBatch.of([(first + s, START + t * SECOND, float(v), 0, 0) for s, t, v in batch])
            )
            for s, t, v in batch:
                kept = versions.setdefault((s, t), [])
                if v not in kept:
                    kept.append(v)
        for s in range(4):
            window = await self.everything(history, series=first + s)
            expected = {t: kept[-1] for (one, t), kept in versions.items() if one == s}
            assert dict(zip(seconds(window), window.value.tolist(), strict=True)) == expected
            newest = await history.latest([first + s])
            assert newest.value.tolist() == ([expected[max(expected)]] if expected else [])
