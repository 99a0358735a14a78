"""Compiled tables: whole batches in, columns out, and nothing good lost to what is bad."""

from __future__ import annotations

import math
from collections.abc import Sequence

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.bindings.plan import BoundProperty
from twin.bindings.quarantine import Quarantine
from twin.bindings.table import Table, compile_table
from twin.connector import SampleBatch
from twin.observation import ObservationBatch, Quality

NOW = 1_767_225_600_000_000_000


def row(series: int, address: str, path: str | None = "v", **fields: object) -> BoundProperty:
    return BoundProperty(f"urn:p{series}", series, f"urn:p{series}#binding", address, path=path, **fields)


def batch(*samples: tuple[str, object], qualities: Sequence[int] | None = None, time: int = 0) -> SampleBatch:
    return SampleBatch(
        [address for address, _ in samples],
        [value for _, value in samples],
        [time] * len(samples),
        [NOW + index for index in range(len(samples))],
        qualities,
    )


def decoded(table: Table, samples: SampleBatch) -> tuple[ObservationBatch, dict[tuple[str, str], int]]:
    quarantine = Quarantine()
    observations = table.decode(samples, quarantine, NOW)
    return observations, {(each.address, each.reason): each.count for each in quarantine.rejections()}


def test_one_document_feeds_all_the_properties_bound_to_it() -> None:
    table = compile_table([row(1, "a", "x.t"), row(2, "a", "x.h", scale=0.1), row(3, "b")], "documents")
    observations, rejected = decoded(table, batch(("a", b'{"x": {"t": 20, "h": 455}}'), ("b", b'{"v": 3}')))
    assert observations.series.tolist() == [1, 2, 3]
    assert observations.value.tolist() == pytest.approx([20.0, 45.5, 3.0])
    assert observations.received.tolist() == [NOW, NOW, NOW + 1]
    assert observations.quality.tolist() == [0, 0, 0]
    assert rejected == {}


def test_source_time_is_the_documents_else_the_protocols_else_the_moment_of_arrival() -> None:
    table = compile_table([row(1, "a", "v", time_path="ts"), row(2, "a")], "documents")
    assert decoded(table, batch(("a", b'{"v": 1, "ts": 1767225000}'), time=77))[0].time.tolist() == [
        1_767_225_000 * 10**9,
        77,
    ]
    assert decoded(table, batch(("a", b'{"v": 1, "ts": 1767225000}')))[0].time.tolist()[1] == NOW


def test_a_sample_without_receive_time_was_received_now() -> None:
    table = compile_table([row(1, "a", None)], "scalars")
    observations, _ = decoded(table, SampleBatch(["a"], [1.0], [0], [0]))
    assert (observations.time.tolist(), observations.received.tolist()) == ([NOW], [NOW])


def test_a_bad_value_is_counted_and_the_good_ones_of_its_document_and_batch_go_on() -> None:
    table = compile_table([row(1, "a", "x"), row(2, "a", "y"), row(3, "b", None)], "documents")
    observations, rejected = decoded(
        table, batch(("a", b'{"x": "hot", "y": 2}'), ("a", b"{"), ("b", b"nonsense"), ("a", b'{"x": 1}'), ("b", b"5"))
    )
    assert observations.series.tolist() == [2, 1, 3]
    assert observations.value.tolist() == [2.0, 1.0, 5.0]
    assert rejected == {
        ("a", "not a number"): 1,
        ("a", "no JSON"): 1,
        ("b", "not a number"): 1,
        ("a", "path y is missing"): 1,
    }


def test_plain_and_document_bindings_share_an_address() -> None:
    table = compile_table([row(1, "a", "v"), row(2, "a", None, kind="text")], "documents")
    observations, rejected = decoded(table, batch(("a", b"not json"), ("a", b'{"v": 1}')))
    assert observations.series.tolist() == [2, 1, 2]
    assert observations.text == {0: "not json", 2: '{"v": 1}'}
    assert math.isnan(observations.value[0])
    assert rejected == {("a", "no JSON"): 1}


def test_what_is_no_finite_number_is_kept_as_bad() -> None:
    table = compile_table([row(1, "a", None, scale=10.0)], "scalars")
    observations, rejected = decoded(table, batch(("a", math.nan), ("a", math.inf), ("a", 1e308), ("a", 2.0)))
    assert observations.quality.tolist() == [Quality.NOT_A_NUMBER] * 3 + [Quality.GOOD]
    assert [math.isnan(value) for value in observations.value] == [True, True, True, False]
    assert rejected == {}


def test_a_device_that_says_it_has_no_good_value_is_heard() -> None:
    table = compile_table([row(1, "a", None)], "scalars")
    qualities = [Quality.DEVICE_FAULT, Quality.GOOD, Quality.UNCERTAIN]
    observations, rejected = decoded(table, batch(("a", None), ("a", None), ("a", 3.0), qualities=qualities))
    assert observations.quality.tolist() == [Quality.DEVICE_FAULT, Quality.UNCERTAIN]
    assert math.isnan(observations.value[0])
    assert observations.value[1] == 3.0
    assert rejected == {("a", "no value (device-fault)"): 1, ("a", "no value"): 1}


def test_a_wildcard_stands_for_one_whole_level() -> None:
    table = compile_table([row(1, "acme/+/status"), row(2, "acme/ahu1/status"), row(3, "+/x")], "documents")
    samples = [(topic, b'{"v": 1}') for topic in ("acme/ahu1/status", "acme/ahu2/status", "acme/a/b/status", "$SYS/x")]
    assert decoded(table, batch(*samples))[0].series.tolist() == [2, 1, 1]


def test_a_plus_in_a_node_is_only_a_plus() -> None:
    table = compile_table([row(1, "ns=2;s=a/+/b", None)], "scalars")
    assert decoded(table, batch(("ns=2;s=a/x/b", 1.0), ("ns=2;s=a/+/b", 2.0)))[0].value.tolist() == [2.0]


def test_addresses_nobody_is_bound_to_are_passed_over() -> None:
    assert decoded(compile_table([row(1, "a")], "documents"), batch(("z", b"{"))) [1] == {}  # fmt: skip


def test_a_binding_that_cannot_work_does_not_keep_the_others_from_working() -> None:
    table = compile_table([row(1, "a", scale=0.0), row(2, "a")], "documents")
    assert [(fault.property, fault.binding) for fault in table.faults] == [("urn:p1", "urn:p1#binding")]
    assert "scale 0.0" in table.faults[0].message
    assert decoded(table, batch(("a", b'{"v": 1}')))[0].series.tolist() == [2]


def test_every_address_is_read_once() -> None:
    table = compile_table([row(1, "a"), row(2, "b"), row(3, "a")], "documents")
    assert [each.address for each in table.addresses()] == ["a", "b"]


def test_an_empty_batch_gives_an_empty_one() -> None:
    assert len(decoded(compile_table([], "documents"), batch())[0]) == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["v", "ts", "x"]), inner, max_size=3),
    max_leaves=8,
)


def dumps(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError):
        return str(value).encode()


GARBAGE = st.one_of(
    st.binary(max_size=60),
    JSON.map(dumps),
    JSON.map(lambda value: dumps({"v": value, "ts": 1767225600})),
    JSON.map(lambda value: dumps({"v": 1, "ts": value})),
    st.binary(max_size=20).map(lambda tail: b'{"v": 1, "ts": 1767225600' + tail),
    st.none(), st.floats(), st.integers(), st.booleans(), st.text(max_size=60),
)  # fmt: skip


@given(st.lists(GARBAGE, max_size=12), st.sampled_from(["number", "boolean", "state", "text"]), st.booleans())
def test_garbage_never_raises_and_never_costs_a_good_value(garbage: list[object], kind: str, documents: bool) -> None:
    fields = {"kind": kind, "states": ("off", "on")} if kind == "state" else {"kind": kind}
    good = b'{"v": 42}'
    rows = [row(1, "a", "v", time_path="ts", **fields), row(2, "a", None, **fields), row(3, "good")]
    samples = [sample for raw in garbage for sample in (("a", raw), ("good", good))]
    observations, rejected = decoded(compile_table(rows, "documents" if documents else "scalars"), batch(*samples))
    kept = observations.value[observations.series == 3]
    assert kept.tolist() == [42.0] * len(garbage)
    garbled = int((observations.series != 3).sum())
    assert garbled + sum(rejected.values()) >= len(garbage)
    usable = (observations.quality == 0) & (observations.series != 3)
    if kind != "text":
        assert all(math.isfinite(value) for value in observations.value[usable])
    assert len(observations) == len(observations.time) == len(observations.received) == len(observations.quality)
