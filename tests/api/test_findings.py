"""What the shapes found, over GraphQL."""

from __future__ import annotations

from types import SimpleNamespace

from tests.api.server import AHU, SAT, VIEWER, Server, start
from twin.clock import NANOSECONDS
from twin.flows.revalidation import AuditState
from twin.graph.violation import Source, Violation

BINDING = f"{SAT}#binding"
PAGE = """query($after: String, $site: ID, $twin: ID) { violations(first: 2, after: $after, site: $site, twin: $twin) {
    nodes { twin rule value path shape severity remedy source } totalCount groups { rule count }
    pageInfo { hasNextPage endCursor } } }"""


def violation(focus: str, rule: str = "A twin has a name.", value: str = "", source: Source = "twin") -> Violation:
    return Violation(focus, "", "c", f"urn:shape:{rule[:8]}", value, "violation", rule, "Name it.", source)


def filled(server: Server) -> Server:
    store = server.services.violations
    store.replace("hq", "twin", [
        violation(AHU), violation("urn:twin:hq:room-2"), violation(SAT, "A unit is known.", "unit:X"),
        violation(BINDING, "An address has its form.", "acme/#"),
    ])  # fmt: skip
    store.replace("hq", "brick", [violation("urn:twin:hq:room-2", "Brick says no.", source="brick")])
    return server


async def test_violations_are_paged_and_grouped_by_rule(server: Server) -> None:
    filled(server)
    seen: list[str] = []
    after = None
    while True:
        page = (await server.data(PAGE, after=after))["violations"]
        seen += [node["twin"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert sorted(seen) == sorted([AHU, "urn:twin:hq:room-2", SAT, BINDING, "urn:twin:hq:room-2"])
    assert (page["totalCount"], page["groups"][0]) == (5, {"rule": "A twin has a name.", "count": 2})
    assert (await server.data("{ summary { violations } site(id: \"hq\") { violations } }")) == {
        "summary": {"violations": 5}, "site": {"violations": 5},
    }  # fmt: skip


async def test_violations_of_a_node_or_of_a_site_are_found(server: Server) -> None:
    filled(server)
    page = (await server.data(PAGE, twin=SAT))["violations"]
    assert page["nodes"] == [{
        "twin": SAT, "rule": "A unit is known.", "value": "unit:X", "path": None, "shape": "urn:shape:A unit i",
        "severity": "violation", "remedy": "Name it.", "source": "twin",
    }]  # fmt: skip
    assert (await server.data(PAGE, site="hq"))["violations"]["totalCount"] == 5
    assert (await server.error(PAGE, site="elsewhere"))["message"] == "There is no site 'elsewhere'."
    assert (await server.error(PAGE, after="dHdpbnMKMQ"))["message"].startswith(
        "This cursor belongs to a list of twins"
    )


async def test_a_twin_tells_its_own_violations_and_those_of_its_properties(server: Server) -> None:
    filled(server)
    query = "query($id: ID!) { twin(id: $id) { violations { twin value } } }"
    assert (await server.data(query, id=AHU))["twin"]["violations"] == [
        {"twin": AHU, "value": None}, {"twin": SAT, "value": "unit:X"}, {"twin": BINDING, "value": "acme/#"},
    ]  # fmt: skip
    server.principal[0] = VIEWER
    assert (await server.data(query, id=AHU))["twin"]["violations"][2] == {"twin": BINDING, "value": None}


async def test_the_audit_tells_how_far_it_is_and_what_it_found() -> None:
    begun = 1_767_225_600 * NANOSECONDS
    states = {"hq": AuditState("done", begun, begun + NANOSECONDS)}
    server = filled(await start(validation=SimpleNamespace(state=states.get)))
    query = '{ site(id: "hq") { audit { state startedAt finishedAt violations groups { rule count } message } } }'
    assert (await server.data(query))["site"]["audit"] == {
        "state": "done", "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:01Z", "violations": 1,
        "groups": [{"rule": "Brick says no.", "count": 1}], "message": "",
    }  # fmt: skip
    states.clear()
    assert (await server.data(query))["site"]["audit"] is None


async def test_a_violation_says_whose_it_is_and_where(server: Server) -> None:
    filled(server)
    nodes = (await server.data('{ violations(first: 10, source: "twin") { nodes { twin name site } } }'))["violations"][
        "nodes"
    ]
    assert {each["twin"]: each["name"] for each in nodes} == {
        AHU: "AHU 1", "urn:twin:hq:room-2": "Room 2", SAT: "AHU 1: Supply air temperature",
        BINDING: "AHU 1: Supply air temperature",
    }  # fmt: skip
    assert {each["site"] for each in nodes} == {"hq"}
