"""Paths into JSON documents: ``temps.sat``, ``points[3].v``, ``$.a["key.with.dots"]``."""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import itemgetter
from typing import Any

from twin.errors import InvalidInput

Step = str | int
_STEP = re.compile(r"""\.([^.\[\]"']+)|\[(\d{1,9})\]|\[(?:"([^"]+)"|'([^']+)')\]""")
_MAXIMUM_STEPS = 32


def parse_path(text: str) -> tuple[Step, ...]:
    """The steps of a path: a name (text) or a position in a list (number); raises `twin.errors.InvalidInput`."""
    rest = text[1:] if text.startswith(("$.", "$[")) else text if text.startswith("[") else f".{text}"
    steps: list[Step] = []
    position = 0
    while position < len(rest) and (match := _STEP.match(rest, position)):
        name, index, *quoted = match.groups()
        steps.append(int(index) if index else name or quoted[0] or quoted[1])
        position = match.end()
    if not steps or position < len(rest):
        raise InvalidInput(
            f"{text[:200]!r} is not a path into a JSON document.",
            remedy="Write names divided by dots and list positions in brackets, such as temps.sat or points[0].value.",
        )
    if len(steps) > _MAXIMUM_STEPS:
        raise InvalidInput(f"The path {text[:200]!r} has more than {_MAXIMUM_STEPS} steps.")
    return tuple(steps)


def getter(steps: tuple[Step, ...]) -> Callable[[Any], object]:
    """A function from a document to what is at the path; it raises ``LookupError`` or ``TypeError`` when nothing is."""
    if len(steps) == 1 and isinstance(steps[0], str):
        return itemgetter(steps[0])
    if len(steps) == 2 and all(isinstance(step, str) for step in steps):
        first, second = steps
        return lambda document: document[first][second]  # a TypeError says that it is no object

    def walk(document: Any) -> object:
        for step in steps:
            if type(step) is int and type(document) is not list:  # a text can be indexed too, and must not
                raise TypeError
            document = document[step]
        found: object = document
        return found

    return walk


def nested(steps: tuple[Step, ...], value: object) -> object:
    """A JSON object that holds the value at the path and nothing else; the steps must all be names."""
    for step in reversed(steps):
        value = {step: value}
    return value
