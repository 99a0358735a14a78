"""What a property says of itself: its kind and unit, its present, its past, and how it is bound."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar, cast

import strawberry

from twin.api.graphql.arrays import ArrayValue, array_of
from twin.api.graphql.context import RequestContext
from twin.api.graphql.fields import described
from twin.api.graphql.lineage import ValueLineage, value_lineage
from twin.api.graphql.present import AsOf, Present
from twin.api.graphql.promises import Checks, DataContract, checks_of, contract_of
from twin.api.graphql.scalars import DateTime, Value
from twin.api.graphql.series import Manner, Series, series_of
from twin.api.graphql.terms import Aggregate, Class, Drawing, Kind, Missing, Quality, Unit, quality_of, unit_of
from twin.api.graphql.values import conversion_of, number, value_of
from twin.api.graphql.wiring import Binding, binding_of
from twin.graph.twins.records import PropertyRecord
from twin.telemetry.latest import Live

Argument = strawberry.argument
T = TypeVar("T")


@strawberry.type
class PropertyFields:
    """The fields of a property that are about itself; `Property` adds its owner."""

    _context: strawberry.Private[RequestContext]
    _record: strawberry.Private[PropertyRecord]
    _present: strawberry.Private[Present | AsOf]
    _index: strawberry.Private[int]
    id: strawberry.ID
    name: str
    role: str = strawberry.field(description="its function whatever the vocabulary: supply_air_temperature")
    kind: Kind
    quantity_kind: str | None
    freshness: float = strawberry.field(description="seconds for which a value stands for the present")
    writable: bool
    states: list[str]

    @strawberry.field
    def classes(self) -> list[Class]:
        return [Class.of(record) for record in self._record.classes]

    @strawberry.field
    def unit(self) -> Unit | None:
        return unit_of(self._record.unit)

    @described(
        "null whenever it is unavailable; a state is its word, an array is in array; unit: a QUDT name (DEG_F) or IRI"
    )
    def value(self, unit: str | None = None) -> Value | None:
        conversion = conversion_of(self._record, unit)
        record = self._record
        return self._tell(lambda live: value_of(record, live.value, live.text, conversion) if live.available else None)

    @described("of a property of the kind ARRAY; null whenever it is unavailable")
    def array(self, unit: str | None = None) -> ArrayValue | None:
        conversion = conversion_of(self._record, unit)
        return self._tell(lambda live: None if live.block is None else array_of(live.block, conversion))

    @described("source time of the last usable value, shown or not")
    def time(self) -> DateTime | None:
        return self._tell(lambda live: _moment(live.time))

    @strawberry.field
    def received_time(self) -> DateTime | None:
        return self._tell(lambda live: _moment(live.received))

    @strawberry.field
    def quality(self) -> Quality:
        return self._tell(lambda live: quality_of(live.quality))

    @strawberry.field
    def available(self) -> bool:
        return self._tell(lambda live: live.available)

    @described("set exactly when available is false and something was once known")
    def unavailable_since(self) -> DateTime | None:
        return self._tell(lambda live: _moment(live.unavailable_since))

    @described("seconds since source time")
    def age(self) -> float | None:
        return self._tell(lambda live: live.age)

    def _tell(self, say: Callable[[Live], T]) -> T:
        """What ``say`` makes of the live value; in the past an awaitable of it, which the execution awaits."""
        told = self._present.live(self._index)
        return say(told) if isinstance(told, Live) else cast(T, _later(told, say))

    @described("whether something feeds it")
    def bound(self) -> bool:
        return self._context.services.twins.is_bound(self.id)

    @strawberry.field
    def minimum(self, unit: str | None = None) -> float | None:
        return number(self._record.minimum, conversion_of(self._record, unit))

    @strawberry.field
    def maximum(self, unit: str | None = None) -> float | None:
        return number(self._record.maximum, conversion_of(self._record, unit))

    @described(
        "the last 24 hours unless told; interval: PT15M or 15m; neither interval nor points: at most 500"
        " points; a boolean, a state or a text is read by its last value in each bucket; timeZone: intervals of its"
        " calendar (PT1H, P1D, P1W, P1M, P1Y); gap: how long a value stands, its freshness unless told; rollover: where"
        " a meter begins again at 0; drawing: samples instead of buckets; asOf: what the history said then"
    )
    async def history(
        self,
        from_: Annotated[DateTime | None, Argument(name="from")] = None,
        to: DateTime | None = None,
        interval: str | None = None,
        points: int | None = None,
        aggregate: Aggregate = Aggregate.MEAN,
        unit: str | None = None,
        percentile: float = 50.0,
        time_zone: str | None = None,
        gap: str | None = None,
        missing: Missing = Missing.HOLD,
        rollover: float | None = None,
        drawing: Drawing | None = None,
        as_of: DateTime | None = None,
    ) -> Series:
        return await series_of(
            self._context,
            self._record,
            start=from_,
            end=to,
            interval=interval,
            points=points,
            aggregate=aggregate,
            unit=unit,
            manner=Manner(
                percentile, time_zone, gap, missing, rollover, drawing, None if as_of is None else int(as_of)
            ),
        )

    @described("what is promised of it, and whether that is kept now; null in the past")
    def contract(self) -> DataContract | None:
        return contract_of(self._context, self._record)

    @described("what its values are held against as they arrive")
    def checks(self) -> Checks:
        return checks_of(self._context, self._record)

    @described("needs the permission to see bindings; null when unbound")
    def binding(self) -> Binding | None:
        self._context.see_bindings()
        record = self._context.services.twins.binding(self._context.scope, self.id)
        return None if record is None else binding_of(self._context, record)

    @described(
        "where the newest value up to a moment (default: now) came from: origin, raw payload, codec, checks and"
        " corrections; needs the permission to see bindings; null when there is none"
    )
    async def lineage(self, at: DateTime | None = None) -> ValueLineage | None:
        self._context.see_bindings()
        return await value_lineage(self._context, self._record, at)


async def _later(told: Awaitable[Live], say: Callable[[Live], T]) -> T:
    return say(await told)


def _moment(time: int | None) -> DateTime | None:
    return None if time is None else DateTime(time)
