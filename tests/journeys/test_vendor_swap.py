"""The scene the product exists for: vendor B's unit takes the place of vendor A's, and no application notices.

Nothing is pretended: the office's devices speak MQTT and OPC UA from a process of their own, and the broker can be cut
off.  Each test finds AHU 1 on vendor A and leaves it there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio

from tests.graphql_client import OBSERVE, SET, Followed, following
from tests.journeys.office import AHU_1, SWAP, Office, living_office
from twin.demo import building

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

TEMPERATURE = f"{AHU_1}:supply-air-temperature"
SETPOINT = f"{AHU_1}:supply-air-temperature-setpoint"
FAN = f"{AHU_1}:supply-fan-status"
STAYS_AT_A = "urn:twin:office:vav-1-01:zone-air-temperature"
STAYS_AT_B = "urn:twin:office:ahu-2:supply-air-temperature"
TOGETHER = 0.1
"""Seconds within which a vendor samples everything that it samples at one time."""
APPLICATION = """query($id: ID!) { property(id: $id) {
  name role kind value fahrenheit: value(unit: "DEG_F") unit { symbol iri } available quality { word } } }"""
MOVES = {each["property"]: each for each in building.swap_ahu_1()}
MOVED = [MOVES[f"{AHU_1}:{name}"] for name in (
    "supply-air-temperature", "supply-air-temperature-setpoint", "supply-air-static-pressure", "supply-air-flow",
    "supply-fan-status", "supply-fan-speed", "outside-air-damper-position", "operating-mode",
)]  # fmt: skip
"""Of each kind of unit, scale and state one: what is moved where a whole air handler would only take longer."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with living_office(tmp_path_factory.mktemp("office")) as office:
        yield office


@dataclass
class Polling:
    """An application that asks the same thing over and over: every answer it got, and every failure."""

    office: Office
    answers: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    async def run(self) -> None:
        while True:
            try:
                answer = await asyncio.to_thread(self.office.graphql.answer, APPLICATION, id=TEMPERATURE)
            except Exception as error:
                self.failures.append(repr(error))
            else:
                if "errors" in answer:
                    self.failures.append(str(answer["errors"]))
                else:
                    self.answers.append(answer["data"]["property"])
            await asyncio.sleep(0.05)


def seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def samples(followed: Followed, iri: str) -> list[tuple[float, Any]]:
    """Source time and value of each observation of a property, each once, in the order of time."""
    seen = [event["data"]["observations"] for event in followed.events]
    return sorted({seconds(each["time"]): each["value"] for each in seen if each["id"] == iri}.items())


def most_missed(found: list[tuple[float, Any]], sampled: list[list[tuple[float, Any]]]) -> int:
    """How many times both vendors sampled, as properties that stay with them show, between two samples that came."""
    return max(
        min(sum(earlier + TOGETHER < time < later - TOGETHER for time, _ in each) for each in sampled)
        for (earlier, _), (later, _) in pairwise(found)
    )


async def observed(office: Office, followed: Followed, count: int) -> None:
    """Returns when that many more observations of the temperature have come."""
    wanted = len(samples(followed, TEMPERATURE)) + count
    await office.eventually(lambda: len(samples(followed, TEMPERATURE)) >= wanted, f"{count} more observations")


async def command(office: Office, value: float) -> list[tuple[str, str]]:
    """Commands the setpoint; the writes that reached devices because of it."""
    before = await office.writes()
    done = await asyncio.to_thread(office.graphql.set, SETPOINT, value)
    assert done["state"] == "VERIFIED", done
    assert done["readBack"] == pytest.approx(value, abs=0.06)
    return (await office.writes())[len(before) :]


async def test_an_application_goes_on_unchanged_while_an_air_handler_moves_to_another_vendor(office: Office) -> None:
    schema = office.graphql.ready()["schema"]
    started = office.graphql.property(TEMPERATURE, "time")["time"]
    polling = Polling(office)
    revisions: list[str] = []
    async with following(office.server.url) as application:
        followed = await application.subscribe(OBSERVE, {"properties": [TEMPERATURE, STAYS_AT_A, STAYS_AT_B]})
        asking = asyncio.create_task(polling.run())
        try:
            await observed(office, followed, 4)
            assert await command(office, 15.0) == [("vendor-a", "acme/hq/ahu/1/set/sat_sp")]

            left_a = seconds(office.graphql.property(TEMPERATURE, "time")["time"])
            for iri in (TEMPERATURE, SETPOINT):
                revisions.append(await office.swap(MOVES[iri]))  # noqa: PERF401 - each one that was made is taken back
            await observed(office, followed, 4)
            assert await command(office, 16.5) == [("vendor-b", MOVES[SETPOINT]["to"]["writeAddress"])]

            await office.swap_back(revisions)
            back_at_a = seconds(office.graphql.property(TEMPERATURE, "time")["time"])
            await observed(office, followed, 4)
            assert await command(office, 15.5) == [("vendor-a", "acme/hq/ahu/1/set/sat_sp")]
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await office.swap_back(revisions)
        assert (application.open, followed.error, followed.complete) == (True, None, False)

    assert polling.failures == []
    assert len(polling.answers) > 20
    answers = polling.answers
    assert {each["unit"]["symbol"] for each in answers} == {"°C"}
    assert {(each["available"], each["quality"]["word"]) for each in answers} == {(True, "good")}
    assert all(each["fahrenheit"] == pytest.approx(each["value"] * 1.8 + 32) for each in answers)
    events = [event["data"]["observations"] for event in followed.events]
    assert {each["property"]["unit"]["symbol"] for each in events} == {"°C"}
    assert office.graphql.ready()["schema"] == schema

    seen = samples(followed, TEMPERATURE)
    sampled = [samples(followed, iri) for iri in (STAYS_AT_A, STAYS_AT_B)]
    assert most_missed(seen, sampled) <= 1
    assert max(abs(later - earlier) for (_, earlier), (_, later) in pairwise(seen)) < 2.0  # kelvin in a second

    history = office.graphql.property(
        TEMPERATURE, f'history(from: "{started}", points: 5000) {{ unit {{ symbol }} points {{ time value count }} }}'
    )["history"]
    kept = [(seconds(each["time"]), each["value"]) for each in history["points"]]
    assert history["unit"]["symbol"] == "°C"
    assert most_missed(kept, sampled) <= 1
    assert max(abs(later - earlier) for (_, earlier), (_, later) in pairwise(kept)) < 2.0
    assert kept[0][0] <= left_a < back_at_a <= kept[-1][0]


async def test_a_dry_run_tells_how_both_vendors_compare_and_changes_nothing(office: Office) -> None:
    graphql = office.graphql
    before = graphql.ready()["revision"]
    writes = await office.writes()
    bindings = {iri: graphql.property(iri, "binding { address sourceUnit scale }") for iri in (TEMPERATURE, FAN)}
    number = graphql.ask(SWAP, **MOVES[TEMPERATURE], dryRun=True, observe=2.5)["swapBinding"]
    state = graphql.ask(SWAP, **MOVES[FAN], dryRun=True, observe=2.5)["swapBinding"]
    wrong_unit = {**MOVES[TEMPERATURE]["to"], "sourceUnit": "DEG_F"}
    wrong = graphql.ask(SWAP, property=TEMPERATURE, to=wrong_unit, dryRun=True, observe=2.5)["swapBinding"]

    assert (number["revision"], state["revision"], wrong["revision"]) == (None, None, None)
    report = number["report"]
    assert report["equivalent"], report
    assert report["samplesBefore"] >= 1
    assert report["samplesAfter"] >= 1
    assert abs(report["meanDifference"]) < 0.5
    assert abs(report["timeOffset"]) < 5
    assert (state["report"]["equivalent"], state["report"]["statesAgree"]) == (True, 1.0)
    assert not wrong["report"]["equivalent"]
    assert "unit" in wrong["report"]["message"]
    assert graphql.ready()["revision"] == before
    assert {iri: graphql.property(iri, "binding { address sourceUnit scale }") for iri in bindings} == bindings
    assert await office.writes() == writes


async def test_a_swap_that_cannot_work_is_refused_in_words_and_changes_nothing(office: Office) -> None:
    graphql, good = office.graphql, MOVES[TEMPERATURE]["to"]
    before = graphql.ready()["revision"]
    for wrong, says in (
        ({"connection": "urn:twin:office:connection:vendor-c"}, "vendor-c"),
        ({"address": "acme/hq/ahu/1/status"}, "acme/hq/ahu/1/status"),
        ({"sourceUnit": "DEG_X"}, "DEG_X"),
        ({"sourceUnit": "KiloPA"}, "KiloPA"),
    ):
        error = graphql.refusal(SWAP, property=TEMPERATURE, to={**good, **wrong})
        assert says in error["message"], error
        assert error["extensions"]["code"] in ("invalid-input", "shape-violation")
        assert error["extensions"]["remedy"], error
    stale = (
        "mutation($property: ID!, $to: BindingInput!) { swapBinding(property: $property, to: $to, %s) { revision } }"
    )
    error = graphql.refusal(stale % 'expectedRevision: "000000000000"', **MOVES[TEMPERATURE])
    assert error["extensions"]["code"] == "conflict"
    assert graphql.ready()["revision"] == before


async def test_with_vendor_a_cut_off_its_air_handler_is_unavailable_before_the_swap_and_untouched_after_it(
    office: Office,
) -> None:
    graphql = office.graphql
    everything = (
        "query($id: ID!) { twin(id: $id) { properties(first: 100) { nodes { id value available unavailableSince } } } }"
    )

    def of_ahu_1() -> list[dict[str, Any]]:
        nodes = graphql.ask(everything, id=AHU_1)["twin"]["properties"]["nodes"]
        return [each for each in nodes if each["id"] in MOVES]

    def other_of_a() -> bool:
        return bool(graphql.property(STAYS_AT_A, "available")["available"])

    def standing() -> set[str]:
        return {each["id"] for each in of_ahu_1() if each["available"]}

    assert len(of_ahu_1()) == len(MOVES) == 18
    await office.devices.tell(do="stop-vendor-a")
    try:
        await office.eventually(lambda: not standing(), "AHU 1 reads unavailable")
        assert {each["value"] for each in of_ahu_1()} == {None}
        assert None not in {each["unavailableSince"] for each in of_ahu_1()}
        assert graphql.property(STAYS_AT_B, "available")["available"]
        refused = graphql.refusal(SET, property=SETPOINT, value=15.0)
        assert refused["extensions"]["code"] == "unavailable"
        assert refused["extensions"]["remedy"]
    finally:
        await office.devices.tell(do="start-vendor-a")
    await office.eventually(lambda: standing() == set(MOVES), "AHU 1 is back")
    assert {each["unavailableSince"] for each in of_ahu_1()} == {None}

    revisions: list[str] = []
    try:
        for move in MOVED:
            revisions.append(await office.swap(move))  # noqa: PERF401 - each one that was made is taken back
        async with following(office.server.url) as application:
            followed = await application.subscribe(OBSERVE, {"properties": [TEMPERATURE]})
            await office.devices.tell(do="stop-vendor-a")
            await office.eventually(lambda: not other_of_a(), "what is still with vendor A reads unavailable")
            await observed(office, followed, 4)
            assert standing() == {each["property"] for each in MOVED}
            assert await command(office, 16.0) == [("vendor-b", MOVES[SETPOINT]["to"]["writeAddress"])]
            assert None not in {event["data"]["observations"]["value"] for event in followed.events}
    finally:
        await office.devices.tell(do="start-vendor-a")
        await office.eventually(other_of_a, "vendor A is back")
        await office.swap_back(revisions)
    await office.eventually(lambda: standing() == set(MOVES), "AHU 1 is back with vendor A")
