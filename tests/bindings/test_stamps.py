"""Source times in every form that devices send."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.bindings.stamps import FORMS, NotATime, nanoseconds, time_reader
from twin.clock import iso
from twin.errors import InvalidInput

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
        "2026-01-01T00:00:00.250000000Z",
        "2026-01-01T00:00:00,25Z",
        "20260101T000000.25Z",
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


SECOND = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z


@pytest.mark.parametrize(
    ("form", "zone", "raw"),
    [
        (None, None, "Thu, 01 Jan 2026 00:00:00 GMT"),
        (None, None, "1 Jan 2026 01:00:00 +0100"),
        ("rfc2822", None, "Wed, 31 Dec 2025 19:00:00 -0500"),
        (None, "Asia/Shanghai", "2026-01-01T08:00:00"),
        (None, "Europe/Berlin", "2026-01-01 01:00:00"),
        (None, "Europe/Berlin", 1767225600),
        ("iso", "America/New_York", "2026-01-01T00:00:00Z"),
        ("s", None, "1767225600"),
        ("ms", None, 1767225600000),
        ("us", None, 1767225600000000),
        ("ns", None, SECOND),
        ("excel", None, 46023),
        ("excel", "Asia/Shanghai", "46023.333333333336"),
        ("dotnet-ticks", None, 639_028_224_000_000_000),
        ("dotnet-ticks", None, "639028224000000000"),
        ("filetime", None, 134_116_992_000_000_000),
        ("%d/%m/%Y %H:%M:%S", None, "01/01/2026 00:00:00"),
        ("%Y%m%d%H%M%S", "Europe/Berlin", "20260101010000"),
        ("%d.%m.%Y %H:%M %z", "Europe/Berlin", "01.01.2026 00:00 +0000"),
    ],
)
def test_one_moment_in_the_forms_that_must_be_told(form: str | None, zone: str | None, raw: object) -> None:
    assert abs(time_reader(form, zone)(raw) - SECOND) < 1000_000


def test_nanoseconds_of_a_text_are_kept() -> None:
    assert nanoseconds("2026-01-01T00:00:00.123456789Z") == SECOND + 123_456_789


def test_milliseconds_of_1970_and_of_2100_are_what_the_binding_says_they_are() -> None:
    assert time_reader("ms", None)(86_400_000) == 86_400 * 10**9
    assert time_reader("ms", None)(4_102_444_800_000) == 4_102_444_800 * 10**9


def test_of_an_hour_that_comes_twice_the_first_is_meant() -> None:
    read = time_reader(None, "Europe/Berlin")
    assert read("2026-10-25T02:30:00") == nanoseconds("2026-10-25T00:30:00Z")


@pytest.mark.parametrize(("form", "zone"), [("noon", None), ("hours", None), ("auto", "Mars/Base"), (None, "../etc")])
def test_a_form_or_a_zone_that_does_not_exist_is_refused(form: str | None, zone: str | None) -> None:
    with pytest.raises(InvalidInput):
        time_reader(form, zone)


@given(
    st.sampled_from([*FORMS, "%d/%m/%Y"]),
    st.sampled_from([None, "Europe/Berlin"]),
    st.one_of(st.none(), st.booleans(), st.text(), st.floats(), st.integers(), st.binary(), st.just(10**400)),
)
def test_every_form_refuses_what_is_no_time(form: str, zone: str | None, raw: object) -> None:
    with suppress(NotATime):
        assert 0 < time_reader(form, zone)(raw) < 2**63
