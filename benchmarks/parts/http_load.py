"""Requests a second over HTTP: kept-alive connections from a process of their own, each asking again when answered.

As little work as possible stands between two requests, so that it is the server's speed that is seen.  Run as a
program it reads one JSON object from standard input (``port``, ``requests``: base64 texts, ``connections``,
``seconds``) and prints another.
"""

from __future__ import annotations

import base64
import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_END = b"\r\n0\r\n\r\n"  # of a body in chunks


@dataclass(frozen=True, slots=True)
class Load:
    """What one run saw; latencies in milliseconds."""

    per_second: float
    answers: int
    refused: int
    median_ms: float
    p99_ms: float
    bytes_each: float


def load(port: int, requests: Iterable[bytes], *, connections: int, seconds: float) -> Load:
    """The requests, in turn and again from the first, over ``connections`` for ``seconds``, from another process."""
    texts = [base64.b64encode(each).decode() for each in requests]
    given = json.dumps({"port": port, "requests": texts, "connections": connections, "seconds": seconds})
    command = [sys.executable, "-m", "benchmarks.parts.http_load"]
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=True, timeout=seconds + 60)
    return Load(**json.loads(done.stdout))


class _Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.size = 0
        self.asked = 0.0

    def answered(self) -> bool:
        """Reads what is there; whether the answer is complete."""
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError("the server closed the connection")
        self.size += len(data)
        # Only the end of a long answer is kept: what matters is where it ends.
        self.received = self.received[-4096:] + data if self.size > 1 << 16 else self.received + data
        return self._complete()

    def _complete(self) -> bool:
        if self.size > len(self.received):
            return (self._chunked and self.received.endswith(_END)) or self.size >= self._length
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return False
        lowered = head.lower()
        at = lowered.find(b"\ncontent-length:")
        if at >= 0:
            self._chunked = False
            self._length = len(head) + 4 + int(lowered[at + 16 :].split(b"\r", 1)[0])
            return self.size >= self._length
        self._chunked, self._length = True, 1 << 62
        return body.endswith(_END)


def run(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    """As `load`, in this process."""
    poll = select.epoll()
    by_number = {}
    for _ in range(connections):
        one = _Connection(port)
        by_number[one.socket.fileno()] = one
        poll.register(one.socket.fileno(), select.EPOLLIN)
    clock = time.perf_counter
    turn = 0
    latencies: list[float] = []
    refused = total = 0

    def ask(one: _Connection) -> None:
        nonlocal turn
        one.received, one.size, one.asked = b"", 0, clock()
        one.socket.sendall(requests[turn % len(requests)])
        turn += 1

    began = clock()
    for one in by_number.values():
        ask(one)
    while clock() - began < seconds:
        for number, _ in poll.poll(1):
            one = by_number[number]
            if one.answered():
                latencies.append(clock() - one.asked)
                refused += not one.received.startswith(b"HTTP/1.1 200") and one.size == len(one.received)
                total += one.size
                ask(one)
    took = clock() - began
    ordered = sorted(latencies) or [float("nan")]
    return Load(
        len(latencies) / took,
        len(latencies),
        refused,
        1000 * ordered[len(ordered) // 2],
        1000 * ordered[int(len(ordered) * 0.99)],
        total / max(len(latencies), 1),
    )


def main() -> None:
    given = json.load(sys.stdin)
    requests = [base64.b64decode(each) for each in given["requests"]]
    found = run(given["port"], requests, given["connections"], given["seconds"])
    print(json.dumps({name: getattr(found, name) for name in Load.__dataclass_fields__}))


if __name__ == "__main__":
    main()
