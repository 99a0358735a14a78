"""Batches of raw payloads as compressed frames of a file, and back.

A frame is a header - magic, length, rows, first and last receive time, checksum - and a zstandard body of columns.  A
file that was cut off in a frame, or whose frame is damaged, ends there.
"""

from __future__ import annotations

import os
import struct
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import IO

import numpy as np
import orjson
import zstandard

from twin.connector import SampleBatch
from twin.lineage.raw_values import digest, packed, unpacked
from twin.observation import Int64, UInt16

_HEADER = struct.Struct("<4sIIqqI")
_MAGIC = b"TWP1"
_LEVEL = 1  # as fast as the levels below it on JSON, and half as large
_LARGEST = 1 << 30  # bytes of a body; a header that says more is damaged


@dataclass(frozen=True, slots=True)
class Payload:
    """One raw value as it came.  ``received`` and ``time`` are ns UTC (a time of 0: the protocol carries none)."""

    address: str
    raw: object
    received: int
    time: int
    quality: int

    @property
    def digest(self) -> str:
        """SHA-256 of the value's bytes, in hexadecimal."""
        return digest(self.raw)

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return len(packed(self.raw)[1])


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Raw values that were written together, as columns of one length: `twin.connector.SampleBatch` read back."""

    addresses: Sequence[str]
    values: Sequence[object]
    received: Int64
    times: Int64
    qualities: UInt16

    def __len__(self) -> int:
        return len(self.addresses)

    def of(self, address: str) -> list[Payload]:
        """The payloads of one address; a ``+`` in it stands for one level of any name."""
        levels = address.split("/")
        return [self.payload(row) for row, each in enumerate(self.addresses) if _is(each, address, levels)]

    def payload(self, row: int) -> Payload:
        """One row."""
        return Payload(
            self.addresses[row],
            self.values[row],
            int(self.received[row]),
            int(self.times[row]),
            int(self.qualities[row]),
        )

    def samples(self) -> SampleBatch:
        """The batch as a connection would bring it."""
        return SampleBatch(
            self.addresses, self.values, self.times.tolist(), self.received.tolist(), self.qualities.tolist()
        )

    def between(self, start: int, end: int) -> RawBatch:
        """The rows with ``start <= received < end`` (ns UTC)."""
        rows = np.flatnonzero((self.received >= start) & (self.received < end))
        if len(rows) == len(self):
            return self
        return RawBatch(
            [self.addresses[row] for row in rows.tolist()],
            [self.values[row] for row in rows.tolist()],
            self.received[rows],
            self.times[rows],
            self.qualities[rows],
        )


def pack(batches: Sequence[tuple[SampleBatch, int]]) -> tuple[bytes, int, int]:
    """The frame of these batches, each with the receive time of samples that have none, and the first and last receive
    time in it (ns UTC)."""
    places: dict[str, int] = {}
    where: list[int] = []
    values: list[object] = []
    # Filled by the interpreter's own loops: a list of numbers that numpy looks through costs three times as much.
    received, times, qualities = array("q"), array("q"), array("H")
    for batch, now in batches:
        places.update(zip(batch.addresses, repeat(0)))
        values.extend(batch.values)
        received.extend(batch.received if 0 not in batch.received else [at or now for at in batch.received])
        times.extend(batch.times)
        qualities.extend(batch.qualities if batch.qualities is not None else bytes(len(batch)))
    places = {address: place for place, address in enumerate(places)}
    for batch, _ in batches:
        where.extend(map(places.__getitem__, batch.addresses))
    rows = len(values)
    if set(map(type, values)) == {bytes}:
        kinds, parts = b"\1" * rows, values
    else:
        pairs = [packed(value) for value in values]
        kinds, parts = bytes(kind for kind, _ in pairs), [part for _, part in pairs]
    names = orjson.dumps(list(places))
    body = b"".join(
        [
            struct.pack("<II", len(names), rows),
            names,
            array("I", where).tobytes(),
            received.tobytes(),
            times.tobytes(),
            qualities.tobytes(),
            kinds,
            array("I", map(len, parts)).tobytes(),  # type: ignore[arg-type]  # all are bytes now
            *parts,  # type: ignore[list-item]
        ]
    )
    small = zstandard.ZstdCompressor(level=_LEVEL).compress(body)
    first, last = min(received), max(received)
    return _HEADER.pack(_MAGIC, len(small), rows, first, last, zlib.crc32(small)) + small, first, last


def span(path: Path) -> tuple[int, int] | None:
    """The first and last receive time in a file (ns UTC), None when it has not one whole frame."""
    first = last = None
    with path.open("rb") as file:
        for _, begins, ends, _ in _headers(file, path.stat().st_size):
            first = begins if first is None else min(first, begins)
            last = ends if last is None else max(last, ends)
    return None if first is None or last is None else (first, last)


def frames_in(path: Path, start: int, end: int) -> Iterator[RawBatch]:
    """What of a file was received in ``start <= received < end`` (ns UTC); nothing when it is gone by now."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for size, first, last, checksum in _headers(file, os.fstat(file.fileno()).st_size):
            if first < end and last >= start:
                place = file.tell()
                body = file.read(size)
                if zlib.crc32(body) != checksum:
                    return
                file.seek(place)
                found = _unpack(zstandard.ZstdDecompressor().decompress(body, max_output_size=_LARGEST))
                if len(chosen := found.between(start, end)):
                    yield chosen


def _headers(file: IO[bytes], bytes: int) -> Iterator[tuple[int, int, int, int]]:
    """Length, first and last receive time, and checksum of every frame; the file stands at its body meanwhile."""
    while len(header := file.read(_HEADER.size)) == _HEADER.size:
        magic, size, _rows, first, last, checksum = _HEADER.unpack(header)
        body = file.tell()
        if magic != _MAGIC or body + size > bytes:
            return
        yield size, first, last, checksum
        file.seek(body + size)


def _unpack(body: bytes) -> RawBatch:
    length, rows = struct.unpack_from("<II", body)
    names = orjson.loads(body[8 : 8 + length])
    place = 8 + length
    where = np.frombuffer(body, np.uint32, rows, place)
    received = np.frombuffer(body, np.int64, rows, place + 4 * rows)
    times = np.frombuffer(body, np.int64, rows, place + 12 * rows)
    qualities = np.frombuffer(body, np.uint16, rows, place + 20 * rows)
    kinds = body[place + 22 * rows : place + 23 * rows]
    lengths = np.frombuffer(body, np.uint32, rows, place + 23 * rows).tolist()
    at = place + 27 * rows
    values = []
    for kind, size in zip(kinds, lengths, strict=True):
        values.append(unpacked(kind, body[at : at + size]))
        at += size
    return RawBatch([names[each] for each in where.tolist()], values, received, times, qualities)


def _is(address: str, wanted: str, levels: list[str]) -> bool:
    if address == wanted or "+" not in levels:
        return address == wanted
    there = address.split("/")
    return len(there) == len(levels) and all(each in ("+", level) for each, level in zip(levels, there, strict=True))
