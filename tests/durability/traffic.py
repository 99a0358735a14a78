"""A device that publishes at QoS 1 at a rate, and goes on until the broker has acknowledged all of it."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from typing import Self

CONNECT = b"\x10\x12\x00\x04MQTT\x04\x02\x00\x00\x00\x06device"
IN_FLIGHT = 2000
_PACE = 0.005
_DUPLICATE = 0x08


class Traffic:
    """Message ``i`` goes to ``plant/<i modulo topics>`` as ``{"t": start + i, "v": i}``, with the time in ms.

    When a connection to the broker breaks, what was not acknowledged is sent again on the next one.
    """

    def __init__(self, port: int, rate: int, topics: int, start: int) -> None:
        self.sent = 0
        self.failure = ""
        self._port = port
        self._rate = rate
        self._topics = topics
        self._start = start
        self._unacknowledged: OrderedDict[int, bytes] = OrderedDict()
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run, name="device")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()

    def finish(self, seconds: float = 60) -> int:
        """Sends nothing new; returns how many messages there were when the broker has acknowledged all of them."""
        self._enough.set()
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"the broker did not acknowledge {len(self._unacknowledged)} messages"
        assert not self.failure, self.failure
        return self.sent

    def _run(self) -> None:
        deadline = None
        while not self._enough.is_set() or self._unacknowledged:
            if self._enough.is_set():
                deadline = deadline or time.monotonic() + 45
                if time.monotonic() > deadline:
                    return
            with suppress(OSError):  # the broker has gone: it is tried again
                self._connected()
            time.sleep(0.05)

    def _connected(self) -> None:
        with socket.create_connection(("127.0.0.1", self._port), timeout=5) as connection:
            connection.sendall(CONNECT)
            if connection.recv(4) != b"\x20\x02\x00\x00":
                return
            for packet in self._unacknowledged.values():
                connection.sendall(bytes([packet[0] | _DUPLICATE]) + packet[1:])
            began, before, rest = time.monotonic(), self.sent, b""
            while not self._enough.is_set() or self._unacknowledged:
                due = before + int((time.monotonic() - began) * self._rate) - self.sent
                room = IN_FLIGHT - len(self._unacknowledged)
                if due > 0 and room > 0 and not self._enough.is_set():
                    connection.sendall(b"".join(self._next() for _ in range(min(due, room))))
                while select.select([connection], [], [], _PACE)[0]:
                    data = connection.recv(65_536)
                    if not data:
                        return
                    rest = self._heard(rest + data)

    def _next(self) -> bytes:
        number = self.sent
        self.sent += 1
        topic = b"plant/%d" % (number % self._topics)
        mid = number % 65_535 + 1
        body = b"%b%b%b%b" % (
            len(topic).to_bytes(2, "big"), topic, mid.to_bytes(2, "big"),
            b'{"t": %d, "v": %d}' % (self._start + number, number),
        )  # fmt: skip
        packet = b"\x32" + bytes([len(body)]) + body
        self._unacknowledged[mid] = packet
        return packet

    def _heard(self, data: bytes) -> bytes:
        whole = len(data) // 4 * 4
        for at in range(0, whole, 4):
            if data[at : at + 2] != b"\x40\x02":
                self.failure = f"the broker sent {data[at : at + 4]!r} instead of an acknowledgement"
            self._unacknowledged.pop(int.from_bytes(data[at + 2 : at + 4], "big"), None)
        return data[whole:]
