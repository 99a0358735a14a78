from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.server import Server, start


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """The surfaces over the small headquarters building."""
    started = await start()
    yield started
    started.close()
