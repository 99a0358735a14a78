"""What turns a raw value into a canonical one and back, compiled once from a binding.

Reading: the value at a path of a JSON document, or the payload or scalar itself, becomes a float64 - a boolean 0 or 1,
a state its index - or a text.  Numbers are then scaled in columns: canonical = raw * ``scale`` + ``offset``, with the
binding's scale and offset and the conversion of units folded into that one pair.  Writing is the inverse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from twin.bindings.paths import getter, nested, parse_path
from twin.bindings.plan import BoundProperty, Carries
from twin.bindings.stamps import NotATime, nanoseconds
from twin.connector import Scalar
from twin.errors import InvalidInput
from twin.units import conversion, unit

MAXIMUM_PAYLOAD = 1 << 20
"""Bytes that a JSON document may have."""
MAXIMUM_TEXT = 4096
"""Characters that a text value may have."""
_BOOLEANS = tuple(
    (spelling, word)
    for word, texts in (("true", ("true", "on", "1")), ("false", ("false", "off", "0")))
    for text in texts
    for spelling in (text, text.upper(), text.capitalize())
)

Read = Callable[[object], "float | str"]
Pick = Callable[[Any], object]


class DecodeError(ValueError):
    """A raw value that cannot become a canonical one; the message is the reason in words."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One binding, compiled.

    ``pick`` and ``pick_time`` find value and source time in a JSON document (None: the payload is the value; there is
    no time); ``read`` makes a raw number or a text of what was found, or raises `DecodeError`.
    """

    row: BoundProperty
    carries: Carries
    scale: float
    offset: float
    pick: Pick | None
    pick_time: Pick | None
    read: Read

    def extract(self, raw: object, document: object) -> tuple[float | str, int]:
        """The value before scaling, and its source time (ns UTC; 0: it has none); raises `DecodeError`.

        ``document`` is the JSON document in ``raw``, and is looked at when the binding has a path.
        """
        if self.pick is None:
            return self.read(raw), 0
        try:
            found = self.pick(document)
            time = nanoseconds(self.pick_time(document)) if self.pick_time is not None else 0
        except (LookupError, TypeError, NotATime):
            raise DecodeError(self._why(document)) from None
        return self.read(found), time

    def decode(self, raw: object) -> tuple[float | str, int]:
        """The canonical value of one raw one, and its source time as in `extract`; raises `DecodeError`."""
        value, time = self.extract(raw, loads(raw) if self.pick is not None else None)
        return (value if isinstance(value, str) else value * self.scale + self.offset), time

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


def loads(raw: object) -> object:
    """The JSON document in a payload; raises `DecodeError`."""
    try:
        if len(raw) <= MAXIMUM_PAYLOAD:  # type: ignore[arg-type]  # what has no length has no document either
            return orjson.loads(raw)  # type: ignore[arg-type]
    except (orjson.JSONDecodeError, TypeError):
        raise DecodeError("no JSON") from None
    raise DecodeError(f"larger than {MAXIMUM_PAYLOAD} bytes")


def compile_codec(row: BoundProperty, carries: Carries) -> Codec:
    """The codec of a binding; raises `twin.errors.InvalidInput` for one that cannot work."""
    scale, offset = _linear(row) if row.kind == "number" else (1.0, 0.0)
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
    return Codec(
        row=row,
        carries=carries,
        scale=scale,
        offset=offset,
        pick=getter(parse_path(row.path)) if row.path is not None else None,
        pick_time=getter(parse_path(row.time_path)) if row.time_path is not None else None,
        read=_reader(row),
    )


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


def _reader(row: BoundProperty) -> Read:
    if row.kind == "number":
        return _number
    if row.kind == "text":
        return _text
    words = ("false", "true") if row.kind == "boolean" else row.states
    uncoded = _BOOLEANS if row.kind == "boolean" else tuple((word, word) for word in words)
    meanings = row.codes or uncoded
    unknown = sorted({word for _, word in meanings} - set(words))
    if unknown:
        raise InvalidInput(
            f"The binding {row.binding} maps codes to {', '.join(unknown)}, which {row.property} does not know.",
            remedy=f"Its words are {', '.join(words)}." if words else "Give the property a set of states.",
        )
    return _coded({code.strip(): float(words.index(word)) for code, word in meanings})


def _number(raw: object) -> float | str:
    if type(raw) is float:
        return raw
    try:
        if type(raw) is int:
            return float(raw)
        if isinstance(raw, bytes | str) and (b"_" not in raw if isinstance(raw, bytes) else "_" not in raw):
            return float(raw)
    except (ValueError, OverflowError):
        pass  # the reason is the same as for every other raw value
    raise DecodeError("not a number")


def _text(raw: object) -> float | str:
    text = _plain(raw)
    if len(text) > MAXIMUM_TEXT:
        raise DecodeError(f"the text is longer than {MAXIMUM_TEXT} characters")
    return text


def _coded(index: Mapping[str, float]) -> Read:
    def read(raw: object) -> float | str:
        code = _plain(raw).strip()
        found = index.get(code)
        if found is None:
            raise DecodeError(f"state code {code[:40]!r} is not mapped")
        return found

    return read


def _plain(raw: object) -> str:
    """The raw value as text: ``true``, ``2`` for 2 and 2.0, ``2.5``, or the text itself."""
    if type(raw) is str:
        return raw
    if isinstance(raw, bytes | bytearray):
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise DecodeError("not UTF-8 text") from None
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int | float):
        return str(int(raw)) if isinstance(raw, float) and raw.is_integer() else str(raw)
    raise DecodeError("neither a text nor a number")


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
