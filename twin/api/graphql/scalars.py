"""The two scalars of the schema: moments in time, and values whose JSON type depends on the property."""

from __future__ import annotations

import math
from typing import NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from twin.clock import NANOSECONDS, from_iso, iso

DateTime = NewType("DateTime", int)
"""Nanoseconds UTC inside, ISO 8601 text outside."""
Value = NewType("Value", object)
"""A number, text, boolean or None."""

_EARLIEST = from_iso("1900-01-01T00:00:00Z")
_LATEST = from_iso("2200-01-01T00:00:00Z")
_EXACT = 2**53


def moment(text: object) -> DateTime:
    """Nanoseconds UTC of ISO 8601 text between 1900 and 2200; raises `GraphQLError` in words."""
    try:
        if not isinstance(text, str):
            raise ValueError
        time = from_iso(text)
    except (ValueError, OverflowError) as error:
        raise GraphQLError(
            f"{text!r} is not a time. Write it as ISO 8601 in UTC, for example 2026-01-01T00:00:00Z."
        ) from error
    if not _EARLIEST <= time <= _LATEST:
        raise GraphQLError(f"{text!r} is outside the years 1900 to 2200.")
    return DateTime(time)


def scalar_value(value: object) -> Value:
    """A value given by a client; raises `GraphQLError` for lists, objects and numbers that JSON cannot hold."""
    if isinstance(value, bool | str) or value is None:
        return Value(value)
    if isinstance(value, int) and abs(value) <= _EXACT:
        return Value(value)
    if isinstance(value, float) and math.isfinite(value):
        return Value(value)
    raise GraphQLError(f"{value!r} is not a value. Give a finite number, a text, true or false.")


def seconds(nanoseconds: int) -> float:
    """Nanoseconds as seconds."""
    return nanoseconds / NANOSECONDS


SCALARS: dict[object, ScalarDefinition] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description="ISO 8601 UTC, e.g. 2026-01-01T00:00:00.25Z",
        serialize=iso,
        parse_value=moment,
    ),
    Value: strawberry.scalar(
        name="Value",
        description="a JSON number, string, boolean or null",
        serialize=lambda value: value,
        parse_value=scalar_value,
    ),
}
