"""Bindings and connections: the only part of the schema where vendors, protocols and addresses appear.

Whoever builds these has checked that the principal may see bindings.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

import strawberry

from twin.api.graphql.context import RequestContext
from twin.api.graphql.fields import described
from twin.api.graphql.reprocessing import RejectedPayloads, rejected_payloads
from twin.api.graphql.scalars import DateTime
from twin.bindings.health import ConnectionHealth, without_password
from twin.errors import NotFound
from twin.graph.twins.records import BindingRecord, ConnectionRecord
from twin.telemetry.outages import ConnectionState


@strawberry.type(description="one line of a connection's own log")
class ConnectionEvent:
    time: DateTime
    level: str
    message: str


@strawberry.type(description="values that could not be decoded: why, how often, and the last one's beginning")
class Rejection:
    time: DateTime
    address: str
    reason: str
    sample: str
    count: int


@strawberry.type(description="one configured instance of a connector")
class Connection:
    _context: strawberry.Private[RequestContext]
    id: strawberry.ID
    name: str
    protocol: str
    endpoint: str
    state: str = strawberry.field(
        description="CONNECTING, CONNECTED, RETRYING, STOPPED; UNKNOWN as of a moment before it was first known"
    )
    since: DateTime
    error: str
    bindings: int
    live: int
    received: int
    decoded: int
    rejected: int
    last_received: DateTime | None
    log: list[ConnectionEvent]
    rejections: list[Rejection]

    @described("what could not be decoded, on disk: before: the id of the item that the page begins after")
    async def rejected_payloads(self, first: int = 20, before: strawberry.ID | None = None) -> RejectedPayloads:
        return await rejected_payloads(self._context, self.id, first, before)


@strawberry.type(description="a raw code of a device and the state it stands for")
class BindingState:
    code: str
    word: str


@strawberry.type(description="what is not plain JSON or a plain value; null: as usual. Step and start are in seconds")
class PayloadForm:
    format: str | None
    packing: str | None
    bits: str | None
    time_form: str | None
    time_zone: str | None
    step: float | None
    step_path: str | None
    start: float | None
    start_path: str | None


@strawberry.type(description="where a property is read and written, and how its raw values are decoded")
class Binding:
    _context: strawberry.Private[RequestContext]
    _connection: strawberry.Private[str]
    id: strawberry.ID
    address: str
    write_address: str | None
    path: str | None
    time_path: str | None
    write_path: str | None
    source_unit: str | None
    scale: float
    offset: float
    states: list[BindingState]
    form: PayloadForm | None

    @strawberry.field
    def connection(self) -> Connection:
        found = connections_of(self._context, self._connection)
        if not found:
            raise NotFound(
                f"The binding names the connection {self._connection!r}, which does not exist.",
                remedy="Bind the property to one of the connections of its site.",
            )
        return found[0]


def binding_of(context: RequestContext, record: BindingRecord) -> Binding:
    """The binding as the schema shows it."""
    return Binding(
        _context=context,
        _connection=record.connection,
        id=strawberry.ID(record.iri),
        address=record.address,
        write_address=record.write_address,
        path=record.path,
        time_path=record.time_path,
        write_path=record.write_path,
        source_unit=record.source_unit,
        scale=record.scale,
        offset=record.offset,
        states=[BindingState(code=code, word=word) for code, word in record.states],
        form=PayloadForm(**asdict(record.form)) if record.form else None,
    )


def connections_of(context: RequestContext, iri: str | None = None) -> list[Connection]:
    """The connections in the scope, or the one of an IRI: read once for all bindings of an operation."""
    kept = context.connections
    if kept is None or kept[0] != context.revision:
        kept = context.connections = (context.revision, _read(context))
    return list(kept[1].values()) if iri is None else [kept[1][iri]] if iri in kept[1] else []


def _read(context: RequestContext) -> dict[str, Connection]:
    services = context.services
    # Of a connection's past its states are kept, and no counts.
    health = {} if context.scope.revision is not None else {each.id: each for each in services.supervisor.health()}
    bound = Counter(binding.connection for binding in services.twins.bindings(context.scope))
    return {
        record.iri: _connection(context, record, health.get(record.iri), bound[record.iri], _then(context, record.iri))
        for record in services.twins.connections(context.scope)
    }


def _then(context: RequestContext, iri: str) -> ConnectionState | None:
    """The state of a connection at the moment of the past that is asked as of, None in the present."""
    outages, time = context.services.outages, context.scope.time
    return None if outages is None or time is None else outages.state_at(iri, time)


def _connection(
    context: RequestContext,
    record: ConnectionRecord,
    health: ConnectionHealth | None,
    bound: int,
    then: ConnectionState | None,
) -> Connection:
    known = health or then
    return Connection(
        _context=context,
        id=strawberry.ID(record.iri),
        name=record.name,
        protocol=record.protocol,
        endpoint=without_password(record.endpoint),
        state=known.state if known else "STOPPED" if context.scope.revision is None else "UNKNOWN",
        since=DateTime(known.since if known else context.scope.time or context.services.clock.now()),
        error=known.error if known else "",
        bindings=bound,
        live=context.census.live_among(health.series) if health else 0,
        received=health.received if health else 0,
        decoded=health.decoded if health else 0,
        rejected=health.rejected if health else 0,
        last_received=None if health is None or health.last_received is None else DateTime(health.last_received),
        log=[
            ConnectionEvent(time=DateTime(event.time), level=event.level, message=event.message)
            for event in (health.log if health else ())
        ],
        rejections=[
            Rejection(
                time=DateTime(each.time),
                address=each.address,
                reason=each.reason,
                sample=each.sample,
                count=each.count,
            )
            for each in (health.rejections if health else ())
        ],
    )
