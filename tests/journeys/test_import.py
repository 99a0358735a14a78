"""Bring your own building: real models that other people wrote are imported, shown and judged as they are."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.graphql_client import GraphQL
from tests.server_process import ROOT, ServerProcess, eventually, twin

pytestmark = pytest.mark.timeout(300)

# The file, its site, and how many triples it holds.
MODELS = (("soda_brick.ttl", "soda_brick", 3774), ("bldg1.ttl", "bldg1", 529), ("bldg40.ttl", "bldg40", 2174))
BRICK = "https://brickschema.org/schema/Brick#"
SMALL = f"""@prefix brick: <{BRICK}> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
<urn:twin:shed:hall> a brick:Room ; rdfs:label "Hall" .
<urn:twin:shed:fan> a brick:Fan ; rdfs:label "Fan" ; brick:hasLocation <urn:twin:shed:hall> ;
  brick:hasPoint [ a brick:Temperature_Sensor ; rdfs:label "Nameless sensor" ] .
"""
PAGE = """query($site: ID!, $after: String) { violations(site: $site, first: 500, after: $after) {
  totalCount groups { shape rule count } pageInfo { hasNextPage endCursor }
  nodes { twin rule value shape severity remedy source } } }"""


def reference(name: str) -> Path:
    """A reference model; the test is skipped with a reason where it is not there, unless it ought to be."""
    folder = Path(os.environ.get("TWIN_REFERENCE_DATA") or ROOT.parent / "shared" / "data")
    file = folder / "brick" / name
    if not file.is_file():
        if os.environ.get("CI") and folder.is_dir():
            pytest.fail(f"{file} is missing, and the folder of reference data is there.")
        pytest.skip(f"{file} is not on this machine; name the folder of reference data in TWIN_REFERENCE_DATA.")
    return file


@dataclass
class Imported:
    """What the imports said, by site, and the server on what they made."""

    said: dict[str, str]
    server: ServerProcess
    graphql: GraphQL


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imported]:
    """All three models in one data directory, imported by the command line, and then served."""
    directory = tmp_path_factory.mktemp("imported")
    data = directory / "data"
    said = {}
    for name, site, _ in MODELS:
        done = twin("import", reference(name), "--data", data)
        assert (done.returncode, done.stderr) == (0, "")
        said[site] = done.stdout
    with ServerProcess("serve", data, directory / "output.txt") as server, GraphQL(server.url) as client:
        yield Imported(said, server, client)


@pytest.mark.parametrize(("name", "site", "triples"), MODELS)
def test_a_real_model_is_imported_whole_and_its_report_tells_its_violations(
    imported: Imported, name: str, site: str, triples: int
) -> None:
    said = imported.said[site]
    assert f"Imported {triples} triples into site {site}" in said
    violations = int(said.split(" violations")[0].rsplit(" ", 1)[1])
    assert violations > 0
    assert " x A property has exactly one unit." in said
    stored = imported.graphql.sparql(
        f"SELECT (COUNT(*) AS ?count) WHERE {{ GRAPH ?g {{ ?s ?p ?o }} FILTER(STRENDS(STR(?g), ':{site}') &&"
        " !STRSTARTS(STR(?g), 'urn:twin:inferred:')) }"
    )
    assert int(stored[0]["count"]) == triples


@pytest.mark.parametrize(("name", "site", "triples"), MODELS)
def test_a_real_model_shows_up_on_every_surface(imported: Imported, name: str, site: str, triples: int) -> None:
    client = imported.graphql
    told = client.ask("query($id: ID!) { site(id: $id) { twins properties violations roots { id } } }", id=site)["site"]
    assert min(told["twins"], told["properties"], told["violations"], len(told["roots"])) > 0
    by_class = client.ask(
        """query($site: ID!) { twins(where: {site: $site, class: "brick:Equipment"}, first: 200) { totalCount
          nodes { id name family classes { name } } } }""",
        site=site,
    )["twins"]
    assert by_class["totalCount"] > 0
    assert {each["family"] for each in by_class["nodes"]} == {"EQUIPMENT"}
    assert all(each["classes"] for each in by_class["nodes"])
    properties = client.ask(
        """query($site: ID!) { properties(where: {site: $site}, first: 20) { totalCount
          nodes { id owner { id } bound value } } }""",
        site=site,
    )["properties"]
    assert properties["totalCount"] == told["properties"]
    assert {(each["bound"], each["value"]) for each in properties["nodes"]} == {(False, None)}
    one = by_class["nodes"][0]["id"]
    asked = f"SELECT ?class WHERE {{ GRAPH <urn:twin:site:{site}> {{ <{one}> a ?class }} }}"
    assert {row["class"].rpartition("#")[2] for row in client.sparql(asked)} >= {
        each["name"] for each in by_class["nodes"][0]["classes"]
    }
    page = client.http.get(f"/api/v1/twins/{quote(one, safe='')}", headers={"accept": "text/turtle"})
    assert (page.status_code, one in page.text) == (200, True)


def test_the_summary_counts_what_was_imported(imported: Imported) -> None:
    told = imported.graphql.ask(
        "{ summary { twins properties violations live unbound } sites { twins properties violations } }"
    )
    for field in ("twins", "properties", "violations"):
        assert told["summary"][field] == sum(site[field] for site in told["sites"])
    assert (told["summary"]["live"], told["summary"]["unbound"]) == (0, told["summary"]["properties"])


@pytest.mark.parametrize(("name", "site", "triples"), MODELS)
def test_the_violations_of_a_real_model_are_told_node_by_node_and_in_groups(
    imported: Imported, name: str, site: str, triples: int
) -> None:
    client = imported.graphql
    found, after = [], None
    while True:
        page = client.ask(PAGE, site=site, after=after)["violations"]
        found.extend(page["nodes"])
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert len(found) == page["totalCount"] > 0
    assert sum(group["count"] for group in page["groups"]) == page["totalCount"]
    ours = [each for each in found if each["source"] == "twin"]
    assert len(ours) > 0
    assert [each for each in ours if not (each["twin"] and each["rule"].endswith(".") and each["remedy"])] == []
    first = ours[0]["twin"]
    of_one = client.ask("query($id: ID!) { violations(twin: $id) { nodes { twin rule } } }", id=first)["violations"]
    assert {each["twin"] for each in of_one["nodes"]} == {first}
    assert ours[0]["rule"] in {each["rule"] for each in of_one["nodes"]}


def test_bricks_own_shapes_judge_every_real_model_in_the_background(imported: Imported) -> None:
    query = "{ sites { id audit { state message violations groups { rule count } } } }"

    def audits() -> dict[str, dict[str, Any]]:
        sites = {each["id"]: each["audit"] for each in imported.graphql.ask(query)["sites"]}
        return {site: sites[site] or {"state": "waiting"} for _, site, _ in MODELS}

    eventually(lambda: {each["state"] for each in audits().values()} <= {"done", "failed"}, "all audits", 150, pause=1)
    for site, audit in audits().items():
        assert (site, audit["state"], audit["message"]) == (site, "done", "")
        assert sum(group["count"] for group in audit["groups"]) == audit["violations"]
    assert sum(audit["violations"] for audit in audits().values()) > 0


@pytest.mark.parametrize(("name", "site"), [("bldg1.ttl", "bldg1"), ("soda_brick.ttl", "soda_brick")])
def test_importing_the_same_file_again_changes_nothing(imported: Imported, name: str, site: str) -> None:
    def exported() -> list[str]:
        return sorted(imported.graphql.http.get("/api/v1/export", params={"site": site}).text.splitlines())

    before, revision = exported(), imported.graphql.ready()["revision"]
    done = twin("import", reference(name), "--data", imported.server.data)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(exported()) == len(before)
    assert exported() == before
    assert imported.graphql.ready()["revision"] == revision


def test_a_change_of_a_real_model_is_not_held_against_what_was_wrong_before(imported: Imported) -> None:
    client = imported.graphql
    change = 'mutation($add: String!) { applyChange(site: "bldg1", add: $add, reason: "A room") { revision added } }'
    before = client.ask('{ site(id: "bldg1") { violations twins } }')["site"]
    room = f'<urn:twin:bldg1:annex> a <{BRICK}Room> ; <http://www.w3.org/2000/01/rdf-schema#label> "Annex" .'
    done = client.ask(change, add=room)["applyChange"]
    assert done["added"] == 2
    after = client.ask('{ site(id: "bldg1") { violations twins } }')["site"]
    # Brick has deprecated its own class of rooms: that is known with the change, and gone with it.
    assert (after["violations"], after["twins"]) == (before["violations"] + 1, before["twins"] + 1)
    client.ask("mutation($revision: String!) { rollback(revision: $revision) { revision } }", revision=done["revision"])
    assert client.ask('{ site(id: "bldg1") { violations twins } }')["site"] == before


def test_a_file_is_imported_through_the_server_that_runs_on_the_directory(imported: Imported, tmp_path: Path) -> None:
    file = tmp_path / "shed.ttl"
    file.write_text(SMALL)
    done = twin("import", file, "--data", imported.server.data)
    assert (done.returncode, done.stderr) == (0, "")
    client = imported.graphql
    assert client.ask('{ twin(id: "urn:twin:shed:fan") { name place { name } site { id } } }')["twin"] == {
        "name": "Fan",
        "place": {"name": "Hall"},
        "site": {"id": "shed"},
    }
    assert client.ask(PAGE, site="shed")["violations"]["totalCount"] > 0
    revision = client.ready()["revision"]
    assert twin("import", file, "--data", imported.server.data).returncode == 0
    assert client.ready()["revision"] == revision


def test_a_malformed_file_is_refused_by_the_server_with_line_and_column(imported: Imported, tmp_path: Path) -> None:
    file = tmp_path / "broken.ttl"
    file.write_text(SMALL + "<urn:twin:shed:x> a brick:Room .\n<urn:twin:shed:y> b\n")
    revision = imported.graphql.ready()["revision"]
    done = twin("import", file, "--data", imported.server.data)
    assert done.returncode == 1
    assert "line 7, column" in done.stderr
    assert "Traceback" not in done.stderr
    assert imported.graphql.ready()["revision"] == revision


def test_files_that_need_each_other_are_imported_together_through_the_server(
    imported: Imported, tmp_path: Path
) -> None:
    interface = tmp_path / "pump.json"
    interface.write_text(
        json.dumps(
            {
                "@context": "dtmi:dtdl:context;3",
                "@id": "dtmi:shed:Pump;1",
                "@type": "Interface",
                "contents": [{"@type": "Telemetry", "name": "speed", "schema": "double"}],
            }
        )
    )
    twins = tmp_path / "twins.json"
    twins.write_text(
        json.dumps(
            {"digitalTwins": [{"$dtId": "pump-1", "$metadata": {"$model": "dtmi:shed:Pump;1"}}], "relationships": []}
        )
    )
    done = twin("import", interface, twins, "--site", "pumps", "--data", imported.server.data)
    assert (done.returncode, done.stderr) == (0, "")
    assert imported.graphql.ask('{ site(id: "pumps") { twins } }')["site"] == {"twins": 1}


def test_a_malformed_file_is_refused_with_line_and_column_and_stores_nothing(tmp_path: Path) -> None:
    file = tmp_path / "broken.ttl"
    file.write_text("@prefix : <urn:x:> .\n:a :b :c .\n:d :e ; :f .\n")
    done = twin("import", file, "--data", tmp_path / "data")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("twin: broken.ttl, line 3, column 7: ")
    assert "Mend" in done.stderr
    assert "There are: none" in twin("export", "--site", "broken", "--data", tmp_path / "data").stderr


def test_lenient_mode_repairs_what_strict_mode_refuses_and_lists_every_repair(tmp_path: Path) -> None:
    file = tmp_path / "my house.ttl"
    file.write_text(f"<http://example.org/room 1> a <{BRICK}Room> .\n<http://example.org/room|2> a <{BRICK}Room> .\n")
    strict = twin("import", file, "--data", tmp_path / "data")
    assert strict.returncode == 1
    assert "line 1, column" in strict.stderr
    assert "--lenient" in strict.stderr
    lenient = twin("import", file, "--lenient", "--data", tmp_path / "data")
    assert (lenient.returncode, lenient.stderr) == (0, "")
    assert "into site my-house" in lenient.stdout
    repaired = [line for line in lenient.stdout.splitlines() if "repaired:" in line]
    assert len(repaired) == 2
    assert "<http://example.org/room 1> is now <http://example.org/room%201>" in repaired[0]
