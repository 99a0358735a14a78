"""REST: a twin as JSON-LD, a history as CSV, imports and exports."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.server import AHU, FAN, MODE, NOTE, SAT, VIEWER, Server, start
from twin.clock import NANOSECONDS, iso
from twin.errors import InvalidInput
from twin.flows.capabilities import CapabilityRecord, TwinCapabilityRecord
from twin.terms import RdfFormat, parse

MINUTE = 60 * NANOSECONDS


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


async def test_a_twin_is_json_ld_with_its_properties_and_no_binding(server: Server) -> None:
    async with server.client() as client:
        response = await client.get(f"/api/v1/twins/{quote(AHU, safe='')}")
    assert response.headers["content-type"] == "application/ld+json"
    quads = list(parse(response.content, format=RdfFormat.JSON_LD))
    said = {(quad.subject.value, quad.predicate.value.rpartition("#")[2]) for quad in quads}
    assert {(AHU, "feeds"), (SAT, "label"), (FAN, "writable")} <= said
    assert "acme" not in response.text
    assert "broker" not in response.text


async def test_a_twin_comes_as_turtle_when_that_is_accepted(server: Server) -> None:
    async with server.client(accept="text/turtle") as client:
        response = await client.get(f"/api/v1/twins/{AHU}")
    assert response.headers["content-type"] == "text/turtle; charset=utf-8"
    assert "a brick:Air_Handling_Unit" in response.text


async def test_a_twin_that_is_not_there_is_a_problem(server: Server) -> None:
    async with server.client() as client:
        response = await client.get("/api/v1/twins/urn:nobody")
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")
    assert response.json() == {
        "title": "Not found", "status": 404, "detail": "There is no twin 'urn:nobody'.", "code": "not-found",
        "remedy": "Search for it with GraphQL: twins(where: ...).",
    }  # fmt: skip


async def test_a_history_is_every_sample_as_csv(server: Server) -> None:
    begin = server.clock.now()
    for minute in range(3):
        server.clock.time = begin + minute * MINUTE
        await server.observe((SAT, 10.0 + minute), (FAN, minute == 1), (NOTE, f"note, {minute}"), (MODE, minute % 2))
    async with server.client() as client:
        texts = {}
        for iri in (SAT, FAN, NOTE):
            response = await client.get(
                f"/api/v1/properties/{quote(iri, safe='')}/history.csv",
                params={"from": iso(begin), "to": "2026-01-01T01:00:00Z"},
            )
            assert response.headers["content-type"].startswith("text/csv")
            texts[iri] = rows(response.text)
    assert texts[SAT] == [["time", "value", "quality"], ["2026-01-01T00:00:00Z", "10.0", "0"],
                          ["2026-01-01T00:01:00Z", "11.0", "0"], ["2026-01-01T00:02:00Z", "12.0", "0"]]  # fmt: skip
    assert [row[1] for row in texts[FAN][1:]] == ["false", "true", "false"]
    assert [row[1] for row in texts[NOTE][1:]] == ["note, 0", "note, 1", "note, 2"]


async def test_a_history_of_buckets_is_read_in_pieces_that_cut_none(server: Server) -> None:
    begin = server.clock.now()
    for minute in range(0, 12_000, 600):
        await server.observe((SAT, float(minute)), at=begin + minute * MINUTE)
    end = begin + 12_000 * MINUTE
    async with server.client() as client:
        response = await client.get(
            f"/api/v1/properties/{SAT}/history.csv", params={"from": iso(begin), "to": iso(end), "interval": "1m"}
        )
    read = rows(response.text)
    assert read[0] == ["time", "value", "minimum", "maximum", "count", "quality"]
    assert [float(row[1]) for row in read[1:]] == [float(minute) for minute in range(0, 12_000, 600)]
    assert len(server.history.reads) == 4  # 12,000 buckets by 5,000, from the middle of one piece


@pytest.mark.parametrize(
    ("parameters", "detail"),
    [
        ({"from": "noon"}, "from: 'noon' is not a time."),
        ({"from": "2027-01-01", "to": "2026-01-01"}, "The history would end before it begins."),
        ({"interval": "0s"}, "A duration of '0s' is not possible here."),
        ({"from": "1900-01-01", "interval": "1ms"}, "The history would be too long."),
    ],
)
async def test_a_history_that_cannot_be_is_a_problem(server: Server, parameters: dict[str, str], detail: str) -> None:
    async with server.client() as client:
        response = await client.get(f"/api/v1/properties/{SAT}/history.csv", params=parameters)
    assert (response.status_code, response.json()["detail"]) == (400, detail)


class Models:
    def __init__(self) -> None:
        self.attached: list[tuple[int, str]] = []

    async def attach(self, path: Path, actor: str) -> CapabilityRecord:
        self.attached.append((os.stat(path).st_size, actor))
        return CapabilityRecord("urn:c", "Anomaly", "", (), ())

    def twins(self, capability: str) -> list[TwinCapabilityRecord]:
        return [
            TwinCapabilityRecord(capability, AHU, True, (), None, ""),
            TwinCapabilityRecord(capability, "urn:other", False, ("It has no fan.",), None, ""),
        ]


@dataclass
class Report:
    site: str
    triples: int


class Importer:
    def __init__(self) -> None:
        self.asked: list[tuple[bytes, dict[str, Any]]] = []

    async def import_text(self, data: bytes, **how: Any) -> Report:
        self.asked.append((data, how))
        if data == b"oops":
            raise InvalidInput("the body, line 1, column 1: oops.", remedy="Mend it.", line=1, column=1)
        return Report(how["site"], 1)


async def test_an_import_passes_the_body_on_and_reports() -> None:
    importer = Importer()
    server = await start(importer=importer)
    async with server.client(**{"content-type": "text/turtle"}) as client:
        good = await client.post(
            "/api/v1/imports", params={"site": "new", "lenient": "true"}, content=b"<a:a> <a:b> 1 ."
        )
        bad = await client.post("/api/v1/imports", params={"site": "new"}, content=b"oops")
        missing = await client.post("/api/v1/imports", content=b"")
        server.principal[0] = VIEWER
        refused = await client.post("/api/v1/imports", params={"site": "new"}, content=b"")
    assert (good.status_code, good.json()) == (201, {"site": "new", "triples": 1})
    assert importer.asked[0] == (
        b"<a:a> <a:b> 1 .", {"format": "text/turtle", "site": "new", "actor": "local", "lenient": True,
         "name": "the body"},
    )  # fmt: skip
    assert (bad.status_code, bad.json()["line"], bad.json()["detail"]) == (400, 1, "the body, line 1, column 1: oops.")
    assert (missing.status_code, missing.json()["detail"]) == (400, "site: Field required.")
    assert refused.status_code == 403


async def test_a_model_in_the_body_is_attached_and_tells_what_it_scores() -> None:
    models = Models()
    server = await start(predictor=models)
    async with server.client() as client:
        attached = await client.post("/api/v1/models", content=b"onnx" * 500_000)
        server.principal[0] = VIEWER
        refused = await client.post("/api/v1/models", content=b"onnx")
    assert (attached.status_code, attached.json()) == (
        201,
        {"capability": "urn:c", "name": "Anomaly", "twins": [AHU]},
    )
    assert models.attached == [(2_000_000, "local")]
    assert (refused.status_code, refused.json()["detail"]) == (403, "viewer may not attach models.")


async def test_an_export_is_what_was_said_and_comes_back_the_same(server: Server) -> None:
    async with server.client() as client:
        everything = await client.get("/api/v1/export")
        turtle = await client.get("/api/v1/export", params={"site": "hq", "format": "turtle"})
        server.principal[0] = VIEWER
        viewed = await client.get("/api/v1/export", params={"site": "hq", "format": "trig"})
    assert everything.headers["content-disposition"] == 'attachment; filename="sites.nq"'
    quads = set(parse(everything.content, format=RdfFormat.N_QUADS))
    assert quads == {
        quad for graph in ("urn:twin:site:hq", "urn:twin:bindings:hq") for quad in server.building.store.quads()
        if str(quad.graph_name) == f"<{graph}>"
    }  # fmt: skip
    assert "brick:Air_Handling_Unit" in turtle.text
    assert "acme" in everything.text
    assert "acme" not in turtle.text + viewed.text


async def test_an_export_of_nothing_known_is_a_problem(server: Server) -> None:
    async with server.client() as client:
        site = await client.get("/api/v1/export", params={"site": "x"})
        form = await client.get("/api/v1/export", params={"format": "xml"})
    assert (site.status_code, site.json()["remedy"]) == (404, "There are: hq.")
    assert (form.status_code, form.json()["remedy"]) == (400, "Use nquads, turtle, trig.")


async def test_the_rest_routes_are_documented_and_load_nothing_from_elsewhere(server: Server) -> None:
    async with server.client() as client:
        document = (await client.get("/openapi.json")).json()
        docs = await client.get("/docs")
    assert set(document["paths"]) == {
        "/api/v1/twins/{iri}", "/api/v1/properties/{iri}/history.csv", "/api/v1/imports", "/api/v1/export",
        "/api/v1/models", "/api/v1/backups", "/api/v1/jobs", "/api/v1/jobs/{id}", "/api/v1/validations",
        "/api/v1/history/import", "/api/v1/history/export", "/api/v1/properties/{iri}/lineage",
        "/api/v1/connections/{iri}/rejected", "/api/v1/ingest/{connection}",
    }  # fmt: skip
    assert "cdn" not in docs.text
