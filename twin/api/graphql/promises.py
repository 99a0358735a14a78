"""What is promised of a property and what it is held against: its data contract and its checks."""

from __future__ import annotations

import strawberry

from twin.api.graphql.context import RequestContext
from twin.api.graphql.scalars import DateTime
from twin.api.graphql.terms import Unit, unit_of
from twin.errors import InvalidInput
from twin.graph.twins.records import PropertyRecord


@strawberry.type(description="a clause of a contract that is not kept")
class BreachedClause:
    clause: str = strawberry.field(description="freshness, range, unit, period, schemaVersion")
    since: DateTime
    message: str


@strawberry.type(description="what whoever delivers a property's values promises, and whether that is kept now")
class DataContract:
    id: strawberry.ID
    name: str
    met: bool
    since: DateTime | None = strawberry.field(description="since when it is breached; null: it is met")
    breached: list[BreachedClause]
    freshness: float | None = strawberry.field(description="seconds")
    minimum: float | None = strawberry.field(description="in the property's unit, as maximum is")
    maximum: float | None
    unit: Unit | None
    period: float | None = strawberry.field(description="seconds expected between two samples")
    responsible: str | None
    schema_version: str | None
    severity: str = strawberry.field(description="of the alert of a breach: notice, warning, critical")


@strawberry.type(description="a figure that arriving values are held against, in the property's unit; times in seconds")
class Check:
    name: str = strawberry.field(description="the local name of its predicate: maximumRate, flatlineAfter ...")
    value: float
    stated_by: strawberry.ID = strawberry.field(description="the property or check set that says so")


@strawberry.type(description="what arriving values are held against, and what stands in for those that do not come")
class Checks:
    figures: list[Check]
    when_missing: str | None = strawberry.field(description="hold, interpolate, null; none: nothing stands in")
    without: list[str] = strawberry.field(description="checks that are left out")


def _present_only(context: RequestContext, what: str) -> None:
    if context.services.past is not None:
        raise InvalidInput(f"The past does not tell {what}: only the present does.", remedy="Ask for it without asOf.")


def contract_of(context: RequestContext, record: PropertyRecord) -> DataContract | None:
    """The contract of a property with its state now; None when it has none, and in the past."""
    known = context.services.contracts if context.services.past is None else None
    state = known.state(record) if known is not None else None
    if state is None:
        return None
    contract = state.contract
    return DataContract(
        id=strawberry.ID(contract.iri),
        name=contract.name,
        met=state.met,
        since=None if state.since is None else DateTime(state.since),
        breached=[
            BreachedClause(clause=each.name, since=DateTime(each.since), message=each.message)
            for each in state.breached
        ],
        freshness=contract.freshness,
        minimum=contract.minimum,
        maximum=contract.maximum,
        unit=unit_of(contract.unit),
        period=contract.period,
        responsible=contract.responsible or None,
        schema_version=contract.schema_version,
        severity=contract.severity,
    )


def checks_of(context: RequestContext, record: PropertyRecord) -> Checks:
    """What a property is held against now."""
    _present_only(context, "checks")
    stated_for = context.services.checks
    if stated_for is None:
        return Checks(figures=[], when_missing=None, without=[])
    stated = stated_for(record)
    return Checks(
        figures=[
            Check(name=name, value=value, stated_by=strawberry.ID(stated.by[name]))
            for name, value in sorted(stated.numbers.items())
        ],
        when_missing=stated.missing,
        without=sorted(stated.without),
    )
