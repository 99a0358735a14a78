"""Observation batches as checked records of bytes, one after the other: what a spool is made of."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson

from twin.observation import Block, ObservationBatch

HEAD = struct.Struct("<4sII")
"""Before each record: a mark, the length of what follows, and its CRC-32."""
MARK = b"TSP1"
_COLUMNS = (("series", "<i4"), ("time", "<i8"), ("value", "<f8"), ("quality", "<u2"), ("received", "<i8"))


def record_of(batch: ObservationBatch) -> bytes:
    """The batch as one record."""
    described = {
        "rows": len(batch),
        "text": {str(row): text for row, text in batch.text.items()},
        "blocks": {str(row): [len(block), block.step, block.start] for row, block in batch.blocks.items()},
        "origin": batch.origin is not None,
    }
    words = orjson.dumps(described)
    parts = [len(words).to_bytes(4, "little"), words]
    parts += [np.ascontiguousarray(getattr(batch, name), form).tobytes() for name, form in _COLUMNS]
    if batch.origin is not None:
        parts.append(np.ascontiguousarray(batch.origin, "<i4").tobytes())
    parts += [np.ascontiguousarray(block.values, "<f8").tobytes() for block in batch.blocks.values()]
    payload = b"".join(parts)
    return HEAD.pack(MARK, len(payload), zlib.crc32(payload)) + payload


def records_in(data: memoryview, start: int = 0) -> Iterator[tuple[int, ObservationBatch]]:
    """The batches from a position on, each with the position after it, up to what is no whole and sound record: the
    empty rest of a file, or one that was being written when the power went."""
    while start + HEAD.size <= len(data):
        mark, length, crc = HEAD.unpack_from(data, start)
        begin = start + HEAD.size
        payload = data[begin : begin + length]
        if mark != MARK or len(payload) < length or zlib.crc32(payload) != crc:
            return
        start = begin + length
        yield start, _batch(payload)


def _batch(payload: memoryview) -> ObservationBatch:
    size = int.from_bytes(payload[:4], "little")
    described: dict[str, Any] = orjson.loads(payload[4 : 4 + size])
    at = 4 + size

    def column(form: str, count: int) -> np.ndarray[Any, Any]:
        nonlocal at
        found = np.frombuffer(payload, form, count, at)
        at += found.nbytes
        return found.astype(found.dtype.newbyteorder("="))

    rows = described["rows"]
    series, time, value, quality, received = (column(form, rows) for _, form in _COLUMNS)
    origin = column("<i4", rows) if described["origin"] else None
    blocks = {
        int(row): Block(column("<f8", count), step, start) for row, (count, step, start) in described["blocks"].items()
    }
    text = {int(row): words for row, words in described["text"].items()}
    return ObservationBatch(series, time, value, quality, received, text, blocks, origin)
