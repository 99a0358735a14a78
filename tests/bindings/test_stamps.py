"""Source times in every form that devices send."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.bindings.stamps import NotATime, nanoseconds
from twin.clock import iso

MOMENT = 1_767_225_600_250_000_000  # 2026-01-01T00:00:00.25Z


@pytest.mark.parametrize(
    "raw",
    [
        1767225600.25,
        1767225600250,
        1767225600250000,
        MOMENT,
        "1767225600250",
        "1767225600.25",
        "1.76722560025e9",
        "2026-01-01T00:00:00.25Z",
        "2026-01-01T00:00:00.250000",
        "2026-01-01 01:00:00.25+01:00",
        "2025-12-31T19:00:00.25-05:00",
    ],
)
def test_one_moment_in_many_forms(raw: object) -> None:
    assert nanoseconds(raw) == MOMENT


@given(st.integers(1, 4_102_444_800_000_000).map(lambda micro: micro * 1000))
def test_what_we_write_is_what_we_read(time: int) -> None:
    assert nanoseconds(iso(time)) == time


@given(st.integers(978_307_200, 4_102_444_800))
def test_every_second_of_this_century_is_the_same_in_seconds_to_nanoseconds(seconds: int) -> None:
    assert {nanoseconds(seconds * scale) for scale in (1, 10**3, 10**6, 10**9)} == {seconds * 10**9}


@given(st.one_of(st.none(), st.booleans(), st.text(), st.floats(), st.integers(), st.binary(), st.lists(st.integers())))
def test_anything_else_is_refused_and_nothing_else_happens(raw: object) -> None:
    with suppress(NotATime):
        assert 0 < nanoseconds(raw) < 2**63


@pytest.mark.parametrize(
    "raw", [True, None, "", "yesterday", "2026-13-01", 0, -5, float("nan"), float("inf"), "9" * 5000]
)
def test_what_is_no_time(raw: object) -> None:
    with pytest.raises(NotATime):
        nanoseconds(raw)
