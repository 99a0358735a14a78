"""Rate, spike and flatline: what they flag, and that only the order of what came decides."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.clock import NANOSECONDS
from twin.observation import ObservationBatch, Quality
from twin.telemetry.quality_settings import CheckSettings, Thresholds
from twin.telemetry.quality_windows import FEWEST, WINDOW, Memory

START = 1_700_000_000 * NANOSECONDS
SETTINGS = {
    1: CheckSettings(rate=2.0, spike=6.0, spike_floor=1.0, flatline=300.0, rests_below=0.0),
    2: CheckSettings(flatline=240.0, band=0.5, rests_above=100.0),
    3: CheckSettings(rate=5.0),
    4: CheckSettings(),
    1500: CheckSettings(spike=4.0, spike_floor=0.5),
}
Row = tuple[int, int, float]
"""Series, seconds, value."""


def thresholds() -> Thresholds:
    found = Thresholds()
    for series, each in SETTINGS.items():
        found.set(series, each)
    return found


def batch(rows: list[Row], quality: int = 0) -> ObservationBatch:
    moments = [START + seconds * NANOSECONDS for _, seconds, _ in rows]
    return ObservationBatch.of(
        [(series, time, value, quality, time) for (series, _, value), time in zip(rows, moments, strict=True)]
    )


def codes(rows: list[Row], splits: list[int] | None = None) -> list[Quality]:
    memory, known = Memory(4), thresholds()
    cuts = [0, *sorted(splits or ()), len(rows)]
    parts = [memory.judge(batch(rows[a:b]), known) for a, b in pairwise(cuts)]
    return [Quality(int(code)) for code in np.concatenate(parts)]


def expected(rows: list[Row]) -> list[Quality]:
    """The same checks written down value by value."""
    seen: dict[int, list[tuple[int, float, Quality]]] = {}
    runs: dict[int, tuple[int, int]] = {}
    found = []
    for series, time, value in rows:
        wanted, past = SETTINGS[series], seen.setdefault(series, [])
        code = Quality.GOOD
        if (wanted.rate, wanted.spike, wanted.flatline) == (None, None, None):
            found.append(code)
            continue
        if past and time <= past[-1][0]:
            again = [flags for moment, said, flags in past[-WINDOW:] if (moment, said) == (time, value)]
            found.append(again[0] if again else code)
            continue
        window = past[-WINDOW:]
        values = [said for _, said, _ in window]
        if wanted.rate is not None and window:
            steps = [abs(value - said) > wanted.rate * max((time - moment) / 60, 1) for moment, said, _ in window[-2:]]
            code |= Quality.RATE if all(steps) else 0
        if wanted.spike is not None and len(window) >= FEWEST and abs(value - values[-1]) > wanted.spike_floor:
            middle = median(values)
            spread = 1.4826 * median([abs(said - middle) for said in values])
            usual = (window[-1][0] - window[0][0]) / (len(window) - 1)
            far = abs(value - middle) > max(wanted.spike * spread, wanted.spike_floor)
            code |= Quality.SPIKE if far and time - window[-1][0] <= 5 * usual else 0
        same = bool(values) and abs(value - values[-1]) <= wanted.band
        since, length = runs.get(series, (time, 0))
        runs[series] = (since, length + 1) if same else (time, 1)
        rests = (wanted.rests_below is not None and value <= wanted.rests_below) or (
            wanted.rests_above is not None and value >= wanted.rests_above
        )
        if wanted.flatline is not None and not rests:
            since, length = runs[series]
            code |= Quality.FLATLINE if time - since >= wanted.flatline and length >= FEWEST else 0
        past.append((time, value, code))
        found.append(code)
    return found


rows_strategy = st.lists(
    st.tuples(
        st.sampled_from(list(SETTINGS)),
        st.integers(-2, 60),
        st.sampled_from([-1.0, 0.0, 10.0, 10.0, 10.0, 10.25, 10.5, 12.0, 20.0, 100.0]),
    ),
    max_size=80,
)


def in_time(steps: list[tuple[int, int, float]]) -> list[Row]:
    """Rows whose time mostly goes on, and sometimes stands or goes back."""
    now, rows = 0, []
    for series, step, value in steps:
        now += step
        rows.append((series, now, value))
    return rows


@given(rows_strategy, st.lists(st.integers(0, 80), max_size=8))
def test_batches_split_in_any_way_are_flagged_as_value_by_value(
    steps: list[tuple[int, int, float]], splits: list[int]
) -> None:
    rows = in_time(steps)
    assert codes(rows, [min(cut, len(rows)) for cut in splits]) == expected(rows)


@given(rows_strategy, st.randoms(use_true_random=False))
def test_the_order_of_different_series_in_a_batch_does_not_matter(steps: list[Row], random: object) -> None:
    rows = in_time(steps)
    by_series = sorted(range(len(rows)), key=lambda row: rows[row][0])
    mixed = codes(rows)
    assert codes([rows[row] for row in by_series]) == [mixed[row] for row in by_series]


@given(rows_strategy)
@settings(max_examples=50)
def test_what_is_sent_again_is_flagged_as_it_was(steps: list[Row]) -> None:
    rows = in_time(steps)[-WINDOW:]
    memory, known = Memory(), thresholds()
    first = memory.judge(batch(rows), known).tolist()
    newest: dict[int, int] = {}
    for at, (series, time, _) in enumerate(rows):
        if time > newest.get(series, -1_000_000):
            newest[series] = time
        else:
            first[at] = None  # late when it first came
    again = memory.judge(batch(rows), known).tolist()
    assert [new for new, old in zip(again, first, strict=True) if old is not None] == [
        old for old in first if old is not None
    ]


def test_late_samples_are_not_judged_by_what_came_after_and_change_nothing() -> None:
    rows = [(1, 10 * step, 20.0 + step % 2) for step in range(12)]
    late = [(1, 55, 900.0), (1, 3, -900.0)]
    told = codes([*rows, *late, (1, 120, 20.0)])
    assert told[-3:] == [Quality.GOOD] * 3


def test_a_single_wrong_value_is_flagged_and_the_way_back_is_not() -> None:
    rows = [(1, 60 * step, 20.0 + 0.1 * (step % 3)) for step in range(10)]
    told = codes([*rows, (1, 600, 35.0), (1, 660, 20.1), (1, 720, 20.2)])
    assert told[-3:] == [Quality.SPIKE | Quality.RATE, Quality.GOOD, Quality.GOOD]


def test_a_new_level_is_flagged_once() -> None:
    rows = [(1, 60 * step, 20.0 + 0.1 * (step % 3)) for step in range(10)]
    told = codes([*rows, *((1, 600 + 60 * step, 30.0 + 0.1 * (step % 3)) for step in range(4))])
    assert [bool(code) for code in told[-4:]] == [True, False, False, False]


def test_a_value_after_a_long_silence_is_no_spike() -> None:
    rows = [(1500, 10 * step, 20.0 + 0.1 * (step % 3)) for step in range(10)]
    assert codes([*rows, (1500, 90 + 10_000, 60.0)])[-1] == Quality.GOOD


def test_a_stuck_value_is_flagged_from_its_time_on_and_a_resting_one_is_not() -> None:
    stuck = codes([(1, 60 * step, 7.0) for step in range(8)])
    assert stuck == [Quality.GOOD] * 5 + [Quality.FLATLINE] * 3
    assert codes([(1, 60 * step, 0.0) for step in range(12)]) == [Quality.GOOD] * 12


def test_bad_values_and_texts_are_passed_over() -> None:
    memory, known = Memory(), thresholds()
    bad = memory.judge(batch([(1, step, 1e9) for step in range(20)], int(Quality.COMMS)), known)
    nothing = memory.judge(batch([(1, 30 + step, np.nan) for step in range(20)]), known)
    assert not bad.any()
    assert not nothing.any()
    assert codes([(1, 100, 7.0)]) == [Quality.GOOD]


def test_a_memory_that_is_written_goes_on_where_it_was(tmp_path: Path) -> None:
    known, before = thresholds(), Memory()
    before.judge(batch([(1, 60 * step, 7.0) for step in range(7)]), known)
    before.save(tmp_path / "quality.npz")
    after = Memory()
    assert after.load(tmp_path / "quality.npz")
    assert after.judge(batch([(1, 420, 7.0)]), known).tolist() == [int(Quality.FLATLINE)]


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 no archive", b"\x00" * 100])
def test_a_memory_that_cannot_be_read_is_begun_anew(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "quality.npz"
    if content is not None:
        path.write_bytes(content)
    assert not Memory().load(path)


def test_the_newest_known_samples_are_what_the_first_ones_are_compared_with() -> None:
    memory, known = Memory(), thresholds()
    memory.seed(batch([(3, 0, 10.0)]))
    assert memory.judge(batch([(3, 60, 100.0)]), known).tolist() == [int(Quality.RATE)]
    assert memory.judge(batch([(3, 0, 10.0)]), known).tolist() == [0]


def test_the_usual_spacing_of_samples_is_known_after_a_few() -> None:
    memory, known = Memory(), thresholds()
    memory.judge(batch([(1, 30 * step, float(step)) for step in range(20)]), known)
    memory.judge(batch([(3, 0, 1.0)]), known)
    spacing = memory.spacing(np.array([1, 3, 900]))
    assert spacing[0] == pytest.approx(30)
    assert np.isnan(spacing[1:]).all()
