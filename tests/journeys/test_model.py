"""A model on a capability: air handlers are scored, a fault makes the score rise, a change of vendor does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.graphql_client import GraphQL
from tests.journeys.office import ROLLBACK, SWAP
from tests.server_process import eventually
from twin.demo import building

pytestmark = pytest.mark.timeout(400)

SCORE = "urn:twin:office:ahu-1:air-handler-anomaly-score"
SCORE_OF_AHU_2 = "urn:twin:office:ahu-2:air-handler-anomaly-score"
FAULT = "urn:twin:office:bench:stuck-damper-ahu-1"
CALM, ALARMING = 0.3, 0.7
PATIENCE = 150
"""Seconds: the demo's hours are minutes, and a score looks back over a window of them."""
CAPABILITY = """{ capabilities { id name description appliesTo { name } inputs { role unit }
  model { name version digest } twins { twin { id name } qualifies missing state score { id } } } }"""
INPUTS_OF_AHU_1 = (
    "supply_air_temperature", "return_air_temperature", "mixed_air_temperature", "outside_air_temperature",
    "cooling_valve_command", "heating_valve_command", "outside_air_damper_command", "outside_air_damper_position",
    "supply_fan_speed", "supply_air_flow", "supply_fan_power",
)  # fmt: skip


def score_of(demo: GraphQL, iri: str = SCORE) -> float | None:
    value: float | None = demo.property(iri, "value")["value"]
    return value


def is_calm(demo: GraphQL, iri: str = SCORE) -> Callable[[], bool]:
    def calm() -> bool:
        value = score_of(demo, iri)
        return value is not None and value < CALM

    return calm


@pytest.fixture(autouse=True)
def normal_operation(demo: GraphQL) -> Iterator[None]:
    """Both air handlers run as they should, before and after."""
    for iri in (SCORE, SCORE_OF_AHU_2):
        eventually(is_calm(demo, iri), f"{iri} is calm", PATIENCE, pause=1)
    yield
    assert demo.set(FAULT, False)["state"] == "VERIFIED"


def test_the_capability_says_which_twins_qualify_and_are_scored(demo: GraphQL) -> None:
    (capability,) = demo.ask(CAPABILITY)["capabilities"]
    assert {each["role"] for each in capability["inputs"]} == set(INPUTS_OF_AHU_1)
    assert [each["name"] for each in capability["appliesTo"]] == ["Air_Handling_Unit"]
    assert len(capability["model"]["digest"]) >= 64
    told = {each["twin"]["name"]: each for each in capability["twins"]}
    assert set(told) == {"AHU 1", "AHU 2", "Rooftop unit 1"}
    for name in ("AHU 1", "AHU 2"):
        assert (told[name]["qualifies"], told[name]["missing"], told[name]["state"]) == (True, [], "scoring")
        assert told[name]["score"] is not None


def test_an_air_handler_of_another_vocabulary_is_told_what_it_lacks(demo: GraphQL) -> None:
    (capability,) = demo.ask(CAPABILITY)["capabilities"]
    rooftop = next(each for each in capability["twins"] if each["twin"]["name"] == "Rooftop unit 1")
    assert (rooftop["qualifies"], rooftop["score"], rooftop["state"]) == (False, None, "does not qualify")
    assert any("mixed air temperature" in reason for reason in rooftop["missing"])
    assert not any("supply air temperature" in reason for reason in rooftop["missing"])


def test_the_score_is_a_property_like_any_other_on_every_surface(demo: GraphQL) -> None:
    found = demo.property(
        SCORE,
        "value time owner { name } unit { label } kind bound writable quality { word }"
        " history(points: 500) { points { time value } }",
    )
    assert (found["owner"]["name"], found["kind"], found["writable"]) == ("AHU 1", "NUMBER", False)
    assert found["quality"]["word"] == "good"
    assert 0 <= found["value"] <= 1
    assert len(found["history"]["points"]) >= 1
    assert all(0 <= point["value"] <= 1 for point in found["history"]["points"] if point["value"] is not None)
    rows = demo.sparql(
        f"SELECT ?owner ?value WHERE {{ ?twin <urn:twin:vocabulary:core#hasProperty> <{SCORE}> ;"
        f" <http://www.w3.org/2000/01/rdf-schema#label> ?owner . BIND(<urn:twin:live:value>(<{SCORE}>) AS ?value) }}"
    )
    assert [row["owner"] for row in rows] == ["AHU 1"]
    assert float(rows[0]["value"]) == pytest.approx(found["value"], abs=CALM)
    listed = demo.ask('{ twin(id: "urn:twin:office:ahu-1") { properties { nodes { id } } } }')
    assert SCORE in {each["id"] for each in listed["twin"]["properties"]["nodes"]}


def test_a_stuck_damper_makes_the_score_of_its_air_handler_rise_and_no_other(demo: GraphQL) -> None:
    others: list[float | None] = []

    def alarming() -> bool:
        others.append(score_of(demo, SCORE_OF_AHU_2))
        value = score_of(demo)
        return value is not None and value > ALARMING

    switched_on = time.time()
    assert demo.set(FAULT, True)["state"] == "VERIFIED"
    eventually(alarming, "the score rises", PATIENCE, pause=1)
    assert None not in others
    assert max(value for value in others if value is not None) < CALM
    rows = demo.sparql(f"SELECT ?value WHERE {{ BIND(<urn:twin:live:value>(<{SCORE}>) AS ?value) }}")
    assert float(rows[0]["value"]) > ALARMING
    told = demo.property(SCORE, f'history(from: "{_iso(switched_on - 30)}", points: 500) {{ points {{ maximum }} }}')
    assert max(point["maximum"] or 0 for point in told["history"]["points"]) > ALARMING
    assert demo.set(FAULT, False)["state"] == "VERIFIED"
    eventually(is_calm(demo), "the score falls again", PATIENCE, pause=1)


def test_a_change_of_vendor_does_not_change_the_score(demo: GraphQL) -> None:
    inputs = {f"urn:twin:office:ahu-1:{role.replace('_', '-')}" for role in INPUTS_OF_AHU_1}
    moves = [move for move in building.swap_ahu_1() if move["property"] in inputs]
    assert len(moves) == len(inputs)
    revisions: list[str] = []
    values: list[float | None] = []
    try:
        for move in moves:
            revisions.append(demo.ask(SWAP, **move)["swapBinding"]["revision"])
            values.append(score_of(demo))
        moved = demo.property(SCORE, "time")["time"]
        scored: set[str] = set()

        def scored_on_the_new_vendor_alone() -> bool:
            found = demo.property(SCORE, "time value")
            if found["time"] > moved:
                scored.add(found["time"])
                values.append(found["value"])
            return len(scored) >= 3

        eventually(scored_on_the_new_vendor_alone, "three more scores", PATIENCE, pause=1)
    finally:
        for revision in reversed(revisions):
            demo.ask(ROLLBACK, revision=revision)
    assert None not in values
    assert max(value for value in values if value is not None) < CALM


def _iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
