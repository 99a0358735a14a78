"""Exports: any selection, in four formats, streamed; each format says the same."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.api.kept import kept
from tests.api.server import AHU, CO2, FAN, MODE, NOTE, SAT, Server
from twin.clock import NANOSECONDS, from_iso
from twin.flows import history_out
from twin.observation import Block, ObservationBatch

URL = "/api/v1/history/export"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with kept(tmp_path) as (server, _):
        yield server


async def asked(server: Server, **parameters: Any) -> bytes:
    async with server.client() as client:
        answer = await client.get(URL, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.content


def rows_of(format: str, content: bytes) -> list[dict[str, Any]]:
    """The rows of a table, whatever its format: property, time (ns), what it says, quality."""
    if format == "ndjson":
        lines = [json.loads(line) for line in content.splitlines()]
        return [{"property": e["property"], "at": from_iso(e["time"]), "said": e["value"], **e} for e in lines]
    if format == "csv":
        found = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
        return [{"at": from_iso(e["time"]), "said": e["value"], **e} for e in found]
    table = pa.ipc.open_stream(content).read_all() if format == "arrow" else pq.read_table(io.BytesIO(content))
    table = table.set_column(table.schema.get_field_index("time"), "at", table["time"].cast(pa.int64()))
    return [
        {"said": next((e[n] for n in ("array", "text", "value") if e[n] is not None), None), **e}
        for e in table.to_pylist()
    ]


async def filled(server: Server) -> int:
    start = server.clock.now()
    for second in range(5):
        await server.observe(
            (SAT, 20.0 + second), (FAN, second % 2), (NOTE, f'note, "{second}"'), at=start + second * NANOSECONDS + 7
        )
    server.clock.advance(60)
    return start


@pytest.mark.parametrize("format", ["ndjson", "csv", "parquet", "arrow"])
async def test_every_format_says_the_same(server: Server, format: str) -> None:
    start = await filled(server)
    rows = rows_of(format, await asked(server, twin=AHU, format=format))
    by_property: dict[str, list[Any]] = {}
    for row in rows:
        by_property.setdefault(row["property"], []).append((row["at"], row["said"], int(row["quality"])))
    times = [start + second * NANOSECONDS + (7 if format in ("parquet", "arrow") else 0) for second in range(5)]
    numbers = [at for at, _, _ in by_property[SAT]]
    assert [at // 1000 for at in numbers] == [at // 1000 for at in times]
    if format in ("parquet", "arrow"):
        assert numbers == times
    assert [float(said) for _, said, _ in by_property[SAT]] == [20.0, 21.0, 22.0, 23.0, 24.0]
    assert [said for _, said, _ in by_property[NOTE]] == [f'note, "{second}"' for second in range(5)]
    fans = {"ndjson": [False, True, False, True, False], "csv": ["false", "true", "false", "true", "false"]}
    assert [said for _, said, _ in by_property[FAN]] == fans.get(format, [0.0, 1.0, 0.0, 1.0, 0.0])


@pytest.mark.parametrize("format", ["ndjson", "csv", "parquet", "arrow"])
async def test_arrays_and_missing_values_are_told(server: Server, format: str) -> None:
    now = server.clock.now()
    series = server.series(SAT)
    await server.services.ingest.deliver(
        ObservationBatch(
            np.array([series, series], np.int32),
            np.array([now, now + 1_000_000], np.int64),
            np.array([np.nan, np.nan]),
            np.array([0, 0x0800], np.uint16),
            np.array([now, now], np.int64),
            blocks={0: Block(np.array([1.0, 2.5]), step=10)},
        )
    )
    server.clock.advance(1)
    said = [row["said"] for row in rows_of(format, await asked(server, property=SAT, format=format))]
    assert said == (["[1.0,2.5]", ""] if format == "csv" else [[1.0, 2.5], None])


async def test_buckets_have_their_extremes_and_counts(server: Server) -> None:
    await filled(server)
    (line,) = rows_of("ndjson", await asked(server, property=SAT, interval="PT1H", aggregate="max"))
    assert (line["value"], line["minimum"], line["maximum"], line["count"]) == (24.0, 20.0, 24.0, 5)


async def test_a_selection_is_by_twin_class_role_text_or_query(server: Server) -> None:
    await server.observe((SAT, 1.0), (FAN, 1.0), (CO2, 400.0), (MODE, 0.0))
    server.clock.advance(1)

    async def properties(**chosen: Any) -> set[str]:
        return {row["property"] for row in rows_of("ndjson", await asked(server, **chosen))}

    assert await properties(property=[SAT, CO2]) == {SAT, CO2}
    assert await properties(**{"class": "brick:AHU"}) == {SAT, FAN}
    assert await properties(**{"class": "brick:Supply_Air_Temperature_Sensor"}) == {SAT}
    assert await properties(site="hq") == {SAT, FAN, CO2, MODE}
    assert await properties(site="hq", text="Fan") == {FAN}


@pytest.mark.parametrize(
    ("parameters", "detail"),
    [
        ({}, "selects nothing"),
        ({"property": "urn:nobody"}, "no property"),
        ({"site": "nowhere"}, "no site"),
        ({"property": SAT, "format": "xls"}, "no table format"),
        ({"property": SAT, "aggregate": "median", "interval": "PT1M"}, "no aggregate"),
        ({"property": SAT, "from": "2030-01-01T00:00:00Z"}, "end before it begins"),
    ],
)
async def test_what_cannot_be_exported_is_told(server: Server, parameters: dict[str, str], detail: str) -> None:
    async with server.client() as client:
        answer = await client.get(URL, params=parameters)
    assert answer.status_code in (400, 404, 422)
    assert detail in answer.json()["detail"]


async def test_a_long_export_is_read_as_it_is_sent_and_not_before(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads slowly holds the reading of the history back, so that memory stays flat."""
    start, series = server.clock.now(), server.series(SAT)
    count = 50_000
    times = start + np.arange(count, dtype=np.int64) * NANOSECONDS
    await server.services.history.append(
        ObservationBatch(
            np.full(count, series, np.int32),
            times,
            np.arange(count, dtype=np.float64),
            np.zeros(count, np.uint16),
            times,
        )
    )
    monkeypatch.setattr(history_out, "_FIRST", 1000 * NANOSECONDS)
    monkeypatch.setattr(history_out, "_FEW", 500)
    reads: list[int] = []
    rows = server.services.history.rows

    async def counted(*arguments: Any, **more: Any) -> ObservationBatch:
        found = await rows(*arguments, **more)
        reads.append(len(found))
        return found

    monkeypatch.setattr(server.services.history, "rows", counted)
    record = server.services.twins.property(server_scope(), SAT)
    assert record is not None
    span = history_out.Span(start, start + count * NANOSECONDS)
    stream = history_out.exported(server.services.history, [record], span, "csv")
    got = await anext(stream)
    assert len(reads) == 1  # the second piece is not read before the first is taken
    async for part in stream:
        got += part
    assert got.count(b"\n") == count + 1
    assert max(reads) <= 2000


def server_scope() -> Any:
    from twin.scope import Scope

    return Scope()
