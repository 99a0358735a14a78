"""Codecs: raw to canonical and back, for every kind of property."""

from __future__ import annotations

import math
from typing import Any

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from twin.bindings.codec import Codec, DecodeError, compile_codec
from twin.bindings.plan import BoundProperty, Carries
from twin.errors import InvalidInput
from twin.vocab import QUANTITYKIND, UNIT

CELSIUS, FAHRENHEIT, KELVIN, PASCAL = (UNIT[name].value for name in ("DEG_C", "DEG_F", "K", "PA"))
MODES = ("off", "heating", "cooling")


def codec(carries: Carries = "documents", **fields: Any) -> Codec:
    row = BoundProperty(property="urn:p", series=7, binding="urn:p#binding", address="a", write_address="a/set")
    return compile_codec(BoundProperty(**{**{f: getattr(row, f) for f in row.__dataclass_fields__}, **fields}), carries)


def read(subject: Codec, document: object) -> float | str:
    return subject.decode(orjson.dumps(document))[0]


def reason(subject: Codec, raw: object) -> str:
    with pytest.raises(DecodeError) as caught:
        subject.decode(raw)
    return str(caught.value)


def test_scale_offset_and_unit_are_one_step() -> None:
    subject = codec(path="t", unit=CELSIUS, source_unit=FAHRENHEIT, scale=0.1, offset=2.0)
    assert read(subject, {"t": 300}) == pytest.approx(0.0, abs=1e-12)
    assert read(subject, {"t": 2100}) == pytest.approx(100.0)


def test_a_difference_of_temperatures_has_no_zero_to_shift() -> None:
    subject = codec(
        path="t", unit=CELSIUS, source_unit=FAHRENHEIT, quantity_kind=QUANTITYKIND.TemperatureDifference.value
    )
    assert read(subject, {"t": 9}) == pytest.approx(5.0)


def test_value_and_time_come_from_their_paths() -> None:
    subject = codec(path="points[0].v", time_path="$.meta.ts")
    assert subject.decode(b'{"points": [{"v": 4}], "meta": {"ts": 1767225600}}') == (4.0, 1_767_225_600_000_000_000)


@pytest.mark.parametrize("raw", [b"21.5", b" 21.5\n", b"2.15e1", 21.5, "21.5"])
def test_a_payload_without_path_is_the_number_itself(raw: object) -> None:
    assert codec().decode(raw) == (21.5, 0)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"t": "warm"}, "not a number"),
        ({"t": True}, "not a number"),
        ({"t": None}, "not a number"),
        ({"t": [1]}, "not a number"),
        ({"t": "1_000"}, "not a number"),
        ({"temps": 1}, "path t is missing"),
        ([1], "path t is missing"),
        ("text", "path t is missing"),
    ],
)
def test_why_a_document_gives_no_number(document: object, why: str) -> None:
    assert reason(codec(path="t"), orjson.dumps(document)) == why


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[" * 5000, b'{"t": 1} {', b"\x81", 5, True])
def test_what_is_no_json_is_said_to_be_none(raw: object) -> None:
    assert reason(codec(path="t"), raw) == "no JSON"


def test_a_payload_of_megabytes_is_not_parsed() -> None:
    assert reason(codec(path="t"), b'{"t": 1, "x": "' + b"x" * 2_000_000 + b'"}') == "larger than 1048576 bytes"


def test_a_missing_and_a_wrong_time_are_told_apart() -> None:
    subject = codec(path="t", time_path="ts")
    assert reason(subject, b'{"t": 1}') == "path ts is missing"
    assert reason(subject, b'{"t": 1, "ts": "noon"}') == "path ts holds no time"


def test_state_codes_may_be_text_numbers_or_booleans() -> None:
    subject = codec(
        path="m", kind="state", states=MODES, codes=(("0", "off"), ("HEAT", "heating"), ("true", "cooling"))
    )
    assert [read(subject, {"m": raw}) for raw in (0, 0.0, "0", "HEAT", True)] == [0.0, 0.0, 0.0, 1.0, 2.0]
    assert reason(subject, b'{"m": "XYZ"}') == "state code 'XYZ' is not mapped"


def test_states_without_codes_are_their_own_words() -> None:
    subject = codec(kind="state", states=MODES)
    assert [subject.decode(raw)[0] for raw in (b"off", "heating")] == [0.0, 1.0]
    assert reason(subject, b"2") == "state code '2' is not mapped"


def test_booleans_without_codes_take_the_usual_words() -> None:
    subject = codec(kind="boolean")
    assert [subject.decode(raw)[0] for raw in (b"true", b"ON", b"1", True, 1)] == [1.0] * 5
    assert [subject.decode(raw)[0] for raw in (b"False", b"off", b"0", False, 0)] == [0.0] * 5
    assert reason(subject, b"maybe") == "state code 'maybe' is not mapped"


def test_booleans_with_codes_take_these_alone() -> None:
    subject = codec(path="s", kind="boolean", codes=(("OPEN", "true"), ("SHUT", "false")))
    assert [read(subject, {"s": raw}) for raw in ("OPEN", "SHUT")] == [1.0, 0.0]
    assert reason(subject, b'{"s": true}') == "state code 'true' is not mapped"


def test_text_is_kept_as_it_is_and_bounded() -> None:
    subject = codec(kind="text")
    assert subject.decode("Zulüftung".encode()) == ("Zulüftung", 0)
    assert reason(subject, b"\xff") == "not UTF-8 text"
    assert reason(subject, b"x" * 5000) == "the text is longer than 4096 characters"


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"scale": 0.0}, "scale 0"),
        ({"scale": math.nan}, "scale nan"),
        ({"unit": CELSIUS, "source_unit": PASCAL}, "PA does not convert to DEG_C"),
        ({"source_unit": "urn:furlong", "unit": CELSIUS}, "no unit"),
        ({"source_unit": CELSIUS}, "has none"),
        ({"time_path": "ts"}, "no path"),
        ({"path": "a[", "unit": CELSIUS}, "not a path"),
        ({"write_path": "a[0]"}, "list position"),
        ({"kind": "state", "states": MODES, "codes": (("1", "on"),)}, "maps codes to on"),
    ],
)
def test_a_binding_that_cannot_work_is_refused_when_it_is_compiled(fields: dict[str, Any], part: str) -> None:
    with pytest.raises(InvalidInput, match=part):
        codec(**fields)


def test_a_number_is_written_in_the_devices_unit_without_rounding_noise() -> None:
    subject = codec(unit=CELSIUS, source_unit=FAHRENHEIT)
    assert subject.encode(21.0) == b"69.8"
    assert codec(unit=CELSIUS, source_unit=FAHRENHEIT, write_path="command.value").encode(21.0) == (
        b'{"command":{"value":69.8}}'
    )
    assert codec("scalars", unit=CELSIUS, source_unit=FAHRENHEIT).encode(21.0) == 69.8
    assert codec(scale=0.1).encode(21.0) == b"210"


def test_a_state_is_written_by_its_code_in_the_codes_own_type() -> None:
    codes = (("0", "off"), ("HEAT", "heating"), ("2.5", "cooling"))
    subject = codec("scalars", kind="state", states=MODES, codes=codes)
    assert [subject.encode(value) for value in (0.0, "heating", 2.0)] == [0, "HEAT", 2.5]
    assert codec(kind="state", states=MODES, codes=codes, write_path="m").encode("off") == b'{"m":0}'
    assert codec(kind="state", states=MODES).encode(2.0) == b"cooling"


def test_a_boolean_is_written_as_one_or_by_its_code() -> None:
    assert (codec(kind="boolean").encode(1.0), codec("scalars", kind="boolean").encode(0.0)) == (b"true", False)
    assert codec(kind="boolean", write_path="on").encode(1.0) == b'{"on":true}'
    assert codec(kind="boolean", codes=(("RUN", "true"), ("STOP", "false"))).encode(0.0) == b"STOP"


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({}, "warm"),
        ({}, math.nan),
        ({"kind": "text"}, 1.0),
        ({"kind": "state", "states": MODES}, 3.0),
        ({"kind": "state", "states": MODES}, 0.5),
        ({"kind": "state", "states": MODES}, "on"),
        ({"kind": "boolean"}, 2.0),
        ({"kind": "state", "states": MODES, "codes": (("0", "off"),)}, "heating"),
    ],
)
def test_what_the_property_cannot_be_is_not_written(fields: dict[str, Any], value: float | str) -> None:
    with pytest.raises(InvalidInput):
        codec(**fields).encode(value)


REAL = st.floats(-1e9, 1e9, allow_nan=False)
SCALE = st.floats(1e-3, 1e3).flatmap(lambda size: st.sampled_from([size, -size]))


UNITS = st.sampled_from([(None, None), (CELSIUS, FAHRENHEIT), (CELSIUS, KELVIN)])
CARRIES = st.sampled_from(["documents", "scalars"])
PATHS = st.sampled_from([None, "v", "a.b.c"])


@given(REAL, SCALE, st.floats(-1e3, 1e3), UNITS, CARRIES, PATHS)
def test_what_is_written_reads_back_as_it_was_asked_for(
    value: float,
    scale: float,
    offset: float,
    units: tuple[str | None, str | None],
    carries: Carries,
    path: str | None,
) -> None:
    path = path if carries == "documents" else None
    subject = codec(
        carries, path=path, write_path=path, unit=units[0], source_unit=units[1], scale=scale, offset=offset
    )
    back, _ = subject.decode(subject.encode(value))
    assert back == pytest.approx(value, rel=1e-9, abs=1e-6)


@given(st.data())
def test_states_come_back_too(data: st.DataObject) -> None:
    words = tuple(data.draw(st.lists(st.text("abcdefgh", min_size=1), min_size=1, max_size=6, unique=True)))
    codes = st.one_of(st.integers(-5, 99).map(str), st.text("XYZ01.", min_size=1).map(lambda text: f"c{text}"))
    drawn = data.draw(st.lists(codes, min_size=len(words), max_size=len(words), unique=True))
    carries = data.draw(st.sampled_from(["documents", "scalars"]))
    subject = codec(carries, kind="state", states=words, codes=tuple(zip(drawn, words, strict=True)))
    for index, word in enumerate(words):
        assert subject.decode(subject.encode(float(index)))[0] == index == subject.decode(subject.encode(word))[0]


@given(st.text(max_size=200), st.sampled_from([None, "v"]))
def test_texts_come_back_too(text: str, path: str | None) -> None:
    assume(not any(0xD800 <= ord(letter) < 0xE000 for letter in text))
    subject = codec(kind="text", path=path, write_path=path)
    assert subject.decode(subject.encode(text))[0] == text
