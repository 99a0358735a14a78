"""What goes wrong is told once, where people look, and is over when it is over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.journeys.plant_room import PUMP, SENSORS, SUPPLY, PlantRoom, plant_room
from tests.peers import find
from tests.server_process import eventually
from twin.alerts.webhook import signature

pytestmark = [pytest.mark.peer, pytest.mark.timeout(300)]

ALERTS = """query($states: [AlertState!]) { alerts(where: {states: $states}) { totalCount nodes {
  id kind severity state message about times assigned acknowledgedBy twin { name } property { id }
  consequences(first: 2) { totalCount nodes { about property { available unavailableSince } } }
  transitions { actor action } } } }"""


class Ear(BaseHTTPRequestHandler):
    """Somebody's webhook."""

    heard: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def ear() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    heard: list[tuple[dict[str, str], bytes]] = []
    server = HTTPServer(("127.0.0.1", 0), type("OurEar", (Ear,), {"heard": heard}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/alerts", heard
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, ear: tuple[str, Any]) -> Iterator[PlantRoom]:
    directory: Path = tmp_path_factory.mktemp("plant")
    with plant_room(directory, find("mosquitto"), ear[0]) as room:
        eventually(lambda: room.graphql.ask("{ summary { live } }")["summary"]["live"] == SENSORS + 2, "all values")
        yield room


def alerts(room: PlantRoom, *states: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = room.graphql.ask(ALERTS, states=list(states) or None)["alerts"]["nodes"]
    return found


def kinds(room: PlantRoom) -> list[str]:
    return [each["kind"] for each in alerts(room)]


def sparql(room: PlantRoom, text: str) -> list[str]:
    answer = httpx.get(f"{room.server.url}sparql", params={"query": text}, headers={"Accept": "text/csv"}, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.text.splitlines()[1:]


def test_a_lost_broker_is_one_alert_with_its_consequences_and_clears_when_it_is_back(
    room: PlantRoom, ear: tuple[str, list[tuple[dict[str, str], bytes]]]
) -> None:
    eventually(lambda: kinds(room) == [], "nothing is wrong at first")
    room.broker.stop()
    eventually(lambda: "CONNECTION" in kinds(room), "the loss is alerted of")
    assert [(each["kind"], each["about"]) for each in alerts(room)] == [("CONNECTION", "urn:twin:plant:broker")]
    (alert,) = alerts(room)
    assert (alert["severity"], alert["state"], alert["times"]) == ("CRITICAL", "RAISED", 1)
    assert "Plant broker" in alert["message"]
    assert alert["consequences"]["totalCount"] == SENSORS + 2
    for each in alert["consequences"]["nodes"]:
        assert each["property"]["available"] is False
        assert each["property"]["unavailableSince"]
    counted = sparql(room, f"SELECT (live:alerts(<{SUPPLY}>) AS ?n) (live:alert(<{SUPPLY}>, 'kind') AS ?k) {{}}")
    assert counted == ["1,connection"]
    done = room.graphql.ask(
        'mutation($id: ID!) { acknowledgeAlert(id: $id, note: "The IT is told") { state acknowledgedBy } }',
        id=alert["id"],
    )["acknowledgeAlert"]
    assert done == {"state": "ACKNOWLEDGED", "acknowledgedBy": "local"}
    room.broker.start()
    eventually(lambda: alerts(room) == [], "it clears by itself")
    over = next(each for each in alerts(room, "CLEARED") if each["id"] == alert["id"])
    assert [step["action"] for step in over["transitions"]] == ["raised", "acknowledged", "cleared"]
    assert [step["actor"] for step in over["transitions"]] == ["server", "local", "server"]
    told = ear[1]
    eventually(lambda: len(told) >= 3, "the webhook has heard all of it")
    for headers, body in told:
        name, seconds = headers["webhook-id"], int(headers["webhook-timestamp"])
        assert headers["webhook-signature"] == signature("s", name, seconds, body)
    mine = [orjson.loads(body) for _, body in told if orjson.loads(body)["data"]["id"] == alert["id"]]
    assert [each["type"] for each in mine] == ["alert.raised", "alert.acknowledged", "alert.cleared"]


def test_a_stuck_value_is_flagged_and_alerted_of_once(room: PlantRoom) -> None:
    room.moving.discard("pump/flow")
    eventually(lambda: kinds(room) == ["QUALITY"], "the flat line is alerted of")
    (alert,) = alerts(room)
    assert (alert["property"]["id"], alert["twin"]["name"]) == (PUMP, "Pump")
    assert "flatline" in alert["message"]
    asked = "value quality { word flags } checks { figures { name value statedBy } }"
    shown = room.graphql.property(PUMP, asked)
    assert shown["quality"] == {"word": "uncertain", "flags": ["flatline"]}
    assert shown["value"] == 3.0
    figures = {each["name"]: (each["value"], each["statedBy"]) for each in shown["checks"]["figures"]}
    assert figures["flatlineAfter"] == (2.0, "urn:twin:plant:moving")
    assert figures["restsBelow"] == (0.01, "urn:twin:checks:water-flow")
    before = room.graphql.property(PUMP, "time")["time"]
    eventually(lambda: room.graphql.property(PUMP, "time")["time"] > before, "more stuck samples come")
    assert [(each["id"], each["times"]) for each in alerts(room)] == [(alert["id"], 1)]
    room.moving.add("pump/flow")
    eventually(lambda: alerts(room) == [], "it moves again")
    assert room.graphql.property(PUMP, "quality { word }")["quality"]["word"] == "good"


def test_a_breached_contract_is_seen_everywhere_and_kept_again(room: PlantRoom) -> None:
    contract = "contract { name met since responsible breached { clause since message } }"
    assert room.graphql.property(SUPPLY, contract)["contract"]["met"] is True
    assert sparql(room, f"SELECT (live:contract(<{SUPPLY}>) AS ?state) {{}}") == ["met"]
    value = room.values.pop("boiler/supply")
    eventually(lambda: kinds(room) == ["BREACH"], "the breach is alerted of")
    (alert,) = alerts(room)
    assert (alert["severity"], alert["assigned"], alert["property"]["id"]) == ("CRITICAL", "Boiler team", SUPPLY)
    shown = room.graphql.property(SUPPLY, contract)["contract"]
    assert (shown["met"], [each["clause"] for each in shown["breached"]]) == (False, ["freshness"])
    assert shown["since"] == shown["breached"][0]["since"]
    question = f"SELECT (live:contract(<{SUPPLY}>, 'clauses') AS ?c) (live:alert(<{SUPPLY}>, 'kind') AS ?k) {{}}"
    assert sparql(room, question) == ["freshness,breach"]
    room.values["boiler/supply"] = 95.0
    clauses = "contract { breached { clause } }"
    eventually(
        lambda: room.graphql.property(SUPPLY, clauses)["contract"]["breached"] == [{"clause": "range"}],
        "another clause is breached",
    )
    room.values["boiler/supply"] = value
    eventually(lambda: alerts(room) == [], "it is kept again")
    assert room.graphql.property(SUPPLY, "contract { met }")["contract"]["met"] is True
