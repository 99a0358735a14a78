from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.clock import NANOSECONDS, ManualClock
from twin.errors import InvalidInput
from twin.observation import Block, ObservationBatch, Quality
from twin.telemetry.latest import LatestTable, Live

BAD = int(Quality.DEVICE_FAULT)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def table(clock: ManualClock) -> LatestTable:
    return LatestTable(clock, capacity=4)


def sample(
    clock: ManualClock, value: float, *, ago: float = 0, quality: int = 0, series: int = 1, text: str | None = None
) -> ObservationBatch:
    """One sample taken ``ago`` seconds before now and received now."""
    time = clock.now() - int(ago * NANOSECONDS)
    return ObservationBatch.of([(series, time, value, quality, clock.now())], {} if text is None else {0: text})


def test_a_series_never_heard_of_is_unavailable_and_nothing_is_known(table: LatestTable) -> None:
    nothing = Live(None, None, None, None, Quality.STALE, False, None, None)
    assert table.live(1, 60) == nothing
    assert table.live(10**6, 60) == nothing
    assert table.live(-3, 60) == nothing


def test_the_newest_value_is_shown_with_its_times_and_age(table: LatestTable, clock: ManualClock) -> None:
    table.apply(sample(clock, 21.5, ago=2))
    live = table.live(1, 60)
    assert (live.value, live.available, live.quality, live.age) == (21.5, True, Quality.GOOD, 2.0)
    assert (live.time, live.received) == (clock.now() - 2 * NANOSECONDS, clock.now())
    assert live.unavailable_since is None


def test_the_newest_of_a_batch_wins_whatever_its_order(table: LatestTable, clock: ManualClock) -> None:
    now = clock.now()
    rows = [(1, now - 3, 1.0, 0, now), (2, now - 5, 7.0, 0, now), (1, now - 1, 3.0, 0, now), (1, now - 2, 2.0, 0, now)]
    table.apply(ObservationBatch.of(rows))
    assert (table.live(1, 60).value, table.live(2, 60).value) == (3.0, 7.0)


def test_a_late_sample_does_not_take_the_present_back(table: LatestTable, clock: ManualClock) -> None:
    table.apply(sample(clock, 2.0))
    table.apply(sample(clock, 1.0, ago=5))
    assert table.live(1, 60).value == 2.0


def test_a_correction_at_the_same_time_is_taken(table: LatestTable, clock: ManualClock) -> None:
    table.apply(sample(clock, 2.0))
    table.apply(sample(clock, 2.5))
    assert table.live(1, 60).value == 2.5


def test_a_bad_sample_changes_the_quality_and_not_the_value(table: LatestTable, clock: ManualClock) -> None:
    table.apply(sample(clock, 20.0))
    clock.advance(5)
    table.apply(sample(clock, 999.0, quality=BAD))
    live = table.live(1, 60)
    assert (live.value, live.available, live.quality) == (20.0, True, Quality.DEVICE_FAULT)
    clock.advance(56)
    assert live.time is not None
    assert table.live(1, 60).unavailable_since == live.time + 60 * NANOSECONDS
    clock.advance(1)
    table.apply(sample(clock, 21.0))
    assert (table.live(1, 60).value, table.live(1, 60).quality) == (21.0, Quality.GOOD)


def test_nothing_but_bad_samples_gives_no_value(table: LatestTable, clock: ManualClock) -> None:
    table.apply(sample(clock, 999.0, quality=BAD))
    live = table.live(1, 60)
    assert (live.value, live.time, live.available, live.quality.word) == (None, None, False, "bad")


def test_a_value_older_than_its_freshness_is_unavailable_since_it_ceased_to_stand(
    table: LatestTable, clock: ManualClock
) -> None:
    table.apply(sample(clock, 20.0))
    taken = clock.now()
    clock.advance(60)
    assert table.live(1, 60).available
    clock.advance(1)
    live = table.live(1, 60)
    assert (live.value, live.available, live.unavailable_since) == (None, False, taken + 60 * NANOSECONDS)
    assert (live.quality, live.time, live.age) == (Quality.STALE, taken, 61.0)
    assert table.live(1, 3600).value == 20.0
    assert table.live(1, 1e300).value == 20.0


def test_a_lost_connection_makes_its_values_unavailable_until_a_newer_sample(
    table: LatestTable, clock: ManualClock
) -> None:
    table.apply(sample(clock, 20.0))
    clock.advance(10)
    lost = clock.now()
    table.mark_unavailable([1, 2], lost)
    clock.advance(5)
    table.mark_unavailable([1, 2], clock.now())
    live = table.live(1, 60)
    assert (live.value, live.available, live.unavailable_since) == (None, False, lost)
    assert live.quality == Quality.COMMS
    assert table.live(2, 60).unavailable_since is None

    table.mark_available([1, 2])
    assert not table.live(1, 60).available
    table.apply(sample(clock, 21.0))
    assert table.live(1, 60).value == 21.0
    assert table.live(1, 60).quality == Quality.GOOD


def test_a_sample_received_after_the_loss_is_proof_enough(table: LatestTable, clock: ManualClock) -> None:
    table.mark_unavailable([1], clock.now())
    table.apply(sample(clock, 20.0))
    assert not table.live(1, 60).available, "it was received before the loss was noticed"
    clock.advance(1)
    table.apply(sample(clock, 21.0))
    assert table.live(1, 60).value == 21.0


def test_what_was_stale_before_the_connection_was_lost_stays_unavailable_since_then(
    table: LatestTable, clock: ManualClock
) -> None:
    table.apply(sample(clock, 20.0))
    stale = clock.now() + 60 * NANOSECONDS
    clock.advance(300)
    table.mark_unavailable([1], clock.now())
    assert table.live(1, 60).unavailable_since == stale


@given(ahead=st.floats(1, 3e9))
def test_a_sample_from_the_future_counts_as_of_its_receipt(ahead: float) -> None:
    clock = ManualClock()
    table = LatestTable(clock)
    table.apply(sample(clock, 1.0, ago=-ahead))
    assert table.live(1, 60).age == 0.0
    clock.advance(1)
    table.apply(sample(clock, 2.0))
    assert table.live(1, 60).value == 2.0
    clock.advance(61)
    assert not table.live(1, 60).available


def test_text_is_shown_as_text_and_a_number_takes_its_place(table: LatestTable, clock: ManualClock) -> None:
    table.apply(sample(clock, float("nan"), text="heating"))
    live = table.live(1, 60)
    assert (live.value, live.text, live.available) == (None, "heating", True)
    clock.advance(61)
    assert table.live(1, 60).text is None
    table.apply(sample(clock, 4.0))
    assert (table.live(1, 60).value, table.live(1, 60).text) == (4.0, None)


def test_many_are_shown_in_the_order_asked_each_with_its_own_freshness(table: LatestTable, clock: ManualClock) -> None:
    for series in (3, 700):
        table.apply(sample(clock, series / 2, series=series))
    table.apply(sample(clock, float("nan"), series=9, text="on"))
    clock.advance(10)
    columns = table.live_many(np.array([700, 3, 9, 5, 3], np.int32), np.array([60.0, 5.0, 60.0, 60.0, 60.0]))
    assert columns.available.tolist() == [True, False, True, False, True]
    assert columns.value[[0, 4]].tolist() == [350.0, 1.5]
    assert columns.text == {2: "on"}
    assert [columns.row(index).value for index in range(5)] == [350.0, None, None, None, 1.5]
    assert len(columns) == 5


def test_the_history_seeds_what_nothing_newer_has_told(table: LatestTable, clock: ManualClock) -> None:
    table.apply(sample(clock, 2.0, series=1))
    table.seed(ObservationBatch.of([(series, clock.now() - NANOSECONDS, 1.0, 0, clock.now() - 5) for series in (1, 2)]))
    assert (table.live(1, 60).value, table.live(2, 60).value) == (2.0, 1.0)


def test_the_change_counter_grows_with_what_is_shown(table: LatestTable, clock: ManualClock) -> None:
    before = table.changes
    table.live(1, 60)
    table.apply(ObservationBatch.of([]))
    table.mark_available([])
    assert table.changes == before
    table.apply(sample(clock, 2.0))
    assert table.changes > before


def test_a_series_number_that_cannot_be_is_refused(table: LatestTable, clock: ManualClock) -> None:
    for series in (-1, 2_000_000_000):
        with pytest.raises(InvalidInput, match=str(series)):
            table.apply(sample(clock, 1.0, series=series))


def test_threads_apply_and_read_together(table: LatestTable, clock: ManualClock) -> None:
    now = clock.now()

    def write(series: int) -> None:
        for turn in range(200):
            table.apply(ObservationBatch.of([(series * 50 + turn % 7, now + turn, float(turn), 0, now + turn)]))

    clock.advance(1)
    threads = [threading.Thread(target=write, args=(series,)) for series in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        table.live_many(np.arange(300, dtype=np.int32), np.full(300, 60.0))
    for thread in threads:
        thread.join()
    assert [table.live(series * 50 + 199 % 7, 60).value for series in range(4)] == [199.0] * 4


rows = st.tuples(
    st.integers(0, 5), st.integers(0, 20), st.floats(-10, 10), st.sampled_from([0, 0, 8, BAD]), st.integers(0, 20)
)


@given(st.lists(st.lists(rows, max_size=10), max_size=6))
def test_any_split_into_batches_shows_the_same_as_row_by_row(
    batches: list[list[tuple[int, int, float, int, int]]],
) -> None:
    clock = ManualClock()
    whole, single = LatestTable(clock, capacity=1), LatestTable(clock, capacity=1)
    base = clock.now()
    clock.advance(1)
    for batch in batches:
        stamped = [(s, base + t, v, q, base + r) for s, t, v, q, r in batch]
        whole.apply(ObservationBatch.of(stamped))
        for row in stamped:
            single.apply(ObservationBatch.of([row]))
    for series in range(6):
        assert whole.live(series, 60) == single.live(series, 60)


def test_an_array_is_shown_until_something_newer_is_said(table: LatestTable, clock: ManualClock) -> None:
    wave = Block(np.array([1.0, np.nan, 3.0]), step=5)
    table.apply(replace(sample(clock, np.nan), blocks={0: wave}))
    live = table.live(1, 60)
    assert (live.block, live.value, live.text, live.available) == (wave, None, None, True)
    clock.advance(1)
    table.apply(sample(clock, 4.0))
    assert (table.live(1, 60).block, table.live(1, 60).value) == (None, 4.0)
    clock.advance(61)
    table.apply(replace(sample(clock, np.nan), blocks={0: wave}))
    clock.advance(61)
    assert (table.live(1, 60).block, table.live(1, 60).available) == (None, False)


@pytest.mark.parametrize("by", [-3600, 3600])
def test_the_servers_clock_may_be_set_by_an_hour(table: LatestTable, clock: ManualClock, by: int) -> None:
    table.apply(sample(clock, 1.0))
    table.apply(sample(clock, 5.0, series=2))
    clock.advance(10)
    clock.time += by * NANOSECONDS
    if by < 0:  # nothing is younger or older for it
        assert (table.live(1, 60).age, table.live(1, 60).value) == (10.0, 1.0)
    table.apply(sample(clock, 2.0))
    assert table.live(1, 60).value == 2.0
    clock.advance(61)
    assert [table.live(series, 60).available for series in (1, 2)] == [False, False]


def test_a_connection_that_was_lost_before_the_clock_was_put_back_is_back_with_its_next_sample(
    table: LatestTable, clock: ManualClock
) -> None:
    table.apply(sample(clock, 1.0))
    table.mark_unavailable([1], clock.now())
    clock.time -= 3600 * NANOSECONDS
    clock.advance(1)
    assert not table.live(1, 60).available
    table.apply(sample(clock, 2.0))
    assert table.live(1, 60).value == 2.0


@given(
    st.lists(st.tuples(st.integers(0, 50), st.floats(-9, 9), st.sampled_from([0, BAD])), min_size=1, max_size=30),
    st.lists(st.integers(1, 6)),
)
def test_whatever_arrives_late_the_present_never_goes_back(
    samples: list[tuple[int, float, int]], sizes: list[int]
) -> None:
    clock = ManualClock()
    table = LatestTable(clock)
    shown = 0
    start = clock.now()
    usable: dict[int, float] = {}
    while samples:
        size = sizes.pop() if sizes else 3
        part, samples = samples[:size], samples[size:]
        clock.advance(1)
        table.apply(ObservationBatch.of([(1, start - ago, value, bad, clock.now()) for ago, value, bad in part]))
        usable.update({start - ago: value for ago, value, bad in part if not bad})
        live = table.live(1, 10**6)
        if usable:
            assert live.time is not None
            assert live.time >= shown
            assert (live.time, live.value) == (max(usable), usable[max(usable)])
            shown = live.time
