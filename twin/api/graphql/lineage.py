"""The lineage of a value: origin, payload, codec, checks and corrections of one observation.

Whoever builds these has checked that the principal may see bindings.
"""

from __future__ import annotations

import strawberry

from twin.api.graphql.context import RequestContext
from twin.api.graphql.fields import described
from twin.api.graphql.scalars import DateTime, Value
from twin.api.graphql.terms import Quality, quality_of
from twin.api.graphql.values import number, value_of
from twin.api.graphql.wiring import Connection, connections_of
from twin.api.raw_shown import shown_payload
from twin.api.revisions import shown
from twin.flows.lineage import Version, lineage_of
from twin.graph.twins.records import PropertyRecord
from twin.lineage.frames import Payload
from twin.lineage.origins import Origin
from twin.observation import Quality as Code

_PAYLOADS = 10


@strawberry.type(description="one way into the history: a binding with its codec since a revision, a model, an import")
class ValueOrigin:
    _context: strawberry.Private[RequestContext]
    _connection: strawberry.Private[str]
    number: int = strawberry.field(description="what rows of the history and of exports carry")
    kind: str = strawberry.field(description="binding, import, model, substitution or reprocessing")
    subject: str = strawberry.field(description="the binding's id, or what names the model, the import or the job")
    connection_id: strawberry.ID | None
    address: str | None
    codec: str | None = strawberry.field(description="how raw values were decoded, in words")
    revision: str | None = strawberry.field(description="the revision of the graph since which it decoded so")
    since: DateTime = strawberry.field(description="when it was first used")

    @described("null when it is no longer there")
    def connection(self) -> Connection | None:
        if not self._connection:
            return None
        return next(iter(connections_of(self._context, self._connection)), None)


@strawberry.type(description="what was received, as it came")
class RawPayload:
    received_time: DateTime
    address: str
    sha256: str
    bytes: int
    text: str | None = strawberry.field(description="null when it is no UTF-8 text")
    base64: str
    cut: bool = strawberry.field(description="whether only its beginning is shown")


@strawberry.type(description="what was said of one moment: first, or in a correction")
class ValueVersion:
    version: int
    received_time: DateTime
    value: Value | None
    quality: Quality
    origin: ValueOrigin | None = strawberry.field(description="null when nobody wrote it down")


@strawberry.type(description="what the value is held against")
class AppliedCheck:
    name: str
    value: float
    stated_by: str | None = strawberry.field(description="the property, class or check set that states it")


@strawberry.type(description="where one value came from and what became of it")
class ValueLineage:
    time: DateTime
    received_time: DateTime
    value: Value | None
    array: list[float | None] | None = strawberry.field(description="of an array value, whose value is null")
    quality: Quality
    origin: ValueOrigin | None = strawberry.field(description="null when nobody wrote it down")
    payloads: list[RawPayload] = strawberry.field(
        description="what was received with it, while it is kept; several when they came in the same millisecond"
    )
    payload_kept_until: DateTime | None = strawberry.field(description="null when payloads are not kept")
    checks: list[AppliedCheck]
    versions: list[ValueVersion] = strawberry.field(description="oldest first; the last one stands")
    corrected: bool
    schema_versions: list[ValueOrigin] = strawberry.field(description="how its binding decoded so far, oldest first")


async def value_lineage(context: RequestContext, record: PropertyRecord, at: DateTime | None) -> ValueLineage | None:
    """The lineage of the newest observation up to a moment; None when there is none."""
    services = context.services
    moment = context.scope.time if at is None else int(at)
    found = await lineage_of(record, moment, services.history, services.keeping, services.checks)
    if found is None:
        return None
    standing, origin = found.standing, found.standing.origin
    ways = services.keeping.origins.of(origin.kind, origin.subject) if services.keeping and origin else ()
    return ValueLineage(
        time=DateTime(standing.time),
        received_time=DateTime(standing.received),
        value=_value(record, standing),
        array=None if standing.block is None else [number(each) for each in standing.block.values.tolist()],
        quality=quality_of(standing.quality),
        origin=_origin(context, origin),
        payloads=[_payload(each) for each in found.payloads[:_PAYLOADS]],
        payload_kept_until=None if found.kept_until is None else DateTime(found.kept_until),
        checks=[
            AppliedCheck(name=name, value=value, stated_by=found.stated.get(name))
            for name, value in sorted(found.checks.items())
        ],
        versions=[
            ValueVersion(
                version=each.version,
                received_time=DateTime(each.received),
                value=_value(record, each),
                quality=quality_of(each.quality),
                origin=_origin(context, each.origin),
            )
            for each in found.versions
        ],
        corrected=len(found.versions) > 1,
        schema_versions=[way for each in ways if (way := _origin(context, each)) is not None],
    )


def _value(record: PropertyRecord, version: Version) -> Value | None:
    return (
        None
        if version.block is not None or Code(version.quality).bad
        else value_of(record, version.value, version.text)
    )


def _origin(context: RequestContext, origin: Origin | None) -> ValueOrigin | None:
    if origin is None:
        return None
    return ValueOrigin(
        _context=context,
        _connection=origin.connection,
        number=origin.number,
        kind=origin.kind,
        subject=origin.subject,
        connection_id=strawberry.ID(origin.connection) if origin.connection else None,
        address=origin.address or None,
        codec=origin.codec or None,
        revision=shown(origin.revision) if origin.revision else None,
        since=DateTime(origin.since),
    )


def _payload(payload: Payload) -> RawPayload:
    told = shown_payload(payload.raw)
    return RawPayload(
        received_time=DateTime(payload.received),
        address=payload.address,
        sha256=payload.digest,
        bytes=told.bytes,
        text=told.text,
        base64=told.base64,
        cut=told.cut,
    )
