"""Histories coming in: a table of past values is read whole and judged row by row before anything of it is kept.

What is kept is kept in the order of the table, in commits of some thousands of rows.  Doing it again changes nothing: a
row that is there already is no new one.  Subscribers and checks are not told of it: it is the past.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
import orjson

from twin import units
from twin.clock import Clock
from twin.contracts import History
from twin.errors import InvalidInput, TwinError, Unavailable
from twin.graph.twins.reader import TwinReader
from twin.graph.twins.records import PropertyRecord
from twin.jobs import Running
from twin.lineage.origins import Origin, Origins
from twin.observation import Block, ObservationBatch, Quality
from twin.scope import Scope
from twin.telemetry.latest import LatestTable
from twin.telemetry.table_formats import Format
from twin.telemetry.table_reading import Row, read_rows

_TOLD = 1_000  # bad rows that are told one by one


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be kept, and why."""

    row: int
    reason: str


@dataclass(slots=True)
class BackfillReport:
    """What became of a table.  ``accepted`` rows can be kept and ``committed`` are; ``applied`` says whether all that
    can be are.  ``problems`` are the first bad rows, ``reasons`` counts all of them."""

    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    committed: int = 0
    applied: bool = False
    properties: int = 0
    first: int | None = None
    last: int | None = None
    origin: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    problems: list[BadRow] = field(default_factory=list)

    @property
    def message(self) -> str:
        """What became of it, in a sentence."""
        if self.applied:
            left = f"; {self.rejected} others cannot be kept" if self.rejected else ""
            return f"{self.committed} rows of {self.properties} properties are kept{left}."
        if self.committed:
            return f"Only {self.committed} of {self.accepted} rows are kept: import the table again to go on."
        return f"Nothing was kept: {self.rejected} of {self.rows} rows cannot be."


class BrokenOff(Unavailable):
    """A part of a table is kept and the rest is not, because the history did not take it."""


async def backfill(
    path: Path,
    format: Format,
    scope: Scope,
    twins: TwinReader,
    history: History,
    latest: LatestTable,
    origins: Origins | None,
    clock: Clock,
    job: Running,
    *,
    lenient: bool = False,
    dry_run: bool = False,
) -> BackfillReport:
    """The report of keeping a table of past values.

    A table with a bad row is not kept at all, unless ``lenient``; with ``dry_run`` it is only judged.  Raises
    `InvalidInput` for a file that is not of the format, `BrokenOff` when the history refused after some of it was kept,
    and `twin.jobs.Cancelled`.
    """
    now = clock.now()
    known = _Known(twins, scope)
    report = await asyncio.to_thread(_judge, path, format, known, now, job)
    if dry_run or not report.accepted or (report.rejected and not lenient):
        return report
    job.bind("keep")
    if origins is not None:
        digest = await asyncio.to_thread(_digest, path)
        subject = f"sha256:{digest}"
        report.origin = await asyncio.to_thread(
            origins.number, Origin("import", subject, codec=f"table: {format}", since=now)
        )
    batches = await asyncio.to_thread(lambda: _batches(path, format, known, now, report.origin))
    while (batch := await asyncio.to_thread(next, batches, None)) is not None:
        try:
            await history.append(batch)
        except TwinError as error:
            raise BrokenOff(
                f"{report.message} {error}" if report.committed else f"Nothing was kept: {error}",
                remedy="Import the same table again when that is mended: what is kept already is not kept twice.",
                committed=report.committed,
                accepted=report.accepted,
            ) from error
        latest.apply(batch)
        report.committed += len(batch)
        job.tell("keep", report.committed, report.accepted)
    report.applied = True
    return report


class _Known:
    """The properties that rows speak of, looked up once."""

    def __init__(self, twins: TwinReader, scope: Scope) -> None:
        self._twins, self._scope = twins, scope
        self._records: dict[str, PropertyRecord | None] = {}
        self._conversions: dict[tuple[str, str], tuple[float, float] | str] = {}

    def record(self, iri: str) -> PropertyRecord | None:
        """The property of an IRI, None when the scope has none."""
        if iri not in self._records:
            self._records[iri] = self._twins.property(self._scope, iri)
        return self._records[iri]

    def conversion(self, record: PropertyRecord, unit: str) -> tuple[float, float]:
        """Scale and offset from a unit to the property's own; raises ``ValueError`` in words."""
        key = (record.iri, unit)
        if key not in self._conversions:
            try:
                if record.unit is None:
                    raise InvalidInput(f"the property has no unit, and so none to convert {unit} to")
                found = units.conversion(units.unit(unit), units.unit(record.unit), record.quantity_kind)
                self._conversions[key] = found
            except TwinError as error:
                self._conversions[key] = error.message
        known = self._conversions[key]
        if isinstance(known, str):
            raise ValueError(known)
        return known


Said = tuple[float, str | None, Block | None]


def _judge(path: Path, format: Format, known: _Known, now: int, job: Running) -> BackfillReport:
    report, reasons, seen = BackfillReport(), Counter[str](), set[str]()
    size = path.stat().st_size
    with path.open("rb") as file:
        for rows in read_rows(format, file):
            for row in rows:
                report.rows += 1
                try:
                    _said(row, known, now)
                except ValueError as error:
                    report.rejected += 1
                    reasons[str(error)] += 1
                    if len(report.problems) < _TOLD:
                        report.problems.append(BadRow(row.number, str(error)))
                    continue
                report.accepted += 1
                seen.add(row.property)
                report.first = row.time if report.first is None else min(report.first, row.time)
                report.last = row.time if report.last is None else max(report.last, row.time)
            job.tell("check", _place(file), size)
    report.properties = len(seen)
    report.reasons = dict(reasons.most_common(100))
    return report


def _place(file: IO[bytes]) -> int:
    try:
        return file.tell()
    except (OSError, ValueError):
        return 0


def _batches(path: Path, format: Format, known: _Known, now: int, origin: int) -> Iterator[ObservationBatch]:
    with path.open("rb") as file:
        for rows in read_rows(format, file):
            if len(batch := _batch(rows, known, now, origin)):
                yield batch


def _batch(rows: Sequence[Row], known: _Known, now: int, origin: int) -> ObservationBatch:
    kept: list[tuple[int, int, float, int, int]] = []
    text: dict[int, str] = {}
    blocks: dict[int, Block] = {}
    for row in rows:
        try:
            value, words, block = _said(row, known, now)
        except ValueError:
            continue
        record = known.record(row.property)
        assert record is not None  # noqa: S101 - what is not known was refused just now
        quality = row.quality
        if words is not None:
            text[len(kept)] = words
        elif block is not None:
            blocks[len(kept)] = block
        elif math.isnan(value) and not Quality(quality).bad:
            quality |= Quality.NOT_A_NUMBER
        kept.append((record.series, row.time, value, quality, row.received or now))
    plain = ObservationBatch.of(kept, text)
    return ObservationBatch(
        plain.series, plain.time, plain.value, plain.quality, plain.received, text, blocks,
        np.full(len(kept), origin, np.int32),
    )  # fmt: skip


def _said(row: Row, known: _Known, now: int) -> Said:
    """A row's value in the property's canonical unit: a number, a text or an array; raises ``ValueError`` in words."""
    if row.problem:
        raise ValueError(row.problem)
    record = known.record(row.property)
    if record is None:
        raise ValueError(f"there is no property {row.property[:200]!r}")
    if row.time > now:
        raise ValueError("the time lies in the future")
    value = row.value
    if value is None or value == "":
        if record.kind == "text" and value == "":
            return math.nan, "", None
        if not Quality(row.quality).bad:
            raise ValueError("no value")
        return math.nan, None, None
    make: Callable[[Row, PropertyRecord, _Known], Said] = {
        "number": _number, "boolean": _boolean, "state": _state, "text": _text, "array": _array
    }[record.kind]  # fmt: skip
    return make(row, record, known)


def _number(row: Row, record: PropertyRecord, known: _Known) -> Said:
    if isinstance(row.value, list) or (isinstance(row.value, str) and row.value.startswith("[")):
        return _array(row, record, known)
    try:
        value = float(row.value)
    except (TypeError, ValueError):
        raise ValueError(f"{str(row.value)[:40]!r} is not a number") from None
    if isinstance(row.value, bool) or not math.isfinite(value):
        raise ValueError(f"{str(row.value)[:40]!r} is not a number")
    scale, offset = _conversion(row, record, known)
    return value * scale + offset, None, None


def _boolean(row: Row, record: PropertyRecord, known: _Known) -> Said:
    words = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
    value = words.get(str(row.value).strip().lower())
    if value is None:
        raise ValueError(f"{str(row.value)[:40]!r} is neither true nor false")
    return value, None, None


def _state(row: Row, record: PropertyRecord, known: _Known) -> Said:
    if isinstance(row.value, str) and row.value in record.states:
        return float(record.states.index(row.value)), None, None
    try:
        index = float(row.value)
    except (TypeError, ValueError):
        index = -1.0
    if index not in range(len(record.states)):
        raise ValueError(f"{str(row.value)[:40]!r} is none of the states {', '.join(record.states)}")
    return index, None, None


def _text(row: Row, record: PropertyRecord, known: _Known) -> Said:
    if not isinstance(row.value, str):
        raise ValueError(f"{str(row.value)[:40]!r} is not a text")
    return math.nan, row.value, None


def _array(row: Row, record: PropertyRecord, known: _Known) -> Said:
    found = row.value
    try:
        if isinstance(found, str):
            found = orjson.loads(found)
        values = np.array([math.nan if each is None else each for each in found], np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{str(row.value)[:40]!r} is not an array of numbers") from None
    scale, offset = _conversion(row, record, known)
    return math.nan, None, Block(values * scale + offset, row.step, row.start)


def _conversion(row: Row, record: PropertyRecord, known: _Known) -> tuple[float, float]:
    if not row.unit or row.unit == record.unit:
        return 1.0, 0.0
    return known.conversion(record, row.unit)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
