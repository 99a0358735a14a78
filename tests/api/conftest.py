from __future__ import annotations

import pytest

from tests.api.server import Server, start


@pytest.fixture
async def server() -> Server:
    """The surfaces over the small headquarters building."""
    return await start()
