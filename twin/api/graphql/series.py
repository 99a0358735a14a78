"""The history of a property: downsampled, in the unit asked for, states as words."""

from __future__ import annotations

import math

import strawberry

from twin.api.graphql.context import RequestContext
from twin.api.graphql.durations import nanoseconds
from twin.api.graphql.scalars import DateTime, Value
from twin.api.graphql.terms import Aggregate, Unit, unit_of
from twin.api.graphql.values import AS_STORED, Conversion, conversion_of, number, shown_unit, value_of
from twin.api.graphql.window_loader import WindowKey
from twin.clock import NANOSECONDS
from twin.contracts import Window
from twin.errors import InvalidInput
from twin.graph.twins.records import PropertyRecord

DEFAULT_POINTS = 500
_DAY = 86_400 * NANOSECONDS


@strawberry.type(description="one bucket of a history, or one sample where there are few")
class HistoryPoint:
    time: DateTime = strawberry.field(description="when the bucket begins")
    value: Value | None
    minimum: float | None
    maximum: float | None
    count: int
    quality: int = strawberry.field(description="the quality codes in the bucket combined")


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
) -> Series:
    """The history of a property between two moments (the last 24 hours when none is given).

    Neither ``interval`` nor ``points``: at most 500 points.  A boolean, a state and a text have no mean: they are
    read by their last value in each bucket.  Raises `InvalidInput` for a window that cannot be.
    """
    conversion = conversion_of(record, unit)
    now = context.services.clock.now() if context.scope.time is None else context.scope.time
    to = int(end) if end is not None else now
    if context.scope.time is not None:
        to = min(to, context.scope.time + 1)  # nothing of what came after; its own moment is in it
    since = int(start) if start is not None else to - _DAY
    if since >= to:
        raise InvalidInput("The history would end before it begins.", remedy="Give a from that is earlier than to.")
    chosen = _aggregate(record, aggregate)
    key = _key(context, since, to, interval, points, chosen)
    window = await context.windows.load(key, record.series)
    return Series(
        unit=None if chosen is Aggregate.COUNT else unit_of(shown_unit(record, unit)),
        from_=DateTime(since),
        to=DateTime(to),
        points=_points(record, window, chosen, conversion),
    )


def _aggregate(record: PropertyRecord, asked: Aggregate) -> Aggregate:
    if record.kind == "number" or asked in (Aggregate.COUNT, Aggregate.FIRST, Aggregate.LAST):
        return asked
    if asked is Aggregate.SUM:
        raise InvalidInput(f"{record.name} is a {record.kind}; it has no sum.", remedy="Ask for LAST, FIRST or COUNT.")
    return Aggregate.LAST


def _key(
    context: RequestContext, since: int, to: int, interval: str | None, points: int | None, aggregate: Aggregate
) -> WindowKey:
    limit = context.limits.points
    if interval is not None and points is not None:
        raise InvalidInput("Both interval and points are given.", remedy="Give one of the two.")
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
    numeric = record.kind == "number"
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
        points.append(
            HistoryPoint(
                time=DateTime(time),
                value=_value(record, value, text, count, aggregate, conversion),
                minimum=number(minimum, conversion) if numeric else None,
                maximum=number(maximum, conversion) if numeric else None,
                count=count,
                quality=quality,
            )
        )
    return points


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
    if aggregate is Aggregate.SUM and conversion != AS_STORED:
        scale, offset = conversion
        return Value(value * scale + offset * count) if math.isfinite(value) else None
    return value_of(record, value, text, conversion)
