"""How long to wait before something is tried again."""

from __future__ import annotations

import random
from collections.abc import Iterator

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between attempts: the first pause, and the bound it doubles up to."""


def pauses(first: float) -> Iterator[float]:
    """Seconds to wait before each next attempt: doubling to a bound, and spread so that many do not come at once."""
    pause = first
    while True:
        yield pause * random.uniform(0.75, 1.0)  # noqa: S311 - spreads load, hides nothing
        pause = min(pause * 2, LONGEST_PAUSE)
