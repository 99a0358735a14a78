"""Reading histories for one request: those that ask for the same window in one turn of the loop go in one batch."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from strawberry.dataloader import DataLoader

from twin.contracts import Aggregate, History, Window


@dataclass(frozen=True, slots=True)
class WindowKey:
    """A stretch of time (ns UTC, half open) and how it is put in buckets."""

    start: int
    end: int
    interval: int | None
    points: int | None
    aggregate: Aggregate


@runtime_checkable
class ManyWindows(Protocol):
    """A history that reads the same window of many series at once."""

    async def windows(
        self,
        series: Sequence[int],
        start: int,
        end: int,
        *,
        interval: int | None = None,
        points: int | None = None,
        aggregate: Aggregate = "mean",
    ) -> Mapping[int, Window]:
        """A window of each series."""
        ...


class WindowLoader:
    """Loads windows of series; the history's own ``windows`` is used where it has one."""

    def __init__(self, history: History) -> None:
        self._history = history
        # Not cached: a subscription lives on while its history grows.
        self._loader: DataLoader[tuple[WindowKey, int], Window] = DataLoader(self._load, cache=False)

    async def load(self, key: WindowKey, series: int) -> Window:
        """The window of one series."""
        return await self._loader.load((key, series))

    async def _load(self, asked: list[tuple[WindowKey, int]]) -> list[Window | BaseException]:
        groups: dict[WindowKey, dict[int, None]] = {}
        for key, series in asked:
            groups.setdefault(key, {})[series] = None
        found = {key: await self._read(key, list(members)) for key, members in groups.items()}
        return [found[key][series] for key, series in asked]

    async def _read(self, key: WindowKey, series: list[int]) -> Mapping[int, Window | BaseException]:
        if isinstance(self._history, ManyWindows):
            try:
                return await self._history.windows(
                    series,
                    key.start,
                    key.end,
                    interval=key.interval,
                    points=key.points,
                    aggregate=key.aggregate,
                )
            except Exception as error:  # each field that asked reports it
                return dict.fromkeys(series, error)
        windows = await asyncio.gather(
            *(
                self._history.window(
                    each, key.start, key.end, interval=key.interval, points=key.points, aggregate=key.aggregate
                )
                for each in series
            ),
            return_exceptions=True,
        )
        return dict(zip(series, windows, strict=True))
