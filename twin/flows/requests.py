"""What a command asks for, checked against its property and brought into its unit."""

from __future__ import annotations

import math
from dataclasses import replace
from difflib import get_close_matches

from twin.bindings.plan import BoundProperty
from twin.errors import InvalidInput
from twin.graph.twins.records import PropertyRecord
from twin.units import conversion
from twin.units import unit as unit_named

Requested = float | bool | str
"""A value as people say it: a number in the property's unit, a boolean, a state's word, a text."""
MAXIMUM_TEXT = 4096
"""Characters that a text may have."""


def canonical(property: PropertyRecord, value: object, unit: str | None) -> tuple[Requested, float | str]:
    """The value as it is said and as it stands in columns; raises `InvalidInput` for one the property cannot have."""
    if unit is not None and property.kind != "number":
        raise InvalidInput(f"{property.name} is no number and has no unit.", remedy="Leave the unit out.")
    if property.kind == "number":
        number = _number(property, value, unit)
        return number, number
    if property.kind == "boolean":
        if value not in (True, False, "true", "false"):
            raise InvalidInput(f"{property.name} is true or false, and not {value!r}.", remedy="Send true or false.")
        truth = value in (True, "true")
        return truth, float(truth)
    if property.kind == "state":
        return _state(property, value)
    if not isinstance(value, str) or len(value) > MAXIMUM_TEXT:
        raise InvalidInput(f"{property.name} is a text of at most {MAXIMUM_TEXT} characters.", remedy="Send a text.")
    return value, value


def tolerance(property: PropertyRecord, row: BoundProperty, wanted: float) -> float:
    """How far, in the property's unit, a value read back may be from the one asked for and still be it.

    A thousandth of the value, and at least half a thousandth of the property's range (0.05 where it has none), because
    conversions and devices round; half a step where the binding scales whole numbers.
    """
    if property.kind != "number":
        return 0.0
    span = None
    if property.minimum is not None and property.maximum is not None:
        span = property.maximum - property.minimum
    least = 0.05 if span is None else min(0.05, span / 2000)
    step = 0.0
    if row.scale != 1:
        factor = 1.0
        if row.source_unit is not None and row.unit is not None:
            factor = conversion(unit_named(row.source_unit), unit_named(row.unit), row.quantity_kind)[0]
        step = abs(row.scale * factor) * 0.51
    return max(least, abs(wanted) * 1e-3, step)


def shown(property: PropertyRecord, value: Requested) -> str:
    """The value with its unit, for a sentence."""
    if isinstance(value, bool | str):
        return str(value).lower() if isinstance(value, bool) else value
    symbol = unit_named(property.unit).symbol if property.unit is not None else ""
    return f"{value:.6g} {symbol}".rstrip()


def _number(property: PropertyRecord, value: object, unit: str | None) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidInput(f"{property.name} is a number, and not {value!r}.", remedy="Send a number.")
    number = float(value)
    scale, offset = 1.0, 0.0
    if unit is not None:
        if property.unit is None:
            raise InvalidInput(f"{property.name} has no unit.", remedy="Leave the unit out.")
        scale, offset = conversion(unit_named(unit), unit_named(property.unit), property.quantity_kind)
        number = number * scale + offset
    slack = 1e-9 * max(abs(number), 1.0)  # a bound said in another unit comes back with a rounding error
    low, high = property.minimum, property.maximum
    if (low is not None and number < low - slack) or (high is not None and number > high + slack):
        limits = _limits(property, low, high)
        told = shown(property, number)
        if unit is not None and property.unit is not None and unit_named(unit).iri != property.unit:
            # Said in the unit of the request, where the bounds can be compared with the value that was sent.
            asked = replace(property, unit=unit_named(unit).iri)
            there = (None if bound is None else (bound - offset) / scale for bound in (low, high))
            limits = f"{_limits(asked, *there)}; that is {limits}"
            told = shown(asked, float(value))
        raise InvalidInput(
            f"{told} is outside the range of {property.name} ({limits}).",
            remedy="Send a value within the range.",
            minimum=low,
            maximum=high,
        )
    if low is not None and number < low:
        return low
    return high if high is not None and number > high else number


def _limits(property: PropertyRecord, low: float | None, high: float | None) -> str:
    return f"{_bound(property, low, 'no lower bound')} to {_bound(property, high, 'no upper bound')}"


def _bound(property: PropertyRecord, value: float | None, none: str) -> str:
    return none if value is None else shown(property, value)


def _state(property: PropertyRecord, value: object) -> tuple[str, float]:
    if isinstance(value, str) and value in property.states:
        return value, float(property.states.index(value))
    near = get_close_matches(value, property.states, n=1) if isinstance(value, str) else []
    raise InvalidInput(
        f"{property.name} has no state {value!r}.",
        remedy=(f"Did you mean {near[0]!r}? " if near else "") + f"Its states are: {', '.join(property.states)}.",
    )
