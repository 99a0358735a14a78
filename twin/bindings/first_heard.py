"""Waiting until every one of some series has said something."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import numpy as np

from twin.observation import ObservationBatch


class FirstHeard:
    """Who waits for first values, and what they have not heard yet."""

    def __init__(self) -> None:
        self._awaited: dict[asyncio.Event, set[int]] = {}

    async def of(self, series: Collection[int]) -> None:
        """Returns when a value of each of these series that is not bad was told, counted from now."""
        if series:
            done = asyncio.Event()
            self._awaited[done] = set(series)
            try:
                await done.wait()
            finally:
                del self._awaited[done]

    def tell(self, observations: ObservationBatch) -> None:
        """Takes what was delivered."""
        if not self._awaited:
            return
        seen = set(np.unique(observations.series[observations.quality & 0xFF00 == 0]).tolist())
        for event, series in self._awaited.items():
            series -= seen
            if not series:
                event.set()
