from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import InvalidInput
from twin.telemetry.downsample import Rows, lttb, min_max

START = 1_767_225_600_000_000_000
Series = tuple[np.ndarray, np.ndarray]


@st.composite
def series(draw: st.DrawFn) -> Series:
    gaps = draw(st.lists(st.integers(1, 10**12), max_size=120))
    values = draw(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=len(gaps), max_size=len(gaps)))
    return START + np.cumsum(np.array(gaps, np.int64)), np.array(values, np.float64)


both = pytest.mark.parametrize("keep", [min_max, lttb])


@both
@given(series=series(), points=st.integers(3, 40))
def test_rows_are_in_order_of_time_and_no_more_than_asked(
    keep: Callable[..., Rows], series: Series, points: int
) -> None:
    time, value = series
    rows = keep(time, value, points)
    assert len(rows) <= points
    assert (np.diff(rows) > 0).all()
    assert not np.isnan(value[rows]).any()


@both
@given(series=series())
def test_what_fits_is_kept_whole(keep: Callable[..., Rows], series: Series) -> None:
    time, value = series
    assert keep(time, value, max(len(time), 3)).tolist() == np.flatnonzero(~np.isnan(value)).tolist()


@given(series=series(), points=st.integers(2, 40))
def test_min_max_keeps_the_extremes_of_the_whole(series: Series, points: int) -> None:
    time, value = series
    kept = value[min_max(time, value, points)]
    if np.isfinite(value).any():
        assert (kept.min(), kept.max()) == (np.nanmin(value), np.nanmax(value))


@given(series=series(), points=st.integers(3, 40))
def test_lttb_keeps_both_ends(series: Series, points: int) -> None:
    time, value = series
    there = np.flatnonzero(~np.isnan(value))
    rows = lttb(time, value, points)
    if len(there):
        assert (rows[0], rows[-1]) == (there[0], there[-1])
        assert len(rows) == min(points, len(there))


def test_lttb_keeps_a_spike_that_a_mean_would_lose() -> None:
    time = START + np.arange(10_000, dtype=np.int64) * 1_000_000_000
    value = np.zeros(10_000)
    value[4321] = 50.0
    assert 4321 in lttb(time, value, 50)


@both
def test_too_few_points_are_refused(keep: Callable[..., Rows]) -> None:
    with pytest.raises(InvalidInput, match="too few"):
        keep(np.zeros(1, np.int64), np.zeros(1), 1)
