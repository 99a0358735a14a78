"""What an ONNX file says of itself, read from its bytes without running or resolving anything in it.

Only the fields that matter are walked (ONNX IR, ``onnx.proto``); tensors are passed over by their length.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from twin.errors import InvalidInput

_DEEPEST = 8
_MOST_NODES = 100_000
_EXTERNAL = 1


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file's digest (SHA-256, hex), size in bytes, metadata, opset versions by domain, the operators it uses as
    (domain, name), and how many tensors it keeps outside of itself."""

    digest: str
    size: int
    metadata: Mapping[str, str]
    opsets: Mapping[str, int]
    operators: frozenset[tuple[str, str]]
    external_tensors: int
    functions: int


def read_model_file(data: bytes) -> ModelFile:
    """The facts of an ONNX file; raises `twin.errors.InvalidInput` for bytes that are none."""
    found = _Facts()
    try:
        for number, value in _fields(memoryview(data)):
            match number, value:
                case 7, memoryview():
                    found.graph(value, 0)
                case 8, memoryview():
                    found.opset(value)
                case 14, memoryview():
                    found.entry(value)
                case 25, memoryview():
                    found.functions += 1
    except (_Malformed, UnicodeDecodeError, RecursionError):
        raise InvalidInput("The file is no ONNX model.", remedy="Export the model to ONNX again.") from None
    if not found.opsets:
        raise InvalidInput("The file is no ONNX model.", remedy="Export the model to ONNX again.")
    return ModelFile(
        hashlib.sha256(data).hexdigest(), len(data), found.metadata, found.opsets, frozenset(found.operators),
        found.external, found.functions,
    )  # fmt: skip


class _Malformed(Exception):
    """The bytes are not of the protobuf wire format, or not of a shape that a model has."""


class _Facts:
    def __init__(self) -> None:
        self.metadata: dict[str, str] = {}
        self.opsets: dict[str, int] = {}
        self.operators: set[tuple[str, str]] = set()
        self.external = 0
        self.functions = 0
        self._nodes = 0

    def opset(self, data: memoryview) -> None:
        domain, version = "", 0
        for number, value in _fields(data):
            if number == 1 and isinstance(value, memoryview):
                domain = _text(value)
            elif number == 2 and isinstance(value, int):
                version = value
        self.opsets[domain] = version

    def entry(self, data: memoryview) -> None:
        pair = {1: "", 2: ""}
        for number, value in _fields(data):
            if number in pair and isinstance(value, memoryview):
                pair[number] = _text(value)
        self.metadata[pair[1]] = pair[2]

    def graph(self, data: memoryview, depth: int) -> None:
        if depth > _DEEPEST:
            raise _Malformed
        for number, value in _fields(data):
            if not isinstance(value, memoryview):
                continue
            if number == 1:
                self._node(value, depth)
            elif number == 5:
                self._tensor(value)
            elif number == 15:  # a sparse initialiser: values and indices are tensors
                self._tensors_in(value, (1, 2))

    def _node(self, data: memoryview, depth: int) -> None:
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise _Malformed
        name, domain = "", ""
        for number, value in _fields(data):
            if isinstance(value, memoryview):
                if number == 4:
                    name = _text(value)
                elif number == 7:
                    domain = _text(value)
                elif number == 5:
                    self._attribute(value, depth)
        self.operators.add((domain, name))

    def _attribute(self, data: memoryview, depth: int) -> None:
        for number, value in _fields(data):
            if not isinstance(value, memoryview):
                continue
            if number in (5, 10):
                self._tensor(value)
            elif number in (6, 11):
                self.graph(value, depth + 1)
            elif number in (22, 23):
                self._tensors_in(value, (1, 2))

    def _tensors_in(self, data: memoryview, numbers: tuple[int, ...]) -> None:
        for number, value in _fields(data):
            if number in numbers and isinstance(value, memoryview):
                self._tensor(value)

    def _tensor(self, data: memoryview) -> None:
        if any(number == 13 or (number == 14 and value == _EXTERNAL) for number, value in _fields(data)):
            self.external += 1


def _text(value: memoryview) -> str:
    return bytes(value).decode()


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of one message: number and value, a whole number or the bytes of what is length-delimited."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if not number:
            raise _Malformed
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == 2:
            length, at = _varint(data, at)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise _Malformed
        if at + length > end:
            raise _Malformed
        yield number, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        if at >= len(data):
            raise _Malformed
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise _Malformed
