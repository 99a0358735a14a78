"""The language between the server and a reader process: frames of a kind and a payload, in order, over two pipes.

The order is the promise: a question that follows a change in the pipe is answered with the change.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

HEADER = struct.Struct(">cI")
"""Kind (one byte) and length of the payload."""

# To the reader.
CHANGE = b"C"  # the length of the removed quads, the removed and the added quads as N-Quads
QUESTION = b"Q"  # JSON: text, format, graphs, limits, whether it calls live functions
UPDATE = b"U"  # JSON: operations, graphs, what may be written, limits
CONTENT = b"G"  # JSON: graph, syntax, base, whether to replace; then the text
REPLY = b"R"  # JSON: what was asked by ASK

# From the reader.
READY = b"r"  # it waits for frames; JSON: isolated (from the network)
CHUNK = b"c"  # bytes of an answer
END = b"e"  # the answer is complete: how many rows, and its last bytes
DELTA = b"d"  # what an update or a content comes to, as in CHANGE
FAILURE = b"f"  # there is no (more) answer; JSON: kind, message
ASK = b"a"  # JSON: properties, and of aggregates seconds, aggregate, end; waits for REPLY

LAST = (END, DELTA, FAILURE)
"""The kinds that end an answer."""
_LENGTH = struct.Struct(">I")


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    """The bytes of one frame."""
    return HEADER.pack(kind, len(payload)) + payload


def read(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    """The next frame's kind and payload, or None at the end of the stream."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    kind, length = HEADER.unpack(header)
    payload = stream.read(length)
    return (kind, payload) if len(payload) == length else None


class Frames:
    """Cuts bytes that come in pieces of any size into frames."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The frames that these bytes complete."""
        if self._held:
            self._held += data
            data = bytes(self._held)
        start, size = 0, HEADER.size
        while len(data) - start >= size:
            kind, length = HEADER.unpack_from(data, start)
            end = start + size + length
            if end > len(data):
                break
            yield kind, data[start + size : end]
            start = end
        self._held[:] = data[start:]


def change(removed: bytes, added: bytes) -> bytes:
    """The payload of a CHANGE or DELTA."""
    return _LENGTH.pack(len(removed)) + removed + added


def split_change(payload: bytes) -> tuple[bytes, bytes]:
    """The removed and the added quads of a CHANGE or DELTA."""
    (length,) = _LENGTH.unpack_from(payload)
    middle = _LENGTH.size + length
    return payload[_LENGTH.size : middle], payload[middle:]


def end(rows: int, last: bytes) -> bytes:
    """The payload of an END."""
    return _LENGTH.pack(max(rows, 0)) + last


def split_end(payload: bytes) -> tuple[int, bytes]:
    """The rows and the last bytes of an END."""
    return _LENGTH.unpack_from(payload)[0], payload[_LENGTH.size :]
