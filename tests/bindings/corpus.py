"""Payloads as devices send them, and what becomes of them on a bad day: cut, doubled, mixed up, in another encoding."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

GOOD = (
    b'{"v": 21.5, "ts": 1767225600123}',
    b'{"v": 21, "ts": "2026-01-01T00:00:00Z", "unit": "degC"}',
    b'{"v": -0.0, "ts": 1767225600, "note": "\xc3\xa4\xe2\x82\xac"}',
    b'{"x": {"t": 1.5, "h": 40}, "v": 3, "list": [1, 2, 3], "ts": 1767225600123456789}',
)
_ODD = (
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 400, b"-" + b"9" * 400, b"1" + b"0" * 308, b"null", b"true",
    b'"21.5"', b'"hot"', b"[]", b"{}", b"[[[[1]]]]", b"0x1f", b"1_000", b"01", b"+1", b".5", b'"\\ud800"', b"''",
)  # fmt: skip
_TIMES = (
    b"0", b"1", b"-1", b"1767225600", b"1767225600123", b"1767225600123456", b"1767225600123456789", b"4102444800",
    b"4102444800000", b"86399", b"1e10", b"99999999999999999999", b'"1970-01-01T00:00:00Z"', b'"2100-01-01T00:00:00Z"',
    b'"9999-12-31T23:59:60Z"', b'"yesterday"', b"null", b"[]",
)  # fmt: skip


def _cut(raw: bytes, chance: random.Random) -> bytes:
    return raw[: chance.randrange(len(raw) + 1)]


def _flip(raw: bytes, chance: random.Random) -> bytes:
    found = bytearray(raw or b"\0")
    for _ in range(chance.randint(1, 4)):
        found[chance.randrange(len(found))] = chance.randrange(256)
    return bytes(found)


def _insert(raw: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(raw) + 1)
    return raw[:at] + chance.randbytes(chance.randint(1, 8)) + raw[at:]


def _splice(raw: bytes, chance: random.Random) -> bytes:
    other = chance.choice(GOOD)
    return raw[: chance.randrange(len(raw) + 1)] + other[chance.randrange(len(other) + 1) :]


def _value(raw: bytes, chance: random.Random) -> bytes:
    return b'{"v": %b, "ts": 1767225600123}' % chance.choice(_ODD)


def _time(raw: bytes, chance: random.Random) -> bytes:
    return b'{"v": 21.5, "ts": %b}' % chance.choice(_TIMES)


def _encoded(raw: bytes, chance: random.Random) -> bytes:
    coding = chance.choice(("utf-16", "utf-32", "utf-8-sig", "utf-16-le", "cp500", "latin-1"))
    return raw.decode().encode(coding, "replace")


def _nested(raw: bytes, chance: random.Random) -> bytes:
    depth = chance.choice((10, 1000, 2000))
    return b'{"v": ' + b"[" * depth + b"]" * chance.choice((depth, 0)) + b"}"


def _large(raw: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.98:  # they take long, and one is much like another
        return raw * chance.randint(2, 5)
    return json.dumps({"v": 1, "pad": "x" * chance.choice((1 << 20, (1 << 20) - 20, 1 << 21))}).encode()


def _doubled_key(raw: bytes, chance: random.Random) -> bytes:
    return b'{"v": 1, ' + raw[1:]


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _cut, _flip, _insert, _splice, _value, _time, _encoded, _nested, _large, _doubled_key,
)  # fmt: skip


def mutated(chance: random.Random) -> bytes:
    """A payload that was good once."""
    raw = chance.choice(GOOD)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        raw = chance.choice(MUTATIONS)(raw, chance) if raw.isascii() else _flip(raw, chance)
    return raw
