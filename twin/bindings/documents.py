"""Payloads as documents: JSON with what devices make of it, lines of JSON, and CSV."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable

import orjson

MAXIMUM_PAYLOAD = 1 << 20
"""Bytes that a document may have."""
MAXIMUM_RECORDS = 100_000
"""Lines of one payload."""
_DELIMITERS = ",;\t|"


class DecodeError(ValueError):
    """A raw value that cannot become a canonical one; the message is the reason in words."""


def loads(raw: object) -> object:
    """The JSON document in a payload; raises `DecodeError`.

    NaN, infinities, numbers of any length (infinite where a double cannot hold them), a byte order mark, UTF-16 and
    UTF-32 are read as well, so that one bad number takes no good one with it.
    """
    try:
        if len(raw) <= MAXIMUM_PAYLOAD:  # type: ignore[arg-type]  # what has no length has no document either
            return orjson.loads(raw)  # type: ignore[arg-type]
    except orjson.JSONDecodeError:
        return _tolerant(raw)
    except TypeError:
        raise DecodeError("no JSON") from None
    raise DecodeError(f"larger than {MAXIMUM_PAYLOAD} bytes")


def _tolerant(raw: object) -> object:
    try:
        return json.loads(raw, parse_int=_whole, parse_constant=_constant)  # type: ignore[arg-type]  # orjson took it
    except (ValueError, RecursionError):
        raise DecodeError("no JSON") from None


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= 19 else float(digits)


def _constant(name: str) -> float:
    return math.nan if name == "NaN" else math.inf if name == "Infinity" else -math.inf


Records = Callable[[object], "list[object]"]


def records(format: str, named: bool) -> Records:
    """A function from a payload of lines to its records, oldest first; it raises `DecodeError`.

    ``csv``: a record is an object by the names in the first line (``named``), or a list of texts; the delimiter is the
    one of comma, semicolon, tab and bar that the first line has most of, and between semicolons a comma is a decimal
    point.  ``ndjson``: a document a line.  The records of one payload are made once for all who ask in turn.
    """
    made = _csv(named) if format == "csv" else _ndjson
    kept: tuple[object, list[object]] = (None, [])

    def once(raw: object) -> list[object]:
        nonlocal kept
        if kept[0] is not raw or raw is None:
            if not isinstance(raw, bytes | bytearray | str):
                raise DecodeError(f"no {format.upper()}")
            if len(raw) > MAXIMUM_PAYLOAD:
                raise DecodeError(f"larger than {MAXIMUM_PAYLOAD} bytes")
            kept = (raw, made(_decoded(raw)))
        return kept[1]

    return once


def _decoded(raw: bytes | bytearray | str) -> str:
    try:
        return raw if isinstance(raw, str) else raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DecodeError("not UTF-8 text") from None


def _ndjson(text: str) -> list[object]:
    found: list[object] = []
    for line in _lines(text):
        try:
            found.append(loads(line.encode()))
        except DecodeError:
            found.append(None)  # where a document is asked for its path it has none, and the others go on
    return found


def _csv(named: bool) -> Callable[[str], list[object]]:
    def read(text: str) -> list[object]:
        lines = _lines(text)
        if not lines:
            raise DecodeError("no CSV")
        delimiter = max(_DELIMITERS, key=lines[0].count)
        try:
            rows = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
        except csv.Error:
            raise DecodeError("no CSV") from None
        if delimiter == ";":
            rows = [[_decimal_point(cell) for cell in row] for row in rows]
        if not named:
            return list(rows)
        names = [name.strip() for name in rows[0]]
        return [dict(zip(names, row, strict=False)) for row in rows[1:]]

    return read


def _decimal_point(cell: str) -> str:
    head, comma, tail = cell.partition(",")
    return f"{head}.{tail}" if comma and tail.isdigit() and head.lstrip("+-").isdigit() else cell


def _lines(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > MAXIMUM_RECORDS:
        raise DecodeError(f"more than {MAXIMUM_RECORDS} lines")
    return lines
