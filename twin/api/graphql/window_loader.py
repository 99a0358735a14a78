"""Reading histories for one request: those that ask for the same window in one turn of the loop go in one batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from strawberry.dataloader import DataLoader

from twin.contracts import PLAIN, Aggregate, History, Reading, Window
from twin.tracing import note_read


@dataclass(frozen=True, slots=True)
class WindowKey:
    """A stretch of time (ns UTC, half open) and how it is put in buckets."""

    start: int
    end: int
    interval: int | None
    points: int | None
    aggregate: Aggregate
    reading: Reading = PLAIN


class WindowLoader:
    """Loads windows of series."""

    def __init__(self, history: History) -> None:
        self._history = history
        # Not cached: a subscription lives on while its history grows.
        self._loader: DataLoader[tuple[WindowKey, int], Window] = DataLoader(self._load, cache=False)

    async def load(self, key: WindowKey, series: int) -> Window:
        """The window of one series."""
        note_read((series,))
        return await self._loader.load((key, series))

    async def _load(self, asked: list[tuple[WindowKey, int]]) -> list[Window | BaseException]:
        groups: dict[WindowKey, dict[int, None]] = {}
        for key, series in asked:
            groups.setdefault(key, {})[series] = None
        found = {key: await self._read(key, list(members)) for key, members in groups.items()}
        return [found[key][series] for key, series in asked]

    async def _read(self, key: WindowKey, series: list[int]) -> Mapping[int, Window | BaseException]:
        try:
            return await self._history.windows(
                series,
                key.start,
                key.end,
                interval=key.interval,
                points=key.points,
                aggregate=key.aggregate,
                reading=key.reading,
            )
        except Exception as error:  # each field that asked reports it
            return dict.fromkeys(series, error)
