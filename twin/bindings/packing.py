"""Numbers packed as bytes: ``float32-le``, ``int16-be``, alone or by the thousand, as they are or in base64."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

import numpy as np

from twin.bindings.documents import MAXIMUM_PAYLOAD, DecodeError
from twin.errors import InvalidInput
from twin.observation import Float64

Unpack = Callable[[object, int], Float64]
"""From bytes, or a text in base64, to at most so many numbers (0: all)."""

_FORM = re.compile(r"(u?int(?:8|16|32|64)|float(?:16|32|64))(?:-(le|be))?(?:@(\d{1,7}))?")
_KINDS = {"int": "i", "uint": "u", "float": "f"}


def unpacker(packing: str) -> Unpack:
    """A function that unpacks the numbers; ``@n`` in the form passes over n bytes before the first one.

    Raises `InvalidInput` for another form.  The function raises `DecodeError`.
    """
    found = _FORM.fullmatch(packing)
    name = found[1] if found else ""
    if found is None or (found[2] is None and not name.endswith("int8")):
        raise InvalidInput(
            f"{packing[:60]!r} is no packing of numbers.",
            remedy="Write int, uint or float with their bits and the order of bytes: float32-le, int16-be, int16-be@4.",
        )
    bits = name.lstrip("uintfloa")
    order = ">" if found[2] == "be" else "<"
    form = np.dtype(f"{order}{_KINDS[name.removesuffix(bits)]}{int(bits) // 8}")
    before = int(found[3] or 0)

    def unpack(raw: object, most: int) -> Float64:
        data = _bytes(raw)[before:]
        if most:
            data = data[: most * form.itemsize]
        if len(data) % form.itemsize:
            raise DecodeError(f"{len(data)} bytes are not whole numbers of {form.itemsize}")
        return np.frombuffer(data, form).astype(np.float64)

    return unpack


def _bytes(raw: object) -> bytes:
    if isinstance(raw, bytes | bytearray):
        return bytes(raw)
    if isinstance(raw, str) and len(raw) <= MAXIMUM_PAYLOAD:
        try:
            text = raw.strip().translate(_URL_SAFE)
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            pass
    raise DecodeError("neither bytes nor base64")


_URL_SAFE = str.maketrans("-_", "+/")
