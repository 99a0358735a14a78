from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from twin.graph.live_functions import LiveValue, duration, functions
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


class History:
    """Answers with the seconds asked for, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, properties: Sequence[str], seconds: float, aggregate: str) -> Mapping[str, float | None]:
        self.asked.append(list(properties))
        return {one: None if one == DEAD.value else seconds for one in properties}


def call(name: str, *arguments: object, history: History | None = None) -> object:
    return functions(VALUES, history or History())[LIVE[name]](*arguments)


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


@pytest.mark.parametrize("name", ["mean", "min", "max"])
def test_an_aggregate_covers_the_duration_asked(name: str) -> None:
    assert call(name, TEMPERATURE, Literal("PT1H")) == Literal(3600.0)
    assert call(name, TEMPERATURE, Literal("PT1H30M", datatype=XSD.dayTimeDuration)) == Literal(5400.0)
    assert call(name, DEAD, Literal("PT1H")) is None
    assert call(name, NamedNode("urn:unknown"), Literal("PT1H")) is None
    assert call(name, TEMPERATURE, Literal("an hour")) is None
    assert call(name, TEMPERATURE) is None


def test_history_is_asked_in_growing_batches_and_once_for_each() -> None:
    properties = {f"urn:p{number}": LiveValue(1.0, 1, "good", 1.0) for number in range(100)}
    history = History()
    mean = functions(properties, history)[LIVE["mean"]]
    for _ in range(2):
        for name in properties:
            assert mean(NamedNode(name), Literal("PT60S")) == Literal(60.0)
    assert [len(batch) for batch in history.asked] == [1, 16, 83]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT1H", 3600), ("P1D", 86400), ("P1DT2H3M4.5S", 93784.5), ("PT0S", 0), ("PT15M", 900)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "1H", "P1M", "P1Y", "-PT1H", "P1DT", "PT1H1H"])
def test_what_is_no_duration_of_days_and_time_is_not(text: str) -> None:
    assert duration(text) is None
