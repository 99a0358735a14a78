"""What could not be decoded: counted by address and reason, with a sample of each, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

SAMPLE_BYTES = 200
_ENTRIES = 200


@dataclass(frozen=True, slots=True)
class Rejection:
    """One reason to refuse values of one address: how often, when last (ns UTC), and the last one's beginning."""

    time: int
    address: str
    reason: str
    sample: str
    count: int


class Quarantine:
    """The rejections of one connection.  It keeps the ``entries`` most recent kinds; ``total`` counts them all."""

    def __init__(self, entries: int = _ENTRIES) -> None:
        self.total = 0
        self._bound = entries
        self._kinds: OrderedDict[tuple[str, str], tuple[int, object, int]] = OrderedDict()

    def add(self, address: str, reason: str, raw: object, time: int) -> None:
        """Counts one refused value."""
        self.total += 1
        count = self._kinds.pop((address, reason), (0, None, 0))[2] + 1
        kept = raw[:SAMPLE_BYTES] if isinstance(raw, bytes | bytearray | str) else raw
        self._kinds[address, reason] = (time, kept, count)
        if len(self._kinds) > self._bound:
            self._kinds.popitem(last=False)

    def rejections(self) -> tuple[Rejection, ...]:
        """What was refused, the most recent first."""
        return tuple(
            Rejection(time, address, reason, _shown(raw), count)
            for (address, reason), (time, raw, count) in reversed(self._kinds.items())
        )


def _shown(raw: object) -> str:
    if raw is None:
        return ""
    text = raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes | bytearray) else str(raw)
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text[:SAMPLE_BYTES])
