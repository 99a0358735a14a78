"""What every `twin.contracts.History` says of buckets: percentiles, how long values stood, meters, calendars, pictures.

`HistoryContract` takes this suite in; a plain walk through every second is what its figures are compared with.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.contracts import Aggregate, History, Missing, Reading, Window
from twin.errors import InvalidInput
from twin.observation import ObservationBatch, Quality

SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND
BAD = int(Quality.DEVICE_FAULT)
_unused = itertools.count(100_000)

Sample = tuple[int, int, int]
"""A second, a value and a quality."""
meters = st.lists(st.tuples(st.integers(0, 59), st.integers(0, 9), st.sampled_from([0, 0, 0, 0, BAD])), max_size=15)


async def told(history: History, samples: Sequence[Sample]) -> tuple[int, list[Sample]]:
    """A series of its own with these samples, and what of them is left, in order of time."""
    series = next(_unused)
    kept = {at: (value, quality) for at, value, quality in samples}
    await history.append(
        ObservationBatch.of([(series, START + at * SECOND, float(v), q, 0) for at, (v, q) in kept.items()])
    )
    return series, [(at, *kept[at]) for at in sorted(kept)]


def standing(samples: Sequence[Sample], second: float, gap: float, missing: Missing, end: int) -> float | None:
    """What stands at a moment, by the rules as they are written."""
    before = [row for row in samples if row[0] <= second]
    after = [row for row in samples if row[0] > second]
    if not before or before[-1][2] & 0xFF00:
        return None
    at, value, _ = before[-1]
    following = after[0][0] if after else max(end, samples[-1][0])
    if missing == "hold":
        return value if second < min(following, at + gap) else None
    if following - at > gap:
        return None
    if missing == "null":
        return value
    if not after or after[0][2] & 0xFF00:
        return None
    return value + (after[0][1] - value) * (second - at) / (following - at)


def by_time(window: Window, column: np.ndarray) -> dict[int, float]:
    return {(time - START) // SECOND: value for time, value in zip(window.time.tolist(), column.tolist(), strict=True)}


class HistoryAggregates:
    """The suite."""

    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        samples=meters,
        gap=st.sampled_from([None, 1, 4, 10]),
        missing=st.sampled_from(["hold", "null", "interpolate"]),
        start=st.integers(0, 30),
        length=st.integers(1, 40),
        width=st.sampled_from([3, 10, 60]),
    )
    async def test_means_over_time_and_integrals_are_those_of_a_walk_through_every_moment(
        self,
        history: History,
        samples: list[Sample],
        gap: int | None,
        missing: Missing,
        start: int,
        length: int,
        width: int,
    ) -> None:
        series, kept = await told(history, samples)
        end = start + length
        reading = Reading(gap=None if gap is None else gap * SECOND, missing=missing)

        async def ask(aggregate: Aggregate) -> Window:
            return await history.window(
                series,
                START + start * SECOND,
                START + end * SECOND,
                interval=width * SECOND,
                aggregate=aggregate,
                reading=reading,
            )

        integral, mean = await ask("integral"), await ask("time_weighted_mean")
        area: dict[int, float] = {}
        stood: dict[int, float] = {}
        for tenth in range(start * 10, end * 10):  # straight lines: the middle of a tenth stands for all of it
            moment = (tenth + 0.5) / 10
            value = standing(kept, moment, math.inf if gap is None else gap, missing, end)
            if value is not None:
                bucket = math.floor(moment / width) * width
                area[bucket] = area.get(bucket, 0.0) + value / 10
                stood[bucket] = stood.get(bucket, 0.0) + 0.1
        if integral.covered is None:  # it has no samples there
            assert not stood
            return
        found = {at: seconds for at, seconds in by_time(integral, integral.covered).items() if seconds}
        assert found == pytest.approx(stood)
        assert {at: v for at, v in by_time(integral, integral.value).items() if not math.isnan(v)} == pytest.approx(
            area
        )
        means = {at: v for at, v in by_time(mean, mean.value).items() if not math.isnan(v)}
        assert means == pytest.approx({at: area[at] / stood[at] for at in area})

    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(samples=meters, gap=st.sampled_from([None, 3]))
    async def test_durations_of_states_are_those_of_a_walk_through_every_second(
        self, history: History, samples: list[Sample], gap: int | None
    ) -> None:
        series, kept = await told(history, samples)
        window = await history.window(
            series,
            START + 5 * SECOND,
            START + 55 * SECOND,
            interval=10 * SECOND,
            aggregate="durations",
            reading=Reading(gap=None if gap is None else gap * SECOND),
        )
        expected: dict[tuple[int, float], float] = {}
        for second in range(5, 55):
            state = standing(kept, second, math.inf if gap is None else gap, "hold", 55)
            if state is not None:
                key = second // 10 * 10, float(state)
                expected[key] = expected.get(key, 0) + 1
        found = {
            (at, state): seconds
            for state, column in (window.durations or {}).items()
            for at, seconds in by_time(window, column).items()
            if seconds
        }
        assert found == pytest.approx(expected)

    async def test_durations_of_texts_are_by_text(self, history: History) -> None:
        await history.append(
            ObservationBatch.of(
                [(5, START + at * SECOND, float("nan"), 0, 0) for at in (0, 4, 6)], {0: "on", 1: "off", 2: "on"}
            )
        )
        window = await history.window(5, START, START + 10 * SECOND, points=1, aggregate="durations")
        assert {state: seconds.tolist() for state, seconds in (window.durations or {}).items()} == {
            "on": [8.0],
            "off": [2.0],
        }

    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(samples=meters, rollover=st.sampled_from([None, 10.0]), missing=st.sampled_from(["hold", "interpolate"]))
    async def test_a_meter_loses_nothing_between_buckets_and_rolls_over(
        self, history: History, samples: list[Sample], rollover: float | None, missing: Missing
    ) -> None:
        series, kept = await told(history, samples)
        readings = [(at, value) for at, value, quality in kept if not quality]
        steps = [
            (at, b - a if b >= a else b - a + rollover if rollover else b)
            for (_, a), (at, b) in itertools.pairwise(readings)
        ]
        window = await history.window(
            series,
            START,
            START + 60 * SECOND,
            interval=7 * SECOND,
            aggregate="difference",
            reading=Reading(rollover=rollover, missing=missing),
        )
        assert window.value.sum() == pytest.approx(sum(step for _, step in steps))
        if missing == "hold":
            offset = START // SECOND % 7
            expected: dict[int, float] = {}
            for at, step in steps:
                bucket = (at + offset) // 7 * 7 - offset
                expected[bucket] = expected.get(bucket, 0) + step
            found = {at: value for at, value in by_time(window, window.value).items() if value}
            assert found == pytest.approx({at: value for at, value in expected.items() if value})

    async def test_a_meter_read_seldom_is_spread_over_the_time_between(self, history: History) -> None:
        series, _ = await told(history, [(0, 10, 0), (40, 50, 0)])
        found = await history.window(
            series,
            START + 10 * SECOND,
            START + 30 * SECOND,
            points=1,
            aggregate="difference",
            reading=Reading(missing="interpolate"),
        )
        assert found.value.tolist() == pytest.approx([20.0])

    @pytest.mark.parametrize(
        ("percentile", "expected"), [(0, 0.0), (50, 49.5), (95, 94.05), (99.9, 98.901), (100, 99.0)]
    )
    async def test_any_percentile_of_the_samples_is_told(
        self, history: History, percentile: float, expected: float
    ) -> None:
        series = next(_unused)
        rows = [(series, START + at * SECOND, float((at * 37) % 100), 0, 0) for at in range(100)]
        await history.append(ObservationBatch.of([*rows, (series, START + 100 * SECOND, 1e9, BAD, 0)]))
        window = await history.window(
            series,
            START,
            START + 200 * SECOND,
            points=1,
            aggregate="percentile",
            reading=Reading(percentile=percentile),
        )
        assert window.value.tolist() == pytest.approx([expected])

    async def test_buckets_may_be_of_unequal_length(self, history: History) -> None:
        series, _ = await told(history, [(at, at, 0) for at in range(60)])
        edges = tuple(START + at * SECOND for at in (-5, 5, 15, 20, 25, 55))
        for aggregate, expected in (
            ("count", [5, 10, 5, 5, 30]),
            ("max", [4, 14, 19, 24, 54]),
            ("last", [4, 14, 19, 24, 54]),
        ):
            window = await history.window(
                series,
                START - 9 * SECOND,
                START + 99 * SECOND,
                aggregate=aggregate,
                reading=Reading(edges=edges),
            )
            assert window.time.tolist() == list(edges[:-1])
            assert window.value.tolist() == expected

    @pytest.mark.parametrize("drawing", ["lttb", "min_max"])
    async def test_a_picture_has_no_more_samples_than_asked_and_all_are_real(
        self, history: History, drawing: str
    ) -> None:
        series, kept = await told(history, [(at, (at * 7919) % 101, 0) for at in range(60)])
        window = await history.window(
            series,
            START,
            START + 60 * SECOND,
            points=20,
            reading=Reading(drawing=drawing),
        )
        assert 10 <= len(window) <= 20
        real = {(START + at * SECOND, float(value)) for at, value, _ in kept}
        assert set(zip(window.time.tolist(), window.value.tolist(), strict=True)) <= real

    @pytest.mark.parametrize(
        ("aggregate", "arguments", "reading"),
        [
            ("integral", {}, Reading()),
            ("percentile", {"points": 1}, Reading(percentile=101)),
            ("mean", {"points": 5}, Reading(edges=(0, 1))),
            ("mean", {}, Reading(edges=(5, 5))),
            ("mean", {}, Reading(drawing="lttb")),
            ("integral", {"points": 1}, Reading(gap=0)),
            ("difference", {"points": 1}, Reading(rollover=-1.0)),
        ],
    )
    async def test_a_reading_that_makes_no_sense_is_refused_in_words(
        self, history: History, aggregate: Aggregate, arguments: dict[str, int], reading: Reading
    ) -> None:
        with pytest.raises(InvalidInput):
            await history.window(1, START, START + SECOND, aggregate=aggregate, reading=reading, **arguments)

    async def test_a_text_has_no_integral_and_a_drift_no_durations(self, history: History) -> None:
        text, drift = next(_unused), next(_unused)
        await history.append(ObservationBatch.of([(text, START, float("nan"), 0, 0)], {0: "on"}))
        await history.append(ObservationBatch.of([(drift, START + at, float(at), 0, 0) for at in range(100)]))
        with pytest.raises(InvalidInput, match="text has no integral"):
            await history.window(text, START, START + SECOND, points=1, aggregate="integral")
        with pytest.raises(InvalidInput, match="more than 64 different values"):
            await history.window(drift, START, START + SECOND, points=1, aggregate="durations")

    async def test_a_deleted_stretch_stays_deleted_when_it_is_sent_again(self, history: History) -> None:
        series, kept = await told(history, [(at, at, 0) for at in range(10)])
        gone = await history.forget(
            [series], START + 3 * SECOND, START + 6 * SECOND, time=START, reason="the sensor was being calibrated"
        )
        assert gone == 3
        again = [
            (series, START + at * SECOND, value + extra, 0, START) for at, value, _ in kept for extra in (0.0, 0.5)
        ]
        await history.append(ObservationBatch.of(again))
        window = await history.window(series, START, START + 60 * SECOND)
        assert [(time - START) // SECOND for time in window.time.tolist()] == [0, 1, 2, 6, 7, 8, 9]
        assert await history.forget([series], START + 8 * SECOND, START + 60 * SECOND, time=START, reason="test") == 4
        assert (await history.latest([series])).time.tolist() == [START + 7 * SECOND]
