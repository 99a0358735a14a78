"""What turns a raw value into a canonical one and back, compiled once from a binding.

Reading: the value at a path of a document, or the payload or scalar itself, becomes a float64 - a boolean 0 or 1, a
state its index - a text, or a block of numbers; a payload may hold many, each with its time.  Numbers are then scaled
in columns: canonical = raw * ``scale`` + ``offset``, with the binding's scale and offset and the conversion of units
folded into that one pair.  Writing is the inverse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from twin.bindings.arrays import ReadBlock, block_reader
from twin.bindings.documents import MAXIMUM_PAYLOAD, DecodeError, loads
from twin.bindings.many import LINES, Many, many_samples
from twin.bindings.paths import MISSING, gatherer, getter, nested, parse_path
from twin.bindings.plan import BoundProperty, Carries
from twin.bindings.reading import MAXIMUM_TEXT, Read, reader
from twin.bindings.stamps import NotATime, ReadTime, time_reader
from twin.connector import Scalar
from twin.errors import InvalidInput
from twin.observation import Block
from twin.units import conversion, unit

__all__ = ["MAXIMUM_PAYLOAD", "MAXIMUM_TEXT", "Codec", "DecodeError", "Value", "compile_codec", "loads"]

Value = float | str | Block
Pick = Callable[[Any], object]
Refuse = Callable[[str], None]

FORMATS = ("json", "csv", "ndjson", "plain")


@dataclass(frozen=True, slots=True)
class Codec:
    """One binding, compiled.

    ``pick`` and ``pick_time`` find value and source time in a JSON document (None: the payload is the value; there is
    no time); ``read`` makes a raw number or a text of what was found, ``read_time`` a time, ``block`` an array of
    numbers in the property's unit.  With ``many``, a payload holds any number of samples: use `samples`.
    """

    row: BoundProperty
    carries: Carries
    scale: float
    offset: float
    pick: Pick | None
    pick_time: Pick | None
    read: Read
    read_time: ReadTime
    block: ReadBlock | None = None
    many: Many | None = None

    def extract(self, raw: object, document: object) -> tuple[Value, int]:
        """The value before scaling, and its source time (ns UTC; 0: it has none); raises `DecodeError`.

        ``document`` is the JSON document in ``raw``, and is looked at when the binding has a path.
        """
        if self.pick is None:
            return (self.read(raw) if self.block is None else self.block(raw, document)), 0
        try:
            found = self.pick(document)
            time = self.read_time(self.pick_time(document)) if self.pick_time is not None else 0
        except (LookupError, TypeError, NotATime):
            raise DecodeError(self._why(document)) from None
        return (self.read(found) if self.block is None else self.block(found, document)), time

    def samples(self, raw: object, document: object, refuse: Refuse) -> Iterator[tuple[Value, int]]:
        """Every value in a payload before scaling, with its source time, as `extract` gives one.

        What is wrong with one of them is told to ``refuse`` and the others go on; raises `DecodeError` when none can be
        looked for.
        """
        many = self.many
        if many is None:
            yield self.extract(raw, document)
            return
        if many.documents is not None:
            document = many.documents(raw)
        try:
            values = many.values(document)
        except (LookupError, TypeError):
            raise DecodeError(f"path {self.row.path} holds no list") from None
        times = self._times(many, document, len(values))
        for found, stamp in zip(values, times, strict=True):
            try:
                if found is MISSING:
                    raise DecodeError(f"path {self.row.path} is missing")
                yield self.read(found), stamp if type(stamp) is int and many.times is None else self.read_time(stamp)
            except DecodeError as error:
                refuse(str(error))
            except NotATime:
                missing = stamp is MISSING
                refuse(f"path {self.row.time_path} {'is missing' if missing else 'holds no time'}")

    def _times(self, many: Many, document: object, count: int) -> list[object]:
        try:
            if many.times is None:
                if count > 1 and not many.step:
                    raise DecodeError(f"{count} values and no times")
                first = self.read_time(self.pick_time(document)) if self.pick_time is not None else 0
                return [first + number * many.step for number in range(count)]
            times = many.times(document)
        except (LookupError, TypeError, NotATime):
            raise DecodeError(f"path {self.row.time_path} holds no time") from None
        if len(times) != count:
            raise DecodeError(f"{len(times)} times for {count} values")
        return times

    def decode(self, raw: object) -> tuple[Value, int]:
        """The canonical value of one raw one, and its source time as in `extract`; raises `DecodeError`."""
        value, time = self.extract(raw, loads(raw) if self.pick is not None else None)
        return (value * self.scale + self.offset if isinstance(value, float) else value), time

    def _why(self, document: object) -> str:
        for path, pick in ((self.row.path, self.pick), (self.row.time_path, self.pick_time)):
            try:
                if pick is not None:
                    pick(document)
            except (LookupError, TypeError):
                return f"path {path} is missing"
        return f"path {self.row.time_path} holds no time"

    def encode(self, value: float | str) -> Scalar | bytes:
        """What to send for a canonical value: payload bytes for a protocol of documents, else a typed scalar.

        A state is given by index or word, a boolean as 0 or 1.  A code that looks like a number or a boolean is sent as
        one.  Raises `InvalidInput` for a value that the property cannot have.
        """
        raw = self._raw(value)
        if self.carries == "scalars":
            return raw
        if self.row.write_path is not None:
            return orjson.dumps(nested(parse_path(self.row.write_path), raw))
        if isinstance(raw, bool):
            return b"true" if raw else b"false"
        return (f"{raw:.15g}" if isinstance(raw, float) else str(raw)).encode()

    def _raw(self, value: float | str) -> Scalar:
        row = self.row
        if row.kind == "array" or row.form.bits is not None or row.form.packing is not None:
            what = "an array" if row.kind == "array" else "packed in a word with others"
            raise InvalidInput(f"{row.property} is {what} and cannot be written.", remedy="Write another property.")
        if row.kind == "text":
            if not isinstance(value, str):
                raise InvalidInput(f"{value!r} is not a text.")
            return value
        if row.kind == "number":
            if isinstance(value, str) or not math.isfinite(value):
                raise InvalidInput(f"{value!r} is not a number.")
            # 15 digits are all a double can promise: 69.8 goes out and not 69.80000000000001.
            return float(f"{(value - self.offset) / self.scale:.15g}")
        word = self._word(value)
        for code, meaning in row.codes:
            if meaning == word:
                return _typed(code)
        if row.codes:
            raise InvalidInput(
                f"The binding has no code for {word!r}.", remedy=f"Add a state entry for {word!r} to {row.binding}."
            )
        return word == "true" if row.kind == "boolean" else word

    def _word(self, value: float | str) -> str:
        words = ("false", "true") if self.row.kind == "boolean" else self.row.states
        if isinstance(value, str) and value in words:
            return value
        if not isinstance(value, str) and value in range(len(words)):
            return words[int(value)]
        raise InvalidInput(f"{value!r} is none of the states {', '.join(words)}.")


def compile_codec(row: BoundProperty, carries: Carries) -> Codec:
    """The codec of a binding; raises `twin.errors.InvalidInput` for one that cannot work."""
    scale, offset = _linear(row) if row.kind in ("number", "array") else (1.0, 0.0)
    format = row.form.format or ("plain" if row.path is None else "json")
    _check(row, format)
    lines = format in LINES
    steps = parse_path(row.path) if row.path is not None else None
    time_steps = parse_path(row.time_path) if row.time_path is not None else None
    array = row.kind == "array"
    many = None if array or steps is None else many_samples(row, format, steps, time_steps)
    single = steps is not None and not lines and (many is None or (time_steps is not None and None not in time_steps))
    return Codec(
        row=row,
        carries=carries,
        scale=scale,
        offset=offset,
        pick=None if steps is None or lines else gatherer(steps) if None in steps else getter(steps),
        pick_time=getter(time_steps) if time_steps is not None and single and None not in time_steps else None,
        read=reader(row) if not array else _no_reader,
        read_time=time_reader(row.form.time_form, row.form.time_zone),
        block=block_reader(row, scale, offset) if array else None,
        many=many,
    )


def _check(row: BoundProperty, format: str) -> None:
    if format not in FORMATS:
        raise InvalidInput(
            f"The binding {row.binding} has the format {format[:40]!r}.", remedy=f"Write one of {', '.join(FORMATS)}."
        )
    if format == "plain" and row.path is not None:
        raise InvalidInput(
            f"The binding {row.binding} has a path, and the format plain, in which there is none.",
            remedy="Leave the format out for JSON.",
        )
    if format in LINES and (row.path is None or row.kind == "array"):
        raise InvalidInput(
            f"The binding {row.binding} reads lines of {format.upper()}, which hold a value each.",
            remedy="Give it a path: the name of the column, or its position such as [2]. An array is format plain.",
        )
    if row.time_path is not None and row.path is None:
        raise InvalidInput(
            f"The binding {row.binding} has a time path and no path.",
            remedy="Say with a path where in the document the value is.",
        )
    if row.write_path is not None and not all(isinstance(step, str) for step in parse_path(row.write_path)):
        raise InvalidInput(
            f"The write path {row.write_path!r} of {row.binding} has a list position.",
            remedy="Write into objects only, such as command.setpoint.",
        )


def _no_reader(_raw: object) -> float:
    raise DecodeError("an array is no single value")


def _linear(row: BoundProperty) -> tuple[float, float]:
    if not (math.isfinite(row.scale) and math.isfinite(row.offset)) or row.scale == 0:
        raise InvalidInput(
            f"The binding {row.binding} has scale {row.scale} and offset {row.offset}.",
            remedy="Give numbers, and a scale other than 0.",
        )
    if row.source_unit is None or row.source_unit == row.unit:
        return row.scale, row.offset
    if row.unit is None:
        raise InvalidInput(
            f"The binding {row.binding} has a source unit, but the property {row.property} has none.",
            remedy="Give the property a unit, or leave the source unit out.",
        )
    factor, shift = conversion(unit(row.source_unit), unit(row.unit), row.quantity_kind)
    return row.scale * factor, row.offset * factor + shift


def _typed(code: str) -> Scalar:
    if code in ("true", "false"):
        return code == "true"
    for kind in (int, float):
        try:
            number = kind(code)
        except ValueError:
            continue
        if str(number) == code:  # 007 and nan stay texts
            return number if math.isfinite(number) else code
    return code
