"""What has come and nobody has taken yet: filled by the network thread, emptied by the event loop."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

LARGEST = 16 * 1024 * 1024
"""Bytes of payload at which the inbox is full, however few messages they are."""

Message = tuple[str, bytes | None, int, int]
"""A message as it came: topic, payload, when it was received (ns UTC), and its packet identifier: 0 when it needs no
acknowledgement.  The payload is None for a filter that the broker refused, which then stands for the topic."""


class Inbox:
    """A bounded queue between two threads without a lock: each counter and flag is written by one of them.

    ``tell`` is called on the network thread when there is something new and the loop does not know it yet.
    """

    def __init__(self, limit: int, tell: Callable[[], object]) -> None:
        self._limit = limit
        self._tell = tell
        self._told = False  # set by the network thread when it told, taken back by the loop before it looks
        self._messages: deque[Message] = deque()
        self._bytes_in = 0
        self._bytes_out = 0
        self._room = threading.Event()

    def __len__(self) -> int:
        return len(self._messages)

    # The network thread.

    def put(self, messages: Sequence[Message], size: int) -> None:
        """Adds messages with so many bytes of payload; never waits and never refuses: ask `room` before reading on."""
        self._bytes_in += size
        self._messages.extend(messages)
        if not self._told:
            self._told = True
            self._tell()

    @property
    def room(self) -> int:
        """How many more messages should be read."""
        if self._bytes_in - self._bytes_out >= LARGEST:
            return 0
        return max(self._limit - len(self._messages), 0)

    def wait_for_room(self, seconds: float) -> None:
        """Returns when something was taken or `release` was called, at the latest after the time."""
        self._room.clear()
        if not self.room:  # looked at again: it may have been emptied before the flag was cleared
            self._room.wait(seconds)

    # The event loop.

    def take(self) -> list[Message]:
        """All messages that wait, oldest first."""
        self._told = False
        messages = [self._messages.popleft() for _ in range(len(self._messages))]
        self._bytes_out += sum(len(each[1] or b"") for each in messages)
        self._room.set()
        return messages

    def release(self) -> None:
        """Lets a network thread that waits for room go on."""
        self._room.set()
