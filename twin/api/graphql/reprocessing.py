"""Decoding raw payloads again, and the rejected payloads of a connection.

Whoever builds these has checked that the principal may see bindings.
"""

from __future__ import annotations

import math

import strawberry

from twin.api.graphql.context import RequestContext
from twin.api.graphql.scalars import DateTime, Value
from twin.api.raw_shown import shown_payload
from twin.contracts import Rejected
from twin.errors import InvalidInput, NotFound, Unavailable
from twin.flows.reprocessing import Choice, ReprocessReport, Said
from twin.jobs import Running
from twin.observation import Block

_DAY = 86_400 * 1_000_000_000


@strawberry.type(description="a payload that could not be decoded, whole as it came")
class RejectedPayload:
    id: strawberry.ID
    received_time: DateTime
    address: str
    reason: str
    bytes: int
    text: str | None = strawberry.field(description="null when it is no UTF-8 text")
    base64: str
    cut: bool = strawberry.field(description="whether only its beginning is shown")


@strawberry.type(description="the rejected payloads of a connection that are kept, newest first")
class RejectedPayloads:
    total: int
    bytes: int
    oldest: DateTime | None
    newest: DateTime | None
    items: list[RejectedPayload]
    has_next: bool = strawberry.field(description="go on with before: the id of the last item")


async def rejected_payloads(
    context: RequestContext, connection: str, first: int, before: str | None
) -> RejectedPayloads:
    """A page of them."""
    if not 1 <= first <= context.limits.page:
        raise InvalidInput(f"A page has 1 to {context.limits.page} items, not {first}.", limit="page")
    if before is not None and not before.isdecimal():
        raise InvalidInput(f"{before[:40]!r} names no rejected payload.", remedy="Pass the id of an item.")
    keeping = context.services.keeping
    if keeping is None:
        return RejectedPayloads(total=0, bytes=0, oldest=None, newest=None, items=[], has_next=False)
    context.spend(first)
    count = await keeping.rejects.count(connection)
    page = await keeping.rejects.page(connection, first + 1, None if before is None else int(before))
    return RejectedPayloads(
        total=count.payloads,
        bytes=count.bytes,
        oldest=None if count.oldest is None else DateTime(count.oldest),
        newest=None if count.newest is None else DateTime(count.newest),
        items=[_rejected(each.id, each.rejected) for each in page[:first]],
        has_next=len(page) > first,
    )


def _rejected(number: int, rejected: Rejected) -> RejectedPayload:
    told = shown_payload(rejected.payload)
    return RejectedPayload(
        id=strawberry.ID(str(number)),
        received_time=DateTime(rejected.received),
        address=rejected.address,
        reason=rejected.reason,
        bytes=told.bytes,
        text=told.text,
        base64=told.base64,
        cut=told.cut,
    )


@strawberry.type(description="a value that comes out otherwise; before: null when there was none")
class ValueDifference:
    property: strawberry.ID
    time: DateTime
    before: Value | None
    after: Value | None


@strawberry.type(description="how one property comes out when it is decoded again")
class PropertyOutcome:
    property: strawberry.ID
    same: int
    new: int
    changed: int
    largest_difference: float


@strawberry.type(description="a reason to reject payloads, and how many")
class RejectReason:
    reason: str
    count: int


@strawberry.type(description="what decoding again comes to")
class Reprocessed:
    job: strawberry.ID
    message: str
    dry_run: bool
    payloads: int = strawberry.field(description="how many were read")
    values: int
    same: int
    new: int = strawberry.field(description="values where there was none")
    changed: int
    unmatched: int = strawberry.field(description="values that nothing decodes to now: they stay")
    rejected: int
    rescued: int = strawberry.field(description="payloads that were rejected when they came and are decoded now")
    replaced: int = strawberry.field(description="values that were written; 0 in a dry run")
    reasons: list[RejectReason]
    by_property: list[PropertyOutcome]
    differences: list[ValueDifference] = strawberry.field(description="the first of them")


async def reprocessed(
    context: RequestContext,
    connection: str,
    start: DateTime | None,
    end: DateTime | None,
    properties: list[strawberry.ID] | None,
    dry_run: bool,
) -> Reprocessed:
    """What came of it, when it has ended: it is a job that is seen and cancelled like others."""
    services = context.services
    if services.reprocessing is None:
        raise Unavailable("This server keeps no payloads.", remedy="See the settings payloads.*.")
    if connection not in {record.iri for record in services.twins.connections(context.scope)}:
        raise NotFound(f"There is no connection {connection!r}.", remedy="See connections.", id=connection)
    until = services.clock.now() + 1 if end is None else int(end)
    choice = Choice(connection, until - _DAY if start is None else int(start), until, tuple(properties or ()))
    reprocessing = services.reprocessing

    async def work(running: Running) -> ReprocessReport:
        report = await reprocessing.run(choice, running, dry_run=dry_run)
        running.came_to(report.message, rejected=report.rejected, replaced=report.replaced, changed=report.changed)
        return report

    what = f"{'try to decode' if dry_run else 'decode'} payloads of {connection} again"
    job = services.jobs.start("reprocessing", what, work, actor=context.scope.principal.name)
    report: ReprocessReport = await services.jobs.outcome(job.id)
    return Reprocessed(
        job=strawberry.ID(job.id),
        message=report.message,
        dry_run=report.dry_run,
        payloads=report.payloads,
        values=report.values,
        same=report.same,
        new=report.new,
        changed=report.changed,
        unmatched=report.unmatched,
        rejected=report.rejected,
        rescued=report.rescued,
        replaced=report.replaced,
        reasons=[RejectReason(reason=reason, count=count) for reason, count in report.reasons.items()],
        by_property=[
            PropertyOutcome(
                property=strawberry.ID(each.property),
                same=each.same,
                new=each.new,
                changed=each.changed,
                largest_difference=each.largest,
            )
            for each in report.by_property
        ],
        differences=[
            ValueDifference(
                property=strawberry.ID(each.property),
                time=DateTime(each.time),
                before=_said(each.before),
                after=_said(each.after),
            )
            for each in report.examples
        ],
    )


def _said(value: Said) -> Value | None:
    if isinstance(value, Block):
        return Value(f"array of {len(value)}")
    return None if value is None or (isinstance(value, float) and math.isnan(value)) else Value(value)
