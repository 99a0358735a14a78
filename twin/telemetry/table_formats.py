"""Histories as tables for others: NDJSON, CSV, Parquet and Arrow, written and read piece by piece.

Rows of samples have ``property``, ``unit``, ``time``, ``value``, ``quality``, ``received`` and ``origin``, arrays
``step`` and ``start`` (ns) as well; rows of buckets have ``minimum``, ``maximum`` and ``count`` instead of these four.
In NDJSON and CSV a value is what it says: a number, ``true``, a state's word, a text, an array.  Parquet and Arrow have
a column for each: ``value`` (a boolean is 0 or 1, a state its index), ``text`` (of a text or a state) and ``array``.
Times are UTC, to the nanosecond.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import orjson

from twin.clock import NANOSECONDS, iso
from twin.errors import InvalidInput
from twin.observation import Block

Format = Literal["ndjson", "csv", "parquet", "arrow"]
MEDIA_TYPES: dict[Format, str] = {
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8; header=present",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
Kind = Literal["number", "boolean", "state", "text", "array"]


@dataclass(frozen=True, slots=True)
class Told:
    """What a table says of one property beside its values: its IRI, kind, unit, and the words of its states."""

    property: str
    kind: Kind
    unit: str
    states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a table, as columns of one length ``n``.

    ``which`` int32[n] are places in ``properties``; ``time`` int64[n] is ns UTC; ``value`` float64[n] is NaN for none;
    ``text`` and ``arrays`` map rows to theirs.  Samples have ``received`` and ``origin``, buckets the other three.
    """

    properties: Sequence[Told]
    which: npt.NDArray[np.int32]
    time: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    quality: npt.NDArray[np.uint16]
    text: dict[int, str]
    arrays: dict[int, Block]
    received: npt.NDArray[np.int64] | None = None
    origin: npt.NDArray[np.int32] | None = None
    minimum: npt.NDArray[np.float64] | None = None
    maximum: npt.NDArray[np.float64] | None = None
    count: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.time)

    def said(self, row: int) -> Any:
        """The value of a row as it is said: a number, a truth, a word, a text, a list, or None."""
        told = self.properties[int(self.which[row])]
        if row in self.arrays:
            return [None if math.isnan(each) else each for each in self.arrays[row].values.tolist()]
        if row in self.text:
            return self.text[row]
        value = float(self.value[row])
        if not math.isfinite(value):
            return None
        if told.kind == "boolean":
            return value != 0
        if told.kind == "state":
            return told.states[int(value)] if 0 <= value < len(told.states) else None
        return value


class Writer(Protocol):
    """Writes a table: `write` and `end` give the bytes that are due."""

    def write(self, piece: Piece) -> bytes: ...

    def end(self) -> bytes: ...


def writer(format: Format, *, bucketed: bool) -> Writer:
    """A writer of a format, for samples or for buckets."""
    if format == "ndjson":
        return _Ndjson()
    if format == "csv":
        return _Csv(bucketed)
    return _Arrow(bucketed, parquet=format == "parquet")


def format_named(name: str) -> Format:
    """The format of a name, a file suffix or a media type; raises `InvalidInput` for none of them."""
    bare = name.partition(";")[0].strip().lower().lstrip(".")
    for format, media in MEDIA_TYPES.items():
        if bare in (format, media.partition(";")[0]):
            return format
    also: dict[str, Format] = {
        "jsonl": "ndjson", "application/ndjson": "ndjson", "application/jsonl": "ndjson", "arrows": "arrow",
        "application/vnd.apache.arrow.file": "arrow", "feather": "arrow",
    }  # fmt: skip
    if bare in also:
        return also[bare]
    raise InvalidInput(f"There is no table format {name[:60]!r}.", remedy=f"Use {', '.join(MEDIA_TYPES)}.")


def stamp(time: int) -> str:
    """The time as ISO 8601 in UTC, with as many digits of a second as it needs: none, six or nine."""
    rest = time % NANOSECONDS
    return iso(time) if rest % 1000 == 0 else f"{iso(time - rest)[:-1]}.{rest:09d}Z"


class _Ndjson:
    def write(self, piece: Piece) -> bytes:
        lines = []
        properties, which = piece.properties, piece.which.tolist()
        extra = _extra(piece)
        for row, time in enumerate(piece.time.tolist()):
            told = properties[which[row]]
            line = {"property": told.property, "time": stamp(time), "value": piece.said(row)}
            if told.unit:
                line["unit"] = told.unit
            if (block := piece.arrays.get(row)) is not None:
                line |= {"step": block.step, "start": block.start}
            lines.append(orjson.dumps(line | {name: column[row] for name, column in extra}))
        return b"\n".join([*lines, b""]) if lines else b""

    def end(self) -> bytes:
        return b""


class _Csv:
    def __init__(self, bucketed: bool) -> None:
        self._bucketed = bucketed
        self._begun = False

    def write(self, piece: Piece) -> bytes:
        buffer = io.StringIO()
        rows = csv.writer(buffer)
        if not self._begun:
            self._begun = True
            last = ("minimum", "maximum", "count") if self._bucketed else ("received", "origin", "step", "start")
            rows.writerow(("property", "time", "value", "unit", "quality", *last))
        extra = [column for _, column in _extra(piece)]
        which = piece.which.tolist()
        for row, time in enumerate(piece.time.tolist()):
            told, value = piece.properties[which[row]], piece.said(row)
            if isinstance(value, bool):
                value = "true" if value else "false"
            elif isinstance(value, list):
                value = orjson.dumps(value).decode()
            shown = [value, told.unit, *(column[row] for column in extra)]
            if not self._bucketed:
                block = piece.arrays.get(row)
                shown += ["", ""] if block is None else [block.step, block.start]
            rows.writerow([told.property, stamp(time), *("" if each is None else each for each in shown)])
        return buffer.getvalue().encode()

    def end(self) -> bytes:
        return b"" if self._begun else self.write(_nothing())


def _extra(piece: Piece) -> list[tuple[str, list[Any]]]:
    found: list[tuple[str, list[Any]]] = [("quality", piece.quality.tolist())]
    if piece.minimum is not None and piece.maximum is not None and piece.count is not None:
        for name, column in (("minimum", piece.minimum), ("maximum", piece.maximum)):
            found.append((name, [None if math.isnan(each) else each for each in column.tolist()]))
        found.append(("count", piece.count.tolist()))
    if piece.received is not None and piece.origin is not None:
        found.append(("received", [stamp(each) if each > 0 else None for each in piece.received.tolist()]))
        found.append(("origin", piece.origin.tolist()))
    return found


def _nothing() -> Piece:
    empty = np.empty(0, np.float64)
    return Piece((), empty.astype(np.int32), empty.astype(np.int64), empty, empty.astype(np.uint16), {}, {})


class _Arrow:
    """Arrow's stream format, or Parquet with a row group a piece."""

    def __init__(self, bucketed: bool, *, parquet: bool) -> None:
        import pyarrow as pa  # a large library, for those who ask for it

        self._pa = pa
        moment = pa.timestamp("ns", tz="UTC")
        word = pa.dictionary(pa.int32(), pa.string())
        columns = [
            ("property", word), ("unit", word), ("time", moment), ("value", pa.float64()), ("text", pa.string()),
            ("array", pa.list_(pa.float64())), ("quality", pa.uint16()),
        ]  # fmt: skip
        if bucketed:
            columns += [("minimum", pa.float64()), ("maximum", pa.float64()), ("count", pa.int64())]
        else:
            columns += [("received", moment), ("origin", pa.int32()), ("step", pa.int64()), ("start", pa.int64())]
        if parquet:  # its dictionaries are its own business
            columns = [(name, pa.string() if kind == word else kind) for name, kind in columns]
        self._schema = pa.schema(columns)
        self._drain = _Drain()
        self._file = pa.PythonFile(self._drain, mode="w")
        if parquet:
            import pyarrow.parquet as pq

            self._writer = pq.ParquetWriter(self._file, self._schema, compression="zstd", use_dictionary=True)
        else:
            # A stream may replace a dictionary from one piece to the next.
            options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=False)
            self._writer = pa.ipc.new_stream(self._file, self._schema, options=options)

    def write(self, piece: Piece) -> bytes:
        if len(piece):
            self._writer.write_table(self._pa.table(self._columns(piece), schema=self._schema))
        return self._drain.taken()

    def end(self) -> bytes:
        self._writer.close()
        return self._drain.taken()

    def _columns(self, piece: Piece) -> list[Any]:
        pa, rows = self._pa, len(piece)
        which = piece.which.tolist()
        words = dict(piece.text)
        for row, place in enumerate(which):
            if piece.properties[place].kind == "state" and isinstance(word := piece.said(row), str):
                words[row] = word
        of: dict[str, Any] = {
            "property": [piece.properties[place].property for place in which],
            "unit": [piece.properties[place].unit or None for place in which],
            "text": [words.get(row) for row in range(rows)],
            "array": [None if (each := piece.arrays.get(row)) is None else each.values for row in range(rows)],
            "step": [None if (each := piece.arrays.get(row)) is None else each.step for row in range(rows)],
            "start": [None if (each := piece.arrays.get(row)) is None else each.start for row in range(rows)],
            "time": piece.time,
            "received": piece.received,
            "value": np.ma.masked_invalid(piece.value),
            "minimum": None if piece.minimum is None else np.ma.masked_invalid(piece.minimum),
            "maximum": None if piece.maximum is None else np.ma.masked_invalid(piece.maximum),
        }
        found = []
        for field in self._schema:
            column = of[field.name] if field.name in of else getattr(piece, field.name)
            if isinstance(column, np.ma.MaskedArray):
                found.append(pa.array(column.filled(0), mask=np.ma.getmaskarray(column), type=field.type))
            else:
                found.append(pa.array(column, type=field.type))
        return found


class _Drain(io.RawIOBase):
    """Where a library writes a file that nobody keeps: what was written since is taken away."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._place = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._place += len(part)
        return len(part)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
