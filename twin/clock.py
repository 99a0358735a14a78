"""Time, injected: wall time in nanoseconds UTC for stamps, monotonic seconds for timers."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

NANOSECONDS = 1_000_000_000


class Clock(Protocol):
    """Where every module gets its time from."""

    def now(self) -> int:
        """Nanoseconds since 1970-01-01T00:00:00Z."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for time-outs and ages."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> int:
        return time.time_ns()

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass(slots=True)
class ManualClock:
    """A clock that moves only when told to, for tests."""

    time: int = 1_767_225_600 * NANOSECONDS  # 2026-01-01T00:00:00Z
    elapsed: float = field(default=0.0)

    def now(self) -> int:
        return self.time

    def monotonic(self) -> float:
        return self.elapsed

    def advance(self, seconds: float) -> None:
        """Moves both clocks forward."""
        self.time += int(seconds * NANOSECONDS)
        self.elapsed += seconds


def iso(nanoseconds: int) -> str:
    """The time as ISO 8601 / RFC 3339 text in UTC, to the microsecond, e.g. ``2026-01-01T00:00:00.250000Z``."""
    moment = datetime.fromtimestamp(nanoseconds // NANOSECONDS, UTC)
    micro = nanoseconds % NANOSECONDS // 1000
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{micro:06d}" if micro else "") + "Z"


def from_iso(text: str) -> int:
    """Nanoseconds UTC of an ISO 8601 text; a time without an offset is taken as UTC.  Raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * NANOSECONDS + delta.microseconds * 1000
