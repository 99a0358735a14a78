from __future__ import annotations

import math
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from asyncua import ua
from hypothesis import given
from hypothesis import strategies as st

from connectors.opcua.values import WHOLE, nanoseconds, quality, sample, scalar, variant
from twin.connector import WriteError
from twin.observation import Quality

KIND = ua.VariantType


def test_every_status_code_of_the_standard_keeps_its_severity() -> None:
    for name, code in vars(ua.StatusCodes).items():
        if name.startswith(("Good", "Uncertain", "Bad")):
            word = {"G": "good", "U": "uncertain", "B": "bad"}[name[0]]
            assert quality(code).word == word, name


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (ua.StatusCodes.GoodLocalOverride, Quality.GOOD),
        (ua.StatusCodes.UncertainSubstituteValue, Quality.SUBSTITUTED),
        (ua.StatusCodes.UncertainLastUsableValue, Quality.STALE),
        (ua.StatusCodes.UncertainEngineeringUnitsExceeded, Quality.OUT_OF_RANGE),
        (ua.StatusCodes.UncertainSensorNotAccurate, Quality.UNCERTAIN),
        (ua.StatusCodes.BadSensorFailure, Quality.DEVICE_FAULT),
        (ua.StatusCodes.BadNoCommunication, Quality.COMMS),
        (ua.StatusCodes.BadNodeIdUnknown, Quality.CONFIGURATION),
        (0xC000_0000, Quality.DEVICE_FAULT),
        (ua.StatusCodes.BadNoCommunication | 0x0480, Quality.COMMS),
    ],
)
def test_a_status_says_what_it_means(status: int, expected: Quality) -> None:
    assert quality(status) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (21.5, 21.5),
        (7, 7),
        (True, True),
        ("on", "on"),
        (ua.LocalizedText("warm"), "warm"),
        (ua.LocalizedText(None), ""),
        (ua.QualifiedName("Run", 2), "Run"),
        (ua.ServerState.Running, 0),
        (ua.StatusCode(5), 5),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (b"\x01", None),
        ([1.0], None),
        (ua.Range(), None),
    ],
)
def test_scalars_are_taken_and_everything_else_is_none(value: object, expected: object) -> None:
    found = scalar(value)
    assert found == expected
    assert type(found) is type(expected)


def test_the_source_time_wins_over_the_servers() -> None:
    source, server = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    both = ua.DataValue(ua.Variant(1.0), SourceTimestamp=source, ServerTimestamp=server)
    assert sample(both) == (1.0, nanoseconds(source), Quality.GOOD)
    assert sample(ua.DataValue(ua.Variant(1.0), ServerTimestamp=server))[1] == nanoseconds(server)
    assert sample(ua.DataValue(ua.Variant(1.0)))[1] == 0


def test_an_array_is_no_value_and_says_so() -> None:
    assert sample(ua.DataValue(ua.Variant([1.0, 2.0], KIND.Double))) == (None, 0, Quality.CONFIGURATION)


def test_a_bad_status_without_a_value_is_bad() -> None:
    data = ua.DataValue(ua.Variant(), ua.StatusCode(ua.StatusCodes.BadSensorFailure))
    assert sample(data) == (None, 0, Quality.DEVICE_FAULT)


@given(st.integers(0, 200 * 366 * 86_400 * 10**6))
def test_times_are_exact_to_the_microsecond(microseconds: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    assert nanoseconds(moment) == nanoseconds(moment.replace(tzinfo=None)) == microseconds * 1000


def test_a_time_that_means_none_is_0() -> None:
    assert nanoseconds(datetime(1601, 1, 1, tzinfo=UTC)) == 0


@pytest.mark.parametrize("kind", list(WHOLE))
def test_whole_numbers_fill_their_type_and_no_more(kind: ua.VariantType) -> None:
    least, most = WHOLE[kind]
    assert variant(least, kind).Value == least
    assert variant(str(most) if most < 2**53 else most, kind).Value == most
    for beyond in (least - 1, most + 1):
        with pytest.raises(WriteError, match="the range of the device's type"):
            variant(beyond, kind)


@pytest.mark.parametrize("value", [0.5, math.nan, math.inf, "1.5"])
def test_a_whole_number_is_not_made_by_cutting(value: float | str) -> None:
    with pytest.raises(WriteError, match="whole number"):
        variant(value, KIND.Int32)


def test_the_rounding_of_a_unit_conversion_does_not_stop_a_whole_number() -> None:
    assert variant(70.00000000000001, KIND.Int16).Value == 70
    assert variant(b"3", KIND.Int16).Value == 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, True), (0, False), (1.0, True), ("true", True), (" FALSE ", False), ("1", True), (b"0", False)],
)
def test_truth_values_come_in_several_spellings(value: bool | float | str | bytes, expected: bool) -> None:
    assert variant(value, KIND.Boolean).Value is expected


@pytest.mark.parametrize("value", [2, 0.5, "on", "", math.nan])
def test_what_is_no_truth_value_is_refused(value: float | str) -> None:
    with pytest.raises(WriteError, match="Boolean"):
        variant(value, KIND.Boolean)


def test_numbers_and_texts_are_written_in_the_nodes_type() -> None:
    assert variant("21.5", KIND.Double) == ua.Variant(21.5, KIND.Double)
    assert variant(2, KIND.Float) == ua.Variant(2.0, KIND.Float)
    assert variant(True, KIND.String) == ua.Variant("true", KIND.String)
    assert variant("warm", KIND.LocalizedText).Value.Text == "warm"


@pytest.mark.parametrize(("value", "kind"), [("warm", KIND.Double), (1e39, KIND.Float), (1, KIND.ExtensionObject)])
def test_what_does_not_fit_the_type_is_refused(value: float | str, kind: ua.VariantType) -> None:
    with pytest.raises(WriteError):
        variant(value, kind)
