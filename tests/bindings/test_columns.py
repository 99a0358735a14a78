"""Decoding in columns is decoding by codecs, only faster: the same rows, the same refusals."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bindings.test_table import NOW, batch, decoded, row
from twin.bindings import table as tables
from twin.bindings.columns import Bulk
from twin.bindings.plan import BoundProperty
from twin.bindings.stamps import NotATime, nanoseconds, nanoseconds_of
from twin.bindings.table import compile_table
from twin.observation import ObservationBatch
from twin.payload import PayloadForm

ROWS = [
    row(1, "a", "v", time_path="ts"),
    row(2, "many", "x.t", scale=0.1, offset=3.0),
    row(3, "many", "x.h"),
    row(4, "many", "v"),
    row(5, "many", "list[1]"),
    row(6, "mixed", "v", time_path="ts"),
    row(7, "mixed", None, kind="text"),
    row(8, "a/+", "v"),
    row(9, "a/b", "w"),
    row(10, "word", "v", kind="boolean"),
    row(11, "times", "v", time_path="ts"),
    row(12, "times", "w"),
]
VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from([None, True, "21.5", "hot", [], [1, 2], {}, {"t": 1, "h": 2}, 10**300]),
)
TIMES = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.integers(1, 2_000_000_000_000),
    st.floats(0, 2e18),
    st.sampled_from(["2026-01-01T00:00:00Z", "soon", None, 0, True, [], {}]),
)
DOCUMENTS = st.dictionaries(
    st.sampled_from(["v", "w", "x", "list", "ts"]),
    VALUES | TIMES | st.fixed_dictionaries({"t": VALUES, "h": VALUES}) | st.lists(VALUES, max_size=3),
)


def payload(document: object) -> bytes:
    try:
        return orjson.dumps(document)
    except TypeError:  # a number that no double holds
        return str(document).replace("'", '"').encode()


PAYLOADS = (
    DOCUMENTS.map(payload) | st.binary(max_size=30) | st.sampled_from([None, 1.5, "text", b"", b"null", b"\xff{"])
)
ADDRESSES = st.sampled_from(["a", "many", "mixed", "a/b", "a/c", "word", "times", "nobody"])


def by_codecs(samples: list[tuple[str, object]]) -> tuple[ObservationBatch, dict[tuple[str, str], int]]:
    with patch.object(tables, "bulk", lambda _codecs: None):
        return decoded(compile_table(ROWS, "documents"), batch(*samples))


@given(st.lists(st.tuples(ADDRESSES, PAYLOADS), max_size=25))
def test_the_rows_and_refusals_are_those_of_the_codecs(samples: list[tuple[str, object]]) -> None:
    expected, refused = by_codecs(samples)
    found, also_refused = decoded(compile_table(ROWS, "documents"), batch(*samples))
    assert also_refused == refused
    assert len(found) == len(expected)
    # Within one document the order of properties is free, and a property is in it once.
    there, here = (np.lexsort((each.series, each.received)) for each in (expected, found))
    for column in ("series", "time", "received", "quality", "value"):
        np.testing.assert_array_equal(getattr(found, column)[here], getattr(expected, column)[there], column)
    assert sorted(found.text.values()) == sorted(expected.text.values())
    assert all(found.series[position] == 7 for position in found.text)


@given(st.lists(st.integers(-(2**64), 2**65), min_size=1, max_size=20))
def test_times_read_together_are_those_read_one_by_one(stamps: list[int]) -> None:
    def one(stamp: int) -> int | None:
        try:
            return nanoseconds(stamp)
        except NotATime:
            return None

    expected = [one(stamp) for stamp in stamps]
    found = nanoseconds_of(stamps)
    assert (None if found is None else found.tolist()) == (None if None in expected else expected)


def bulk_of(*rows: BoundProperty) -> Bulk | None:
    return compile_table(rows, "documents")._resolve("a").bulk  # which road is taken cannot be seen from outside


def test_plain_numbers_at_paths_are_decoded_in_columns() -> None:
    assert bulk_of(row(1, "a", "v", time_path="ts"), row(2, "a", "x.y", time_path="ts")) is not None


@pytest.mark.parametrize(
    "other",
    [
        row(2, "a", None),
        row(2, "a", "w", kind="text"),
        row(2, "a", "w", time_path="t"),
        row(2, "a", "w", form=PayloadForm(time_form="ms"), time_path="ts"),
        row(2, "a", "w[*]", form=PayloadForm(step=1.0), time_path="ts"),
    ],
)
def test_whatever_else_is_bound_there_brings_the_codecs_back(other: BoundProperty) -> None:
    assert bulk_of(row(1, "a", "v", time_path="ts"), other) is None


def test_a_message_of_the_same_time_as_the_one_before_it_comes_after_it_whichever_way_it_is_decoded() -> None:
    samples = [("mixed", b'{"v": 1, "ts": 5}'), ("a", b'{"v": "2", "ts": 5}'), ("a", b'{"v": 3, "ts": 5}')]
    found, _ = decoded(compile_table(ROWS, "documents"), batch(*samples))
    assert found.received.tolist() == sorted(found.received.tolist())
    assert found.received[0] == NOW
