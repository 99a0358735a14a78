"""Paths into JSON documents: ``temps.sat``, ``points[3].v``, ``$.a["key.with.dots"]``, ``points[name=sat].v`` for the
one that is called so, and ``samples[*].v`` for all."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from twin.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Where:
    """A step to the first object of a list whose ``key`` says ``value``."""

    key: str
    value: str


Step = str | int | Where | None
"""A name, a position in a list, a condition, or None for every one of a list."""
Pick = Callable[[Any], object]

_STEP = re.compile(
    r"""\.([^.\[\]"']+)|\[(\d{1,9})\]|\[(?:"([^"]+)"|'([^']+)')\]|\[(\*)\]|\[([^\[\]"'=*]+)=([^\[\]]*)\]"""
)
_MAXIMUM_STEPS = 32


class Missing:
    """What stands in a list of values found by `gatherer` where there was none."""


MISSING = Missing()


def parse_path(text: str) -> tuple[Step, ...]:
    """The steps of a path; raises `twin.errors.InvalidInput`."""
    rest = text[1:] if text.startswith(("$.", "$[")) else text if text.startswith("[") else f".{text}"
    steps: list[Step] = []
    position = 0
    while position < len(rest) and (match := _STEP.match(rest, position)):
        name, index, double, single, every, key, value = match.groups()
        if every:
            steps.append(None)
        elif key is not None:
            steps.append(Where(key, value.strip("\"'")))
        else:
            steps.append(int(index) if index else name or double or single)
        position = match.end()
    if not steps or position < len(rest):
        raise InvalidInput(
            f"{text[:200]!r} is not a path into a JSON document.",
            remedy="Write names divided by dots and list positions in brackets, such as temps.sat or points[0].value.",
        )
    if len(steps) > _MAXIMUM_STEPS:
        raise InvalidInput(f"The path {text[:200]!r} has more than {_MAXIMUM_STEPS} steps.")
    if steps.count(None) > 1:
        raise InvalidInput(f"The path {text[:200]!r} has more than one [*].", remedy="Keep one: a list of samples.")
    return tuple(steps)


def getter(steps: tuple[Step, ...]) -> Pick:
    """A function from a document to what is at the path; it raises ``LookupError`` or ``TypeError`` when nothing is."""
    if not steps:
        return lambda document: document
    if len(steps) == 1 and isinstance(steps[0], str):
        return itemgetter(steps[0])
    if len(steps) == 2 and all(isinstance(step, str) for step in steps):
        first, second = steps
        return lambda document: document[first][second]  # a TypeError says that it is no object

    def walk(document: Any) -> object:
        for step in steps:
            if type(step) is Where:
                document = _first(document, step)
                continue
            if type(step) is int and type(document) is not list:  # a text can be indexed too, and must not
                raise TypeError
            document = document[step]
        found: object = document
        return found

    return walk


def gatherer(steps: tuple[Step, ...]) -> Callable[[Any], list[object]]:
    """A function from a document to what is at a path with one ``[*]``, in the order of the list.

    Where one object of the list has nothing there, `MISSING` stands, so that two paths into the same list give lists
    of one length.  It raises ``LookupError`` or ``TypeError`` when there is no list.
    """
    at = steps.index(None)
    outer, inner = getter(steps[:at]), getter(steps[at + 1 :])

    def gather(document: Any) -> list[object]:
        found = outer(document)
        if type(found) is not list:
            raise TypeError
        result: list[object] = []
        for each in found:
            try:
                result.append(inner(each))
            except (LookupError, TypeError):
                result.append(MISSING)
        return result

    return gather


def nested(steps: tuple[Step, ...], value: object) -> object:
    """A JSON object that holds the value at the path and nothing else; the steps must all be names."""
    for step in reversed(steps):
        value = {step: value}
    return value


def _first(document: object, wanted: Where) -> Any:
    if type(document) is not list:
        raise TypeError
    for each in document:
        if type(each) is dict:
            found = each.get(wanted.key)
            if found == wanted.value or (isinstance(found, int) and _said(found) == wanted.value):
                return each
    raise LookupError(wanted.value)


def _said(value: int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
