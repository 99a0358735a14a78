"""A data directory keeps everything: after a power cut, and from one run to the next."""

from __future__ import annotations

import csv
import io
import json
import signal
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.graphql_client import GraphQL
from tests.server_process import ServerProcess, eventually, left_running, twin

pytestmark = pytest.mark.timeout(300)

SHOWN = (
    "urn:twin:office:ahu-1:supply-air-temperature",  # over MQTT
    "urn:twin:office:ahu-2:supply-air-temperature",  # over OPC UA
    "urn:twin:office:ahu-1:supply-fan-status",  # a state
    "urn:twin:office:bench:stuck-damper-ahu-1",  # a switch
)
PRESENT = "\n".join(
    ["{", *(f'p{number}: property(id: "{iri}") {{ id value time }}' for number, iri in enumerate(SHOWN)), "}"]
)
ADDED = """<urn:twin:office:spare-pump> a <https://brickschema.org/schema/Brick#Pump> ;
  <http://www.w3.org/2000/01/rdf-schema#label> "Spare pump" ;
  <https://brickschema.org/schema/Brick#hasLocation> <urn:twin:office:plant-room> ."""
CHANGE = 'mutation($add: String!) { applyChange(site: "office", add: $add, reason: "A pump arrives") { revision } }'
CHANGES = '{ changes(since: "000000000000", last: 100) { revision time actor reason added removed } }'


def kept(client: GraphQL, shown: dict[str, Any]) -> dict[str, str]:
    """Every sample that the history has of a property around a moment at which it was shown, by its time."""
    moment = datetime.fromisoformat(shown["time"])
    window = {"from": _iso(moment - timedelta(seconds=1)), "to": _iso(moment + timedelta(seconds=1))}
    answered = client.http.get(f"/api/v1/properties/{shown['id']}/history.csv", params=window)
    assert answered.status_code == 200, answered.text
    return {row["time"]: row["value"] for row in csv.DictReader(io.StringIO(answered.text))}


def test_a_power_cut_loses_nothing_that_was_shown(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = ServerProcess("demo", data, tmp_path / "first.txt").start()
    seen: list[dict[str, Any]] = []
    try:
        with GraphQL(first.url) as client:

            def shown() -> list[dict[str, Any]]:
                return list(client.ask(PRESENT).values())

            eventually(lambda: all(each["value"] is not None for each in shown()), "every value is there")
            revision = client.ask(CHANGE, add=ADDED)["applyChange"]["revision"]
            before = client.ask(CHANGES)["changes"]
            started = {each["time"] for each in shown()}
            eventually(lambda: not started & {each["time"] for each in shown()[:2]}, "new values are there")
            for _ in range(20):
                seen.extend(shown())
            family = first.family()
    finally:
        first.kill()
    assert left_running(family) == [], "the devices or readers outlived their server"
    assert json.loads((data / "server.json").read_text())["pid"] == first.process.pid

    verified = twin("verify", "--data", data)
    assert (verified.returncode, verified.stderr) == (0, "")
    assert "chain holds" in verified.stdout

    with ServerProcess("demo", data, tmp_path / "second.txt") as second, GraphQL(second.url) as client:
        for each in {(each["id"], each["time"]): each for each in seen}.values():
            found = kept(client, each)
            assert each["time"] in found, each
            told, value = found[each["time"]], each["value"]
            assert (float(told) if isinstance(value, float) else told) == (
                str(value).lower() if isinstance(value, bool) else value
            )
        after = {each["revision"]: each for each in client.ask(CHANGES)["changes"]}
        assert [after[each["revision"]] for each in before] == before
        assert max(after) >= revision
        assert client.ask('{ twin(id: "urn:twin:office:spare-pump") { name } }')["twin"] == {"name": "Spare pump"}
        eventually(lambda: all(each["value"] is not None for each in client.ask(PRESENT).values()), "it lives again")
        second.stop(signal.SIGTERM)
        assert "Stopped." in second.output
    assert twin("verify", "--data", data).returncode == 0


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
