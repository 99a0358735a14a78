"""The stages every batch passes from a payload to those who follow it, and how long it spent in each."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

BOUNDS = (0.0001, 0.00025, 0.001, 0.0025, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0)
"""The upper bounds of the buckets, in seconds; one more takes what is longer."""


@dataclass(slots=True)
class Stage:
    """What passed one stage since the start: batches, rows in them, seconds spent, and batches by how long they took
    (one number a bucket, not cumulated)."""

    batches: int = 0
    rows: int = 0
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))

    def took(self, seconds: float, rows: int) -> None:
        """Notes that a batch of so many rows took so long."""
        self.batches += 1
        self.rows += rows
        self.seconds += seconds
        self.buckets[bisect_left(BOUNDS, seconds)] += 1


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages in their order: raw values are decoded, converted to canonical units, checked, committed to the
    history, shown as the latest, and told to subscribers."""

    decode: Stage = field(default_factory=Stage)
    convert: Stage = field(default_factory=Stage)
    check: Stage = field(default_factory=Stage)
    commit: Stage = field(default_factory=Stage)
    latest: Stage = field(default_factory=Stage)
    subscribers: Stage = field(default_factory=Stage)
