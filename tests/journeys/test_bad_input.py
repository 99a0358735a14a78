"""What is wrong on the wires or in a change is told in words where a person looks, and disturbs nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.graphql_client import GraphQL
from tests.server_process import ServerProcess, eventually

TOPIC = "acme/hq/vav/104/status"
TEMPERATURE = "urn:twin:office:vav-1-04:zone-air-temperature"
CONNECTION = """{ connections { id name protocol endpoint state received decoded rejected
  rejections { time address reason sample count } } }"""
CHANGE = """mutation($add: String!, $remove: String! = "", $dryRun: Boolean! = false) {
  applyChange(site: "office", add: $add, remove: $remove, reason: "A new meter", dryRun: $dryRun) {
    revision added } }"""
METER = """@prefix : <urn:twin:office:> .
@prefix brick: <https://brickschema.org/schema/Brick#> .
@prefix quantitykind: <http://qudt.org/vocab/quantitykind/> .
@prefix qudt: <http://qudt.org/schema/qudt/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix twin: <urn:twin:vocabulary:core#> .
@prefix unit: <http://qudt.org/vocab/unit/> .
:spare-sensor a brick:Zone_Air_Temperature_Sensor ; rdfs:label "Spare sensor" ; brick:isPointOf :room-1-05 ;
  qudt:hasQuantityKind quantitykind:Temperature ; qudt:hasUnit unit:DEG_C .
"""
BINDING = """<urn:twin:office:spare-sensor#binding> a twin:Binding ; twin:binds :spare-sensor ;
  twin:connection {connection} ; twin:address "{address}" ; twin:path "zone.t_f" ; twin:sourceUnit {unit} .
"""
GOOD = {"connection": ":connection:vendor-a", "address": TOPIC, "unit": "unit:DEG_F"}


def vendor_a(demo: GraphQL) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in demo.ask(CONNECTION)["connections"] if each["protocol"] == "mqtt")
    return found


@pytest.fixture
def publisher(demo: GraphQL) -> Iterator[paho.Client]:
    """Somebody else on vendor A's broker."""
    address = urlsplit(vendor_a(demo)["endpoint"])
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect(str(address.hostname), int(address.port or 0))
    client.loop_start()
    yield client
    client.disconnect()
    client.loop_stop()


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b"out of order", "JSON"),
        (b"\xff\xfe\x00", "JSON"),
        (json.dumps({"ts": 1, "status": "ok"}).encode(), "zone.t_f"),
        (json.dumps({"ts": 1767225600000, "zone": {"t_f": "warm"}}).encode(), "number"),
        (json.dumps({"ts": "yesterday", "zone": {"t_f": 70.1}}).encode(), "time"),
        (b"[]", "zone.t_f"),
        (b"", "JSON"),
    ],
    ids=["no JSON", "no text", "lacks the path", "no number", "no time", "no object", "empty"],
)
def test_a_message_that_cannot_be_read_is_counted_and_kept_with_its_reason(
    demo: GraphQL, publisher: paho.Client, payload: bytes, says: str
) -> None:
    before = vendor_a(demo)
    known = {(each["address"], each["reason"]): each["count"] for each in before["rejections"]}
    publisher.publish(TOPIC, payload, qos=1).wait_for_publish(30)
    eventually(lambda: vendor_a(demo)["rejected"] > before["rejected"], "the message is counted")
    after = vendor_a(demo)
    new = [each for each in after["rejections"] if each["count"] > known.get((each["address"], each["reason"]), 0)]
    assert new
    assert all(TOPIC in each["address"] for each in new), new
    assert any(says in each["reason"] for each in new), new
    assert all(each["reason"] and len(each["sample"]) < 1000 for each in new), new
    assert after["state"] == "CONNECTED"

    shown = demo.property(TEMPERATURE, "time")["time"]
    eventually(lambda: (demo.property(TEMPERATURE, "time")["time"] or "") > (shown or ""), "good values go on")
    found = demo.property(TEMPERATURE, "value available quality { word }")
    assert (found["available"], found["quality"]["word"]) == (True, "good")
    assert 5 < found["value"] < 40


def test_what_cannot_be_read_reaches_neither_history_nor_present(demo: GraphQL, publisher: paho.Client) -> None:
    before = vendor_a(demo)["rejected"]
    wild = json.dumps({"ts": 1767225600000, "zone": {"t_f": "NaN"}})
    publisher.publish(TOPIC, wild, qos=1).wait_for_publish(30)
    eventually(lambda: vendor_a(demo)["rejected"] > before, "the message is counted")
    told = demo.property(TEMPERATURE, "history(points: 500) { points { value } }")["history"]["points"]
    assert [point for point in told if point["value"] is not None and not 0 < point["value"] < 50] == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"connection": ":connection:vendor-c"}, "connection"),
        ({"unit": "unit:DEGREES"}, "unit"),
        ({"unit": "unit:KiloPA"}, "unit"),
        ({"address": "acme/#/status"}, "address"),
    ],
    ids=["unknown connection", "unknown unit", "unit of another quantity", "address of no form"],
)
def test_a_binding_that_cannot_work_is_refused_with_a_report_and_nothing_is_applied(
    demo: GraphQL, wrong: dict[str, str], says: str
) -> None:
    revision = demo.ready()["revision"]
    error = demo.refusal(CHANGE, add=METER + BINDING.format(**{**GOOD, **wrong}))
    assert error["extensions"]["code"] == "shape-violation"
    assert "Nothing was applied." in error["message"]
    assert error["extensions"]["remedy"]
    report = error["extensions"]["violations"]
    assert any(says in each["rule"].lower() for each in report), report
    for each in report:
        assert each["twin"].startswith("urn:twin:office:spare-sensor")
        assert each["rule"].endswith(".")
        assert each["remedy"]
    assert any(each["value"] for each in report)
    assert demo.ready()["revision"] == revision
    assert demo.ask('{ property(id: "urn:twin:office:spare-sensor") { name } }')["property"] is None


def test_a_binding_that_works_is_in_force_at_once_and_can_be_taken_back(demo: GraphQL) -> None:
    checked = demo.ask(CHANGE, add=METER + BINDING.format(**GOOD), dryRun=True)["applyChange"]
    assert (checked["revision"], checked["added"]) == (None, 11)
    revision = demo.ask(CHANGE, add=METER + BINDING.format(**GOOD))["applyChange"]["revision"]
    try:
        iri = "urn:twin:office:spare-sensor"
        eventually(lambda: demo.property(iri, "value")["value"] is not None, "the new sensor has a value", 30)
        assert 5 < demo.property(iri, "value")["value"] < 40
    finally:
        demo.ask("mutation($revision: String!) { rollback(revision: $revision) { revision } }", revision=revision)
    assert demo.ask('{ property(id: "urn:twin:office:spare-sensor") { name } }')["property"] is None


@pytest.mark.parametrize(
    ("add", "says"),
    [
        ("@prefix : <urn:twin:office:> .\n:a :b\n", "line 3"),
        ("<urn:twin:office:x> <urn:p> <urn:o> <urn:twin:site:elsewhere> .", "elsewhere"),
        ("", "empty"),
    ],
    ids=["malformed", "another site's graph", "empty"],
)
def test_a_change_that_cannot_be_read_is_refused_in_words(demo: GraphQL, add: str, says: str) -> None:
    error = demo.refusal(CHANGE, add=add)
    assert error["extensions"]["code"] == "invalid-input"
    assert says in error["message"]
    assert error["extensions"]["remedy"]


def test_the_server_has_said_nothing_like_a_defect(demo_server: ServerProcess) -> None:
    assert "Traceback" not in demo_server.output
