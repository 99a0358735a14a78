"""Column batches of observations, and the quality codes on them (`sosa:Observation`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag

import numpy as np
import numpy.typing as npt

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt16 = npt.NDArray[np.uint16]
Float64 = npt.NDArray[np.float64]


class Quality(IntFlag):
    """What is known against a value; 0 is good, and codes combine.

    The low byte says uncertain, the high byte says bad (after OPC UA Part 8 status severities).
    A bad value is kept in history but never shown as the value of a property.
    """

    GOOD = 0
    SUBSTITUTED = 0x0001
    STALE = 0x0002
    CLOCK_SUSPECT = 0x0004
    OUT_OF_RANGE = 0x0008
    SPIKE = 0x0010
    FLATLINE = 0x0020
    RATE = 0x0040
    UNCERTAIN = 0x0080
    COMMS = 0x0100
    DEVICE_FAULT = 0x0200
    CONFIGURATION = 0x0400
    NOT_A_NUMBER = 0x0800

    @property
    def bad(self) -> bool:
        """Whether the value must not be used."""
        return bool(self & 0xFF00)

    @property
    def word(self) -> str:
        """``good``, ``uncertain`` or ``bad``."""
        return "bad" if self & 0xFF00 else "uncertain" if self else "good"

    @property
    def flags(self) -> list[str]:
        """The codes in words, lowest first, e.g. ``["stale", "out-of-range"]``; empty when good."""
        return [code.name.lower().replace("_", "-") for code in Quality if code and self & code and code.name]


@dataclass(frozen=True, slots=True)
class ObservationBatch:
    """Observations as columns of one length ``n``, in canonical units.

    ``series`` int32[n]; ``time`` and ``received`` int64[n] nanoseconds UTC (source time and receive time);
    ``value`` float64[n] (a boolean is 0 or 1, a state its index, a text NaN); ``quality`` uint16[n]
    (`Quality`); ``text`` maps the rows that carry text to it.
    """

    series: Int32
    time: Int64
    value: Float64
    quality: UInt16
    received: Int64
    text: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.series)

    @staticmethod
    def of(rows: list[tuple[int, int, float, int, int]], text: Mapping[int, str] | None = None) -> ObservationBatch:
        """A batch of ``(series, time, value, quality, received)`` rows."""
        series, time, value, quality, received = zip(*rows, strict=True) if rows else ((), (), (), (), ())
        return ObservationBatch(
            np.asarray(series, np.int32),
            np.asarray(time, np.int64),
            np.asarray(value, np.float64),
            np.asarray(quality, np.uint16),
            np.asarray(received, np.int64),
            text or {},
        )
