"""A bounded fan-out: publishers never wait; a slow subscriber gets the newest only, is told so, and is ended."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from twin.errors import TooSlow

T = TypeVar("T")
Coalesce = Callable[[Sequence[T]], "tuple[T, int]"]
"""Makes one message of several, the newest of each thing in it, and says how much was left out."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Told to a subscriber that was too slow, in place of what it will not get: how many messages, or of messages that
    can be coalesced how many things in them."""

    count: int


class Subscription(Generic[T]):
    """One subscriber's queue.  Iterate it; leaving the ``async with`` ends it.

    Iterating raises `TooSlow` once it had to leave something out and did not catch up for its ``patience``.
    """

    def __init__(self, topic: Topic[T], bound: int, coalesce: Coalesce[T] | None, patience: float | None) -> None:
        self._topic = topic
        self._bound = bound
        self._coalesce = coalesce
        self._patience = patience
        self._queue: deque[T] = deque()
        self._lost = 0
        self._behind_since: float | None = None
        self._ended = False
        self._ready = asyncio.Event()

    def _offer(self, message: T) -> None:
        if len(self._queue) >= self._bound and not self._shorten():
            return
        self._queue.append(message)
        self._ready.set()

    def _shorten(self) -> bool:
        """Makes room in the queue, or ends a subscription that did not catch up; whether it goes on."""
        if self._patience is not None:
            now = asyncio.get_running_loop().time()
            if self._behind_since is None:
                self._behind_since = now
            elif now - self._behind_since > self._patience:
                self._ended = True
                self._queue.clear()  # whoever does not read must not keep it either
                self._topic.unsubscribe(self)
                self._topic.ended_slow += 1
                self._ready.set()
                return False
        if self._coalesce is None:
            self._queue.popleft()
            self._lost += 1
            return True
        newest, left_out = self._coalesce(list(self._queue))
        self._queue.clear()
        self._queue.append(newest)
        self._lost += left_out
        return True

    def __aiter__(self) -> AsyncIterator[T | Lost]:
        return self

    async def __anext__(self) -> T | Lost:
        while True:
            if self._ended:
                raise TooSlow(
                    f"The subscription read too slowly for more than {self._patience:g} s and was ended.",
                    remedy="Subscribe again with fewer properties or a maxRate, and read what comes at once.",
                )
            if self._lost:
                lost, self._lost = Lost(self._lost), 0
                return lost
            if self._queue:
                message = self._queue.popleft()
                if not self._queue:
                    self._behind_since = None  # it caught up
                return message
            self._ready.clear()
            await self._ready.wait()

    async def __aenter__(self) -> Subscription[T]:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._topic.unsubscribe(self)


class Topic(Generic[T]):
    """A stream of messages within the server.  Use it from the event loop's thread only.

    ``ended_slow`` counts the subscriptions that were ended because they did not read.
    """

    def __init__(self) -> None:
        self._subscriptions: set[Subscription[T]] = set()
        self.ended_slow = 0

    def publish(self, message: T) -> None:
        """Hands the message to every subscriber; never blocks."""
        for subscription in tuple(self._subscriptions):
            subscription._offer(message)

    def subscribe(
        self, bound: int = 256, *, coalesce: Coalesce[T] | None = None, patience: float | None = None
    ) -> Subscription[T]:
        """A new subscriber that sees every message published from now on.

        When more than ``bound`` wait for it, the oldest are lost, or with ``coalesce`` all that wait become one.  With
        ``patience`` (seconds) it is ended when it has not caught up for so long.
        """
        subscription: Subscription[T] = Subscription(self, bound, coalesce, patience)
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription[T]) -> None:
        """Ends a subscription; ending it twice is allowed."""
        self._subscriptions.discard(subscription)

    def __len__(self) -> int:
        return len(self._subscriptions)
