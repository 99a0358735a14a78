"""Publishes messages as fast as the broker takes them, or at a rate, from packets made beforehand.

``python -m benchmarks.parts.mqtt_publisher PORT MESSAGES TOPICS [--prefix P] [--points N] [--qos Q] [--rate R]``:
prints ``ready``, waits for a line, publishes, and prints the seconds it took as JSON (at QoS 1 until the last
acknowledgement).
Message ``i`` goes to ``P/<i modulo TOPICS>``: with one point 200 bytes of JSON, with more an object of a time and
``p0`` to ``pN-1``.  The time grows by a millisecond from message to message of a topic and ends about now.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import sys
import time

SIZE = 200
AT_ONCE = 256
"""Messages a write."""
IN_FLIGHT = 4096
"""Messages at QoS 1 that may wait for their acknowledgement."""
CONNECT = b"\x10\x15\x00\x04MQTT\x04\x02\x00\x00\x00\x09publisher"
DISCONNECT = b"\xe0\x00"


def payload(index: int, topic: int, time_ms: int, points: int) -> bytes:
    """200 bytes of JSON - a time, a value and what else a device sends along - or a time and many values."""
    step = index % 97 / 10  # a value that moves, as values do
    if points > 1:
        values = b",".join(b'"p%d":%.2f' % (point, 20 + step + point / 100) for point in range(points))
        return b'{"ts":%d,%b}' % (time_ms, values)
    text = b'{"ts":%d,"value":%.3f,"seq":%d,"unit":"degC","device":"acme-ahu-controller","status":"ok","note":"' % (
        time_ms,
        20 + step + topic / 1000,
        index,
    )
    return text + b"x" * (SIZE - len(text) - 2) + b'"}'


def publish(topic: bytes, body: bytes, mid: int = 0) -> bytes:
    """A PUBLISH packet, at QoS 1 when it has a packet identifier; up to 16 KB."""
    name = len(topic).to_bytes(2, "big") + topic + (mid.to_bytes(2, "big") if mid else b"")
    size = len(name) + len(body)
    return b"%c%c%c%b%b" % (0x32 if mid else 0x30, size & 0x7F | 0x80, size >> 7, name, body)


def packets(chosen: argparse.Namespace, at_once: int) -> list[bytes]:
    """What is written, ``at_once`` packets in each."""
    names = [f"{chosen.prefix}/{topic}".encode() for topic in range(chosen.topics)]
    first = int(time.time() * 1000) - chosen.messages // chosen.topics
    made = []
    for i in range(chosen.messages):
        topic, number = i % chosen.topics, i // chosen.topics
        body = payload(number, topic, first + number, chosen.points)
        made.append(publish(names[topic], body, i % 65_535 + 1 if chosen.qos else 0))
    return [b"".join(made[i : i + at_once]) for i in range(0, len(made), at_once)]


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("port", "messages", "topics"):
        parser.add_argument(name, type=int)
    parser.add_argument("--prefix", default="bench")
    parser.add_argument("--points", type=int, default=1)
    parser.add_argument("--qos", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.0)
    chosen = parser.parse_args()
    at_once = max(1, min(AT_ONCE, int(chosen.rate / 500))) if chosen.rate else AT_ONCE
    writes = packets(chosen, at_once)
    with socket.create_connection(("127.0.0.1", chosen.port)) as connection:
        connection.sendall(CONNECT)
        assert connection.recv(4) == b"\x20\x02\x00\x00", "the broker did not accept the publisher"
        print("ready", flush=True)
        sys.stdin.readline()
        began, acknowledged = time.perf_counter(), 0
        for number, write in enumerate(writes):
            if chosen.rate and (wait := began + number * at_once / chosen.rate - time.perf_counter()) > 0:
                time.sleep(wait)
            connection.sendall(write)
            sent = min((number + 1) * at_once, chosen.messages)
            while chosen.qos and (sent - acknowledged > IN_FLIGHT or select.select([connection], [], [], 0)[0]):
                acknowledged += len(connection.recv(65_536)) / 4
        while chosen.qos and acknowledged < chosen.messages:
            acknowledged += len(connection.recv(65_536)) / 4
        connection.sendall(DISCONNECT)
        print(json.dumps({"seconds": time.perf_counter() - began}), flush=True)


if __name__ == "__main__":
    main()
