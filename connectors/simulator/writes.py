"""What the vendors were told to set: the proof of which device a command reached."""

from __future__ import annotations

import time
from collections import deque

_KEPT = 200


class Writes:
    """The writes that arrived, oldest first; the last 200 are kept, so that they fit a line."""

    def __init__(self) -> None:
        self._rows: deque[dict[str, object]] = deque(maxlen=_KEPT)

    def taken(self, vendor: str, address: str, value: object) -> None:
        """Notes a write that took effect."""
        self._add(vendor, address, value, True, "")

    def refused(self, vendor: str, address: str, value: object, reason: str) -> None:
        """Notes a write that the device did not take, and why."""
        self._add(vendor, address, value, False, reason)

    def rows(self) -> list[dict[str, object]]:
        """The writes as JSON values: ``vendor``, ``address``, ``value``, ``taken``, ``reason``, ``time`` (s UTC)."""
        return list(self._rows)

    def _add(self, vendor: str, address: str, value: object, taken: bool, reason: str) -> None:
        row = {"vendor": vendor, "address": address, "value": value, "taken": taken, "reason": reason}
        self._rows.append({**row, "time": time.time()})
