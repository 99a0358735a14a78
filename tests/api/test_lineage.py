"""The lineage of a value: one question tells where it came from and what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from tests.api.kept import kept
from tests.api.server import BROKER, SAT, VIEWER, Server
from twin.connector import SampleBatch
from twin.lineage.keeping import RawKeeping
from twin.lineage.origins import Origin
from twin.observation import ObservationBatch

ASK = """query($id: ID!, $at: DateTime) { property(id: $id) { lineage(at: $at) {
  time value quality { word } corrected payloadKeptUntil
  origin { number kind subject connectionId address codec revision connection { name } }
  payloads { sha256 text bytes address receivedTime } checks { name value statedBy }
  versions { version value origin { kind } } schemaVersions { codec revision } } } }"""
RAW = b'{"sat": 20.5}'


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[tuple[Server, RawKeeping]]:
    async with kept(tmp_path) as found:
        yield found


async def received(server: Server, keeping: RawKeeping, value: float, raw: bytes, codec: str, revision: int) -> int:
    """A payload arrives and is decoded; its receive time."""
    now = server.clock.now()
    origin = keeping.origins.number(Origin("binding", f"{SAT}#binding", BROKER, "acme/ahu", codec, revision))
    keeping.keep(BROKER, SampleBatch(["acme/other", "acme/ahu"], [b"1", raw], [0, 0], [now, now]), now)
    one = np.ones(1, np.int64)
    await server.services.ingest.deliver(
        ObservationBatch(
            (one * server.series(SAT)).astype(np.int32), one * now,
            np.array([value]), np.zeros(1, np.uint16), one * now,
            origin=np.array([origin], np.int32),
        )
    )  # fmt: skip
    return now


async def test_one_query_tells_everything_of_a_value(both: tuple[Server, RawKeeping]) -> None:
    server, keeping = both
    server.clock.advance(0.000_000_4)  # the history rounds receive times; the payload is found all the same
    await received(server, keeping, 20.5, RAW, "path: sat", 2)
    found = (await server.data(ASK, id=SAT))["property"]["lineage"]
    assert (found["value"], found["quality"]["word"], found["corrected"]) == (20.5, "good", False)
    origin = found["origin"]
    assert (origin["kind"], origin["connectionId"], origin["address"]) == ("binding", BROKER, "acme/ahu")
    assert (origin["codec"], origin["revision"], origin["connection"]["name"]) == (
        "path: sat",
        "000000000002",
        "Vendor A",
    )
    (payload,) = found["payloads"]
    assert (payload["text"], payload["sha256"]) == (RAW.decode(), hashlib.sha256(RAW).hexdigest())
    assert found["payloadKeptUntil"] is not None
    assert [each["value"] for each in found["versions"]] == [20.5]


async def test_a_correction_is_told_with_what_was_said_before(both: tuple[Server, RawKeeping]) -> None:
    server, keeping = both
    at = await received(server, keeping, 68.0, RAW, "path: sat", 2)
    await received(server, keeping, 20.0, RAW, "path: sat; source_unit: DEG_F", 3)
    found = (await server.data(ASK, id=SAT))["property"]["lineage"]
    assert (found["value"], found["corrected"]) == (20.0, True)
    assert [each["value"] for each in found["versions"]] == [68.0, 20.0]
    assert [each["revision"] for each in found["schemaVersions"]] == ["000000000002", "000000000003"]
    server.clock.advance(10)
    await received(server, keeping, 21.0, RAW, "path: sat; source_unit: DEG_F", 3)
    async with server.client() as client:
        earlier = await client.get(f"/api/v1/properties/{SAT}/lineage", params={"at": "2026-01-01T00:00:05Z"})
        newest = await client.get(f"/api/v1/properties/{SAT}/lineage")
    assert (earlier.json()["value"], newest.json()["value"]) == (20.0, 21.0)
    assert earlier.json()["payloads"][0]["json"] == {"sat": 20.5}
    assert at


async def test_a_value_that_nobody_wrote_an_origin_of_says_so(both: tuple[Server, RawKeeping]) -> None:
    server, _ = both
    await server.observe((SAT, 20.0))
    found = (await server.data(ASK, id=SAT))["property"]["lineage"]
    assert (found["origin"], found["payloads"], found["payloadKeptUntil"]) == (None, [], None)
    assert (await server.data(ASK, id=SAT, at="2020-01-01T00:00:00Z"))["property"]["lineage"] is None


async def test_whoever_may_not_see_bindings_is_told_no_lineage(both: tuple[Server, RawKeeping]) -> None:
    server, keeping = both
    await received(server, keeping, 20.5, RAW, "path: sat", 2)
    server.principal[0] = VIEWER
    assert (await server.error(ASK, id=SAT))["extensions"]["code"] == "forbidden"
    async with server.client() as client:
        assert (await client.get(f"/api/v1/properties/{SAT}/lineage")).status_code == 403
