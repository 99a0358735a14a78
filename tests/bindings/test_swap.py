"""Whether two streams tell the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.bindings.swap import Measure, Stream, compare
from twin.observation import ObservationBatch, Quality

SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND
DEGREES = Measure(0.5, "°C")


def stream(values: list[float], ahead: float = 0.0, shift: float = 0.0, text: tuple[str, ...] = ()) -> Stream:
    received = START + (np.arange(len(values)) * SECOND + int(shift * SECOND)).astype(np.int64)
    return Stream(received + int(ahead * SECOND), received, np.array(values, np.float64), text)


def test_two_sides_that_tell_the_same_are_equivalent() -> None:
    report = compare(stream([20.0, 20.2, 20.4]), stream([20.2, 20.4], shift=0.5), 3.0, DEGREES)
    assert report.equivalent
    assert report.mean_difference == pytest.approx(0.1)
    assert report.maximum_difference == pytest.approx(0.1)
    assert (report.samples_before, report.samples_after, report.states_agree) == (3, 2, None)
    assert (report.mean_before, report.mean_after) == (pytest.approx(20.2), pytest.approx(20.3))
    assert report.message == "Both sides agree: the mean difference is 0.1 °C, and 0.5 °C is allowed."


def test_a_forgotten_unit_is_found() -> None:
    report = compare(stream([21.0] * 5), stream([69.8] * 5), 5.0, DEGREES)
    assert not report.equivalent
    assert "differ by 48.8 °C" in report.message
    assert "source unit" in report.message


def test_a_clock_that_runs_ahead_is_measured_and_told() -> None:
    report = compare(stream([1.0, 1.0]), stream([1.0, 1.0], ahead=3600.0), 5.0, DEGREES)
    assert report.equivalent
    assert report.time_offset == pytest.approx(3600.0)
    assert "3600 s ahead" in report.message


def test_states_are_compared_with_what_stood_then() -> None:
    report = compare(stream([0, 1, 1, 2]), stream([0, 1, 1, 0], shift=0.1), 4.0, Measure(None))
    assert report.states_agree == 0.75
    assert not report.equivalent
    assert (report.mean_difference, report.mean_before) == (None, None)
    assert "75%" in report.message
    assert compare(stream([0, 1]), stream([0, 1], shift=0.1), 4.0, Measure(None)).equivalent


def test_texts_are_compared_as_texts() -> None:
    nothing = [np.nan, np.nan]
    same = compare(stream(nothing, text=("a", "b")), stream(nothing, shift=0.1, text=("a", "b")), 2.0, Measure(None))
    other = compare(stream(nothing, text=("a", "b")), stream([0.0, 0.0], shift=0.1), 2.0, Measure(None))
    assert (same.states_agree, same.equivalent, other.states_agree) == (1.0, True, 0.0)


def test_a_silent_side_is_never_equivalent_and_says_why() -> None:
    report = compare(stream([1.0]), stream([]), 5.0, DEGREES, "path t is missing.")
    assert (report.equivalent, report.mean_after, report.time_offset) == (False, None, None)
    assert report.message == "The new side said nothing in 5 s: path t is missing."
    report = compare(stream([]), stream([1.0]), 5.0, DEGREES)
    assert (report.equivalent, report.mean_before, report.mean_after) == (False, None, 1.0)
    assert "old side said nothing" in report.message


@given(st.lists(st.floats(-1e6, 1e6), max_size=9), st.lists(st.floats(-1e6, 1e6), max_size=9), st.booleans())
def test_any_two_streams_give_a_report(before: list[float], after: list[float], numbers: bool) -> None:
    report = compare(stream(before), stream(after), 1.0, DEGREES if numbers else Measure(None))
    assert report.equivalent <= bool(before and after)
    assert report.message


def test_a_stream_is_the_usable_rows_of_one_series_as_they_arrived() -> None:
    batch = ObservationBatch.of(
        [(1, 5, 2.0, 0, 20), (2, 5, 9.0, 0, 20), (1, 4, 1.0, 0, 10), (1, 6, 3.0, int(Quality.COMMS), 30)]
    )
    found = Stream.of([batch], 1)
    assert (found.time.tolist(), found.received.tolist(), found.value.tolist()) == ([4, 5], [10, 20], [1.0, 2.0])
