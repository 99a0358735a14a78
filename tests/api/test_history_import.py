"""Back-fill: what was exported comes in again; every row is judged, and nothing is kept by half without being told."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.kept import kept
from tests.api.server import AHU, FAN, NOTE, SAT, VIEWER, Server
from tests.api.test_history_export import asked, filled
from twin.errors import Unavailable
from twin.lineage.keeping import RawKeeping
from twin.observation import ObservationBatch
from twin.telemetry.table_formats import MEDIA_TYPES, stamp
from twin.telemetry.table_reading import nanoseconds

URL = "/api/v1/history/import"
EARLIER = "2025-06-01T00:00:00.000000123Z"


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[tuple[Server, RawKeeping]]:
    async with kept(tmp_path) as found:
        yield found


async def sent(server: Server, body: bytes, media: str = "text/csv", **parameters: Any) -> tuple[int, dict[str, Any]]:
    async with server.client() as client:
        answer = await client.post(URL, content=body, headers={"content-type": media}, params=parameters)
    return answer.status_code, answer.json()


async def all_rows(server: Server) -> ObservationBatch:
    series = [server.series(iri) for iri in (SAT, FAN, NOTE)]
    return await server.services.history.rows(series, 0, 2**62, versions=True)


@pytest.mark.parametrize("format", ["ndjson", "csv", "parquet", "arrow"])
async def test_what_was_exported_comes_in_again_the_same_and_twice_changes_nothing(
    both: tuple[Server, RawKeeping], format: Any, tmp_path: Path
) -> None:
    server, keeping = both
    start = await filled(server)
    table = await asked(server, twin=AHU, format=format)
    before = await all_rows(server)
    async with kept(tmp_path / "other") as (other, _):
        other.clock.time = server.clock.time
        for _ in range(2):
            status, report = await sent(other, table, MEDIA_TYPES[format])
            assert (status, report["applied"], report["committed"], report["rejected"]) == (201, True, 15, 0)
        after = await all_rows(other)
        assert after.value.tolist()[:10] == before.value.tolist()[:10]
        assert after.text == before.text
        assert (after.time.tolist(), len(after)) == (before.time.tolist(), 15)
        assert (report["properties"], report["first"]) == (3, stamp(start + 7))
        assert (await other.data("query($id: ID!) { property(id: $id) { time } }", id=SAT))["property"]["time"]
    assert keeping.origins.known() == {}


async def test_a_row_carries_the_import_as_its_origin(both: tuple[Server, RawKeeping]) -> None:
    server, keeping = both
    _, report = await sent(server, f"property,time,value\n{SAT},{EARLIER},20.5\n".encode())
    rows = await all_rows(server)
    assert rows.origin is not None
    origin = keeping.origins.find(int(rows.origin[0]))
    assert origin is not None
    assert (origin.kind, origin.number) == ("import", report["origin"])
    assert rows.time.tolist() == [nanoseconds(EARLIER)]


BAD = f"""property,time,value,unit
{SAT},{EARLIER},20,
{SAT},{EARLIER},warm,
urn:nobody,{EARLIER},1,
{SAT},yesterday,1,
{SAT},2099-01-01T00:00:00Z,1,
{FAN},{EARLIER},maybe,
{SAT},{EARLIER},1,KiloGM
{SAT},{EARLIER}
{SAT},{EARLIER},,
""".encode()


async def test_a_table_with_bad_rows_is_judged_row_by_row_and_not_kept(both: tuple[Server, RawKeeping]) -> None:
    server, _ = both
    status, report = await sent(server, BAD)
    assert (status, report["rows"], report["accepted"], report["rejected"], report["committed"]) == (422, 9, 1, 8, 0)
    assert report["message"] == "Nothing was kept: 8 of 9 rows cannot be."
    told = {each["row"]: each["reason"] for each in report["problems"]}
    assert told[2] == "'warm' is not a number"
    assert told[3] == "there is no property 'urn:nobody'"
    assert told[4] == "'yesterday' is not a time"
    assert told[5] == "the time lies in the future"
    assert told[6] == "'maybe' is neither true nor false"
    assert "KiloGM" in told[7] or "convert" in told[7]
    assert told[8] == "it has 2 fields and not 4"
    assert told[9] == "no value"
    assert len(await all_rows(server)) == 0


async def test_lenient_keeps_the_good_rows_and_tells_of_the_others(both: tuple[Server, RawKeeping]) -> None:
    server, _ = both
    status, report = await sent(server, BAD, lenient=True)
    assert (status, report["applied"], report["committed"], report["rejected"]) == (201, True, 1, 8)
    assert (await all_rows(server)).value.tolist() == [20.0]


async def test_a_dry_run_keeps_nothing(both: tuple[Server, RawKeeping]) -> None:
    server, _ = both
    body = json.dumps({"property": SAT, "time": EARLIER, "value": 68.0, "unit": "DEG_F"}).encode()
    status, report = await sent(server, body, "application/x-ndjson", dryRun=True)
    assert (status, report["accepted"], report["committed"]) == (200, 1, 0)
    status, report = await sent(server, body, "application/x-ndjson")
    assert (status, report["committed"]) == (201, 1)
    assert (await all_rows(server)).value.tolist() == [pytest.approx(20.0)]


async def test_a_history_that_refuses_in_the_middle_is_told_with_what_was_kept(
    both: tuple[Server, RawKeeping], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, _ = both
    at = nanoseconds(EARLIER)
    lines = [json.dumps({"property": SAT, "time": at + n, "value": n}) for n in range(25_000)]
    body = "\n".join(lines).encode()
    append, calls = server.services.history.append, []

    async def refusing(batch: ObservationBatch) -> None:
        calls.append(len(batch))
        if len(calls) == 2:
            raise Unavailable("The disk is full.")
        await append(batch)

    monkeypatch.setattr(server.services.history, "append", refusing)
    status, problem = await sent(server, body, "application/x-ndjson")
    assert status == 503
    assert problem["detail"].startswith("Only 10000 of 25000 rows are kept: import the table again to go on.")
    assert problem["committed"] == 10_000
    status, report = await sent(server, body, "application/x-ndjson")
    assert (status, report["committed"]) == (201, 25_000)
    assert len(await all_rows(server)) == 25_000


async def test_other_peoples_parquet_is_read(both: tuple[Server, RawKeeping]) -> None:
    server, _ = both
    buffer = io.BytesIO()
    times = pa.array([1_750_000_000_123], pa.int64()).cast(pa.timestamp("ms", tz="Europe/Berlin"))
    pq.write_table(pa.table({"property": [SAT], "time": times, "value": pa.array([21], pa.int32())}), buffer)
    assert (await sent(server, buffer.getvalue(), "application/vnd.apache.parquet"))[0] == 201
    assert (await all_rows(server)).time.tolist() == [1_750_000_000_123_000_000]


@pytest.mark.parametrize("media", ["application/vnd.apache.parquet", "application/vnd.apache.arrow.stream", "text/csv"])
async def test_a_file_of_another_kind_is_refused_in_words(both: tuple[Server, RawKeeping], media: str) -> None:
    status, problem = await sent(both[0], b"\x00\xffnothing of the kind" * 10, media)
    assert status in (400, 422)
    assert "Traceback" not in json.dumps(problem)
    assert problem["detail"]


async def test_a_viewer_imports_nothing(both: tuple[Server, RawKeeping]) -> None:
    server, _ = both
    server.principal[0] = VIEWER
    assert (await sent(server, b"property,time,value\n"))[0] == 403


@given(st.integers(0, 2**60))
def test_a_time_is_read_as_it_was_written_to_the_nanosecond(time: int) -> None:
    assert nanoseconds(stamp(time)) == time
