"""Literals: which are well-formed, and how they compare."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.graph.shacl.literals import compare, is_well_formed
from twin.terms import Literal
from twin.vocab import XSD


def _of(text: str, name: str) -> Literal:
    return Literal(text, datatype=XSD[name])


@pytest.mark.parametrize(
    ("text", "name", "good"),
    [
        ("1", "integer", True),
        (" 1 ", "integer", True),
        ("1.0", "integer", False),
        ("١", "integer", False),
        ("127", "byte", True),
        ("128", "byte", False),
        ("-1", "unsignedInt", False),
        ("0", "positiveInteger", False),
        ("1e3", "decimal", False),
        ("1e3", "double", True),
        ("INF", "float", True),
        ("yes", "boolean", False),
        ("2023-02-29", "date", False),
        ("2024-02-29", "date", True),
        ("2024-02-29Z", "date", True),
        ("24:00:00", "time", True),
        ("24:00:01", "time", False),
        ("2020-01-01T00:00:00", "dateTimeStamp", False),
        ("2020-01-01T00:00:00+14:00", "dateTimeStamp", True),
        ("2020-01-01T00:00:00+15:00", "dateTime", False),
        ("P1Y2M3DT4H5M6.7S", "duration", True),
        ("P", "duration", False),
        ("P1DT", "duration", False),
        ("P1D", "yearMonthDuration", False),
        ("0aF", "hexBinary", False),
        ("--02-30", "gMonthDay", False),
        ("en-GB", "language", True),
        ("a b", "anyURI", False),
        ("9" * 5000, "integer", False),
        ("anything", "string", True),
    ],
)
def test_the_text_of_a_literal_is_one_of_its_type_or_not(text: str, name: str, good: bool) -> None:
    assert is_well_formed(_of(text, name)) is good


@pytest.mark.parametrize(
    ("one", "other", "order"),
    [
        (_of("1", "integer"), _of("1.0", "double"), 0),
        (_of("0.1", "decimal"), _of("0.1", "double"), -1),
        (_of("9007199254740993", "integer"), _of("9007199254740992", "double"), 1),
        (_of("NaN", "double"), _of("1", "integer"), None),
        (_of("INF", "double"), _of("1", "integer"), 1),
        (_of("1", "string"), _of("1", "integer"), None),
        (_of("x", "integer"), _of("1", "integer"), None),
        (Literal("a"), Literal("b"), -1),
        (Literal("a", language="en"), Literal("b", language="en"), None),
        (_of("false", "boolean"), _of("1", "boolean"), -1),
        (_of("2020-01-01T12:00:00Z", "dateTime"), _of("2020-01-01T12:00:00+01:00", "dateTime"), 1),
        (_of("2020-01-01T12:00:00Z", "dateTime"), _of("2020-01-01T12:00:00", "dateTime"), None),
        (_of("2020-01-01T12:00:00Z", "dateTime"), _of("2020-01-03T12:00:00", "dateTime"), -1),
        (_of("2020-01-01T24:00:00", "dateTime"), _of("2020-01-02T00:00:00", "dateTime"), 0),
        (_of("2020-01-01", "date"), _of("2020-01-02", "date"), -1),
        (_of("2020-01-01", "date"), _of("2020-01-02T00:00:00", "dateTime"), None),
        (_of("P1M", "duration"), _of("P30D", "duration"), None),
        (_of("P1M", "duration"), _of("P32D", "duration"), -1),
        (_of("P12M", "duration"), _of("P1Y", "duration"), 0),
        (_of("-PT1H", "duration"), _of("PT0S", "duration"), -1),
    ],
)
def test_literals_compare_or_do_not(one: Literal, other: Literal, order: int | None) -> None:
    assert compare(one, other) == order
    assert compare(other, one) == (None if order is None else -order)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6), st.integers())
def test_numbers_compare_as_numbers(one: Decimal, other: int) -> None:
    expected = (one > other) - (one < other)
    assert compare(_of(f"{one:f}", "decimal"), _of(str(other), "integer")) == expected


_zones = st.integers(-13 * 60, 13 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_times = st.datetimes(min_value=datetime(1000, 1, 2), max_value=datetime(9999, 12, 30), timezones=_zones)  # noqa: DTZ001


@given(_times, _times)
def test_times_with_zones_compare_as_times(one: datetime, other: datetime) -> None:
    expected = (one > other) - (one < other)
    assert compare(_of(one.isoformat(), "dateTime"), _of(other.isoformat(), "dateTime")) == expected
