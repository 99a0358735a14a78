"""Doing over GraphQL: commands, swaps, changes, and taking them back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.server import BROKER, CO2, SAT, VIEWER, Server
from twin.errors import ShapeViolation, Unavailable
from twin.flows.rebind import BindingSpec
from twin.scope import Principal

SET = """mutation($property: ID!, $value: Value!, $unit: String, $timeout: Float! = 10, $dryRun: Boolean! = false) {
  setProperty(property: $property, value: $value, unit: $unit, timeout: $timeout, dryRun: $dryRun) {
    id state value readBack actor message property { id } } }"""
SWAP = """mutation($property: ID!, $to: BindingInput!, $dryRun: Boolean! = false) {
  swapBinding(property: $property, to: $to, dryRun: $dryRun, observe: 2) {
    revision property { id } report { equivalent } } }"""
CHANGE = """mutation($add: String! = "", $remove: String! = "", $site: ID! = "hq", $reason: String! = "because",
                     $expected: String, $dryRun: Boolean! = false) {
  applyChange(site: $site, add: $add, remove: $remove, reason: $reason, expectedRevision: $expected, dryRun: $dryRun) {
    revision added removed } }"""


async def test_a_command_returns_verified_and_can_be_asked_for_again(server: Server) -> None:
    command = (await server.data(SET, property=CO2, value=600, unit="PPM"))["setProperty"]
    assert command == {
        "id": "c-1", "state": "VERIFIED", "value": 600, "readBack": 600, "actor": "local", "message": "",
        "property": {"id": CO2},
    }  # fmt: skip
    assert server.devices.asked == [("local", CO2, 600, "PPM", {"timeout": 10.0, "wait": True, "dry_run": False})]
    found = await server.data('{ command(id: "c-1") { state } other: command(id: "c-2") { state } }')
    assert found == {"command": {"state": "VERIFIED"}, "other": None}


@pytest.mark.parametrize("value", [21.5, "cooling", True, 0])
async def test_a_value_keeps_its_type(server: Server, value: Any) -> None:
    command = (await server.data(SET, property=CO2, value=value))["setProperty"]
    assert (command["value"], type(command["value"])) == (value, type(value))


@pytest.mark.parametrize("value", [[1], {"a": 1}, 2**60])
async def test_what_is_no_value_is_refused(server: Server, value: Any) -> None:
    error = await server.error(SET, property=CO2, value=value)
    assert "is not a value. Give a finite number, a text, true or false." in error["message"]
    assert server.devices.asked == []


async def test_a_command_needs_a_known_property_a_role_and_a_possible_timeout(server: Server) -> None:
    assert (await server.error(SET, property="urn:nobody", value=1))["extensions"]["code"] == "not-found"
    assert (await server.error(SET, property=CO2, value=1, timeout=0))["message"] == "A command cannot have 0 s."
    assert (await server.error(SET, property=CO2, value=1, timeout=1e9))["extensions"]["remedy"].endswith("60 s.")
    server.principal[0] = VIEWER
    assert (await server.error(SET, property=CO2, value=1))["message"] == "viewer may not send commands."
    assert server.devices.asked == []


async def test_what_the_flow_says_reaches_the_client_as_it_is(server: Server) -> None:
    server.devices.failure = Unavailable("The device cannot be reached now.", remedy="Try again.", seconds=5)
    error = await server.error(SET, property=CO2, value=1)
    assert error["message"] == "The device cannot be reached now."
    assert error["extensions"] == {"code": "unavailable", "remedy": "Try again.", "seconds": 5}
    assert error["path"] == ["setProperty"]


async def test_a_swap_passes_the_whole_binding_on(server: Server) -> None:
    to = {
        "connection": BROKER, "address": "ns=2;s=T", "path": "a.b", "sourceUnit": "DEG_C", "scale": 2,
        "states": [{"code": "1", "word": "on"}],
    }  # fmt: skip
    swapped = (await server.data(SWAP, property=SAT, to=to))["swapBinding"]
    assert swapped == {"revision": "000000000009", "property": {"id": SAT}, "report": None}
    name, property, spec, how = server.devices.asked[0]
    assert (name, property, how) == ("local", SAT, {"expected_revision": None, "dry_run": False, "observe": 2.0})
    assert spec == BindingSpec(
        BROKER, "ns=2;s=T", path="a.b", source_unit="DEG_C", scale=2.0, states=(("1", "on"),)
    )  # fmt: skip
    assert (await server.data(SWAP, property=SAT, to=to, dryRun=True))["swapBinding"]["revision"] is None


async def test_a_swap_needs_the_permission_to_see_bindings(server: Server) -> None:
    server.principal[0] = Principal("operator", frozenset({"viewer", "operator"}))
    error = await server.error(SWAP, property=SAT, to={"connection": BROKER, "address": "x"})
    assert error["extensions"]["code"] == "forbidden"
    assert (await server.error('mutation { rollback(revision: "1") { revision } }'))["extensions"][
        "code"
    ] == "forbidden"
    assert (await server.error(CHANGE, add="<urn:a> <urn:b> <urn:c> ."))["extensions"]["code"] == "forbidden"
    assert server.devices.asked == []


ROOM = (
    "<urn:twin:hq:room-3> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://brickschema.org/schema/Brick#Room>"
)
PART = "<urn:twin:hq:room-3> <https://brickschema.org/schema/Brick#isPartOf> <urn:twin:hq:floor-1>"
TURTLE = """@prefix b: <https://brickschema.org/schema/Brick#> .
  <urn:twin:hq:room-3> a b:Room ; b:isPartOf <urn:twin:hq:floor-1> ."""
GRAPH = "<urn:twin:site:hq>"


@pytest.mark.parametrize(
    "text",
    [TURTLE, f"{ROOM} .\n{PART} .", f"{ROOM} {GRAPH} .\n{PART} {GRAPH} ."],
    ids=["turtle", "n-triples", "n-quads"],
)
async def test_a_change_in_each_syntax_is_seen_by_the_next_query(server: Server, text: str) -> None:
    result = (await server.data(CHANGE, add=text))["applyChange"]
    assert result == {"revision": "000000000004", "added": 2, "removed": 0}
    seen = await server.data('{ revision twin(id: "urn:twin:hq:room-3") { name path { name } } }')
    assert seen["revision"] == "000000000004"
    assert seen["twin"]["path"] == [{"name": "Headquarters"}, {"name": "Floor 1"}]
    back = await server.data('mutation { rollback(revision: "000000000004") { revision removed } }')
    assert back["rollback"] == {"revision": "000000000005", "removed": 2}


async def test_a_dry_run_changes_nothing(server: Server) -> None:
    result = (await server.data(CHANGE, add="<urn:twin:hq:room-2> <urn:b> <urn:c> .", dryRun=True))["applyChange"]
    assert result == {"revision": None, "added": 1, "removed": 0}
    assert (await server.data("{ revision }"))["revision"] == "000000000003"


@pytest.mark.parametrize(
    ("text", "line", "column", "part"),
    [
        ("<urn:a> <urn:b>\n  <urn:c> ; oops .", 2, 13, "add, line 2, column 13: "),
        ("<urn:a> <urn:b> <urn:c> <urn:twin:site:hq> .\n<urn:a> <urn:b> .", 2, 17, "add, line 2, column 17: "),
        ("x", 1, 1, "add, line 1, column 1: "),
    ],
)
async def test_malformed_text_names_its_line_and_column(
    server: Server, text: str, line: int, column: int, part: str
) -> None:
    error = await server.error(CHANGE, add=text)
    assert error["message"].startswith(part), error["message"]
    assert (error["extensions"]["line"], error["extensions"]["column"]) == (line, column)


async def test_a_change_that_cannot_be_is_refused_in_words(server: Server) -> None:
    async def refused(**arguments: Any) -> str:
        message: str = (await server.error(CHANGE, **arguments))["message"]
        return message

    assert await refused() == "The change is empty."
    assert await refused(add="<urn:a> <urn:b> 1 .", reason=" ") == "The change has no reason."
    assert await refused(add="<urn:a> <urn:b> 1 .", site="elsewhere") == "There is no site 'elsewhere'."
    assert "names the graph <urn:twin:site:other>" in await refused(
        add="<urn:a> <urn:b> <urn:c> <urn:twin:site:other> ."
    )
    assert "names a blank node" in await refused(remove="_:a <urn:b> <urn:c> .")
    assert "quotes a triple" in await refused(add="<urn:a> <urn:b> <<( <urn:a> <urn:b> <urn:c> )>> .")
    assert "quotes triples inside each other" in await refused(add="<<( " * 100)
    assert "The graph has moved from revision 1 to 3" in await refused(
        add="<urn:a> <urn:b> 1 .", expected="000000000001"
    )
    assert (await server.data("{ revision }"))["revision"] == "000000000003"


async def test_a_broken_rule_is_told_as_a_report(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    report = [{"twin": SAT, "rule": "A property has one unit.", "value": "", "remedy": "Add qudt:hasUnit.", "path": "",
               "shape": "urn:s", "severity": "violation", "source": "twin"}]  # fmt: skip

    async def refuse(*_: Any, **__: Any) -> None:
        raise ShapeViolation("The change would break a rule.", violations=report, remedy="Add qudt:hasUnit.")

    monkeypatch.setattr(server.building.door, "commit", refuse)
    error = await server.error(CHANGE, add="<urn:a> <urn:b> 1 .")
    assert error["extensions"] == {"code": "shape-violation", "remedy": "Add qudt:hasUnit.", "violations": report}
