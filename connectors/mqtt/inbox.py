"""What has come and nobody has taken yet: filled by the network thread, emptied by the event loop."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

LARGEST = 16 * 1024 * 1024
"""Bytes of payload at which the inbox is full, however few messages they are."""


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages as they came, in columns of one length: topics, payloads, when they were received (ns UTC), and packet
    identifiers: 0 where no acknowledgement is needed.  A payload is None for a filter that the broker refused, which
    then stands for the topic."""

    topics: list[str] = field(default_factory=list)
    payloads: list[bytes | None] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    mids: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.topics)

    def add(self, topic: str, payload: bytes | None, received: int, mid: int) -> None:
        """Adds one message."""
        self.topics.append(topic)
        self.payloads.append(payload)
        self.received.append(received)
        self.mids.append(mid)


class Inbox:
    """A bounded queue between two threads without a lock: each counter and flag is written by one of them.

    ``tell`` is called on the network thread when there is something new and the loop does not know it yet.  Messages
    are kept in columns: an object for each would cost more than decoding it.
    """

    def __init__(self, limit: int, tell: Callable[[], object]) -> None:
        self._limit = limit
        self._tell = tell
        self._told = False  # set by the network thread when it told, taken back by the loop before it looks
        self._topics: deque[str] = deque()
        self._payloads: deque[bytes] = deque()
        self._received: deque[int] = deque()
        self._mids: deque[int] = deque()  # filled last and looked at first: as many as it has are whole
        self._bytes_in = 0
        self._bytes_out = 0
        self._room = threading.Event()

    def __len__(self) -> int:
        return len(self._mids)

    # The network thread.

    def put(self, topics: Sequence[str], payloads: Sequence[bytes], mids: Sequence[int], received: int) -> None:
        """Adds messages; never waits and never refuses: ask `room` before reading on."""
        self._bytes_in += sum(map(len, payloads))
        self._topics.extend(topics)
        self._payloads.extend(payloads)
        self._received.extend(repeat(received, len(mids)))
        self._mids.extend(mids)
        self._wake()

    def put_one(self, topic: str, payload: bytes, mid: int, received: int) -> None:
        """Adds one message, as `put` does many."""
        self._bytes_in += len(payload)
        self._topics.append(topic)
        self._payloads.append(payload)
        self._received.append(received)
        self._mids.append(mid)
        self._wake()

    def _wake(self) -> None:
        if not self._told:
            self._told = True
            self._tell()

    @property
    def room(self) -> int:
        """How many more messages should be read."""
        if self._bytes_in - self._bytes_out >= LARGEST:
            return 0
        return max(self._limit - len(self._mids), 0)

    def wait_for_room(self, seconds: float) -> None:
        """Returns when something was taken or `release` was called, at the latest after the time."""
        self._room.clear()
        if not self.room:  # looked at again: it may have been emptied before the flag was cleared
            self._room.wait(seconds)

    # The event loop.

    def take(self) -> Messages:
        """All messages that wait, oldest first."""
        self._told = False
        count = len(self._mids)
        messages = Messages(
            _first(self._topics, count), _first(self._payloads, count), _first(self._received, count),
            _first(self._mids, count),
        )  # fmt: skip
        self._bytes_out += sum(map(len, messages.payloads))  # type: ignore[arg-type]  # what came has a payload
        self._room.set()
        return messages

    def release(self) -> None:
        """Lets a network thread that waits for room go on."""
        self._room.set()


def _first(column: deque[Any], count: int) -> list[Any]:
    take = column.popleft
    return [take() for _ in range(count)]
