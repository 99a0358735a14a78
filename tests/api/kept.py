"""The small headquarters with a real history and its raw side, for tests of what goes out of it and comes into it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from tests.api.server import Server, start
from twin.flows.ingest import Ingest
from twin.lineage.keeping import RawKeeping, open_keeping
from twin.settings import PayloadSettings
from twin.telemetry.duckdb import DuckDBHistory


@asynccontextmanager
async def kept(directory: Path) -> AsyncIterator[tuple[Server, RawKeeping]]:
    """The surfaces over a history in DuckDB, and what is kept beside it."""
    server = await start()
    directory.mkdir(exist_ok=True)  # noqa: ASYNC240 - a test
    history = await DuckDBHistory(directory / "history.duckdb").open()
    keeping = open_keeping(
        directory / "origins.sqlite",
        directory / "payloads",
        directory / "rejects.sqlite",
        PayloadSettings(),
        server.clock,
    )
    ingest = Ingest(server.latest, history, server.observations, server.clock)
    server.services = replace(server.services, history=history, ingest=ingest, keeping=keeping)
    try:
        yield server, keeping
    finally:
        await keeping.close()
        await history.close()
        server.close()
