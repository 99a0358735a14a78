"""The history of a property: downsampled, in the unit asked for, states as words."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import strawberry

from twin.api.graphql.arrays import ArrayValue, array_of
from twin.api.graphql.calendar import edges, in_calendar
from twin.api.graphql.context import RequestContext
from twin.api.graphql.durations import nanoseconds
from twin.api.graphql.integrals import integral_unit
from twin.api.graphql.scalars import DateTime, Value
from twin.api.graphql.terms import Aggregate, Drawing, Missing, Unit, unit_of
from twin.api.graphql.values import AS_STORED, Conversion, conversion_of, number, shown_unit, value_of
from twin.api.graphql.window_loader import WindowKey
from twin.clock import NANOSECONDS
from twin.contracts import Reading, Window
from twin.errors import InvalidInput
from twin.graph.twins.records import PropertyRecord

DEFAULT_POINTS = 500
_DAY = 86_400 * NANOSECONDS
_FOR_EVER = 2**62  # ns
_OF_NUMBERS = (
    Aggregate.SUM,
    Aggregate.PERCENTILE,
    Aggregate.TIME_WEIGHTED_MEAN,
    Aggregate.INTEGRAL,
    Aggregate.DIFFERENCE,
)


@strawberry.type(description="how long it was in a state")
class StateDuration:
    state: Value
    seconds: float


@dataclass(frozen=True, slots=True)
class Manner:
    """How a history is asked for, beyond its stretch and buckets, as a client wrote it."""

    percentile: float = 50.0
    time_zone: str | None = None
    gap: str | None = None
    missing: Missing = Missing.HOLD
    rollover: float | None = None
    drawing: Drawing | None = None
    as_of: int | None = None


@strawberry.type(description="one bucket of a history, or one sample where there are few")
class HistoryPoint:
    time: DateTime = strawberry.field(description="when the bucket begins")
    value: Value | None
    minimum: float | None
    maximum: float | None
    count: int
    quality: int = strawberry.field(description="the quality codes in the bucket combined")
    array: ArrayValue | None = strawberry.field(description="of a property of the kind ARRAY")
    covered: float | None = strawberry.field(
        description="seconds in which a value stood; of TIME_WEIGHTED_MEAN, INTEGRAL, DIFFERENCE and DURATIONS"
    )
    durations: list[StateDuration] | None = strawberry.field(description="of DURATIONS")


@strawberry.type(description="a stretch of a property's past")
class Series:
    unit: Unit | None
    from_: DateTime = strawberry.field(name="from")
    to: DateTime
    points: list[HistoryPoint]


async def series_of(
    context: RequestContext,
    record: PropertyRecord,
    *,
    start: DateTime | None,
    end: DateTime | None,
    interval: str | None,
    points: int | None,
    aggregate: Aggregate,
    unit: str | None,
    manner: Manner,
) -> Series:
    """The history of a property between two moments (the last 24 hours when none is given).

    Neither ``interval`` nor ``points``: at most 500 points.  A boolean, a state and a text have no mean: they are
    read by their last value in each bucket.  Raises `InvalidInput` for a window that cannot be.
    """
    chosen = _aggregate(record, aggregate)
    told_in, conversion = _unit(record, chosen, unit)
    now = context.services.clock.now() if context.scope.time is None else context.scope.time
    to = int(end) if end is not None else now
    if context.scope.time is not None:
        to = min(to, context.scope.time + 1)  # nothing of what came after; its own moment is in it
    since = int(start) if start is not None else to - _DAY
    if since >= to:
        raise InvalidInput("The history would end before it begins.", remedy="Give a from that is earlier than to.")
    if chosen.value in _HEEDFUL:
        to = max(min(to, now), since + 1)  # nothing stands in the future
    key = _key(context, since, to, interval, points, chosen, manner.time_zone)
    key = replace(key, reading=_reading(record, key.reading, manner))
    window = await context.windows.load(key, record.series)
    return Series(
        unit=unit_of(told_in),
        from_=DateTime(since),
        to=DateTime(to),
        points=_points(record, window, chosen, conversion),
    )


_HEEDFUL = ("time_weighted_mean", "integral", "difference", "durations")


def _unit(record: PropertyRecord, aggregate: Aggregate, unit: str | None) -> tuple[str | None, Conversion]:
    """The IRI of the unit in which the aggregate is told, and how it is brought to it."""
    if aggregate is Aggregate.INTEGRAL:
        return integral_unit(record, unit)
    scale, offset = conversion_of(record, unit)
    if aggregate is Aggregate.DIFFERENCE:
        offset = 0.0  # of two readings, whatever their scale counts from
    return None if aggregate in (Aggregate.COUNT, Aggregate.DURATIONS) else shown_unit(record, unit), (scale, offset)


def _reading(record: PropertyRecord, plain: Reading, manner: Manner) -> Reading:
    longest = record.freshness * NANOSECONDS if manner.gap is None else nanoseconds(manner.gap)
    return replace(
        plain,
        percentile=manner.percentile,
        drawing=None if manner.drawing is None else manner.drawing.value,
        gap=max(1, round(longest)) if longest < _FOR_EVER else None,
        missing=manner.missing.value,
        rollover=manner.rollover,
        as_of=manner.as_of,
    )


def _aggregate(record: PropertyRecord, asked: Aggregate) -> Aggregate:
    if record.kind == "number" or asked in (Aggregate.COUNT, Aggregate.FIRST, Aggregate.LAST):
        return asked
    if asked is Aggregate.DURATIONS and record.kind != "array":
        return asked
    if asked in _OF_NUMBERS:
        raise InvalidInput(
            f"{record.name} is a {record.kind}; it has no {asked.value.replace('_', ' ')}.",
            remedy="Ask for LAST, FIRST or COUNT, or for DURATIONS of a state.",
        )
    return Aggregate.LAST


def _key(
    context: RequestContext,
    since: int,
    to: int,
    interval: str | None,
    points: int | None,
    aggregate: Aggregate,
    time_zone: str | None,
) -> WindowKey:
    limit = context.limits.points
    if interval is not None and points is not None:
        raise InvalidInput("Both interval and points are given.", remedy="Give one of the two.")
    if time_zone is not None and interval is None:
        raise InvalidInput("A time zone divides time by an interval.", remedy='Give one, such as interval: "P1D".')
    if interval is not None and (time_zone is not None or in_calendar(interval)):
        found = edges(since, to, interval, time_zone or "UTC")
        if len(found) - 1 > limit:
            raise _too_many(context, len(found) - 1)
        context.spend_points(len(found) - 1)
        return WindowKey(since, to, None, None, aggregate.value, Reading(edges=found))
    if interval is not None:
        length = nanoseconds(interval)
        buckets = (to - since) // length + 1
        if buckets > limit:
            raise _too_many(context, buckets)
        context.spend_points(buckets)
        return WindowKey(since, to, length, None, aggregate.value)
    asked = DEFAULT_POINTS if points is None else points
    if not 1 <= asked <= limit:
        raise InvalidInput(f"A history has 1 to {limit:,} points; {asked:,} were asked for.", limit="points")
    context.spend_points(asked)
    return WindowKey(since, to, None, asked, aggregate.value)


def _too_many(context: RequestContext, found: int) -> InvalidInput:
    return InvalidInput(
        f"The history would have {found:,} points; at most {context.limits.points:,} are sent.",
        remedy="Ask for a longer interval or a shorter window, or read history.csv.",
        limit="points",
    )


def _points(record: PropertyRecord, window: Window, aggregate: Aggregate, conversion: Conversion) -> list[HistoryPoint]:
    numeric = record.kind == "number" and aggregate not in (Aggregate.INTEGRAL, Aggregate.DIFFERENCE)
    points = []
    columns = zip(
        window.time.tolist(),
        window.value.tolist(),
        window.minimum.tolist(),
        window.maximum.tolist(),
        window.count.tolist(),
        window.quality.tolist(),
        strict=True,
    )
    for row, (time, value, minimum, maximum, count, quality) in enumerate(columns):
        text = window.text[row] if window.text is not None else None
        block = window.blocks[row] if window.blocks is not None else None
        points.append(
            HistoryPoint(
                time=DateTime(time),
                value=_value(record, value, text, count, aggregate, conversion),
                minimum=number(minimum, conversion) if numeric else None,
                maximum=number(maximum, conversion) if numeric else None,
                count=count,
                quality=quality,
                array=None if block is None else array_of(block, conversion),
                covered=None if window.covered is None else float(window.covered[row]),
                durations=_durations(record, window, row),
            )
        )
    return points


def _durations(record: PropertyRecord, window: Window, row: int) -> list[StateDuration] | None:
    if window.durations is None:
        return None
    told = []
    for state, seconds in window.durations.items():
        value = Value(state) if isinstance(state, str) else value_of(record, state, None)
        if seconds[row] > 0 and value is not None:
            told.append(StateDuration(state=value, seconds=float(seconds[row])))
    return told


def _value(
    record: PropertyRecord,
    value: float,
    text: str | None,
    count: int,
    aggregate: Aggregate,
    conversion: Conversion,
) -> Value | None:
    if aggregate is Aggregate.COUNT:
        return Value(count if math.isnan(value) else round(value))
    if aggregate is Aggregate.DURATIONS:
        return None
    if aggregate is Aggregate.SUM and conversion != AS_STORED:
        scale, offset = conversion
        return Value(value * scale + offset * count) if math.isfinite(value) else None
    return value_of(record, value, text, conversion)
