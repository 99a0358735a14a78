"""What can be followed: observations, changes of the graph, commands.

Each stream ends when its socket does.  A client that reads too slowly gets the newest observation of each property
instead of all, is told in the ``extensions`` of its next event how many it did not get, ``{"lost": n}``, and is ended
when it stays behind.  Of changes nothing is lost: what a slow client missed is read from the journal, and it is told
how many changes it is late: ``{"behind": n}``.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import strawberry

from twin.api.graphql.alerts import AlertSubscriptions
from twin.api.graphql.changes import Change, change_of
from twin.api.graphql.commands import Command, sees_command, shown_command
from twin.api.graphql.context import RequestContext
from twin.api.graphql.fields import subscription
from twin.api.graphql.jobs import Job, followed
from twin.api.graphql.model import Property, property_of
from twin.api.graphql.observing import Sample, Selection, observed
from twin.api.graphql.scalars import DateTime, Value
from twin.api.graphql.terms import Quality, quality_of
from twin.api.graphql.values import conversion_of, value_of
from twin.api.revisions import parsed_or_none, shown
from twin.bus import Lost
from twin.contracts import Revision
from twin.errors import InvalidInput
from twin.graph.journal_rows import too_old
from twin.observation import ObservationBatch
from twin.observation import Quality as Code

Info = strawberry.Info[RequestContext, None]

QUEUE = 256
_REPLAY = 200
_FASTEST = 1000.0


@strawberry.type(description="one value of one property at one time; a bad value is null")
class Observation:
    _context: strawberry.Private[RequestContext]
    _sample: strawberry.Private[Sample]
    id: strawberry.ID = strawberry.field(description="the property's id")
    time: DateTime
    received_time: DateTime
    revision: str = strawberry.field(description="a query from now on sees this revision of the graph")

    @builtins.property
    def answers(self) -> dict[Any, Any]:
        """What was answered about it at its revision: see `twin.api.graphql.turns`."""
        return self._sample.answers.setdefault(self.revision, {})

    @strawberry.field
    def property(self) -> Property:
        return property_of(self._context, self.id)

    @strawberry.field
    def value(self, unit: str | None = None) -> Value | None:
        sample = self._sample
        conversion = conversion_of(sample.record, unit)
        if Code(sample.quality).bad:
            return None
        return value_of(sample.record, sample.value, sample.text, conversion)

    @strawberry.field
    def quality(self) -> Quality:
        return quality_of(self._sample.quality)


@strawberry.type
class Subscription(AlertSubscriptions):
    @subscription(
        "first the present value of each selected property that has one, then every observation;"
        " no filter: every property; at most maxRate events a second for each property, newest wins;"
        " a client that reads too slowly gets the newest of each and is told in extensions how many it did not get:"
        " {lost: n}; one that stays behind is ended with the code too-slow"
    )
    async def observations(
        self,
        info: Info,
        properties: list[strawberry.ID] | None = None,
        twins: list[strawberry.ID] | None = None,
        max_rate: float | None = None,
    ) -> AsyncGenerator[Observation, None]:
        context = info.context
        if max_rate is not None and not (0 < max_rate <= _FASTEST and math.isfinite(max_rate)):
            raise InvalidInput(f"maxRate cannot be {max_rate:g}.", remedy=f"Give events a second, up to {_FASTEST:g}.")
        selection = Selection(context, properties, twins)
        async with (
            context.services.observations.subscribe(
                QUEUE, coalesce=ObservationBatch.newest, patience=context.limits.slow_seconds
            ) as batches,
            aclosing(observed(context, selection, batches, max_rate)) as samples,
        ):
            async for sample in samples:
                context.next_event()
                context.services.tracing.told("graphql event", sample.record.series)
                yield Observation(
                    _context=context,
                    _sample=sample,
                    id=strawberry.ID(sample.record.iri),
                    time=DateTime(sample.time),
                    received_time=DateTime(sample.received),
                    revision=shown(context.revision),
                )

    @subscription(
        "every change after the given revision (from now on without one), in order, without a gap and none twice; a"
        " client that reads too slowly is told in extensions how many changes it is late: {behind: n}"
    )
    async def changes(self, info: Info, since: str | None = None) -> AsyncGenerator[Change, None]:
        context = info.context
        door = context.services.door
        last = parsed_or_none(since)
        if last is not None and last > door.revision:
            raise InvalidInput(
                f"Revision {since!r} does not exist yet.", remedy="Pass a revision that this server gave."
            )
        if last is not None and last < door.journal.oldest:
            raise too_old(last, door.journal.oldest)
        async with door.changes.subscribe(QUEUE) as messages:
            seen = door.revision if last is None else last
            # What was committed before the subscription began, and whatever a slow reader missed, is in the journal.
            behind = seen < door.revision
            while True:
                while behind:
                    revisions = _committed(context, seen)
                    behind = bool(revisions)
                    for revision in revisions:
                        seen = revision.token
                        replayed = change_of(context, revision)
                        if replayed is not None:
                            context.next_event()
                            yield replayed
                message = await anext(messages)
                if isinstance(message, Lost):
                    behind = True
                    context.behind = door.revision - seen
                elif message.token > seen:
                    seen = message.token
                    change = change_of(context, message)
                    if change is not None:
                        context.next_event()
                        yield change

    @subscription("the jobs that go on, then each whenever it is further, and whenever one begins or ends")
    async def jobs(self, info: Info) -> AsyncGenerator[Job, None]:
        async with aclosing(followed(info.context)) as jobs:
            async for job in jobs:
                yield job

    @subscription("each step of each command's life")
    async def commands(self, info: Info) -> AsyncGenerator[Command, None]:
        context = info.context
        async with context.services.actuator.commands.subscribe(
            QUEUE, patience=context.limits.slow_seconds
        ) as messages:
            async for message in messages:
                if isinstance(message, Lost):
                    context.lost += message.count
                elif sees_command(context, message):
                    context.next_event()
                    yield shown_command(context, message)


def _committed(context: RequestContext, after: int) -> list[Revision]:
    """The next revisions in the journal that reads see; one on its way to the store is told when it is there."""
    door = context.services.door
    return [revision for revision in door.since(after, _REPLAY) if revision.token <= door.revision]
