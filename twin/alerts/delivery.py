"""The outbox: what hooks are told waits on disk until they took it, tried again with pauses that double."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

from twin.alerts.messages import content_of, is_told
from twin.alerts.records import AlertEvent, Severity
from twin.alerts.store import AlertStore
from twin.alerts.webhook import DeliveryError
from twin.clock import NANOSECONDS, Clock

logger = logging.getLogger(__name__)
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 3600.0
"""Seconds before a message is tried again: the first time, and the bound that doubling comes to."""
ATTEMPTS = 30
"""After so many (about a day) a message is given up, with a line in the log."""


class Hook(Protocol):
    """Whatever alerts are told to."""

    @property
    def name(self) -> str:
        """What the outbox calls it."""
        ...

    def deliver(self, messages: Sequence[tuple[int, str]], now: int) -> None:
        """Returns when the messages (number, JSON text) were taken; raises `DeliveryError`.  Runs in a thread."""
        ...


class Delivery:
    """Hands steps of alerts to the hooks.  ``together`` messages at most are handed over at once; one, where each is
    answered by itself."""

    def __init__(
        self,
        store: AlertStore,
        hooks: Iterable[tuple[Hook, int]],
        clock: Clock,
        server: str = "Twin",
        least: Severity = "warning",
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self._store = store
        self._hooks = tuple(hooks)
        self._clock = clock
        self._server = server
        self._least = least
        self._first = first_pause
        self._news = asyncio.Event()

    def take(self, events: Iterable[AlertEvent]) -> None:
        """Puts what the hooks are to hear into the outbox."""
        told = [content_of(event, self._server) for event in events if is_told(event, self._least)]
        if not told or not self._hooks:
            return
        now = self._clock.now()
        with self._store:
            for hook, _ in self._hooks:
                for content in told:
                    self._store.send(hook.name, content, now)

    def wake(self) -> None:
        """Has what was put into the outbox handed over now; from the event loop's thread."""
        self._news.set()

    async def run(self) -> None:
        """Hands over what is due, until cancelled."""
        while True:
            self._news.clear()
            for hook, together in self._hooks:
                try:
                    await self._hand_over(hook, together)
                except Exception:  # an outbox that cannot be read now is read later
                    logger.exception("The outbox of %s could not be worked off.", hook.name)
            try:
                async with asyncio.timeout(min(self._first, 1.0)):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _hand_over(self, hook: Hook, together: int) -> None:
        now = self._clock.now()
        due = await asyncio.to_thread(self._store.due, hook.name, now)
        for start in range(0, len(due), together):
            batch = due[start : start + together]
            try:
                await asyncio.to_thread(hook.deliver, [(number, content) for number, content, _ in batch], now)
            except DeliveryError as error:
                for number, _, attempts in batch:
                    self._put_off(hook, number, attempts + 1, str(error))
            else:
                for number, _, _ in batch:
                    self._store.sent(number)

    def _put_off(self, hook: Hook, number: int, attempts: int, error: str) -> None:
        if attempts >= ATTEMPTS:
            logger.error("A message was given up after %d attempts: %s", attempts, error)
            self._store.sent(number)
            return
        if attempts == 1:
            logger.warning("%s It is tried again.", error)
        pause = min(self._first * 2 ** (attempts - 1), LONGEST_PAUSE)
        self._store.again(number, self._clock.now() + int(pause * NANOSECONDS), error)
