"""Array values: a list of numbers, packed bytes or a line of numbers becomes one `twin.observation.Block`."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from twin.bindings.documents import DecodeError, loads
from twin.bindings.packing import Unpack, unpacker
from twin.bindings.paths import MISSING, Pick, getter, parse_path
from twin.bindings.plan import BoundProperty
from twin.bindings.reading import number
from twin.observation import Block, Float64

ReadBlock = Callable[[object, object], Block]
"""From what stands at the path, and the document, to the block; raises `DecodeError`."""

MAXIMUM_LENGTH = 1 << 20
"""Numbers in one block."""
_LONGEST_STEP = 1e9


def block_reader(row: BoundProperty, scale: float, offset: float) -> ReadBlock:
    """What makes blocks of a binding's values, with ``scale`` and ``offset`` applied; step and start become
    nanoseconds.  Raises `InvalidInput` for a binding that cannot work."""
    form = row.form
    unpack = unpacker(form.packing) if form.packing is not None else None
    step, start = _seconds(form.step, form.step_path, "step"), _seconds(form.start, form.start_path, "start")

    def read(raw: object, document: object) -> Block:
        values = _numbers(raw, unpack)
        if not 0 < len(values) <= MAXIMUM_LENGTH:
            raise DecodeError(f"{len(values)} numbers; an array has 1 to {MAXIMUM_LENGTH}")
        with np.errstate(over="ignore", invalid="ignore"):
            values = values * scale + offset
        values[~np.isfinite(values)] = math.nan
        return Block(values, step(document), start(document))

    return read


def _numbers(raw: object, unpack: Unpack | None) -> Float64:
    if unpack is not None:
        return unpack(raw, 0)
    if isinstance(raw, bytes | bytearray | str):
        text = raw if isinstance(raw, str) else _text(raw)
        raw = loads(text.encode()) if text.lstrip().startswith("[") else text.replace(";", ",").replace("\n", ",")
        if isinstance(raw, str):
            raw = [each for each in raw.split(",") if each.strip()]
    if not isinstance(raw, list | tuple):
        raise DecodeError("not a list of numbers")
    try:
        return np.array([math.nan if each is None or each is MISSING else number(each) for each in raw], np.float64)
    except DecodeError:
        raise DecodeError("not all in the list are numbers") from None


def _text(raw: bytes | bytearray) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise DecodeError("not UTF-8 text") from None


def _seconds(stated: float | None, path: str | None, what: str) -> Callable[[object], int]:
    """Nanoseconds of what is stated, or found in the document where there is a path; a value there wins."""
    if path is None:
        fixed = _whole(0.0 if stated is None else stated)
        return lambda _document: fixed
    pick: Pick = getter(parse_path(path))

    def find(document: object) -> int:
        try:
            return _whole(number(pick(document)))
        except (LookupError, TypeError):
            if stated is not None:
                return _whole(stated)
            raise DecodeError(f"path {path} is missing") from None
        except DecodeError:
            raise DecodeError(f"path {path} holds no {what} in seconds") from None

    return find


def _whole(seconds: float) -> int:
    if not abs(seconds) <= _LONGEST_STEP:
        raise DecodeError(f"{seconds:g} s is no step between values")
    return round(seconds * 1e9)
