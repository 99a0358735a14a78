"""Alerts as clients see, follow and handle them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from enum import Enum

import strawberry

from twin.alerts import records
from twin.alerts.store import Wanted
from twin.api.graphql.context import RequestContext
from twin.api.graphql.fields import described, mutation, subscription
from twin.api.graphql.model import Property, Twin, properties_of, twin_or_none
from twin.api.graphql.paging import PageInfo, Slice, cursor, key_of, page_info, size
from twin.api.graphql.scalars import DateTime
from twin.bus import Lost
from twin.errors import InvalidInput, NotFound, Unavailable
from twin.flows.alerting import Alerting

Info = strawberry.Info[RequestContext, None]
_QUEUE = 256


@strawberry.enum(description="how grave an alert is")
class AlertSeverity(Enum):
    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


@strawberry.enum(
    description="what an alert is of: a breached contract, a twin that does not deliver, values in doubt, a broken"
    " rule, a lost connection, a history that takes nothing"
)
class AlertKind(Enum):
    BREACH = "breach"
    UNAVAILABLE = "unavailable"
    QUALITY = "quality"
    VIOLATION = "violation"
    CONNECTION = "connection"
    STORAGE = "storage"


@strawberry.enum(description="what the life of an alert has come to")
class AlertState(Enum):
    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    CLEARED = "cleared"


@strawberry.input(description="which alerts: everything given must hold; about: a twin, property, connection or shape")
class AlertFilter:
    states: list[AlertState] | None = None
    kinds: list[AlertKind] | None = None
    severities: list[AlertSeverity] | None = None
    site: strawberry.ID | None = None
    about: strawberry.ID | None = None
    assigned: str | None = None
    text: str | None = None

    def wanted(self, context: RequestContext) -> Wanted:
        """The filter as the store takes it, within the scope."""
        return Wanted(
            states=[each.value for each in self.states or ()],
            kinds=[each.value for each in self.kinds or ()],
            severities=[each.value for each in self.severities or ()],
            sites=sites_of(context) if self.site is None else [context.site(self.site)],
            about=[self.about] if self.about is not None else (),
            assigned=self.assigned,
            text=self.text,
        )


@strawberry.type(description="one step of an alert's life")
class AlertTransition:
    time: DateTime
    actor: str
    action: str = strawberry.field(
        description="raised, returned, changed, acknowledged, shelved, unshelved, assigned, cleared, folded"
    )
    note: str


@strawberry.type(description="what follows from an alert's cause, and is no alert of its own")
class AlertConsequence:
    _context: strawberry.Private[RequestContext]
    about: strawberry.ID
    message: str
    since: DateTime

    @described("the property that it concerns, where it is one")
    def property(self) -> Property | None:
        return next(iter(properties_of(self._context, [self.about])), None)


@strawberry.type
class AlertConsequenceConnection:
    nodes: list[AlertConsequence]
    page_info: PageInfo
    total_count: int


@strawberry.type(description="one condition worth a person's attention, with a life")
class Alert:
    _context: strawberry.Private[RequestContext]
    _alert: strawberry.Private[records.Alert]
    id: strawberry.ID
    kind: AlertKind
    severity: AlertSeverity
    message: str
    about: strawberry.ID = strawberry.field(description="the IRI of what it concerns")
    site: strawberry.ID | None
    times: int = strawberry.field(description="how often the condition came back before it was over")
    assigned: str | None
    acknowledged_by: str | None
    since: DateTime = strawberry.field(description="when the condition began")
    raised_at: DateTime
    updated_at: DateTime
    acknowledged_at: DateTime | None
    shelved_until: DateTime | None
    cleared_at: DateTime | None

    @strawberry.field
    def state(self) -> AlertState:
        return AlertState(self._alert.state(self._context.services.clock.now()))

    @described("the twin that it concerns, or whose property it does")
    def twin(self) -> Twin | None:
        return twin_or_none(self._context, self._alert.twin or None)

    @described("the property that it concerns, where it is one")
    def property(self) -> Property | None:
        return next(iter(properties_of(self._context, [self._alert.about])), None)

    @described("the alert that this one was folded into, because it followed from the same cause")
    def cause(self) -> Alert | None:
        return None if self._alert.cause is None else find_alert(self._context, str(self._alert.cause))

    @strawberry.field
    def consequences(self, first: int = 50, after: str | None = None) -> AlertConsequenceConnection:
        context, alert = self._context, self._alert
        key, limit = key_of("consequences", after), size(first, self._context.limits.page)
        context.spend(limit)
        found = alerting_of(context).store.consequences(alert.id, key, limit + 1)
        page = Slice([each.about for each in found[:limit]], alert.consequences, len(found) > limit)
        return AlertConsequenceConnection(
            nodes=[
                AlertConsequence(
                    _context=context, about=strawberry.ID(each.about), message=each.message, since=DateTime(each.since)
                )
                for each in found[:limit]
            ],
            page_info=page_info("consequences", page, key),
            total_count=alert.consequences,
        )

    @described("everything that was done to it and by whom, oldest first")
    def transitions(self) -> list[AlertTransition]:
        steps = alerting_of(self._context).store.transitions(self._alert.id)
        self._context.spend(len(steps))
        return [
            AlertTransition(time=DateTime(step.time), actor=step.actor, action=step.action, note=step.note)
            for step in steps
        ]


@strawberry.type
class AlertEdge:
    node: Alert
    cursor: str


@strawberry.type(description="how many alerts there are of a kind and severity")
class AlertCount:
    kind: AlertKind
    severity: AlertSeverity
    count: int


@strawberry.type
class AlertConnection:
    nodes: list[Alert]
    page_info: PageInfo
    total_count: int
    counts: list[AlertCount]

    @strawberry.field
    def edges(self) -> list[AlertEdge]:
        return [AlertEdge(node=node, cursor=cursor("alerts", node.id)) for node in self.nodes]


@strawberry.type(description="an alert as a step left it, and that step")
class AlertEvent:
    alert: Alert
    transition: AlertTransition


@strawberry.type
class AlertQueries:
    @described("the newest first; without states: all that are not cleared and not shelved")
    def alerts(
        self,
        info: strawberry.Info[RequestContext, None],
        where: AlertFilter | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> AlertConnection:
        context, where = info.context, where or AlertFilter()
        wanted = where.wanted(context)
        if where.states is None:
            wanted = Wanted(("raised", "acknowledged"), wanted.kinds, wanted.severities, wanted.sites, wanted.about,
                            wanted.assigned, wanted.text)  # fmt: skip
        key, limit, now = key_of("alerts", after), size(first, context.limits.page), context.services.clock.now()
        if key is not None and not key.isdecimal():
            raise InvalidInput("This is no cursor of a list of alerts.", remedy="Pass the endCursor of a page.")
        context.spend(limit)
        store = alerting_of(context).store
        page = store.page(wanted, now, None if key is None else int(key), limit)
        slice = Slice([str(each.id) for each in page.items], page.total, page.has_next)
        return AlertConnection(
            nodes=[alert_of(context, each) for each in page.items],
            page_info=page_info("alerts", slice, key),
            total_count=page.total,
            counts=[
                AlertCount(kind=AlertKind(kind), severity=AlertSeverity(severity), count=count)
                for (kind, severity), count in sorted(store.counts(wanted, now).items())
            ],
        )

    @strawberry.field
    def alert(self, info: strawberry.Info[RequestContext, None], id: strawberry.ID) -> Alert | None:
        return find_alert(info.context, id)


@strawberry.type
class AlertMutations:
    @mutation("notes that somebody has taken notice; also of one that is cleared")
    async def acknowledge_alert(
        self, info: strawberry.Info[RequestContext, None], id: strawberry.ID, note: str = ""
    ) -> Alert:
        number = _handled(info.context, id)
        done = await alerting_of(info.context).acknowledge(number, info.context.scope.principal.name, note)
        return alert_of(info.context, done.alert)

    @mutation("puts an alert out of sight until a moment, at most 90 days; a moment that is over takes it back")
    async def shelve_alert(
        self, info: strawberry.Info[RequestContext, None], id: strawberry.ID, until: DateTime, note: str = ""
    ) -> Alert:
        number = _handled(info.context, id)
        done = await alerting_of(info.context).shelve(number, info.context.scope.principal.name, until, note)
        return alert_of(info.context, done.alert)

    @mutation("gives an alert to somebody; an empty name: to nobody")
    async def assign_alert(
        self, info: strawberry.Info[RequestContext, None], id: strawberry.ID, to: str, note: str = ""
    ) -> Alert:
        number = _handled(info.context, id)
        done = await alerting_of(info.context).assign(number, info.context.scope.principal.name, to[:200], note)
        return alert_of(info.context, done.alert)

    @mutation("ends an alert whose condition is gone at once; while it stands it is refused")
    async def clear_alert(
        self, info: strawberry.Info[RequestContext, None], id: strawberry.ID, note: str = ""
    ) -> Alert:
        number = _handled(info.context, id)
        done = await alerting_of(info.context).clear(number, info.context.scope.principal.name, note)
        return alert_of(info.context, done.alert)


@strawberry.type
class AlertSubscriptions:
    @subscription("each step of each alert's life, after it is on disk; where: as of the alerts, without states")
    async def alerts(
        self, info: strawberry.Info[RequestContext, None], where: AlertFilter | None = None
    ) -> AsyncGenerator[AlertEvent, None]:
        context, where = info.context, where or AlertFilter()
        wanted = where.wanted(context)
        async with alerting_of(context).events.subscribe(_QUEUE) as events:
            async for event in events:
                if isinstance(event, Lost):
                    context.lost += event.count
                elif _matches(event.alert, wanted) and sees(context, event.alert):
                    context.next_event()
                    step = event.transition
                    yield AlertEvent(
                        alert=alert_of(context, event.alert),
                        transition=AlertTransition(
                            time=DateTime(step.time), actor=step.actor, action=step.action, note=step.note
                        ),
                    )


def alerting_of(context: RequestContext) -> Alerting:
    """The alerts of the server; raises `Unavailable` where none are kept."""
    found = context.services.alerting
    if found is None:
        raise Unavailable("This server keeps no alerts.")
    return found


def alert_of(context: RequestContext, alert: records.Alert) -> Alert:
    """The alert as the schema shows it."""

    def moment(time: int | None) -> DateTime | None:
        return None if time is None else DateTime(time)

    wires = context.scope.principal.may_see_bindings()
    return Alert(
        _context=context,
        _alert=alert,
        id=strawberry.ID(str(alert.id)),
        kind=AlertKind(alert.kind),
        severity=AlertSeverity(alert.severity),
        message=alert.said_to(wires),
        about=strawberry.ID(alert.about if wires or alert.kind != "connection" else ""),
        site=strawberry.ID(alert.site) if alert.site else None,
        times=alert.times,
        assigned=alert.assigned or None,
        acknowledged_by=alert.acknowledged_by or None,
        since=DateTime(alert.since),
        raised_at=DateTime(alert.raised),
        updated_at=DateTime(alert.updated),
        acknowledged_at=moment(alert.acknowledged),
        shelved_until=moment(alert.shelved_until),
        cleared_at=moment(alert.cleared),
    )


def find_alert(context: RequestContext, id: str) -> Alert | None:
    """The alert of an id, None when there is none in the scope."""
    found = alerting_of(context).store.find(int(id)) if id.isdecimal() and len(id) < 19 else None
    return alert_of(context, found) if found is not None and sees(context, found) else None


def sees(context: RequestContext, alert: records.Alert) -> bool:
    """Whether an alert is of a site in the scope, or of the server."""
    return not alert.site or context.scope.sees(alert.site)


def sites_of(context: RequestContext) -> list[str] | None:
    """The sites in the scope; None: all."""
    return None if context.scope.sites is None else list(context.services.twins.sites(context.scope))


def _handled(context: RequestContext, id: str) -> int:
    """The number of an alert that is to be handled; raises `NotFound`, and `Forbidden` for who may not operate."""
    context.operate()
    if find_alert(context, id) is None:
        raise NotFound(f"There is no alert {id!r}.", remedy="Ask for the alerts again.", id=id)
    return int(id)


def _matches(alert: records.Alert, wanted: Wanted) -> bool:
    return (
        (not wanted.kinds or alert.kind in wanted.kinds)
        and (not wanted.severities or alert.severity in wanted.severities)
        and (wanted.sites is None or alert.site in ("", *wanted.sites))
        and (not wanted.about or alert.about in wanted.about or alert.twin in wanted.about)
        and (wanted.assigned is None or alert.assigned == wanted.assigned)
        and (not wanted.text or wanted.text.casefold() in alert.message.casefold())
    )
