"""Durations in words: ISO 8601 (``PT15M``, ``P1DT12H``) and the short form (``15m``, ``500ms``)."""

from __future__ import annotations

import re

from twin.clock import NANOSECONDS
from twin.errors import InvalidInput

_SHORT = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_ISO = re.compile(
    r"P(?:(?P<w>\d+(?:\.\d+)?)W)?(?:(?P<d>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<h>\d+(?:\.\d+)?)H)?(?:(?P<m>\d+(?:\.\d+)?)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?"
)
_LONGEST = 200 * 365 * 86_400


def nanoseconds(text: str) -> int:
    """The length of a duration in nanoseconds; raises `InvalidInput` unless it is above zero and at most 200 years."""
    trimmed = text.strip()
    short = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)", trimmed)
    iso = _ISO.fullmatch(trimmed)
    if short is not None:
        length = float(short[1]) * _SHORT[short[2]]
    elif iso is not None and any(iso.groupdict().values()):
        length = sum(float(part) * _SHORT[name] for name, part in iso.groupdict().items() if part)
    else:
        raise InvalidInput(f"{text[:40]!r} is not a duration.", remedy="Write it as PT15M or 15m (ms, s, m, h, d, w).")
    if not 0 < length <= _LONGEST:
        raise InvalidInput(
            f"A duration of {text[:40]!r} is not possible here.", remedy="It must be longer than nothing."
        )
    return max(1, round(length * NANOSECONDS))
