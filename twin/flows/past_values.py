"""What properties said at a moment of the past, for the ``live:`` functions of a query that is asked as of then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from twin.flows.live_values import View, Windows
from twin.flows.losses import Losses, nothing_lost
from twin.graph.past.pinned import Past
from twin.graph.readers.live_details import LiveDetails
from twin.graph.readers.live_functions import LiveValue, LiveView
from twin.scope import Scope


class PastLiveValues:
    """A `twin.graph.readers.live_functions.LiveSource` over the properties of one revision and the history."""

    def __init__(self, past: Past, history: Windows, losses: Losses = nothing_lost) -> None:
        self._past = past
        self._history = history
        self._losses = losses

    def view(self, scope: Scope) -> LiveView:
        """What one query as of ``scope.time`` reads; the read model is made when a query first needs it."""
        return PastView(self._past, self._history, scope, self._losses)


class PastView:
    """A view in which the instant is a moment of the past, and nothing after it is told."""

    def __init__(self, past: Past, history: Windows, scope: Scope, losses: Losses = nothing_lost) -> None:
        self._losses = losses
        self._past = past
        self._history = history
        self._scope = scope
        self._time = past.time if scope.time is None else scope.time
        self._opened: View | None = None

    async def values(self, property: str, size: int) -> Mapping[str, LiveValue]:
        """What they said at the moment."""
        return await (await self._view()).values_at(property, size, self._time)

    async def values_at(self, property: str, size: int, at: int) -> Mapping[str, LiveValue]:
        """What they said at an earlier moment; nothing for a later one."""
        return await (await self._view()).values_at(property, size, at) if at <= self._time else {}

    async def details(self, property: str, size: int) -> Mapping[str, LiveDetails]:
        """Nothing: how a value came about is told of the present, and of the past by its lineage."""
        return {}

    async def aggregates(
        self, property: str, size: int, seconds: float, aggregate: str, end: int | None
    ) -> Mapping[str, float | None]:
        """The aggregates up to the moment, or up to an earlier one."""
        until = self._time if end is None else min(end, self._time)
        return await (await self._view()).aggregates(property, size, seconds, aggregate, until)

    def standing(self, what: str) -> Mapping[str, Any]:
        """Nothing: what stands is of the present."""
        del what
        return {}

    async def _view(self) -> View:
        if self._opened is None:
            self._opened = View(self._scope, await self._past.twins(), self._history, _never, self._losses)
        return self._opened


def _never(_series: int) -> NoReturn:
    raise AssertionError("the past has no present")
