"""Commands through the running server: they reach the devices, are read back, and are refused in words."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.graphql_client import SET, GraphQL

MQTT = "urn:twin:office:vav-1-02:zone-air-temperature-setpoint"
OPCUA = "urn:twin:office:vav-2-03:zone-air-temperature-setpoint"
MODE = "urn:twin:office:ahu-2:operating-mode"
MODE_OVER_MQTT = "urn:twin:office:ahu-1:operating-mode"
LAMP = "urn:twin:office:lamp-e-02:switched-on"
READ_ONLY = "urn:twin:office:ahu-2:supply-air-temperature"
KEPT = (MQTT, OPCUA, MODE, MODE_OVER_MQTT, LAMP)
VENDOR_WORDS = re.compile(r"mqtt|opc|acme|borealis|vendor|topic|ns=|connection|binding", re.IGNORECASE)


@pytest.fixture(autouse=True)
def put_back(demo: GraphQL) -> Iterator[None]:
    """Every property that is commanded here has its value again afterwards."""
    before = {iri: demo.property(iri, "value")["value"] for iri in KEPT}
    yield
    for iri, value in before.items():
        if value is not None and demo.property(iri, "value")["value"] != value:
            assert demo.set(iri, value)["state"] == "VERIFIED"


@pytest.mark.parametrize(
    ("iri", "value"),
    [(MQTT, 20.5), (OPCUA, 23.5), (MODE, "manual"), (MODE_OVER_MQTT, "manual"), (LAMP, True), (LAMP, False)],
)
def test_a_command_is_verified_by_reading_back(demo: GraphQL, iri: str, value: object) -> None:
    command = demo.set(iri, value)
    assert (command["state"], command["message"].rstrip(".")) in {
        ("VERIFIED", ""),
        ("VERIFIED", "The device acknowledged it; the property had this value before"),
    }
    expected = pytest.approx(value, abs=0.06) if isinstance(value, float) else value
    assert command["readBack"] == expected
    assert demo.property(iri, "value")["value"] == expected


@pytest.mark.parametrize("iri", [MQTT, OPCUA])
def test_a_command_may_come_in_another_unit(demo: GraphQL, iri: str) -> None:
    command = demo.set(iri, 69.8, unit="DEG_F")
    assert command["state"] == "VERIFIED"
    assert command["value"] == pytest.approx(21.0)
    assert demo.property(iri, 'value unit { symbol } fahrenheit: value(unit: "DEG_F")') == {
        "value": pytest.approx(21.0, abs=0.06),
        "unit": {"symbol": "°C"},
        "fahrenheit": pytest.approx(69.8, abs=0.11),
    }


def test_a_dry_run_checks_and_sends_nothing(demo: GraphQL) -> None:
    before = demo.property(OPCUA, "value")["value"]
    command = demo.set(OPCUA, before + 1, dryRun=True)
    assert (command["state"], command["readBack"]) == ("ACCEPTED", None)
    assert demo.property(OPCUA, "value")["value"] == before


@pytest.mark.parametrize(
    ("iri", "value", "unit", "code", "says"),
    [
        (MQTT, 99.0, None, "invalid-input", "99"),
        (OPCUA, 2.0, None, "invalid-input", "2"),
        (OPCUA, 120.0, "DEG_F", "invalid-input", "78.8 °F"),
        (READ_ONLY, 15.0, None, "forbidden", "read-only"),
        (MODE, "sideways", None, "invalid-input", "sideways"),
        (MODE, 1, None, "invalid-input", "1"),
        (LAMP, "yes", None, "invalid-input", "yes"),
        (OPCUA, "warm", None, "invalid-input", "warm"),
        (OPCUA, 21.0, "KiloPA", "invalid-input", "KiloPA"),
        (OPCUA, 21.0, "DEG_X", "invalid-input", "DEG_X"),
        ("urn:twin:office:vav-9-99:zone-air-temperature-setpoint", 21.0, None, "not-found", "vav-9-99"),
    ],
    ids=[
        "too high", "too low", "too high in another unit", "read-only", "unknown state", "number for a state",
        "word for a switch", "word for a number", "unit of another quantity", "unknown unit", "unknown property",
    ],
)  # fmt: skip
def test_what_cannot_be_commanded_is_refused_in_words_and_nothing_is_sent(
    demo: GraphQL, iri: str, value: object, unit: str | None, code: str, says: str
) -> None:
    before = [demo.property(each, "value")["value"] for each in KEPT]
    error = demo.refusal(SET, property=iri, value=value, unit=unit)
    assert error["extensions"]["code"] == code
    assert says in error["message"]
    assert error["message"].endswith(".")
    assert error["extensions"]["remedy"]
    assert [demo.property(each, "value")["value"] for each in KEPT] == before


def test_a_refused_range_names_the_range_and_a_refused_word_the_words(demo: GraphQL) -> None:
    limits = demo.property(OPCUA, "minimum maximum")
    error = demo.refusal(SET, property=OPCUA, value=99)
    told = error["message"] + error["extensions"]["remedy"]
    assert all(f"{limits[end]:g}" in told for end in ("minimum", "maximum")), told
    error = demo.refusal(SET, property=MODE, value="sideways")
    told = error["message"] + error["extensions"]["remedy"]
    assert all(word in told for word in demo.property(MODE, "states")["states"]), told


def test_no_word_of_a_vendor_or_protocol_is_in_any_answer_about_twins(demo: GraphQL) -> None:
    everything = """{ summary { name twins properties live unavailable unbound violations }
      sites { id name roots { id name } audit { state message groups { rule } } }
      capabilities { name description inputs { role unit } twins { missing state } }
      twins(first: 100) { nodes { id name description family classes { name label } path { name }
        relationships { name } contents { nodes { id name } } } }
      properties(first: 250) { nodes { id name role kind classes { name label } quantityKind unit { symbol label }
        value time quality { word flags } available unavailableSince freshness states minimum maximum
        owner { name } history(points: 3) { points { time value quality } } } } }"""
    answered = demo.ask(everything)
    assert len(answered["properties"]["nodes"]) > 100
    command = demo.answer(SET, property=OPCUA, value=99)
    for answer in (answered, command):
        texts = list(_texts(answer))
        assert [text for text in texts if VENDOR_WORDS.search(text)] == []


def _texts(value: object) -> Iterator[str]:
    match value:
        case dict():
            for each in value.values():
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)
        case str():
            yield value
