"""Raw values as bytes and back: a payload is itself, a scalar is JSON, and nothing is nothing."""

from __future__ import annotations

import hashlib
import math

import orjson

NOTHING, PAYLOAD, SCALAR = 0, 1, 2
"""The kinds of raw value."""
_INTEGER_BITS = 63


def packed(raw: object) -> tuple[int, bytes]:
    """The kind of a raw value and the bytes that stand for it."""
    if raw is None:
        return NOTHING, b""
    if isinstance(raw, bytes | bytearray | memoryview):
        return PAYLOAD, bytes(raw)
    if isinstance(raw, int) and raw.bit_length() > _INTEGER_BITS:
        return SCALAR, str(raw).encode()
    if isinstance(raw, float) and not math.isfinite(raw):  # JSON has no such number
        return SCALAR, orjson.dumps(str(raw))
    return SCALAR, orjson.dumps(raw, default=str, option=orjson.OPT_SERIALIZE_NUMPY)


def unpacked(kind: int, data: bytes) -> object:
    """The raw value of `packed`; a float that is not finite comes back as its text, which decodes to the same."""
    if kind == NOTHING:
        return None
    return data if kind == PAYLOAD else orjson.loads(data)


def digest(raw: object) -> str:
    """SHA-256 of a raw value's bytes, in hexadecimal."""
    return hashlib.sha256(packed(raw)[1]).hexdigest()
