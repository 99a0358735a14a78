"""Checks on arriving observations: what is known against a value becomes a code on it; nothing is dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from twin.clock import NANOSECONDS
from twin.observation import Float64, Int32, ObservationBatch, Quality

CLOCK_TOLERANCE = 60.0
"""Seconds that a device's clock may be ahead before its times are suspect."""
EARLIEST = 946_684_800 * NANOSECONDS
"""2000-01-01T00:00:00Z: a source time before it comes from a clock that was never set."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """The range of each series in its canonical unit, indexed by series number; NaN where it has no bound."""

    minimum: Float64
    maximum: Float64

    @staticmethod
    def of(ranges: Mapping[int, tuple[float | None, float | None]]) -> Ranges:
        """Ranges given as series to (minimum, maximum), None meaning no bound."""
        size = max(ranges, default=-1) + 1
        minimum, maximum = np.full(size, np.nan), np.full(size, np.nan)
        for series, (low, high) in ranges.items():
            minimum[series] = np.nan if low is None else low
            maximum[series] = np.nan if high is None else high
        return Ranges(minimum, maximum)

    def bounds(self, series: Int32) -> tuple[Float64, Float64]:
        """The two bounds of each given series, NaN where there is none."""
        known = (series >= 0) & (series < len(self.minimum))
        if not len(self.minimum):
            nothing = np.full(len(series), np.nan)
            return nothing, nothing
        at = np.where(known, series, 0)
        return np.where(known, self.minimum[at], np.nan), np.where(known, self.maximum[at], np.nan)


NO_RANGES = Ranges.of({})


def check(
    batch: ObservationBatch, ranges: Ranges = NO_RANGES, now: int = 0, tolerance: float = CLOCK_TOLERANCE
) -> ObservationBatch:
    """The same rows with quality codes added to those they came with.

    A value that should be a number and is no finite one is NOT_A_NUMBER; one outside its series' range
    OUT_OF_RANGE; a source time before the year 2000, or more than ``tolerance`` seconds after ``now`` (ns
    UTC; 0: after its receive time), CLOCK_SUSPECT.
    """
    number = np.isfinite(batch.value)
    minimum, maximum = ranges.bounds(batch.series)
    no_number = ~number & batch.numeric()
    outside = number & ((batch.value < minimum) | (batch.value > maximum))
    limit = (now or batch.received) + int(tolerance * NANOSECONDS)
    suspect = (batch.time < EARLIEST) | (batch.time > limit)
    if not (no_number.any() or outside.any() or suspect.any()):
        return batch
    quality = batch.quality.copy()
    quality[no_number] |= np.uint16(Quality.NOT_A_NUMBER)
    quality[outside] |= np.uint16(Quality.OUT_OF_RANGE)
    quality[suspect] |= np.uint16(Quality.CLOCK_SUSPECT)
    return replace(batch, quality=quality)
