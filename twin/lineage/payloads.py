"""Raw payloads as they came, in compressed files by connection: kept for a while, found by address and receive time.

Taking a batch costs the event loop nothing but a list; a thread packs, compresses and appends what came in a moment in
one write.  Nothing waits for it: payloads are kept for those who ask later, and what must not be lost is in the history
or among the rejected before it is acknowledged.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from twin.clock import NANOSECONDS, Clock
from twin.connector import SampleBatch
from twin.lineage.frames import Payload, RawBatch, frames_in, pack, span

logger = logging.getLogger(__name__)

GATHER = 0.25
"""Seconds from the first payload of a write to the write."""
_WAITING = 64 << 20  # bytes that may wait for the disk; what comes then is not kept
_SEGMENT_BYTES, _SEGMENT_TIME = 64 << 20, 3600 * NANOSECONDS
_HOUR = 3600 * NANOSECONDS
_LOOK = 60.0  # seconds between looks for what is too old


@dataclass(frozen=True, slots=True)
class _Segment:
    """What a file holds: the first and last receive time (ns UTC), and its length."""

    first: int
    last: int
    bytes: int


@dataclass(slots=True)
class PayloadCounts:
    """What happened since the start: payloads kept, their bytes raw and on disk, and those dropped because the disk
    was too slow or full."""

    payloads: int = 0
    raw_bytes: int = 0
    written_bytes: int = 0
    dropped: int = 0


class PayloadStore:
    """The payloads under ``directory``, used from one event loop.

    Each connection's are kept for ``hours`` (0: not at all), or for those that ``of_connection`` gives it; all of
    them together take at most ``bytes`` on disk, and then the oldest go first.
    """

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        *,
        hours: int,
        bytes: int,
        of_connection: Mapping[str, int] | None = None,
    ) -> None:
        self.counts = PayloadCounts()
        self._directory = directory
        self._clock = clock
        self._hours = hours
        self._most = bytes
        self._of_connection = dict(of_connection or {})
        self._waiting: dict[str, list[tuple[SampleBatch, int]]] = {}
        self._waiting_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._writing: dict[str, Path] = {}  # the file that each connection is written to
        self._segments: dict[Path, _Segment] = {}  # what is known of the files
        self._looked = clock.monotonic() - _LOOK
        self._thread = ThreadPoolExecutor(1, "payloads")

    def hours(self, connection: str) -> int:
        """For how many hours the payloads of a connection are kept; 0: not at all."""
        return self._of_connection.get(connection, self._hours)

    def keep(self, connection: str, batch: SampleBatch, now: int) -> None:
        """Keeps a batch as it came; ``now`` (ns UTC) is the receive time of samples that have none."""
        if not self.hours(connection) or not len(batch):
            return
        if self._waiting_bytes > _WAITING:
            self.counts.dropped += len(batch)
            return
        self._waiting.setdefault(connection, []).append((batch, now))
        self._waiting_bytes += len(batch) * _size(batch.values[0])  # roughly: it bounds what waits
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER, self._hand_on)

    async def find(self, connection: str, address: str, received: int, within: int = 0) -> list[Payload]:
        """The payloads of an address that were received at a time (ns UTC), or at most ``within`` ns before or after
        it, the nearest first; a ``+`` in the address stands for one level of any name."""
        found = [
            payload
            async for batch in self.batches(connection, received - within, received + within + 1)
            for payload in batch.of(address)
        ]
        return sorted(found, key=lambda payload: abs(payload.received - received))

    async def batches(self, connection: str, start: int, end: int) -> AsyncIterator[RawBatch]:
        """The payloads of a connection with ``start <= received < end`` (ns UTC), in the order they came, as they were
        written together."""
        await self.flush()
        loop = asyncio.get_running_loop()
        reading = self._read(connection, start, end)
        while (batch := await loop.run_in_executor(None, next, reading, None)) is not None:
            yield batch

    async def flush(self) -> None:
        """Returns when everything that was taken is in its file."""
        self._hand_on()
        await asyncio.get_running_loop().run_in_executor(self._thread, lambda: None)

    async def close(self) -> None:
        """Writes what waits; closing twice is allowed."""
        self._hand_on()
        await asyncio.to_thread(self._thread.shutdown)

    def kept_until(self, connection: str, received: int) -> int:
        """When (ns UTC) a payload received at a time ceases to be kept, unless room is needed before."""
        return received + self.hours(connection) * _HOUR

    def _hand_on(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            waiting = self._waiting
            self._waiting, self._waiting_bytes = {}, 0
            self._thread.submit(self._write, waiting)

    # In the thread.

    def _write(self, waiting: Mapping[str, list[tuple[SampleBatch, int]]]) -> None:
        for connection, batches in waiting.items():
            rows = sum(len(batch) for batch, _ in batches)
            try:
                frame, first, last = pack(batches)
                self.counts.raw_bytes += sum(len(batch) * _size(batch.values[0]) for batch, _ in batches)
                self._append(connection, frame, first, last)
            except OSError as error:
                self.counts.dropped += rows
                self._writing.pop(connection, None)
                logger.warning("%d raw payloads could not be kept: %s", rows, error)
            except Exception:  # a value that nobody foresaw must not end the keeping of the others
                self.counts.dropped += rows
                logger.exception("%d raw payloads could not be kept.", rows)
            else:
                self.counts.payloads += rows
                self.counts.written_bytes += len(frame)
        if self._clock.monotonic() - self._looked >= _LOOK:
            self._looked = self._clock.monotonic()
            self._make_room()

    def _append(self, connection: str, frame: bytes, first: int, last: int) -> None:
        path = self._writing.get(connection)
        known = self._segments.get(path) if path is not None else None
        if path is None or known is None or known.bytes >= _SEGMENT_BYTES or last - known.first >= _SEGMENT_TIME:
            home = self._home(connection)
            home.mkdir(parents=True, exist_ok=True)
            path, number = home / f"{first:020d}.payloads", 1
            while path.exists():
                path, number = home / f"{first:020d}-{number}.payloads", number + 1
            self._writing[connection] = path
            known = _Segment(first, last, 0)
        with path.open("ab", buffering=0) as file:
            file.write(frame)
        self._segments[path] = _Segment(min(known.first, first), max(known.last, last), known.bytes + len(frame))

    def make_room(self) -> None:
        """Removes what is too old, and the oldest while all take too much room; returns when that is done."""
        self._thread.submit(self._make_room).result()

    def _make_room(self) -> None:
        now = self._clock.now()
        hours = {_name(connection): hours for connection, hours in self._of_connection.items()}
        kept: list[tuple[Path, _Segment]] = []
        for home in sorted(self._directory.iterdir()) if self._directory.exists() else ():
            oldest = now - hours.get(home.name, self._hours) * _HOUR
            for path, segment in self._segments_in(home):
                if segment.last < oldest:
                    self._remove(path)
                else:
                    kept.append((path, segment))
        size = sum(segment.bytes for _, segment in kept)
        for path, segment in sorted(kept, key=lambda each: each[1].first):
            if size <= self._most:
                break
            size -= segment.bytes
            self._remove(path)

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._segments.pop(path, None)
        self._writing = {connection: other for connection, other in self._writing.items() if other != path}

    def _segments_in(self, home: Path) -> list[tuple[Path, _Segment]]:
        """The files of a connection with what is in them, the oldest first; a file is looked through once."""
        for path in home.glob("*.payloads"):
            if path not in self._segments and (found := span(path)) is not None:
                self._segments.setdefault(path, _Segment(*found, path.stat().st_size))
        known = [(path, segment) for path, segment in list(self._segments.items()) if path.parent == home]
        return sorted(known, key=lambda each: each[1].first)

    def _read(self, connection: str, start: int, end: int) -> Iterator[RawBatch]:
        for path, segment in self._segments_in(self._home(connection)):
            if segment.first < end and segment.last >= start:
                yield from frames_in(path, start, end)

    def _home(self, connection: str) -> Path:
        return self._directory / _name(connection)


def _name(connection: str) -> str:
    """A connection's directory: any IRI may name a connection, and not every one is a file name."""
    return hashlib.sha256(connection.encode()).hexdigest()[:24]


def _size(raw: object) -> int:
    return len(raw) if isinstance(raw, bytes | str) else 8
