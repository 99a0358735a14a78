from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from twin.clock import NANOSECONDS, ManualClock
from twin.observation import ObservationBatch, Quality
from twin.telemetry.quality import CLOCK_TOLERANCE, Ranges, check

NOW = ManualClock().now()
RANGES = Ranges.of({1: (-20.0, 50.0), 3: (None, 100.0)})


def codes(
    *rows: tuple[int, float], ago: float = 0, quality: int = 0, text: dict[int, str] | None = None
) -> list[Quality]:
    time = NOW - int(ago * NANOSECONDS)
    batch = ObservationBatch.of([(series, time, value, quality, NOW) for series, value in rows], text)
    return [Quality(code) for code in check(batch, RANGES, NOW).quality.tolist()]


def test_a_good_value_stays_good() -> None:
    assert codes((1, 20.0), (1, -20.0), (1, 50.0), (3, -1e9), (2, 1e9), (77, 1e9)) == [Quality.GOOD] * 6


def test_what_is_no_finite_number_is_bad() -> None:
    assert codes((1, np.nan), (1, np.inf), (2, -np.inf)) == [Quality.NOT_A_NUMBER] * 3


def test_text_need_not_be_a_number() -> None:
    assert codes((1, np.nan), (1, np.nan), text={0: "on"}) == [Quality.GOOD, Quality.NOT_A_NUMBER]


def test_a_value_outside_its_range_is_flagged() -> None:
    assert codes((1, -20.1), (1, 50.1), (3, 100.1)) == [Quality.OUT_OF_RANGE] * 3


def test_a_time_from_the_future_or_from_before_the_century_is_suspect() -> None:
    assert codes((1, 20.0), ago=-CLOCK_TOLERANCE - 1) == [Quality.CLOCK_SUSPECT]
    assert codes((1, 20.0), ago=-CLOCK_TOLERANCE + 1) == [Quality.GOOD]
    assert codes((1, 20.0), ago=NOW / NANOSECONDS) == [Quality.CLOCK_SUSPECT]
    assert codes((1, 20.0), ago=10 * 365 * 86_400) == [Quality.GOOD]


def test_codes_combine_with_those_that_came() -> None:
    assert codes((1, 90.0), ago=-1e6, quality=int(Quality.SUBSTITUTED)) == [
        Quality.SUBSTITUTED | Quality.OUT_OF_RANGE | Quality.CLOCK_SUSPECT
    ]


def test_without_a_present_the_receive_time_is_the_measure() -> None:
    batch = ObservationBatch.of([(1, NOW + 10**12, 1.0, 0, NOW), (1, NOW, 1.0, 0, NOW)])
    assert check(batch).quality.tolist() == [int(Quality.CLOCK_SUSPECT), 0]


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(), st.integers(0, 0xFFFF)), max_size=20))
def test_rows_are_flagged_and_never_dropped_or_cleared(rows: list[tuple[int, float, int]]) -> None:
    batch = ObservationBatch.of([(series, NOW, value, quality, NOW) for series, value, quality in rows])
    checked = check(batch, RANGES, NOW)
    assert len(checked) == len(batch)
    assert np.array_equal(checked.value, batch.value, equal_nan=True)
    assert np.array_equal(checked.quality & batch.quality, batch.quality)
