"""DuckDB keeps the history contract, at rest and while it puts its tables in order all the time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contracts.history import HistoryContract
from twin.telemetry import duckdb_parts
from twin.telemetry.duckdb import DuckDBHistory


class TestDuckDBHistory(HistoryContract):
    @pytest.fixture(params=["at rest", "in many tables"])
    async def history(
        self, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> AsyncIterator[DuckDBHistory]:
        if request.param == "in many tables":
            monkeypatch.setattr(duckdb_parts, "OPEN_ROWS", 40)
            monkeypatch.setattr(duckdb_parts, "TOGETHER", 3)
            monkeypatch.setattr(duckdb_parts, "SLICE", 15)
        history = await DuckDBHistory(tmp_path / "history.duckdb").open()
        yield history
        await history.close()
