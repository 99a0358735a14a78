"""DuckDB keeps the history contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contracts.history import HistoryContract
from twin.telemetry.duckdb import DuckDBHistory


class TestDuckDBHistory(HistoryContract):
    @pytest.fixture
    async def history(self, tmp_path: Path) -> AsyncIterator[DuckDBHistory]:
        history = await DuckDBHistory(tmp_path / "history.duckdb").open()
        yield history
        await history.close()
