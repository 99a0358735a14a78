"""Whether two streams of samples tell the same: what both sides of a vendor swap said while both ran."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.clock import NANOSECONDS
from twin.observation import Float64, Int64, ObservationBatch

AGREEING_STATES = 0.95
"""The share of samples that must tell the same state."""
CLOCKS_APART = 5.0
"""Seconds between the clocks of both sides that are worth a warning."""


@dataclass(frozen=True, slots=True)
class Stream:
    """What one side said of one property, in its unit: ``time`` and ``received`` (int64 ns UTC), ``value`` (float64).

    Bad samples are left out, and so are texts unless ``text`` holds them all.
    """

    time: Int64
    received: Int64
    value: Float64
    text: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.time)

    @staticmethod
    def of(batches: list[ObservationBatch], series: int) -> Stream:
        """The usable samples of a series in these batches, in the order they arrived."""
        times, receipts, values, texts = [], [], [], []
        for batch in batches:
            for row in np.flatnonzero((batch.series == series) & (batch.quality & 0xFF00 == 0)).tolist():
                times.append(int(batch.time[row]))
                receipts.append(int(batch.received[row]))
                values.append(float(batch.value[row]))
                texts.append(batch.text.get(row, ""))
        order = np.argsort(np.array(receipts, np.int64), kind="stable")
        return Stream(
            np.array(times, np.int64)[order],
            np.array(receipts, np.int64)[order],
            np.array(values, np.float64)[order],
            tuple(texts[index] for index in order.tolist()) if any(texts) else (),
        )


def only(batch: ObservationBatch, series: int) -> ObservationBatch:
    """The rows of one series."""
    return batch.take(np.flatnonzero(batch.series == series))


@dataclass(frozen=True, slots=True)
class EquivalenceReport:
    """How two sides compare.  Values are in the property's unit, differences are after minus before.

    ``time_offset`` is by how many seconds the new side's time stamps run ahead of the old side's, each judged against
    the moment its samples arrived.  ``states_agree`` is the share (0..1) of the new side's samples that tell what the
    old side told then; None for numbers.  None stands for what could not be compared.
    """

    seconds: float
    samples_before: int
    samples_after: int
    mean_before: float | None
    mean_after: float | None
    mean_difference: float | None
    maximum_difference: float | None
    time_offset: float | None
    states_agree: float | None
    equivalent: bool
    message: str


@dataclass(frozen=True, slots=True)
class Measure:
    """How numbers of a property are judged: the mean difference allowed, in its unit, and the unit's symbol.

    ``tolerance`` None: the property has no numbers but states or texts.
    """

    tolerance: float | None
    symbol: str = ""

    def show(self, value: float) -> str:
        """The number with its unit."""
        return f"{value:.3g} {self.symbol}".rstrip()


def compare(before: Stream, after: Stream, seconds: float, measure: Measure, trouble: str = "") -> EquivalenceReport:
    """The report on two sides that ran for so many seconds; ``trouble`` is why the new side may have said nothing."""
    alike = None if measure.tolerance is not None else _states_agree(before, after)
    numbers = measure.tolerance is not None
    differences = after.value - _at(before, after.received) if numbers and len(before) and len(after) else None
    mean_difference = float(differences.mean()) if differences is not None else None
    offset = _time_offset(before, after) if len(before) and len(after) else None
    if not len(after):
        equivalent = False
        message = f"The new side said nothing in {seconds:g} s" + (f": {trouble}" if trouble else ".")
    elif not len(before):
        equivalent = False
        message = "The old side said nothing that could be compared; look at the new side's values yourself."
    elif mean_difference is not None and measure.tolerance is not None:
        equivalent = abs(mean_difference) <= measure.tolerance
        message = _verdict_on_numbers(mean_difference, equivalent, measure)
    else:
        equivalent = alike is not None and alike >= AGREEING_STATES
        message = (
            f"Both sides tell the same in {alike or 0.0:.0%} of the samples"
            f"{'.' if equivalent else '; check the state entries of the new binding.'}"
        )
    if offset is not None and abs(offset) > CLOCKS_APART:
        side = "ahead of" if offset > 0 else "behind"
        message += f" The new side's clock is {abs(offset):.0f} s {side} the old one's."
    return EquivalenceReport(
        seconds=seconds,
        samples_before=len(before),
        samples_after=len(after),
        mean_before=float(before.value.mean()) if numbers and len(before) else None,
        mean_after=float(after.value.mean()) if numbers and len(after) else None,
        mean_difference=mean_difference,
        maximum_difference=float(np.abs(differences).max()) if differences is not None else None,
        time_offset=offset,
        states_agree=alike,
        equivalent=equivalent,
        message=message,
    )


def _verdict_on_numbers(difference: float, equivalent: bool, measure: Measure) -> str:
    allowed = measure.show(measure.tolerance or 0.0)
    if equivalent:
        return f"Both sides agree: the mean difference is {measure.show(difference)}, and {allowed} is allowed."
    return (
        f"The sides differ by {measure.show(difference)} on average, and {allowed} is allowed: "
        "check the address, the source unit, the scale and the offset of the new binding."
    )


def _at(stream: Stream, moments: Int64) -> Float64:
    """The stream's values at these receive times, which are of one clock: on the line between two samples, outside them
    the nearest one."""
    start = int(stream.received[0])
    known = (stream.received - start).astype(np.float64)
    return np.interp((moments - start).astype(np.float64), known, stream.value)


def _states_agree(before: Stream, after: Stream) -> float | None:
    if not len(before) or not len(after):
        return None
    held = np.clip(np.searchsorted(before.received, after.received, side="right") - 1, 0, None)
    if before.text or after.text:
        if not (before.text and after.text):
            return 0.0
        same = [before.text[int(index)] == text for index, text in zip(held.tolist(), after.text, strict=True)]
        return sum(same) / len(same)
    share: float = np.count_nonzero(before.value[held] == after.value) / len(after)
    return share


def _time_offset(before: Stream, after: Stream) -> float:
    lead = np.median(after.time - after.received) - np.median(before.time - before.received)
    return float(lead) / NANOSECONDS
