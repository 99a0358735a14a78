"""Commands as clients see them: a requested write and how far it has come."""

from __future__ import annotations

import strawberry

from twin.api.graphql.context import RequestContext
from twin.api.graphql.model import Property, property_of
from twin.api.graphql.scalars import DateTime, Value
from twin.errors import NotFound
from twin.flows import actuate


@strawberry.type(description="a requested write with a life")
class Command:
    _context: strawberry.Private[RequestContext]
    _property: strawberry.Private[str]
    id: strawberry.ID
    value: Value | None = strawberry.field(description="in the property's own unit; a state is its word")
    state: str = strawberry.field(description="ACCEPTED, SENT, ACKNOWLEDGED, VERIFIED; EXPIRED, FAILED")
    requested_at: DateTime
    updated_at: DateTime
    actor: str
    message: str
    read_back: Value | None

    @strawberry.field
    def property(self) -> Property:
        return property_of(self._context, self._property)


def shown_command(context: RequestContext, command: actuate.Command) -> Command:
    """The command at this moment of its life."""
    return Command(
        _context=context,
        _property=command.property,
        id=strawberry.ID(command.id),
        value=Value(command.value),
        state=command.state,
        requested_at=DateTime(command.requested_at),
        updated_at=DateTime(command.updated_at),
        actor=command.actor,
        message=command.message,
        read_back=None if command.read_back is None else Value(command.read_back),
    )


def sees_command(context: RequestContext, command: actuate.Command) -> bool:
    """Whether the command's property is inside the scope."""
    return context.services.twins.property(context.scope, command.property) is not None


def command_of(context: RequestContext, id: str) -> Command | None:
    """The command of an id, None when it never was, is no longer remembered, or is outside the scope."""
    try:
        command = context.services.actuator.find(id)
    except NotFound:
        return None
    return shown_command(context, command) if sees_command(context, command) else None
