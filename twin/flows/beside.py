"""Running a binding that is not in force beside the one that is, to see whether both tell the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np

from twin.bindings.health import ConnectionHealth
from twin.bindings.plan import ConnectionPlan
from twin.bindings.supervisor import Supervisor
from twin.bindings.swap import EquivalenceReport, Measure, Stream, compare, only
from twin.bus import Lost, Topic
from twin.clock import Clock
from twin.graph.twins.records import PropertyRecord
from twin.observation import ObservationBatch, Quality
from twin.telemetry.latest import LatestTable
from twin.units import unit

KELVINS_APART = 0.5
"""Kelvin that two temperatures of one place may differ."""
_OF_RANGE, _OF_VALUE = 0.01, 0.02


class Comparison:
    """What runs a candidate beside what is in force; nothing of the candidate is shown or kept."""

    def __init__(
        self, supervisor: Supervisor, latest: LatestTable, observations: Topic[ObservationBatch], clock: Clock
    ) -> None:
        self._supervisor = supervisor
        self._latest = latest
        self._observations = observations
        self._clock = clock

    async def run(self, property: PropertyRecord, candidate: ConnectionPlan, seconds: float) -> EquivalenceReport:
        """The report on both sides after so many seconds.

        The old side starts with the value it has now, because a device that reports changes only may say nothing new.
        """
        before = self._present(property)
        after: list[ObservationBatch] = []

        async def collect(batch: ObservationBatch, acknowledge: Callable[[], None] | None) -> None:
            _keep(batch, property.series, after)
            if acknowledge is not None:
                acknowledge()

        began = self._clock.monotonic()
        async with self._supervisor.beside(candidate, collect) as worker:
            listening = asyncio.create_task(self._listen(property.series, before))
            try:
                await asyncio.sleep(seconds)
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
            ran = round(self._clock.monotonic() - began, 1)
            health = worker.health()
        old, new = Stream.of(before, property.series), Stream.of(after, property.series)
        return compare(old, new, ran, _measure(property, old, new), _trouble(health))

    async def _listen(self, series: int, into: list[ObservationBatch]) -> None:
        async with self._observations.subscribe() as subscription:
            async for batch in subscription:
                if not isinstance(batch, Lost):
                    _keep(batch, series, into)

    def _present(self, property: PropertyRecord) -> list[ObservationBatch]:
        live = self._latest.live(property.series, property.freshness)
        if not live.available or live.time is None or live.received is None:
            return []
        value = live.value if live.value is not None else np.nan
        text = {0: live.text} if live.text is not None else {}
        return [ObservationBatch.of([(property.series, live.time, value, int(Quality.GOOD), live.received)], text)]


def _keep(batch: ObservationBatch, series: int, into: list[ObservationBatch]) -> None:
    found = only(batch, series)
    if len(found):
        into.append(found)


def _measure(property: PropertyRecord, before: Stream, after: Stream) -> Measure:
    """How much two numbers of this property may differ: 0.5 K for temperatures, else 1 % of the property's range, else
    2 % of the greatest value seen."""
    if property.kind != "number":
        return Measure(None)
    measured_in = unit(property.unit) if property.unit is not None else None
    symbol = measured_in.symbol if measured_in is not None else ""
    if measured_in is not None and measured_in.dimension == unit("K").dimension:
        return Measure(KELVINS_APART / measured_in.factor, symbol)
    if property.minimum is not None and property.maximum is not None:
        return Measure(_OF_RANGE * (property.maximum - property.minimum), symbol)
    seen = np.abs(np.concatenate([before.value, after.value]))
    return Measure(_OF_VALUE * float(seen.max(initial=0.0)), symbol)


def _trouble(health: ConnectionHealth) -> str:
    if health.error:
        return health.error
    if health.rejections:
        first = health.rejections[0]
        return f"{first.count} values at {first.address} were refused: {first.reason} ({first.sample!r})."
    faults = [event.message for event in health.log if event.level == "error"]
    return faults[-1] if faults else "it was connected, but nothing came from the address."
