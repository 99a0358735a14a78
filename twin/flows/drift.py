"""Drift in the background: every sensor that has peers is compared with them over the last fortnight, now and then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from twin.clock import NANOSECONDS, Clock
from twin.contracts import Aggregate, Window
from twin.errors import InvalidInput
from twin.flows.checks import KnownChecks
from twin.graph.twins.reader import TwinReader
from twin.graph.twins.records import PropertyRecord
from twin.observation import Float64
from twin.scope import Scope
from twin.telemetry.quality_drift import HOURS_A_DAY, drift_of
from twin.units import conversion, unit

logger = logging.getLogger(__name__)
DAYS = 14
FIRST, EVERY = 120.0, 6 * 3600.0
"""Seconds after the start that the first round begins, and that lie between two rounds."""
MOST_PEERS = 16
_HOUR = 3600 * NANOSECONDS
_SCOPE = Scope()


class Windows(Protocol):
    """A history that answers for many series at once."""

    async def windows(
        self, series: Sequence[int], start: int, end: int, *, points: int | None = None, aggregate: Aggregate = "mean"
    ) -> Mapping[int, Window]: ...


class Drift:
    """Compares sensors with their peers and tells the checks which have drifted: their values are flagged uncertain."""

    def __init__(self, twins: TwinReader, checks: KnownChecks, history: Windows, clock: Clock) -> None:
        self._twins = twins
        self._checks = checks
        self._history = history
        self._clock = clock

    async def run(self) -> None:
        """One round after the other, until cancelled."""
        await asyncio.sleep(FIRST)
        while True:
            try:
                await self.look()
            except Exception:  # the next round tries again
                logger.exception("Sensors could not be compared with their peers.")
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """One round over every property that has a drift tolerance and was heard of since the start."""
        drifted = set()
        for series, settings in list(self._checks.settings.items()):
            record = self._twins.property_by_series(series)
            if settings.drift is not None and record is not None:
                moved = await self._moved(record, settings.along)
                if abs(moved) > settings.drift:
                    drifted.add(series)
            await asyncio.sleep(0)
        self._checks.drifted = frozenset(drifted)

    async def _moved(self, record: PropertyRecord, along: Sequence[str]) -> float:
        beside = self.peers(record, along)
        if not beside:
            return float("nan")
        end = self._clock.now() // _HOUR * _HOUR
        start = end - DAYS * HOURS_A_DAY * _HOUR
        wanted = [record.series, *(peer.series for peer, _, _ in beside)]
        windows = await self._history.windows(wanted, start, end, points=DAYS * HOURS_A_DAY)
        own = _hourly(windows.get(record.series), start)
        rows = [_hourly(windows.get(peer.series), start) * scale + offset for peer, scale, offset in beside]
        return drift_of(own, np.array(rows))

    def peers(self, record: PropertyRecord, along: Sequence[str] = ()) -> list[tuple[PropertyRecord, float, float]]:
        """The sensors that measure the same beside a property, each with the scale and offset that bring its values
        into the property's unit.

        They are those of the same role (or, without one, class) and quantity on the same twin, in the same place, on
        the twins in that place, and at the other end of the relationships named.
        """
        owner = self._twins.twin(_SCOPE, record.owner) if record.owner is not None else None
        if owner is None:
            return []
        near = [owner.iri]
        if owner.place is not None:
            near += [owner.place, *self._twins.contents(_SCOPE, owner.place)]
        for name in along:
            near += [each for way in ("out", "in") for each in self._twins.related(_SCOPE, owner.iri, name, way)]
        found: list[tuple[PropertyRecord, float, float]] = []
        for twin in dict.fromkeys(near):
            for iri in self._twins.properties(_SCOPE, owner=twin, limit=1000).items:
                peer = self._twins.property(_SCOPE, iri)
                if peer is None or peer.iri == record.iri or peer.writable or not _alike(record, peer):
                    continue
                try:
                    same = peer.unit == record.unit or peer.unit is None or record.unit is None
                    scale = (1.0, 0.0) if same else conversion(unit(peer.unit or ""), unit(record.unit or ""))
                except InvalidInput:
                    continue
                found.append((peer, *scale))
        return found[:MOST_PEERS]


def _alike(one: PropertyRecord, other: PropertyRecord) -> bool:
    if other.kind != "number" or one.quantity_kind != other.quantity_kind:
        return False
    return one.role == other.role if one.role and other.role else one.classes == other.classes


def _hourly(window: Window | None, start: int) -> Float64:
    """The means by hour from a moment on; NaN where there is none."""
    found = np.full(DAYS * HOURS_A_DAY, np.nan)
    if window is not None:
        hour = (window.time - start) // _HOUR
        inside = (hour >= 0) & (hour < len(found))
        found[hour[inside]] = window.value[inside]
    return found
