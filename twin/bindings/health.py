"""How a connection is doing: its state, its counts, its own log and what it refused."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from twin.bindings.quarantine import Rejection

ConnectionState = Literal["CONNECTING", "CONNECTED", "RETRYING", "STOPPED"]
Level = Literal["info", "warning", "error"]
LOG_LENGTH = 50


@dataclass(frozen=True, slots=True)
class ConnectionEvent:
    """One line of a connection's log; ``time`` is nanoseconds UTC."""

    time: int
    level: Level
    message: str


@dataclass(frozen=True, slots=True)
class ConnectionHealth:
    """A connection at one moment.  Times are nanoseconds UTC.

    ``since`` is when it came into its ``state``; ``error`` is what is wrong now, empty when nothing is.  ``received``
    counts messages, ``decoded`` and ``rejected`` values.  ``bindings`` is the number of properties bound in it and
    ``series`` theirs.  ``log`` holds the last 50 events, newest last; ``rejections`` the newest first.  ``time`` is the
    moment that all this is of.
    """

    id: str
    name: str
    protocol: str
    endpoint: str
    state: ConnectionState
    since: int
    error: str = ""
    bindings: int = 0
    received: int = 0
    decoded: int = 0
    rejected: int = 0
    last_received: int | None = None
    log: tuple[ConnectionEvent, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    series: tuple[int, ...] = ()
    time: int = 0


class ConnectionLog:
    """The last events of one connection; the password in its endpoint never stands in them."""

    def __init__(self, endpoint: str) -> None:
        self._events: deque[ConnectionEvent] = deque(maxlen=LOG_LENGTH)
        self._endpoint = endpoint
        self._shown = without_password(endpoint)

    def add(self, time: int, level: Level, message: str) -> str:
        """Writes one event; returns the message as written."""
        shown = message.replace(self._endpoint, self._shown) if self._endpoint else message
        self._events.append(ConnectionEvent(time, level, shown))
        return shown

    def events(self) -> tuple[ConnectionEvent, ...]:
        """The events, newest last."""
        return tuple(self._events)


def without_password(endpoint: str) -> str:
    """The endpoint's URL as it may be shown: with its password, if it has one, replaced by dots."""
    try:
        password = urlsplit(endpoint).password
    except ValueError:
        return endpoint
    return endpoint.replace(f":{password}@", ":...@", 1) if password else endpoint
