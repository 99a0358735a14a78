"""A bounded fan-out: publishers never wait, a slow subscriber loses its oldest messages and is told how many."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lost:
    """Told to a subscriber in place of the ``count`` oldest messages that it was too slow to take."""

    count: int


class Subscription(Generic[T]):
    """One subscriber's queue.  Iterate it; leaving the ``async with`` ends it."""

    def __init__(self, topic: Topic[T], bound: int) -> None:
        self._topic = topic
        self._bound = bound
        self._queue: deque[T] = deque()
        self._lost = 0
        self._ready = asyncio.Event()

    def _offer(self, message: T) -> None:
        if len(self._queue) >= self._bound:
            self._queue.popleft()
            self._lost += 1
        self._queue.append(message)
        self._ready.set()

    def __aiter__(self) -> AsyncIterator[T | Lost]:
        return self

    async def __anext__(self) -> T | Lost:
        while True:
            if self._lost:
                lost, self._lost = Lost(self._lost), 0
                return lost
            if self._queue:
                return self._queue.popleft()
            self._ready.clear()
            await self._ready.wait()

    async def __aenter__(self) -> Subscription[T]:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._topic.unsubscribe(self)


class Topic(Generic[T]):
    """A stream of messages within the server.  Use it from the event loop's thread only."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription[T]] = set()

    def publish(self, message: T) -> None:
        """Hands the message to every subscriber; never blocks."""
        for subscription in self._subscriptions:
            subscription._offer(message)

    def subscribe(self, bound: int = 256) -> Subscription[T]:
        """A new subscriber that sees every message published from now on, the newest ``bound`` when it is slow."""
        subscription: Subscription[T] = Subscription(self, bound)
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription[T]) -> None:
        """Ends a subscription; ending it twice is allowed."""
        self._subscriptions.discard(subscription)

    def __len__(self) -> int:
        return len(self._subscriptions)
