"""Column batches of observations, and the quality codes on them (`sosa:Observation`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
class Block:
    """An array value of one observation, such as a vibration waveform, in the property's canonical unit.

    ``values`` float64[m] are evenly spaced: number ``i`` was taken ``start + i * step`` nanoseconds after the
    observation's source time.  A ``step`` of 0 says that they are not spaced in time (a spectrum, a vector).
    """

    values: Float64
    step: int = 0
    start: int = 0

    def __len__(self) -> int:
        return len(self.values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Block):
            return NotImplemented
        same = (self.step, self.start) == (other.step, other.start)
        return same and np.array_equal(self.values, other.values, equal_nan=True)

    __hash__ = None  # type: ignore[assignment]  # its values are an array, which has none


@dataclass(frozen=True, slots=True)
class ObservationBatch:
    """Observations as columns of one length ``n``, in canonical units.

    ``series`` int32[n]; ``time`` and ``received`` int64[n] nanoseconds UTC (source time and receive time);
    ``value`` float64[n] (a boolean is 0 or 1, a state its index, a text or a block NaN); ``quality`` uint16[n]
    (`Quality`); ``text`` and ``blocks`` map the rows that carry a text or an array to it; ``origin`` int32[n] says
    where each row came from, by its number in the register of origins (0, or no column at all: nobody wrote it down).
    """

    series: Int32
    time: Int64
    value: Float64
    quality: UInt16
    received: Int64
    text: Mapping[int, str] = field(default_factory=dict)
    blocks: Mapping[int, Block] = field(default_factory=dict)
    origin: Int32 | None = None

    def __len__(self) -> int:
        return len(self.series)

    def numeric(self) -> npt.NDArray[np.bool_]:
        """bool[n]: which rows carry a number, or should: neither a text nor a block."""
        found = np.ones(len(self), np.bool_)
        found[list(self.text)] = False
        found[list(self.blocks)] = False
        return found

    def take(self, rows: npt.NDArray[np.intp]) -> ObservationBatch:
        """The rows at these positions, in the order given."""
        positions = rows.tolist() if self.text or self.blocks else ()
        return ObservationBatch(
            self.series[rows],
            self.time[rows],
            self.value[rows],
            self.quality[rows],
            self.received[rows],
            {to: self.text[row] for to, row in enumerate(positions) if row in self.text},
            {to: self.blocks[row] for to, row in enumerate(positions) if row in self.blocks},
            None if self.origin is None else self.origin[rows],
        )

    @staticmethod
    def joined(batches: Sequence[ObservationBatch]) -> ObservationBatch:
        """One batch of the rows of several, in their order."""
        if len(batches) == 1:
            return batches[0]
        text: dict[int, str] = {}
        blocks: dict[int, Block] = {}
        offset = 0
        for each in batches:
            text.update((offset + row, words) for row, words in each.text.items())
            blocks.update((offset + row, block) for row, block in each.blocks.items())
            offset += len(each)
        origin = None
        if any(each.origin is not None for each in batches):
            unknown = (np.zeros(len(each), np.int32) if each.origin is None else each.origin for each in batches)
            origin = np.concatenate([*unknown, np.empty(0, np.int32)])
        return ObservationBatch(
            np.concatenate([*(each.series for each in batches), np.empty(0, np.int32)]),
            np.concatenate([*(each.time for each in batches), np.empty(0, np.int64)]),
            np.concatenate([*(each.value for each in batches), np.empty(0, np.float64)]),
            np.concatenate([*(each.quality for each in batches), np.empty(0, np.uint16)]),
            np.concatenate([*(each.received for each in batches), np.empty(0, np.int64)]),
            text,
            blocks,
            origin,
        )

    @staticmethod
    def newest(batches: Sequence[ObservationBatch]) -> tuple[ObservationBatch, int]:
        """One batch with the newest row of each series in several, and how many rows were left out.

        Newest is the latest source time, but not later than it was received; of equals the one that came last.
        """
        whole = ObservationBatch.joined(batches)
        order = np.where(whole.received > 0, np.minimum(whole.time, whole.received), whole.time)
        by_series = np.lexsort((order, whole.series))
        last = np.ones(len(whole), np.bool_)
        ordered = whole.series[by_series]
        np.not_equal(ordered[1:], ordered[:-1], out=last[:-1])
        chosen = np.sort(by_series[last])
        return whole.take(chosen), len(whole) - len(chosen)

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
