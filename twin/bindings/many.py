"""Payloads that hold many samples of one property: a list in a JSON document, lines of CSV or of JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twin.bindings.documents import records
from twin.bindings.paths import Step, gatherer
from twin.bindings.plan import BoundProperty
from twin.errors import InvalidInput

Gather = Callable[[Any], "list[object]"]

LINES = ("csv", "ndjson")
"""Formats of which every line is a record."""


@dataclass(frozen=True, slots=True)
class Many:
    """How many samples are found in one payload: ``documents`` makes records of its lines (None: it is one JSON
    document), ``values`` and ``times`` find them (no ``times``: the time of the document is that of the first, and
    ``step`` nanoseconds lie between them; 0: there may be one only)."""

    documents: Callable[[object], list[object]] | None
    values: Gather
    times: Gather | None
    step: int


def many_samples(
    row: BoundProperty, format: str, steps: tuple[Step, ...], time_steps: tuple[Step, ...] | None
) -> Many | None:
    """How samples are found in a list or in lines; None where the path leads to one value.  Raises `InvalidInput`."""
    if format in LINES:
        if None in steps or (time_steps is not None and None in time_steps):
            raise InvalidInput(
                f"The binding {row.binding} has [*] in a path of {format.upper()}, where every line is a record.",
                remedy="Leave [*] out.",
            )
        named = isinstance(steps[0], str)
        if format == "csv" and time_steps is not None and isinstance(time_steps[0], str) != named:
            raise InvalidInput(
                f"The binding {row.binding} finds its value by {'name' if named else 'position'} and its time not.",
                remedy="Write both as names of columns, or both as positions such as [0].",
            )
        times = gatherer((None, *time_steps)) if time_steps is not None else None
        return Many(records(format, named), gatherer((None, *steps)), times, 0)
    if None not in steps:
        if time_steps is not None and None in time_steps:
            raise InvalidInput(
                f"The binding {row.binding} has one value and a list of times.", remedy="Write [*] in both paths."
            )
        return None
    if time_steps is not None and None in time_steps:
        return Many(None, gatherer(steps), gatherer(time_steps), 0)
    step = row.form.step or 0.0
    if time_steps is None or not 0 < abs(step) < 1e9:
        raise _untimed(row)
    return Many(None, gatherer(steps), None, round(step * 1e9))


def _untimed(row: BoundProperty) -> InvalidInput:
    return InvalidInput(
        f"The binding {row.binding} finds many values in one payload, and not when each was taken.",
        remedy="Give a time path into the same list, or a time path and a twin:step in seconds.",
    )
