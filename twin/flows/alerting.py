"""Alerts of a running server: conditions are looked over every second, and what changed is told to whoever listens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from twin.alerts.book import AlertBook
from twin.alerts.delivery import Delivery, Hook
from twin.alerts.mail import Mail
from twin.alerts.records import AlertEvent
from twin.alerts.store import AlertStore
from twin.alerts.webhook import Webhook
from twin.bus import Topic
from twin.clock import NANOSECONDS, Clock
from twin.flows.conditions import Conditions
from twin.settings import AlertSettings

logger = logging.getLogger(__name__)
EVERY = 1.0
"""Seconds between two looks."""
_DAY = 86_400
_MAIL_PORTS = {"tls": 465, "starttls": 587, "none": 25}


class Alerting:
    """The alerts of a server; ``events`` are told after they are on disk.  Used from the event loop."""

    def __init__(
        self, store: AlertStore, conditions: Conditions, settings: AlertSettings, clock: Clock, url: str
    ) -> None:
        self.events: Topic[AlertEvent] = Topic()
        self.store = store
        self.book = AlertBook(store, clock, settings.settle)
        self.delivery = Delivery(store, hooks_of(settings), clock, url, settings.notify)  # type: ignore[arg-type]  # the settings are checked
        self._conditions = conditions
        self._clock = clock
        self._keep = settings.keep_days
        self._lock = asyncio.Lock()

    async def run(self) -> None:
        """Looks again and again, until cancelled."""
        await asyncio.to_thread(self.store.forget, self._clock.now() - int(self._keep * _DAY * NANOSECONDS))
        while True:
            try:
                await self.look()
            except Exception:  # the next look may succeed: a full disk is one of the things that are alerted of
                logger.exception("The alerts could not be brought up to date.")
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Brings the alerts up to what is wrong now."""
        found = self._conditions.found()
        await self._do(lambda: self.book.observe(found.conditions, found.folded))

    async def acknowledge(self, number: int, actor: str, note: str = "") -> AlertEvent:
        """See `AlertBook.acknowledge`."""
        return (await self._do(lambda: [self.book.acknowledge(number, actor, note)]))[0]

    async def shelve(self, number: int, actor: str, until: int, note: str = "") -> AlertEvent:
        """See `AlertBook.shelve`."""
        return (await self._do(lambda: [self.book.shelve(number, actor, until, note)]))[0]

    async def assign(self, number: int, actor: str, to: str, note: str = "") -> AlertEvent:
        """See `AlertBook.assign`."""
        return (await self._do(lambda: [self.book.assign(number, actor, to, note)]))[0]

    async def clear(self, number: int, actor: str, note: str = "") -> AlertEvent:
        """See `AlertBook.clear`."""
        return (await self._do(lambda: [self.book.clear(number, actor, note)]))[0]

    async def _do(self, work: Callable[[], Sequence[AlertEvent]]) -> Sequence[AlertEvent]:
        """The events of some work on the book, done beside the event loop for it waits for the disk, and told after."""

        def kept() -> Sequence[AlertEvent]:
            try:
                with self.store:
                    events = work()
                    self.delivery.take(events)
            except Exception:
                self.book.reload()
                raise
            return events

        async with self._lock:
            events = await asyncio.to_thread(kept)
        for event in events:
            self.events.publish(event)
        if events:
            self.delivery.wake()
        return events


def hooks_of(settings: AlertSettings) -> list[tuple[Hook, int]]:
    """Whom alerts are told to besides those who ask, and how many messages each takes at once."""
    found: list[tuple[Hook, int]] = [(Webhook(url, settings.webhook_secret), 1) for url in settings.webhooks]
    if settings.mail_server:
        host, _, port = settings.mail_server.partition(":")
        mail = Mail(
            host,
            int(port or _MAIL_PORTS[settings.mail_security]),
            settings.mail_from,
            settings.mail_to,
            settings.mail_security,
            settings.mail_user,
            settings.mail_password,
        )
        found.append((mail, 20))
    return found
