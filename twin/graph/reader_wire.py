"""The language between the server and a reader process: frames of a kind and a payload, in order, over two pipes.

The order is the promise: a question that follows a change in the pipe is answered with the change.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

HEADER = struct.Struct(">cI")
"""Kind (one byte) and length of the payload."""

# To the reader.
CHANGE = b"C"  # the length of the removed quads, the removed and the added quads as N-Quads
QUESTION = b"Q"  # JSON: text, form, graphs, format, limits, live values
REPLY = b"R"  # JSON: what was asked by ASK

# From the reader.
READY = b"r"  # it waits for frames; JSON: isolated (from the network)
CHUNK = b"c"  # bytes of an answer
END = b"e"  # the answer is complete; JSON: rows
FAILURE = b"f"  # there is no (more) answer; JSON: kind, message
ASK = b"a"  # JSON: properties, seconds, aggregate; waits for REPLY

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


def change(removed: bytes, added: bytes) -> bytes:
    """The payload of a CHANGE."""
    return _LENGTH.pack(len(removed)) + removed + added


def split_change(payload: bytes) -> tuple[bytes, bytes]:
    """The removed and the added quads of a CHANGE."""
    (length,) = _LENGTH.unpack_from(payload)
    middle = _LENGTH.size + length
    return payload[_LENGTH.size : middle], payload[middle:]
