"""Tables of histories read back, in whichever of the formats: rows as they stand there, each with its number.

See `twin.telemetry.table_formats` for the columns.  ``property``, ``time`` and a value are needed, the rest may be left
out; columns that are not known are passed over.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

import orjson

from twin.clock import NANOSECONDS, from_iso
from twin.errors import InvalidInput
from twin.telemetry.table_formats import Format

TOGETHER = 10_000
"""Rows that are read together."""
LONGEST = 4 * 1024 * 1024
"""Bytes of one line."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number in the table (from 1), and what stands in it.  ``problem`` says why it cannot be read (empty:
    it can).  Times are ns UTC, ``received`` 0 when it is not said; ``value`` is a number, truth, text, list or None."""

    number: int
    property: str = ""
    time: int = 0
    value: Any = None
    quality: int = 0
    received: int = 0
    unit: str = ""
    step: int = 0
    start: int = 0
    problem: str = ""


def read_rows(format: Format, file: IO[bytes]) -> Iterator[list[Row]]:
    """The rows of a table, some thousands at a time; raises `InvalidInput` for a file that is not of the format."""
    try:
        found = {"ndjson": _ndjson, "csv": _csv, "arrow": _arrow, "parquet": _parquet}[format](file)
        some: list[Row] = []
        for number, fields in enumerate(found, 1):
            some.append(_row(number, fields))
            if len(some) >= TOGETHER:
                yield some
                some = []
        yield some
    except InvalidInput:
        raise
    except Exception as error:  # each library has errors of its own for a file that is none of its
        why = (str(error) or type(error).__name__).splitlines()[0]
        raise InvalidInput(
            f"The file cannot be read as {format}: {why}.",
            remedy="Send it with the content type that it is of.",
        ) from error


def nanoseconds(said: object) -> int:
    """Nanoseconds UTC of a time: ISO 8601 with up to nine digits of a second, or nanoseconds since 1970.

    Raises ``ValueError``.
    """
    if isinstance(said, datetime):
        return from_iso(said.isoformat())
    if isinstance(said, int) and not isinstance(said, bool):
        return said
    if not isinstance(said, str) or not said:
        raise ValueError("no time")
    text = said.strip()
    if text.isdecimal():
        return int(text)
    whole, dot, rest = text.partition(".")
    if not dot:
        return from_iso(text)
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return from_iso(whole + rest[len(digits) :]) + int(digits[:9].ljust(9, "0"))


def _row(number: int, fields: Mapping[str, Any] | str) -> Row:
    if isinstance(fields, str):
        return Row(number, problem=fields)
    property = fields.get("property")
    if not isinstance(property, str) or not property:
        return Row(number, problem="no property")
    try:
        time = nanoseconds(fields.get("time"))
    except (ValueError, OverflowError):
        return Row(number, property, problem=f"{str(fields.get('time'))[:40]!r} is not a time")
    if not -(2**62) < time < 2**62:
        return Row(number, property, problem="the time is too far away")
    value = next((fields[name] for name in ("array", "text", "value") if fields.get(name) is not None), None)
    try:
        received = nanoseconds(fields["received"]) if fields.get("received") else 0
        return Row(
            number,
            property,
            time,
            value,
            _whole(fields.get("quality"), 0xFFFF),
            received,
            str(fields.get("unit") or ""),
            _whole(fields.get("step"), 2**62),
            _whole(fields.get("start"), 2**62),
        )
    except (ValueError, OverflowError, TypeError) as error:
        return Row(number, property, time, problem=f"quality, received, step or start cannot be read: {error}")


def _whole(said: Any, most: int) -> int:
    if said is None or said == "":
        return 0
    found = int(said)
    if not 0 <= found <= most:
        raise ValueError(f"{found} is out of range")
    return found


def _ndjson(file: IO[bytes]) -> Iterator[Mapping[str, Any] | str]:
    while line := file.readline(LONGEST):
        if len(line) >= LONGEST:
            raise InvalidInput(f"A line is longer than {LONGEST:,} bytes.", remedy="Put each row on a line of its own.")
        if not line.strip():
            continue
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield f"no JSON: {error.msg}"
        else:
            yield found if isinstance(found, dict) else "no JSON object"


def _csv(file: IO[bytes]) -> Iterator[Mapping[str, Any] | str]:
    text = io.TextIOWrapper(file, "utf-8-sig", newline="")
    try:
        rows = csv.reader(text)
        header = next(rows, [])
        if not {"property", "time", "value"} <= set(header):
            raise InvalidInput(
                f"The CSV has no columns property, time and value, but {', '.join(header[:12]) or 'none'}.",
                remedy="Name them in the first line.",
            )
        for row in rows:
            if len(row) != len(header):
                yield f"it has {len(row)} fields and not {len(header)}"
            elif row:
                yield dict(zip(header, row, strict=True))
    finally:
        text.detach()


def _arrow(file: IO[bytes]) -> Iterator[Mapping[str, Any]]:
    import pyarrow as pa

    if file.read(6) == b"ARROW1":
        file.seek(0)
        whole = pa.ipc.open_file(file)
        yield from (row for at in range(whole.num_record_batches) for row in _of(whole.get_batch(at)))
        return
    file.seek(0)
    for batch in pa.ipc.open_stream(file):
        yield from _of(batch)


def _parquet(file: IO[bytes]) -> Iterator[Mapping[str, Any]]:
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(file).iter_batches(batch_size=TOGETHER):
        yield from _of(batch)


def _of(batch: Any) -> Iterator[Mapping[str, Any]]:
    """The rows of a record batch, its times as nanoseconds."""
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_timestamp(column.type):
            scale = {"s": NANOSECONDS, "ms": 1_000_000, "us": 1_000, "ns": 1}[column.type.unit]
            columns[name] = [None if each is None else each * scale for each in column.cast(pa.int64()).to_pylist()]
        else:
            columns[name] = column.to_pylist()
    for place in range(batch.num_rows):
        yield {name: column[place] for name, column in columns.items()}
