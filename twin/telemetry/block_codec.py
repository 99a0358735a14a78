"""An array value as the bytes that a history keeps, and back."""

from __future__ import annotations

import hashlib
import struct
import zlib

import numpy as np

from twin.observation import Block

_HEADER = struct.Struct("<qqB")  # start and step (ns), and the bytes that a value has


def packed(block: Block) -> bytes:
    """The block in bytes, without loss: values that are float32 as such, bytes of equal weight together, deflated."""
    values = np.ascontiguousarray(block.values, np.float64)
    with np.errstate(over="ignore"):  # a number too large for float32 becomes infinite, and differs
        short = values.astype(np.float32)
    if np.array_equal(short.astype(np.float64), values, equal_nan=True):
        width, flat = 4, short.view(np.uint8)
    else:
        width, flat = 8, values.view(np.uint8)
    shuffled = flat.reshape(-1, width).T.tobytes()
    return _HEADER.pack(block.start, block.step, width) + zlib.compress(shuffled, 1)


def unpacked(data: bytes) -> Block:
    """The block that was packed."""
    start, step, width = _HEADER.unpack_from(data)
    shuffled = np.frombuffer(zlib.decompress(data[_HEADER.size :]), np.uint8)
    flat = np.ascontiguousarray(shuffled.reshape(width, -1).T).reshape(-1)
    return Block(flat.view(f"<f{width}").astype(np.float64), step, start)


def digest(block: Block) -> int:
    """A number (int64) by which equal blocks are known; it does not depend on how they are packed."""
    values = np.ascontiguousarray(block.values, np.float64)
    hashed = hashlib.blake2b(struct.pack("<qq", block.start, block.step) + values.tobytes(), digest_size=8)
    return int.from_bytes(hashed.digest(), "little", signed=True)
