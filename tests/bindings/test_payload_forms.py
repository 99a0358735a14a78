"""Payloads in every form that devices send: lists, lines, bits, packed bytes, arrays, and numbers that are none."""

from __future__ import annotations

import base64
import json
import struct
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.bindings.plan import BoundProperty
from twin.bindings.quarantine import Quarantine
from twin.bindings.table import Table, compile_table
from twin.connector import SampleBatch
from twin.observation import Block, ObservationBatch, Quality
from twin.payload import PayloadForm
from twin.vocab import UNIT

NOW = 1_767_225_600_000_000_000
SECOND = 1_000_000_000
ROW = BoundProperty(property="urn:p", series=7, binding="urn:p#binding", address="a")


def table(form: PayloadForm | None = None, **fields: Any) -> Table:
    made = compile_table([replace(ROW, form=form or PayloadForm(), **fields)], "documents")
    assert not made.faults, made.faults[0].message
    return made


def fault(form: PayloadForm | None = None, **fields: Any) -> str:
    (found,) = compile_table([replace(ROW, form=form or PayloadForm(), **fields)], "documents").faults
    return found.message


def decoded(made: Table, *payloads: object) -> tuple[ObservationBatch, list[str]]:
    size = len(payloads)
    quarantine = Quarantine()
    batch = SampleBatch(["a"] * size, list(payloads), [0] * size, [NOW] * size)
    found = made.decode(batch, quarantine, NOW)
    return found, [each.reason for each in quarantine.rejections()]


def pairs(made: Table, payload: object) -> list[tuple[float, int]]:
    found, refused = decoded(made, payload)
    assert refused == []
    return [(value, (time - NOW) // SECOND) for value, time in zip(found.value, found.time, strict=True)]


def test_a_list_of_records_is_many_samples_with_their_times() -> None:
    made = table(path="samples[*].v", time_path="samples[*].t")
    document = {"samples": [{"v": number, "t": 1767225600 + number} for number in range(3)]}
    assert pairs(made, json.dumps(document).encode()) == [(0.0, 0), (1.0, 1), (2.0, 2)]


def test_two_lists_side_by_side_are_many_samples_as_well() -> None:
    made = table(path="v[*]", time_path="t[*]")
    assert pairs(made, b'{"v": [5, 6], "t": [1767225600, 1767225601]}') == [(5.0, 0), (6.0, 1)]
    assert decoded(made, b'{"v": [5, 6], "t": [1767225600]}')[1] == ["1 times for 2 values"]


def test_a_list_with_one_time_is_spaced_by_its_step() -> None:
    made = table(PayloadForm(step=60), path="v[*]", time_path="t")
    assert pairs(made, b'{"v": [5, 6, 7], "t": 1767225600}') == [(5.0, 0), (6.0, 60), (7.0, 120)]


def test_what_is_wrong_with_one_record_takes_no_other_with_it() -> None:
    made = table(path="[*].v", time_path="[*].t")
    found, refused = decoded(made, b'[{"v": 1, "t": 1767225600}, {"v": "x", "t": 1767225601}, {"v": 3}, {"t": 5}, 7]')
    assert found.value.tolist() == [1.0]
    assert sorted(refused) == ["not a number", "path [*].t is missing", "path [*].v is missing"]


def test_an_object_of_a_list_is_found_by_what_it_is_called() -> None:
    made = table(path="e[n=temp].v", time_path="e[n=temp].t")
    assert pairs(made, b'{"e": [{"n": "hum", "v": 40}, {"n": "temp", "v": 21.5, "t": 1767225602}]}') == [(21.5, 2)]
    assert decoded(made, b'{"e": [{"n": "hum", "v": 40}]}')[1] == ["path e[n=temp].v is missing"]


@pytest.mark.parametrize(
    ("path", "time_path", "text"),
    [
        ("temp", "time", "time,temp\n2026-01-01T00:00:00Z,21.5\n2026-01-01T00:00:01Z,22\n"),
        ("temp", "time", "\ufefftime;temp\r\n1767225600;21,5\r\n1767225601;22,0\r\n"),
        ("[1]", "[0]", "1767225600\t21.5\n1767225601\t22"),
        ("[1]", "[0]", '"1767225600", "21.5"\n"1767225601", "22"\n\n'),
    ],
)
def test_lines_of_csv_are_samples(path: str, time_path: str, text: str) -> None:
    assert pairs(table(PayloadForm(format="csv"), path=path, time_path=time_path), text.encode()) == [
        (21.5, 0),
        (22, 1),
    ]


def test_one_line_of_csv_needs_no_time_and_two_do() -> None:
    made = table(PayloadForm(format="csv"), path="[2]")
    assert pairs(made, b"7,8,9.5") == [(9.5, 0)]
    assert decoded(made, b"7,8,9.5\n7,8,10")[1] == ["2 values and no times"]


def test_a_line_of_csv_that_is_cut_is_refused_alone() -> None:
    made = table(PayloadForm(format="csv"), path="v", time_path="t")
    found, refused = decoded(made, b"t,v\n1767225600,1\n1767225601\n1767225602,3")
    assert (found.value.tolist(), refused) == ([1.0, 3.0], ["path v is missing"])


def test_lines_of_json_are_samples() -> None:
    made = table(PayloadForm(format="ndjson"), path="v", time_path="t")
    found, refused = decoded(made, b'{"v": 1, "t": 1767225600}\nnonsense\n{"v": 2, "t": 1767225601}\n')
    assert (found.value.tolist(), refused) == ([1.0, 2.0], ["path v is missing"])


@pytest.mark.parametrize(
    ("bits", "raw", "value"),
    [("0", 5, 1), ("1", 5, 0), ("0-3", 0xAB, 0xB), ("4-7", "0xAB", 0xA), ("0-7 signed", 255, -1), ("63", 2**63, 1)],
)
def test_bits_of_a_word_are_a_number(bits: str, raw: object, value: float) -> None:
    assert pairs(table(PayloadForm(bits=bits), path="w"), json.dumps({"w": raw}).encode()) == [(value, 0)]


def test_a_bit_is_a_boolean_and_a_field_is_a_state() -> None:
    assert pairs(table(PayloadForm(bits="2"), kind="boolean"), b"4") == [(1.0, 0)]
    made = table(PayloadForm(bits="4-5"), kind="state", states=("off", "on"), codes=(("1", "on"), ("0", "off")))
    assert pairs(made, b"0x10") == [(1.0, 0)]
    assert decoded(made, b"48")[1] == ["state code '3' is not mapped"]
    assert decoded(made, b"1.5")[1] == ["not a whole number"]


@pytest.mark.parametrize(
    ("packing", "raw", "value"),
    [
        ("int16-be", b"\xff\xfe", -2),
        ("uint16-le@2", b"\0\0\x01\x02\x09", 0x0201),
        ("float32-be@1", b"\0" + struct.pack(">f", 21.5), 21.5),
        ("uint8", b"\x07", 7),
    ],
)
def test_a_number_is_packed_in_bytes(packing: str, raw: bytes, value: float) -> None:
    assert pairs(table(PayloadForm(packing=packing)), raw) == [(value, 0)]
    assert decoded(table(PayloadForm(packing=packing)), b"")[1] == ["fewer bytes than a number has"]


def block_of(made: Table, payload: object) -> Block:
    found, refused = decoded(made, payload)
    assert refused == []
    assert found.quality.tolist() == [0]
    (block,) = found.blocks.values()
    return block


WAVE = np.sin(np.arange(8192) / 50).astype(np.float32)


@pytest.mark.parametrize("order", ["le", "be"])
def test_a_waveform_is_one_value_with_start_and_step(order: str) -> None:
    packed = base64.b64encode(WAVE.astype("<f4" if order == "le" else ">f4").tobytes()).decode()
    form = PayloadForm(packing=f"float32-{order}", step_path="dt", start=-0.5)
    made = table(form, kind="array", path="wave", time_path="t")
    document = {"wave": packed, "t": 1767225601, "dt": 0.0001}
    found, _ = decoded(made, json.dumps(document).encode())
    (block,) = found.blocks.values()
    assert np.array_equal(block.values, WAVE.astype(np.float64))
    assert (block.step, block.start, found.time.tolist()) == (100_000, -SECOND // 2, [NOW + SECOND])


def test_an_array_is_converted_like_a_number() -> None:
    fields = {"unit": UNIT["DEG_C"].value, "source_unit": UNIT["DEG_F"].value}
    assert block_of(table(kind="array", path="v", **fields), b'{"v": [32, 212]}').values.tolist() == pytest.approx(
        [0, 100]
    )


@pytest.mark.parametrize("payload", [b"[1, 2.5, 3]", b"1,2.5,3", b"1;2.5;3\n", struct.pack("<3h", 2, 5, 6)])
def test_a_payload_without_path_is_the_array_itself(payload: bytes) -> None:
    form = PayloadForm(packing="int16-le") if len(payload) == 6 else PayloadForm()
    made = table(form, kind="array", scale=0.5 if form.packing else 1.0)
    assert block_of(made, payload).values.tolist() == [1.0, 2.5, 3.0]


def test_numbers_of_records_may_be_one_array() -> None:
    assert block_of(table(kind="array", path="p[*].v"), b'{"p": [{"v": 1}, {"v": 2}]}').values.tolist() == [1.0, 2.0]


def test_holes_in_an_array_are_flagged_and_an_array_of_holes_is_bad() -> None:
    found, _ = decoded(table(kind="array", path="v"), b'{"v": [1, null, NaN, 4]}', b'{"v": [null]}')
    assert found.quality.tolist() == [Quality.UNCERTAIN, Quality.NOT_A_NUMBER]
    assert np.isnan(found.blocks[0].values).tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    "payload", [b'{"v": []}', b'{"v": 3}', b'{"v": {"a": 1}}', b'{"v": [1, "x"]}', b'{"v": [[1]]}']
)
def test_what_is_no_array_of_numbers_is_refused_in_words(payload: bytes) -> None:
    found, refused = decoded(table(kind="array", path="v"), payload)
    assert len(found) == 0
    assert len(refused) == 1


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400, "-" + "9" * 400])
def test_a_number_that_is_none_is_flagged_and_what_stands_beside_it_is_used(number: str) -> None:
    rows = [replace(ROW, path="bad"), replace(ROW, property="urn:q", series=8, path="good")]
    found, refused = decoded(compile_table(rows, "documents"), f'{{"bad": {number}, "good": 21.5}}'.encode())
    assert refused == []
    assert found.quality.tolist() == [Quality.NOT_A_NUMBER, 0]
    assert found.value[1] == 21.5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_json_in_other_encodings_is_json(encoding: str) -> None:
    assert pairs(table(path="Température"), '{"Température": 3}'.encode(encoding)) == [(3.0, 0)]


def test_counters_larger_than_a_double_holds_exactly_are_rounded() -> None:
    assert pairs(table(path="n"), b'{"n": 9007199254740993}') == [(9007199254740992.0, 0)]


@pytest.mark.parametrize(
    ("form", "fields", "said"),
    [
        (PayloadForm(), {"path": "v[*]"}, "not when each was taken"),
        (PayloadForm(), {"path": "v[*].w[*]"}, "more than one [*]"),
        (PayloadForm(), {"path": "v", "time_path": "t[*]"}, "one value and a list of times"),
        (PayloadForm(format="xml"), {"path": "v"}, "has the format"),
        (PayloadForm(format="csv"), {}, "hold a value each"),
        (PayloadForm(format="csv"), {"path": "v", "time_path": "[0]"}, "by name and its time not"),
        (PayloadForm(bits="5-3"), {}, "names the bits"),
        (PayloadForm(packing="float32"), {}, "no packing of numbers"),
        (PayloadForm(time_form="noon"), {"path": "v", "time_path": "t"}, "no form of a time"),
        (PayloadForm(time_zone="Mars/Base"), {"path": "v", "time_path": "t"}, "no time zone"),
        (PayloadForm(format="plain"), {"path": "v"}, "format plain"),
    ],
)
def test_a_binding_that_cannot_work_is_a_fault_in_words(form: PayloadForm, fields: dict[str, Any], said: str) -> None:
    assert said in fault(form, **fields)


FORMS = [
    table(path="v", time_path="t"),
    table(path="s[*].v", time_path="s[*].t"),
    table(PayloadForm(format="csv"), path="v", time_path="t"),
    table(PayloadForm(format="ndjson"), path="v", time_path="t"),
    table(PayloadForm(packing="float32-le"), kind="array", path="v"),
    table(PayloadForm(step_path="t"), kind="array", path="v"),
    table(PayloadForm(bits="0-3"), kind="boolean"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("vts"), inner, max_size=3),
    max_leaves=12,
)


@given(st.sampled_from(FORMS), JSON.map(lambda found: json.dumps(found).encode()) | st.binary(max_size=60))
def test_whatever_arrives_nothing_breaks_and_what_is_kept_is_sound(made: Table, payload: bytes) -> None:
    found, _ = decoded(made, payload)
    assert (found.time > 0).all()
    assert (np.isfinite(found.value) | (found.quality > 0) | ~found.numeric()).all()
    with suppress(KeyError):
        assert len(found.blocks[0]) > 0
