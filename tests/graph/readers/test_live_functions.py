from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from twin.graph.readers.live_functions import LiveValue, duration, functions
from twin.terms import Literal, NamedNode
from twin.vocab import LIVE, XSD

TEMPERATURE, FAN, MODE, DEAD = (NamedNode(f"urn:twin:office:{name}") for name in ("sat", "fan", "mode", "dead"))
SECOND = 1_000_000_000
VALUES = {
    TEMPERATURE.value: LiveValue(21.5, 1_767_225_600 * SECOND, "good", 2.5),
    FAN.value: LiveValue(True, SECOND, "good", 1.0),
    MODE.value: LiveValue("cooling", SECOND, "uncertain", 1.0),
    DEAD.value: LiveValue(None, 5 * SECOND, "bad", 90.0),
}


class Server:
    """Answers what a reader asks, and remembers how many properties it was asked for, or what about."""

    def __init__(self, values: Mapping[str, LiveValue] = VALUES) -> None:
        self.values = values
        self.sizes: list[int] = []
        self.moments: list[int | None] = []
        self.untold = list(values)

    def __call__(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if asked["property"] not in self.values:
            return {}
        self.sizes.append(asked["size"])
        others = [one for one in self.untold if one != asked["property"]][: asked["size"] - 1]
        told = [asked["property"], *others]
        self.untold = [one for one in self.untold if one not in told]
        if "aggregate" in asked:
            self.moments.append(asked["end"])
            return {one: None if one == DEAD.value else asked["seconds"] for one in told}
        self.moments.append(asked["at"])
        values = {one: self.values[one] for one in told}
        return {one: (live.value, live.time, live.quality, live.age, live.since) for one, live in values.items()}


def call(name: str, *arguments: object, server: Server | None = None) -> object:
    return functions(server or Server())[LIVE[name]](*arguments)


def test_a_value_has_the_datatype_of_its_kind() -> None:
    assert call("value", TEMPERATURE) == Literal(21.5)
    assert call("value", FAN) == Literal(True)
    assert call("value", MODE) == Literal("cooling")


def test_time_quality_and_age_are_told_even_of_what_is_unavailable() -> None:
    assert call("time", TEMPERATURE) == Literal("2026-01-01T00:00:00Z", datatype=XSD.dateTime)
    assert call("quality", MODE) == Literal("uncertain")
    assert call("age", TEMPERATURE) == Literal(2.5)
    assert call("value", DEAD) is None
    assert (call("quality", DEAD), call("age", DEAD)) == (Literal("bad"), Literal(90.0))


@pytest.mark.parametrize("name", ["value", "time", "quality", "age"])
def test_what_is_no_property_in_scope_is_unbound(name: str) -> None:
    assert call(name, NamedNode("urn:unknown")) is None
    assert call(name, Literal("sat")) is None
    assert call(name) is None
    assert call(name, TEMPERATURE, TEMPERATURE) is None
    assert call(name, TEMPERATURE, Literal("yesterday")) is None
    assert call(name, TEMPERATURE, Literal("2026-01-01T00:00:00Z"), TEMPERATURE) is None


@pytest.mark.parametrize(
    ("time", "moment"),
    [
        ("2026-01-01T00:00:00Z", 1_767_225_600_000_000_000),
        ("2026-01-01T01:00:00.5+01:00", 1_767_225_600_500_000_000),
        ("2026-01-01T00:00:00", 1_767_225_600_000_000_000),
    ],
)
def test_the_past_is_asked_for_by_a_time_with_a_zone_or_in_utc(time: str, moment: int) -> None:
    server = Server()
    known = functions(server)
    assert known[LIVE.value](TEMPERATURE, Literal(time, datatype=XSD.dateTime)) == Literal(21.5)
    known[LIVE["mean"]](FAN, Literal("PT1H"), Literal(time, datatype=XSD.dateTime))
    known[LIVE.quality](TEMPERATURE)
    assert server.moments == [moment, moment, None]


def test_a_count_is_a_whole_number() -> None:
    assert call("count", TEMPERATURE, Literal("PT60S")) == Literal(60)


@pytest.mark.parametrize("name", ["mean", "min", "max", "sum", "first", "last"])
def test_an_aggregate_covers_the_duration_asked(name: str) -> None:
    assert call(name, TEMPERATURE, Literal("PT1H")) == Literal(3600.0)
    assert call(name, TEMPERATURE, Literal("PT1H30M", datatype=XSD.dayTimeDuration)) == Literal(5400.0)
    assert call(name, DEAD, Literal("PT1H")) is None
    assert call(name, NamedNode("urn:unknown"), Literal("PT1H")) is None
    assert call(name, TEMPERATURE, Literal("an hour")) is None
    assert call(name, TEMPERATURE) is None


@pytest.mark.parametrize(("name", "arguments"), [("mean", (Literal("PT60S"),)), ("value", ())])
def test_the_server_is_asked_in_growing_batches_and_once_for_each(name: str, arguments: tuple[Literal, ...]) -> None:
    server = Server({f"urn:p{number}": LiveValue(60.0, 1, "good", 1.0) for number in range(5000)})
    function = functions(server)[LIVE[name]]
    for _ in range(2):
        for iri in server.values:
            assert function(NamedNode(iri), *arguments) == Literal(60.0)
    assert server.sizes == [1, 16, 256, 4096, 4096]


def test_what_is_no_property_is_asked_for_once_and_makes_no_batch_grow() -> None:
    server = Server()
    value = functions(server)[LIVE.value]
    for _ in range(3):
        assert value(NamedNode("urn:room")) is None
    assert value(TEMPERATURE) == Literal(21.5)
    assert server.sizes == [1]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT1H", 3600), ("P1D", 86400), ("P1DT2H3M4.5S", 93784.5), ("PT0S", 0), ("PT15M", 900)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "1H", "P1M", "P1Y", "-PT1H", "P1DT", "PT1H1H", "P99999999D"])
def test_what_is_no_duration_of_days_and_time_is_not(text: str) -> None:
    assert duration(text) is None


def test_what_stands_is_asked_for_once_and_told_by_part() -> None:
    asked: list[Mapping[str, Any]] = []
    alert = {
        "id": "7",
        "kind": "quality",
        "severity": "warning",
        "state": "raised",
        "message": "stuck",
        "since": SECOND,
    }
    contract = {"state": "breached", "clauses": "range", "since": SECOND, "message": "outside", "responsible": ""}
    standing = {"alerts": {FAN.value: [alert, alert]}, "contracts": {FAN.value: contract}}

    def ask(question: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(question)
        return standing[question["standing"]]

    known = functions(ask)
    assert known[LIVE.alerts](FAN) == Literal(2)
    assert known[LIVE.alerts](MODE) == Literal(0)
    assert known[LIVE.alert](FAN) == Literal("stuck")
    assert known[LIVE.alert](FAN, Literal("since")) == Literal("1970-01-01T00:00:01Z", datatype=XSD.dateTime)
    assert known[LIVE.alert](MODE) is None
    assert known[LIVE.contract](FAN) == Literal("breached")
    assert known[LIVE.contract](FAN, Literal("clauses")) == Literal("range")
    assert asked == [{"standing": "alerts"}, {"standing": "contracts"}]


@pytest.mark.parametrize("arguments", [(), (Literal("x"),), (FAN, Literal("colour")), (FAN, FAN), (FAN, FAN, FAN)])
def test_what_no_function_of_standing_takes_is_unbound(arguments: tuple[Any, ...]) -> None:
    known = functions(lambda _asked: {})
    assert [known[LIVE[name]](*arguments) for name in ("alert", "contract")] == [None, None]


def test_since_when_a_property_is_unavailable_is_told() -> None:
    known = functions(Server({**VALUES, DEAD.value: LiveValue(None, SECOND, "bad", 90.0, 61 * SECOND)}))
    assert known[LIVE.unavailableSince](DEAD) == Literal("1970-01-01T00:01:01Z", datatype=XSD.dateTime)
    assert known[LIVE.unavailableSince](FAN) is None
