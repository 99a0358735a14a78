"""What stands in for samples that did not come, where a property says so: held, interpolated or nothing, always marked.

A substitute is an observation with the code SUBSTITUTED: history, subscribers and models see it as one.  When the
samples come after all, the substitutes between them are withdrawn - a later version says that there is nothing - and
those that are still needed are worked out anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np

from twin.clock import NANOSECONDS, Clock
from twin.errors import TwinError
from twin.flows.checks import KnownChecks
from twin.observation import ObservationBatch, Quality
from twin.telemetry.latest import NEVER
from twin.telemetry.quality_settings import CheckSettings
from twin.telemetry.quality_standing import Standing

logger = logging.getLogger(__name__)
EVERY = 1.0
MOST = 1_000
"""Substitutes of one property that are written at once; what is more follows a second later."""
REMEMBERED = 50
"""Gaps of a property that can still be reconciled, the newest ones."""
STANDS_IN = int(Quality.SUBSTITUTED)
NOTHING = int(Quality.SUBSTITUTED | Quality.NOT_A_NUMBER)
Row = tuple[int, int, float, int, int]
Deliver = Callable[[ObservationBatch], Awaitable[None]]


@dataclass(slots=True)
class Gap:
    """A stretch without measured samples after ``real[0]``; ``written`` are the substitutes in it by time (ns UTC), and
    ``real`` what was measured at its ends and, later, within."""

    settings: CheckSettings
    step: int
    real: dict[int, float]
    written: dict[int, float] = field(default_factory=dict)
    ended: bool = False
    changed: bool = False

    @property
    def start(self) -> int:
        """When the last sample before the gap was measured."""
        return min(self.real)

    def covers(self, time: int) -> bool:
        """Whether a moment is in the gap."""
        return time > self.start and (not self.ended or time < max(self.real))


class Missing:
    """Writes and reconciles substitutes; `arrived` is told of every committed batch, `run` looks once a second."""

    def __init__(self, checks: KnownChecks, standing: Standing, deliver: Deliver, clock: Clock) -> None:
        self._checks = checks
        self._standing = standing
        self._deliver = deliver
        self._clock = clock
        self._gaps: dict[int, list[Gap]] = {}

    def arrived(self, batch: ObservationBatch) -> None:
        """Takes note of measured samples in or at the end of a gap."""
        if not self._gaps:
            return
        rows = np.flatnonzero(np.isin(batch.series, list(self._gaps)) & (batch.quality & STANDS_IN == 0))
        for row in rows.tolist():
            value = float(batch.value[row])
            if batch.quality[row] & 0xFF00 or np.isnan(value):
                continue
            time = int(batch.time[row])
            for gap in self._gaps[int(batch.series[row])]:
                if gap.covers(time):
                    gap.real[time] = value
                    gap.changed = True

    async def run(self) -> None:
        """Looks again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except TwinError:
                pass  # the history takes nothing now: the next look writes what is due then
            except Exception:
                logger.exception("Substitutes could not be written.")
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Writes what is due now."""
        now = self._clock.now()
        for series in sorted(self._checks.substituting | self._gaps.keys()):
            settings = self._checks.settings.get(series)
            if settings is not None and settings.missing is not None:
                self._open_or_close(series, settings, now)
        rows: list[Row] = []
        taken: list[tuple[Gap, dict[int, float]]] = []
        for series, gaps in self._gaps.items():
            for gap in gaps:
                if gap.changed or not gap.ended:
                    wanted = _wanted(gap, now)
                    told = _rows(series, gap, wanted, now)
                    rows += told
                    taken.append((gap, wanted))
        if rows:
            await self._deliver(ObservationBatch.of(rows))
        for gap, wanted in taken:  # only now: what could not be delivered is due again
            gap.written, gap.changed = wanted, False

    def _open_or_close(self, series: int, settings: CheckSettings, now: int) -> None:
        which = np.array([series])
        order = int(self._standing.column("order", which)[0])
        value = float(self._standing.column("value", which)[0])
        gaps = self._gaps.setdefault(series, [])
        if gaps and not gaps[-1].ended and order > gaps[-1].start:
            gaps[-1].real.setdefault(order, value)
            gaps[-1].ended = gaps[-1].changed = True
        if order == NEVER or settings.gap is None or (gaps and not gaps[-1].ended):
            return
        if now - order > settings.gap * NANOSECONDS and not np.isnan(value):
            usual = float(self._standing.column("interval", which)[0])
            period = settings.period or (usual if usual > 0 else settings.gap / 3)
            gaps.append(Gap(settings, max(int(period * NANOSECONDS), 1), {order: value}))
            del gaps[:-REMEMBERED]


def _wanted(gap: Gap, now: int) -> dict[int, float]:
    """The substitutes that a gap needs now, by time; NaN where there is to be nothing."""
    times = sorted(gap.real)
    end = times[-1] if gap.ended else now
    longest = int((gap.settings.gap or 0) * NANOSECONDS)
    found: dict[int, float] = {}
    for before, after in zip(times, [*times[1:], end] if not gap.ended else times[1:], strict=False):
        if after - before <= longest:
            continue
        moments = range(before + gap.step, after, gap.step)
        if gap.settings.missing == "null":
            found.update(dict.fromkeys(moments[:1], float("nan")))
        elif gap.settings.missing == "hold":
            found.update(dict.fromkeys(moments[: len(gap.written) + MOST], gap.real[before]))
        elif gap.ended and after in gap.real:
            slope = (gap.real[after] - gap.real[before]) / (after - before)
            found.update((moment, gap.real[before] + slope * (moment - before)) for moment in moments[:100_000])
    return found


def _rows(series: int, gap: Gap, wanted: dict[int, float], now: int) -> list[Row]:
    """What has to be written so that the substitutes wanted stand, and no others."""
    rows: list[Row] = []
    for time in sorted(gap.written.keys() | wanted.keys()):
        if time not in wanted:
            if time not in gap.real:  # what was measured then is the newest version already
                rows.append((series, time, float("nan"), NOTHING, now))
        elif time not in gap.written or not _same(gap.written[time], wanted[time]):
            rows.append((series, time, wanted[time], NOTHING if np.isnan(wanted[time]) else STANDS_IN, now))
    return rows


def _same(one: float, other: float) -> bool:
    return one == other or (np.isnan(one) and np.isnan(other))
