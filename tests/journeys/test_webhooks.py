"""Devices send values by curl: what was answered with 200 is there, whatever happens to the server."""

from __future__ import annotations

import csv
import io
import itertools
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.graphql_client import GraphQL
from tests.server_process import ServerProcess, eventually, twin

pytestmark = pytest.mark.timeout(300)

METERS = """
@prefix : <urn:twin:plant:> .
@prefix brick: <https://brickschema.org/schema/Brick#> .
@prefix quantitykind: <http://qudt.org/vocab/quantitykind/> .
@prefix qudt: <http://qudt.org/schema/qudt/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix twin: <urn:twin:vocabulary:core#> .
@prefix unit: <http://qudt.org/vocab/unit/> .

:meters a twin:Connection ; rdfs:label "Meters" ; twin:protocol "http" ; twin:endpoint "in:" ;
  twin:option "token=file:{token}" .
:boiler a brick:Boiler ; rdfs:label "Boiler" ; brick:hasPoint :gas, :vibration .
:gas a brick:Point ; rdfs:label "Gas" ; qudt:hasQuantityKind quantitykind:Volume ; qudt:hasUnit unit:M3 .
:vibration a brick:Point ; rdfs:label "Vibration" ; twin:valueKind "array" ; twin:freshness 1000000000 ;
  qudt:hasQuantityKind quantitykind:Acceleration ; qudt:hasUnit unit:M-PER-SEC2 .
<urn:twin:plant:gas#binding> a twin:Binding ; twin:binds :gas ; twin:connection :meters ;
  twin:address "in:gas" ; twin:path "v" ; twin:timePath "t" .
<urn:twin:plant:vibration#binding> a twin:Binding ; twin:binds :vibration ; twin:connection :meters ;
  twin:address "in:vibration" ; twin:packing "float32-le" ; twin:step 0.0001 .
"""
CONNECTION = "urn:twin:plant:meters"
SECRET = "s3cret"  # noqa: S105 - of a server that lives for one test


def ingest(url: str, address: str) -> str:
    return f"{url}api/v1/ingest/{CONNECTION}?address={address}"


def curl(url: str, body: bytes, *more: str, secret: str = SECRET) -> tuple[int, dict[str, object]]:
    """The status (0: no answer) and the answer, from a client that others wrote."""
    done = subprocess.run(
        ["curl", "-sS", "-m", "60", "-w", "\n%{http_code}", "-H", f"Authorization: Bearer {secret}", *more,
         "--data-binary", "@-", url],
        input=body, capture_output=True, check=False,
    )  # fmt: skip
    answer, _, status = done.stdout.decode().rpartition("\n")
    return int(status or 0), json.loads(answer) if answer.strip() else {}


def reading(number: int) -> bytes:
    return json.dumps({"t": 1767225600 + number, "v": number}).encode()


def kept(url: str) -> list[int]:
    window = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
    answered = httpx.get(f"{url}api/v1/properties/urn:twin:plant:gas/history.csv", params=window, timeout=60)
    return [round(float(row["value"])) for row in csv.DictReader(io.StringIO(answered.text))]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("s3cret\n")
    (tmp_path / "meters.ttl").write_text(METERS.replace("{token}", str(tmp_path / "token")))
    done = twin("import", tmp_path / "meters.ttl", "--site", "plant", "--data", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    return tmp_path / "data"


def test_what_was_acknowledged_survives_a_power_cut_and_what_is_sent_again_is_there_once(
    data: Path, tmp_path: Path
) -> None:
    first = ServerProcess("serve", data, tmp_path / "first.txt").start()
    acknowledged: list[int] = []
    numbers = itertools.count()

    def send() -> None:
        while True:
            number = next(numbers)
            status, _ = curl(ingest(first.url, "gas"), reading(number))
            if status != 200:
                return
            acknowledged.append(number)

    with ThreadPoolExecutor(4) as pool:
        sending = [pool.submit(send) for _ in range(4)]
        eventually(lambda: len(acknowledged) >= 20, "twenty deliveries are acknowledged")
        first.kill()
        for each in sending:
            each.result()
    with ServerProcess("serve", data, tmp_path / "second.txt") as second:
        found = kept(second.url)
        assert sorted(set(acknowledged) - set(found)) == []
        again = b"\n".join(reading(number) for number in range(max(found) + 1))
        status, answer = curl(ingest(second.url, "gas"), again, "-H", "Content-Type: application/x-ndjson")
        assert (status, answer["stored"]) == (200, max(found) + 1)
        assert kept(second.url) == list(range(max(found) + 1))


def test_each_item_is_told_what_became_of_it_and_an_array_comes_out_of_graphql(data: Path, tmp_path: Path) -> None:
    with ServerProcess("serve", data, tmp_path / "server.txt") as server:
        gas = ingest(server.url, "gas")
        lines = b'{"t": 1767225600, "v": 1}\n{"t": 1767225601}\nnonsense\n'
        status, answer = curl(gas, lines, "-H", "Content-Type: application/x-ndjson")
        assert (status, answer["stored"], answer["observations"]) == (207, 1, 1)
        assert answer["problems"] == [
            {"item": 1, "state": "rejected", "reason": "path v is missing"},
            {"item": 2, "state": "rejected", "reason": "no JSON"},
        ]
        assert curl(gas, b"nonsense")[0] == 422
        assert curl(ingest(server.url, "water"), b"1")[0] == 422
        assert curl(gas, b"")[0] == 400
        assert curl(gas, reading(1), secret="guess")[0] == 401
        assert curl(f"{server.url}api/v1/ingest/urn:nobody", b"1")[0] == 404
        assert kept(server.url) == [1]

        wave = np.sin(np.arange(8192) / 50).astype("<f4")
        timed = ("-H", "Twin-Time: 2026-01-01T00:00:00Z", "-H", "Content-Type: application/octet-stream")
        for _ in range(2):
            assert curl(ingest(server.url, "vibration"), wave.tobytes(), *timed)[0] == 200
        with GraphQL(server.url) as client:
            query = '{ property(id: "urn:twin:plant:vibration") { kind value time array { count step start values } } }'
            told = client.ask(query)["property"]
        assert (told["kind"], told["value"], told["time"]) == ("ARRAY", None, "2026-01-01T00:00:00Z")
        assert (told["array"]["count"], told["array"]["step"], told["array"]["start"]) == (8192, 0.0001, 0.0)
        assert np.array_equal(np.array(told["array"]["values"], np.float32), wave)
