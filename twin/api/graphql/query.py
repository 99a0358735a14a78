"""What can be asked."""

from __future__ import annotations

from typing import Annotated

import strawberry

from twin.api.graphql.alerts import AlertQueries
from twin.api.graphql.changes import Change, change_history, recent_changes
from twin.api.graphql.commands import Command, command_of
from twin.api.graphql.context import RequestContext
from twin.api.graphql.differences import Difference, difference_of
from twin.api.graphql.fields import described
from twin.api.graphql.findings import ViolationConnection, violation_page
from twin.api.graphql.jobs import Job, find_job, job_of, jobs_of
from twin.api.graphql.model import (
    Capability,
    Property,
    PropertyConnection,
    Site,
    Twin,
    TwinConnection,
    capability_of,
    properties_of,
    property_page,
    site_of,
    twin_or_none,
    twin_page,
)
from twin.api.graphql.paging import Connection as Page
from twin.api.graphql.paging import Slice, key_of, size
from twin.api.graphql.saved import SavedQuery, saved_queries
from twin.api.graphql.terms import Family
from twin.api.graphql.wiring import Connection, connections_of
from twin.api.revisions import shown

Info = strawberry.Info[RequestContext, None]

_CLASS = "an IRI, a prefixed name (brick:AHU) or a local name, subclasses included"
_TEXT = "searched in name and id"
AsOf = Annotated[
    str | None,
    strawberry.argument(description="a revision, or a time such as 2026-01-01T00:00:00Z: everything below is as then"),
]


@strawberry.input
class TwinFilter:
    site: strawberry.ID | None = None
    class_: str | None = strawberry.field(name="class", description=_CLASS, default=None)
    family: Family | None = None
    text: str | None = strawberry.field(description=_TEXT, default=None)


@strawberry.input
class PropertyFilter:
    site: strawberry.ID | None = None
    twin: strawberry.ID | None = None
    class_: str | None = strawberry.field(name="class", description=_CLASS, default=None)
    role: str | None = None
    text: str | None = strawberry.field(description=_TEXT, default=None)
    writable: bool | None = None


@strawberry.type(description="the first page of the explorer")
class Summary:
    name: str
    twins: int
    properties: int
    live: int = strawberry.field(description="properties that have a value now")
    unavailable: int = strawberry.field(description="wired, or once known, but without a value now")
    unbound: int = strawberry.field(description="never wired")
    violations: int
    revision: str


@strawberry.type
class Query(AlertQueries):
    @described("an opaque ordered token")
    def revision(self, info: Info) -> str:
        return shown(info.context.revision)

    @described("the first page of the explorer")
    def summary(self, info: Info) -> Summary:
        context = info.context
        counts = context.census.counts(context.scope)
        return Summary(
            name=_name(context),
            twins=counts.twins,
            properties=counts.properties,
            live=counts.live,
            unavailable=counts.unavailable,
            unbound=counts.unbound,
            violations=sum(
                context.services.violations.count(site) for site in context.services.twins.sites(context.scope)
            ),
            revision=shown(context.revision),
        )

    @strawberry.field
    async def sites(self, info: Info, as_of: AsOf = None) -> list[Site]:
        context = await info.context.as_of(as_of)
        return [site_of(context, site) for site in context.services.twins.sites(context.scope)]

    @strawberry.field
    async def site(self, info: Info, id: strawberry.ID, as_of: AsOf = None) -> Site | None:
        context = await info.context.as_of(as_of)
        known = context.services.twins.sites(context.scope)
        return site_of(context, id) if id in known else None

    @strawberry.field
    async def twin(self, info: Info, id: strawberry.ID, as_of: AsOf = None) -> Twin | None:
        return twin_or_none(await info.context.as_of(as_of), id)

    @strawberry.field
    async def twins(
        self,
        info: Info,
        where: TwinFilter | None = None,
        first: int = 50,
        after: str | None = None,
        as_of: AsOf = None,
    ) -> TwinConnection:
        context, where = await info.context.as_of(as_of), where or TwinFilter()
        key = key_of("twins", after)
        page = context.services.twins.twins(
            context.scope,
            site=context.site(where.site) if where.site is not None else None,
            type=where.class_,
            family=where.family.value if where.family is not None else None,
            text=where.text,
            after=key,
            limit=size(first, context.limits.page),
        )
        return twin_page(context, "twins", Slice(page.items, page.total, page.has_next), key)

    @strawberry.field
    async def property(self, info: Info, id: strawberry.ID, as_of: AsOf = None) -> Property | None:
        return next(iter(properties_of(await info.context.as_of(as_of), [id])), None)

    @strawberry.field
    async def properties(
        self,
        info: Info,
        where: PropertyFilter | None = None,
        first: int = 50,
        after: str | None = None,
        as_of: AsOf = None,
    ) -> PropertyConnection:
        context, where = await info.context.as_of(as_of), where or PropertyFilter()
        key = key_of("properties", after)
        page = context.services.twins.properties(
            context.scope,
            site=context.site(where.site) if where.site is not None else None,
            owner=context.twin_record(where.twin).iri if where.twin is not None else None,
            role=where.role,
            type=where.class_,
            text=where.text,
            writable=where.writable,
            after=key,
            limit=size(first, context.limits.page),
        )
        return property_page(context, "properties", Slice(page.items, page.total, page.has_next), key)

    @described("needs the permission to see bindings")
    async def connections(self, info: Info, as_of: AsOf = None) -> list[Connection]:
        info.context.see_bindings()
        return connections_of(await info.context.as_of(as_of))

    @described("needs the permission to see bindings")
    async def connection(self, info: Info, id: strawberry.ID, as_of: AsOf = None) -> Connection | None:
        info.context.see_bindings()
        return next(iter(connections_of(await info.context.as_of(as_of), id)), None)

    @strawberry.field
    async def capabilities(self, info: Info, as_of: AsOf = None) -> list[Capability]:
        context = await info.context.as_of(as_of)
        return [capability_of(context, record) for record in (await context.capabilities()).capabilities()]

    @strawberry.field
    async def violations(
        self,
        info: Info,
        site: strawberry.ID | None = None,
        twin: strawberry.ID | None = None,
        first: int = 50,
        after: str | None = None,
        shape: strawberry.ID | None = None,
        severity: str | None = None,
        source: str | None = None,
        as_of: AsOf = None,
    ) -> ViolationConnection:
        context = await info.context.as_of(as_of)
        return await violation_page(context, site, twin, first, after, shape=shape, severity=severity, source=source)

    @strawberry.field
    def command(self, info: Info, id: strawberry.ID) -> Command | None:
        return command_of(info.context, id)

    @strawberry.field
    def saved_queries(self) -> list[SavedQuery]:
        return saved_queries()

    @described(
        "the changes after a revision, oldest first; without one the newest, newest last; page on with since or before:"
        " the revision of the last or first change of the page; twin: those about it, its properties and bindings"
    )
    def changes(
        self,
        info: Info,
        since: str | None = None,
        last: int = 20,
        before: str | None = None,
        twin: strawberry.ID | None = None,
    ) -> list[Change]:
        return recent_changes(info.context, since, last, before, twin)

    @described("every change in scope, or every one about a twin, its properties and bindings; the newest first")
    def change_history(
        self, info: Info, first: int = 20, after: str | None = None, twin: strawberry.ID | None = None
    ) -> Page[Change]:
        return change_history(info.context, first, after, twin)

    @described("imports, validations and large edits of the class tree: those that go on and the newest that ended")
    def jobs(self, info: Info, site: strawberry.ID | None = None, state: str | None = None) -> list[Job]:
        return jobs_of(info.context, site, state)

    @strawberry.field
    def job(self, info: Info, id: strawberry.ID) -> Job:
        return job_of(find_job(info.context, id))

    @described(
        "what has to be removed from one revision or time and added to get to another, by twin; what came and went in"
        " between is not in it"
    )
    async def difference(
        self,
        info: Info,
        from_: Annotated[str, strawberry.argument(name="from")],
        to: str | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Difference:
        return await difference_of(info.context, from_, to, first, after)


def _name(context: RequestContext) -> str:
    sites = context.services.twins.sites(context.scope)
    configured = context.services.settings.name
    if len(sites) == 1 and configured == type(context.services.settings)().name:
        return context.services.twins.site_name(sites[0])
    return configured
