"""A paho client whose PUBLISH packets are taken off the socket in bulk, before paho reads them one by one.

Session, TLS, keepalive, writes and every other packet stay paho's.  It is told apart by its socket alone: where a
version of paho makes its socket elsewhere, it reads everything itself and nothing but speed is lost.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Sequence
from typing import Any

from paho.mqtt.client import Client

from connectors.mqtt.inbox import Inbox
from connectors.mqtt.packets import PublishStream

CHUNK = 256 * 1024
"""Bytes read at once."""
CLOSE = 0.005
"""Seconds between two reads that are close: messages come so fast that it pays to let some gather."""
Took = Callable[[Sequence[int]], None]


class Wire:
    """A connected socket as paho uses it.  Messages go to the inbox, as far as there is room; paho gets the rest.

    ``connected`` is a socket, encrypted or not; ``took`` is told the packets of each read, on the network thread.
    """

    def __init__(self, connected: Any, inbox: Inbox, took: Took) -> None:
        self._socket = connected
        self._inbox = inbox
        self._took = took
        self._stream = PublishStream()
        self._others = b""
        self._last = 0.0
        self.busy = False
        """Whether messages come faster than it is worth to wake up for."""
        self.fileno = connected.fileno
        self.send = connected.send
        self.close = connected.close
        self.shutdown = connected.shutdown
        self.setblocking = connected.setblocking

    def recv(self, size: int) -> bytes:
        """What paho reads: bytes of other packets than those taken; raises ``BlockingIOError`` when there are none."""
        if not self._others and not self._fill():
            return b""
        if not self._others:
            raise BlockingIOError
        given, self._others = self._others[:size], self._others[size:]
        return given

    def pending(self) -> int:
        """Bytes that can be read although the socket itself has none."""
        encrypted = self._socket.pending() if isinstance(self._socket, ssl.SSLSocket) else 0
        return len(self._others) + encrypted + self._stream.held_back

    def _fill(self) -> bool:
        """Reads once and takes the messages out; False at the end of the stream."""
        data = b""
        if not self._stream.held_back:
            data = self._socket.recv(CHUNK)
            if not data:
                return False
        taken = self._stream.take(data, self._inbox.room)
        self._others = taken.others
        if taken.mids:
            self._inbox.put(taken.topics, taken.payloads, taken.mids, time.time_ns())
            self._took(taken.mids)
            now = time.monotonic()
            self.busy = now - self._last < CLOSE
            self._last = now
        return True


class WiredClient(Client):
    """A client that reads through a `Wire` of its own."""

    def __init__(self, inbox: Inbox, took: Took, **settings: Any) -> None:
        super().__init__(**settings)
        self._taken_by = inbox, took
        self.wire: Wire | None = None

    def _create_socket(self) -> Any:
        self.wire = Wire(super()._create_socket(), *self._taken_by)
        return self.wire


def queue(client: Client, packet: bytes) -> bool:
    """Whether the bytes of whole packets could be put behind those that wait to be written."""
    put = getattr(client, "_packet_queue", None)
    if put is None:
        return False
    put(packet[0], packet, 0, 1)
    return True
