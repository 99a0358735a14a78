"""What makes a number, a word or a text of one raw value: a JSON value, a payload, a scalar of a typed protocol."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from twin.bindings.documents import DecodeError
from twin.bindings.packing import unpacker
from twin.bindings.plan import BoundProperty
from twin.errors import InvalidInput

Read = Callable[[object], "float | str"]

MAXIMUM_TEXT = 4096
"""Characters that a text value may have."""
_BOOLEANS = tuple(
    (spelling, word)
    for word, texts in (("true", ("true", "on", "1")), ("false", ("false", "off", "0")))
    for text in texts
    for spelling in (text, text.upper(), text.capitalize())
)
_BITS = re.compile(r"(\d{1,2})(?:-(\d{1,2}))?( signed)?")


def reader(row: BoundProperty) -> Read:
    """A function from a raw value to a float64 (a boolean 0 or 1, a state its index) or a text.

    It raises `DecodeError`; raises `InvalidInput` for a binding that cannot work.
    """
    read = _kind(row)
    if row.form.bits is not None:
        read = _of_bits(row, read)
    if row.form.packing is not None:
        unpack = unpacker(row.form.packing)
        inner = read

        def packed(raw: object) -> float | str:
            values = unpack(raw, 1)
            if not len(values):
                raise DecodeError("fewer bytes than a number has")
            return inner(values[0].item())

        read = packed
    return read


def _kind(row: BoundProperty) -> Read:
    if row.kind == "number":
        return number
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


def number(raw: object) -> float:
    """The raw value as a double; infinite where a double cannot hold it.  Raises `DecodeError`."""
    if type(raw) is float:
        return raw
    try:
        if type(raw) is int:
            return float(raw)
        if isinstance(raw, bytes | str) and (b"_" not in raw if isinstance(raw, bytes) else "_" not in raw):
            return float(raw)
    except OverflowError:
        return math.inf if raw > 0 else -math.inf  # type: ignore[operator]  # only a whole number is too large
    except ValueError:
        pass  # the reason is the same as for every other raw value
    raise DecodeError("not a number")


def _of_bits(row: BoundProperty, read: Read) -> Read:
    found = _BITS.fullmatch(row.form.bits or "")
    low = int(found[1]) if found else 0
    high = int(found[2] or low) if found else 64
    if not found or not low <= high < 64:
        raise InvalidInput(
            f"The binding {row.binding} names the bits {row.form.bits!r}.",
            remedy='Write a bit, such as "3", or a field from its lowest to its highest bit, "0-3" or "0-11 signed".',
        )
    width, signed = high - low + 1, found[3] is not None

    def field(raw: object) -> float | str:
        value = _word(raw) >> low & (1 << width) - 1
        if signed and value >> width - 1:
            value -= 1 << width
        return read(value)

    return field


def _word(raw: object) -> int:
    if isinstance(raw, int):
        return int(raw)
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < 2**53:
        return int(raw)
    if isinstance(raw, bytes | str) and len(raw) <= 32:
        try:
            return int(plain(raw).strip(), 0)  # 10, 0x0A and 0b1010
        except ValueError:
            pass
    raise DecodeError("not a whole number")


def _text(raw: object) -> float | str:
    text = plain(raw)
    if len(text) > MAXIMUM_TEXT:
        raise DecodeError(f"the text is longer than {MAXIMUM_TEXT} characters")
    return text


def _coded(index: Mapping[str, float]) -> Read:
    def read(raw: object) -> float | str:
        code = plain(raw).strip()
        found = index.get(code)
        if found is None:
            raise DecodeError(f"state code {code[:40]!r} is not mapped")
        return found

    return read


def plain(raw: object) -> str:
    """The raw value as text: ``true``, ``2`` for 2 and 2.0, ``2.5``, or the text itself; raises `DecodeError`."""
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
        try:
            return str(int(raw)) if isinstance(raw, float) and raw.is_integer() else str(raw)
        except ValueError:  # thousands of digits
            pass
    raise DecodeError("neither a text nor a number")
