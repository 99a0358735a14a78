"""Publishes messages as fast as the broker takes them: packets are made beforehand and written to a bare socket.

``python -m benchmarks.parts.mqtt_publisher PORT MESSAGES TOPICS``: prints ``ready``, waits for a line, publishes at
QoS 0, and prints the seconds it took as JSON.  Message ``i`` goes to ``bench/<i modulo TOPICS>`` and is 200 bytes of
JSON with one point, whose time grows by a millisecond from message to message of a topic.
"""

from __future__ import annotations

import json
import socket
import sys
import time

SIZE = 200
AT_ONCE = 256
"""Messages a write."""
CONNECT = b"\x10\x15\x00\x04MQTT\x04\x02\x00\x00\x00\x09publisher"
DISCONNECT = b"\xe0\x00"


def payload(index: int, time_ms: int) -> bytes:
    """200 bytes of JSON: a time, a value and what else a device sends along."""
    text = b'{"ts":%d,"value":%.3f,"seq":%d,"unit":"degC","device":"acme-ahu-controller","status":"ok","note":"' % (
        time_ms,
        20 + index % 1000 / 100,
        index,
    )
    return text + b"x" * (SIZE - len(text) - 2) + b'"}'


def publish(topic: bytes, body: bytes) -> bytes:
    """A PUBLISH packet at QoS 0; up to 16 KB."""
    size = 2 + len(topic) + len(body)
    return b"\x30%c%c%b%b%b" % (size & 0x7F | 0x80, size >> 7, len(topic).to_bytes(2, "big"), topic, body)


def packets(messages: int, topics: int, start_ms: int) -> list[bytes]:
    """What is written, `AT_ONCE` packets in each."""
    names = [b"bench/%d" % topic for topic in range(topics)]
    made = [publish(names[i % topics], payload(i, start_ms + i // topics)) for i in range(messages)]
    return [b"".join(made[i : i + AT_ONCE]) for i in range(0, messages, AT_ONCE)]


def main() -> None:
    port, messages, topics = map(int, sys.argv[1:4])
    writes = packets(messages, topics, int(time.time() * 1000) - messages // topics)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(CONNECT)
        assert connection.recv(4) == b"\x20\x02\x00\x00", "the broker did not accept the publisher"
        print("ready", flush=True)
        sys.stdin.readline()
        began = time.perf_counter()
        for write in writes:
            connection.sendall(write)
        connection.sendall(DISCONNECT)
        print(json.dumps({"seconds": time.perf_counter() - began}), flush=True)


if __name__ == "__main__":
    main()
