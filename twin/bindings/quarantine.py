"""What could not be decoded: counted by address and reason, with a sample of each, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

from twin.contracts import Rejected

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
    """The rejections of one connection.  It keeps the ``entries`` most recent kinds; ``total`` counts them all.

    What was refused since the last `taken` waits there whole, to be kept on disk before it is acknowledged.
    """

    def __init__(self, entries: int = _ENTRIES) -> None:
        self.total = 0
        self._bound = entries
        self._waiting: dict[tuple[str, int, int], Rejected] = {}
        self._kinds: OrderedDict[tuple[str, str], tuple[int, object, int]] = OrderedDict()

    def add(self, address: str, reason: str, raw: object, time: int) -> None:
        """Counts one refused value."""
        self.total += 1
        if raw is not None:
            self._wait(Rejected(address, raw, time, reason))
        count = self._kinds.pop((address, reason), (0, None, 0))[2] + 1
        kept = raw[:SAMPLE_BYTES] if isinstance(raw, bytes | bytearray | str) else raw
        self._kinds[address, reason] = (time, kept, count)
        if len(self._kinds) > self._bound:
            self._kinds.popitem(last=False)

    def _wait(self, rejected: Rejected) -> None:
        # A payload that several bindings refuse is kept once, with the reasons of all.
        key = (rejected.address, id(rejected.payload), rejected.received)
        known = self._waiting.get(key)
        if known is not None and rejected.reason not in known.reason.split("; "):
            rejected = replace(rejected, reason=f"{known.reason}; {rejected.reason}")
        elif known is not None:
            return
        self._waiting[key] = rejected

    def taken(self) -> list[Rejected]:
        """What was refused since the last call, each payload once."""
        if not self._waiting:
            return []
        waiting, self._waiting = list(self._waiting.values()), {}
        return waiting

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
