"""Publishers never wait, and a subscriber that is too slow gets the newest, is told, and is ended."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.bus import Lost, Topic
from twin.errors import TooSlow
from twin.observation import ObservationBatch


def batch(*rows: tuple[int, int, float]) -> ObservationBatch:
    return ObservationBatch.of([(series, at, value, 0, at) for series, at, value in rows])


async def test_without_coalescing_the_oldest_are_lost_and_counted() -> None:
    topic: Topic[int] = Topic()
    async with topic.subscribe(3) as subscription:
        for number in range(10):
            topic.publish(number)
        assert [await anext(subscription) for _ in range(4)] == [Lost(7), 7, 8, 9]
    assert len(topic) == 0


async def test_with_coalescing_the_newest_of_every_series_is_kept() -> None:
    topic: Topic[ObservationBatch] = Topic()
    async with topic.subscribe(4, coalesce=ObservationBatch.newest) as subscription:
        topic.publish(batch((9, 1, 0.5)))  # spoke once, before the others fill the queue
        for number in range(100):
            topic.publish(batch((1, number, float(number)), (2, number, -float(number))))
        got: dict[int, float] = {}
        lost = rows = 0
        while lost + rows < 201:
            message = await anext(subscription)
            if isinstance(message, Lost):
                lost += message.count
            else:
                rows += len(message)
                got |= dict(zip(message.series.tolist(), message.value.tolist(), strict=True))
        assert got == {9: 0.5, 1: 99.0, 2: -99.0}
        assert lost > 150


async def test_a_subscriber_that_stays_behind_is_ended_and_keeps_nothing() -> None:
    topic: Topic[int] = Topic()
    async with topic.subscribe(3, patience=0.01) as subscription, topic.subscribe(1000) as other:
        for number in range(10):
            topic.publish(number)
        await asyncio.sleep(0.02)
        topic.publish(10)
        assert (len(topic), topic.ended_slow) == (1, 1)
        with pytest.raises(TooSlow, match="ended"):
            await anext(subscription)
        assert [await anext(other) for _ in range(11)] == list(range(11))


async def test_a_subscriber_that_catches_up_in_time_goes_on() -> None:
    topic: Topic[int] = Topic()
    async with topic.subscribe(3, patience=0.01) as subscription:
        for _ in range(3):
            for number in range(10):
                topic.publish(number)
            assert [await anext(subscription) for _ in range(4)] == [Lost(7), 7, 8, 9]
            await asyncio.sleep(0.02)
        topic.publish(1)
        assert await anext(subscription) == 1


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6), st.floats(-9, 9)), max_size=6), min_size=1, max_size=5
    )
)
def test_the_newest_of_batches_is_what_reading_them_in_order_would_leave(
    groups: list[list[tuple[int, int, float]]],
) -> None:
    newest, left_out = ObservationBatch.newest([batch(*group) for group in groups])
    expected: dict[int, tuple[int, float]] = {}
    for series, at, value in (row for group in groups for row in group):
        if series not in expected or at >= expected[series][0]:
            expected[series] = (at, value)
    found = zip(newest.series.tolist(), zip(newest.time.tolist(), newest.value.tolist(), strict=True), strict=True)
    assert dict(found) == expected
    assert left_out + len(newest) == sum(map(len, groups))
    assert np.all(newest.quality == 0)
