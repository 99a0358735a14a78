"""A bounded queue of observation batches on disk, for while the history takes none: appended, fsynced, read in order.

Its directory holds segments, ``segment-<number>``, of a size that is set aside when they are made: what fits in one
can be written when the disk is full.  A few empty ones, ``spare-<number>``, are kept for the same reason.  ``cursor``
says what has been taken out.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from twin.errors import Unavailable
from twin.observation import ObservationBatch
from twin.telemetry.batch_records import record_of, records_in

SEGMENT_BYTES = 4_194_304
"""Bytes that are set aside for a segment; one that holds a larger record is larger."""
_CURSOR = "cursor"


@dataclass(frozen=True, slots=True)
class Depth:
    """What waits in a spool: batches, observations, their bytes, and when the oldest was received (ns UTC; 0: none)."""

    batches: int = 0
    observations: int = 0
    bytes: int = 0
    oldest: int = 0


@dataclass(slots=True)
class _Segment:
    number: int
    end: int = 0  # what has been written
    size: int = 0  # what was set aside


class Spool:
    """Every method may be called from any thread, and works on files: not in an event loop.

    It takes at most ``limit`` bytes; ``reserve`` bytes are set aside from the start.
    """

    def __init__(self, directory: Path, limit: int, reserve: int, segment: int = SEGMENT_BYTES) -> None:
        self._directory = directory
        self._limit = limit
        self._segment = min(segment, max(limit, 1))
        self._spares = min(-(-reserve // self._segment), -(-limit // self._segment)) if reserve else 0
        self._lock = threading.Lock()
        self._segments: list[_Segment] = []
        self._read = 0  # position in the first segment
        self._depth = Depth()

    def open(self) -> Depth:
        """Reads what is there; returns how much waits.  Raises `Unavailable` when the disk refuses."""
        with self._lock, _told(self._directory):
            self._directory.mkdir(exist_ok=True)
            self._segments = []
            first, position = self._cursor()
            for path in sorted(self._directory.glob("segment-*"), key=_number):
                if _number(path) < first:
                    path.unlink()
                    continue
                size = path.stat().st_size
                end = max([0, *(after for after, _ in records_in(memoryview(path.read_bytes())))])
                segment = _Segment(_number(path), end, size)
                self._wipe(segment)
                self._segments.append(segment)
            begins_there = bool(self._segments) and self._segments[0].number == first
            self._read = position if begins_there else 0
            waiting = [batch for segment in self._segments for _, batch in self._records(segment)]
            self._depth = self._counted(waiting)
            self._prepare_spares()
            return self._depth

    @property
    def depth(self) -> Depth:
        """How much waits."""
        return self._depth

    def waiting(self) -> Iterator[ObservationBatch]:
        """Everything that waits, oldest first."""
        with self._lock, _told(self._directory):
            segments = list(self._segments)
        for segment in segments:
            with self._lock, _told(self._directory):
                batches = [batch for _, batch in self._records(segment)] if segment in self._segments else []
            yield from batches

    def append(self, batches: Sequence[ObservationBatch]) -> None:
        """Returns when all are on the disk.  Raises `Unavailable` when there is no room, or the disk refuses; then none
        of them is in the spool."""
        records = [record_of(batch) for batch in batches]
        with self._lock, _told(self._directory):
            added = sum(map(len, records))
            if self._depth.bytes + added > self._limit:
                raise Unavailable(
                    f"The spool is full: {self._depth.bytes} of {self._limit} bytes wait for the history.",
                    remedy="Make the history work again; devices are held back meanwhile.",
                )
            before = {segment.number: segment.end for segment in self._segments}
            try:
                for record in records:
                    self._write(record)
                for segment in self._segments:
                    if before.get(segment.number) != segment.end:
                        _fsync(self._path(segment))
                _fsync(self._directory)
            except BaseException:
                self._take_back(before)
                raise
            self._depth = _sum(self._depth, self._counted(batches, added))

    def first(self, most: int) -> tuple[tuple[int, int], list[ObservationBatch]] | None:
        """The oldest batches, of at most so many observations together but one at least, and the position after them;
        None when nothing waits."""
        with self._lock, _told(self._directory):
            while self._segments:
                segment = self._segments[0]
                found: list[ObservationBatch] = []
                position, count = self._read, 0
                for after, batch in self._records(segment):
                    if found and count + len(batch) > most:
                        break
                    found.append(batch)
                    position, count = after, count + len(batch)
                if found:
                    return (segment.number, position), found
                self._drop_first()
            return None

    def taken(self, position: tuple[int, int], batches: Sequence[ObservationBatch]) -> None:
        """Forgets what `first` gave, once it is in the history."""
        with self._lock, _told(self._directory):
            number, self._read = position
            if self._read >= self._segments[0].end:
                self._drop_first()
            else:
                self._write_cursor(number, self._read)
            gone = self._counted(batches, 0)
            left = self._depth
            if not self._segments:
                self._depth = Depth()
                return
            peek = next((batch for segment in self._segments for _, batch in self._records(segment)), None)
            size = sum(segment.end for segment in self._segments) - self._read
            self._depth = Depth(
                left.batches - gone.batches,
                left.observations - gone.observations,
                size,
                0 if peek is None else int(peek.received[0]),
            )

    # Within; the lock is held.

    def _records(self, segment: _Segment) -> list[tuple[int, ObservationBatch]]:
        start = self._read if segment is self._segments[0] else 0
        with self._path(segment).open("rb") as file:
            file.seek(start)
            data = memoryview(file.read(segment.end - start))
        return [(start + after, batch) for after, batch in records_in(data)]

    def _write(self, record: bytes) -> None:
        last = self._segments[-1] if self._segments else None
        if last is None or last.end + len(record) > last.size:
            last = self._new_segment(len(record))
        with self._path(last).open("r+b") as file:
            file.seek(last.end)
            file.write(record)
        last.end += len(record)

    def _new_segment(self, needed: int) -> _Segment:
        number = self._segments[-1].number + 1 if self._segments else self._cursor()[0] + 1
        segment = _Segment(number, 0, max(self._segment, needed))
        spare = next(iter(self._directory.glob("spare-*")), None) if needed <= self._segment else None
        if spare is not None:
            spare.rename(self._path(segment))
        else:
            _set_aside(self._path(segment), segment.size)
        self._segments.append(segment)
        return segment

    def _take_back(self, before: Mapping[int, int]) -> None:
        """Undoes a write that failed."""
        for segment in list(self._segments):
            if segment.number not in before:
                self._segments.remove(segment)
                self._path(segment).unlink(missing_ok=True)
            elif segment.end != before[segment.number]:
                segment.end = before[segment.number]
                self._wipe(segment)

    def _wipe(self, segment: _Segment) -> None:
        """Zeros after the last record, so that the rest of a torn one is never taken for anything."""
        with self._path(segment).open("r+b") as file:
            file.seek(segment.end)
            if any(file.read()):
                file.seek(segment.end)
                file.write(b"\0" * (segment.size - segment.end))
                file.flush()
                os.fsync(file.fileno())

    def _drop_first(self) -> None:
        segment = self._segments.pop(0)
        self._write_cursor(segment.number + 1, 0)
        self._read = 0
        path = self._path(segment)
        if segment.size == self._segment and len(list(self._directory.glob("spare-*"))) < self._spares:
            with contextlib.suppress(OSError):  # the disk is full, and somebody else was faster
                _set_aside(path, segment.size)  # zeros again, and the room stays ours
                path.rename(self._directory / f"spare-{secrets.token_hex(8)}")
        path.unlink(missing_ok=True)

    def _prepare_spares(self) -> None:
        held = len(list(self._directory.glob("spare-*")))
        with contextlib.suppress(OSError):  # the disk is full: what room there is will do
            for _ in range(held, self._spares):
                _set_aside(self._directory / f"spare-{secrets.token_hex(8)}", self._segment)

    def _cursor(self) -> tuple[int, int]:
        try:
            number, position = (self._directory / _CURSOR).read_text().split()
            return int(number), int(position)
        except (OSError, ValueError):  # none yet, or torn: what is read again is in the history already
            return 0, 0

    def _write_cursor(self, number: int, position: int) -> None:
        partial = self._directory / f"{_CURSOR}.partial"
        with contextlib.suppress(OSError):  # without it more is read again than must be, and found in the history
            with partial.open("w") as file:
                file.write(f"{number} {position}\n")
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._directory / _CURSOR)

    def _path(self, segment: _Segment) -> Path:
        return self._directory / f"segment-{segment.number}"

    def _counted(self, batches: Sequence[ObservationBatch], size: int | None = None) -> Depth:
        if not batches:
            return Depth()
        size = sum(segment.end for segment in self._segments) - self._read if size is None else size
        oldest = min((int(batch.received[0]) for batch in batches if len(batch)), default=0)
        return Depth(len(batches), sum(map(len, batches)), size, oldest)


def _sum(one: Depth, other: Depth) -> Depth:
    known = [each for each in (one.oldest, other.oldest) if each]
    return Depth(
        one.batches + other.batches,
        one.observations + other.observations,
        one.bytes + other.bytes,
        min(known, default=0),
    )


def _number(path: Path) -> int:
    return int(path.name.split("-")[1])


def _set_aside(path: Path, size: int) -> None:
    """Makes a file of zeros whose room is certain."""
    with path.open("wb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                path.unlink()
                raise
            file.write(b"\0" * size)
        file.flush()
        os.fsync(file.fileno())


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _told:
    """Turns what the operating system says into `Unavailable`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise Unavailable(
                f"The spool in {self._directory} cannot be used: {error.strerror or error}.",
                remedy="Make room on the disk; devices are held back meanwhile.",
            ) from error
