"""What the shapes found: violations, page by page and by rule, and how all of a site was last judged."""

from __future__ import annotations

import strawberry

from twin.api.graphql.context import RequestContext
from twin.api.graphql.fields import described
from twin.api.graphql.paging import PageInfo, Slice, key_of, page_info, size
from twin.api.graphql.scalars import DateTime
from twin.api.revisions import shown
from twin.errors import InvalidInput
from twin.graph.derivation import local_name
from twin.graph.validation.repairs import repair
from twin.graph.validation.violations import ViolationGroup as Group
from twin.graph.validation.violations import ViolationPage
from twin.graph.violation import Violation as Found
from twin.terms import NamedNode
from twin.vocab import RDF, TWIN

AUDITED_BY = "brick"
"""The source of what a vocabulary's own shapes find."""
_REPAIR_COST = 20  # in nodes read


@strawberry.type(description="one node that breaks one rule")
class Violation:
    id: strawberry.ID = strawberry.field(description="names it as long as it stands")
    twin: strawberry.ID = strawberry.field(description="the node that breaks it: a twin, a property, a binding")
    site: strawberry.ID
    rule: str
    value: str | None
    path: str | None
    shape: str
    severity: str
    remedy: str
    source: str = strawberry.field(description="whose rule: twin (ours), user (shapes of your own) or brick")
    since: str | None = strawberry.field(
        description="the revision from which it stands; null from before that was kept"
    )
    since_time: DateTime | None = strawberry.field(description="when that revision was made")
    _context: strawberry.Private[RequestContext]
    _found: strawberry.Private[Found]

    @described("what people call the node: a property with its twin")
    def name(self) -> str:
        self._context.spend(1)
        return _name_of(self._context, self.twin)

    @described("what applyRepair would do, in words; null where it takes a person, and as of the past")
    def repair(self) -> str | None:
        if self._context.scope.revision is not None:
            return None
        self._context.spend(_REPAIR_COST)
        found = repair(self._context.services.store, self._found)
        return None if found is None else found.sentence


@strawberry.type(description="how many nodes break the same rule")
class ViolationGroup:
    shape: str
    rule: str
    count: int
    severity: str
    source: str


@strawberry.type(description="how many violations one node has")
class ViolatingNode:
    twin: strawberry.ID
    count: int


@strawberry.type
class ViolationConnection:
    nodes: list[Violation]
    page_info: PageInfo
    total_count: int
    groups: list[ViolationGroup]
    twins: list[ViolatingNode] = strawberry.field(description="the nodes with most violations first, as many as first")


@strawberry.type(description="what a vocabulary's own shapes say of a site")
class Audit:
    state: str = strawberry.field(description="running, done, failed, not-applicable")
    revision: str | None = strawberry.field(description="of which the last one that ended tells what was found")
    started_at: DateTime | None
    finished_at: DateTime | None
    violations: int
    groups: list[ViolationGroup]
    message: str


async def violations_of_twin(context: RequestContext, iri: str) -> list[Violation]:
    """The violations of a twin, of its properties and of their bindings."""
    properties = context.services.twins.properties(context.scope, owner=iri, limit=context.limits.page).items
    nodes = [iri, *properties, *(f"{each}#binding" for each in properties)]
    page = (await context.violations()).page(twin=nodes, limit=context.limits.page)
    context.spend(len(page.items))
    return _shown(context, page)


async def violation_page(
    context: RequestContext,
    site: str | None,
    twin: str | None,
    first: int,
    after: str | None,
    *,
    shape: str | None = None,
    severity: str | None = None,
    source: str | None = None,
) -> ViolationConnection:
    """A page of the violations in scope: all, or those of a site, of one node, of a shape, a severity, a source."""
    store, limit = await context.violations(), size(first, context.limits.page)
    chosen = _site(context, site)
    key = key_of("violations", after)
    page = store.page(chosen, twin, key, limit, source=source, shape=shape, severity=severity)
    context.spend(len(page.items))
    worst = store.nodes(chosen, source=source, shape=shape, severity=severity, limit=limit) if twin is None else []
    return ViolationConnection(
        nodes=_shown(context, page),
        page_info=page_info("violations", Slice(page.cursors, page.total, page.has_next), key),
        total_count=page.total,
        groups=[_group(each) for each in store.groups(chosen, twin=twin, source=source, severity=severity)],
        twins=[ViolatingNode(twin=strawberry.ID(each.focus), count=each.count) for each in worst],
    )


async def audit_of(context: RequestContext, site: str) -> Audit | None:
    """How far the background audit of a site is, None before its first; as of the past the newest that there was."""
    store = await context.violations()
    ended = store.audited(site)
    state = context.services.validation.state(site) if context.scope.revision is None else ended
    if state is None:
        return None
    return Audit(
        state=state.state,
        revision=None if ended is None else shown(ended.revision),
        started_at=None if state.started_at is None else DateTime(state.started_at),
        finished_at=None if state.finished_at is None else DateTime(state.finished_at),
        violations=store.count(site, source=AUDITED_BY),
        groups=[_group(each) for each in store.groups(site, source=AUDITED_BY)],
        message=state.message,
    )


def _site(context: RequestContext, site: str | None) -> str | None:
    if site is not None:
        return context.site(site)
    if context.scope.sites is None:
        return None
    known = context.services.twins.sites(context.scope)
    if len(known) != 1:
        raise InvalidInput(
            "Violations are told site by site here.", remedy=f"Name one of: {', '.join(known) or 'none'}.", sites=known
        )
    return known[0]


def _shown(context: RequestContext, page: ViolationPage) -> list[Violation]:
    rows = zip(page.items, page.cursors, page.since, page.sites, strict=True)
    return [_violation(context, *row) for row in rows]


def _violation(context: RequestContext, found: Found, number: str, since: int, site: str) -> Violation:
    visible = context.scope.principal.may_see_bindings() or not _is_wiring(context, found.focus)
    return Violation(
        id=strawberry.ID(number),
        twin=strawberry.ID(found.focus),
        site=strawberry.ID(site),
        rule=found.rule,
        value=(found.value or found.found or None) if visible else None,
        path=found.path or None,
        shape=found.shape,
        severity=found.severity,
        remedy=found.remedy,
        source=found.source,
        since=shown(since) if since else None,
        since_time=DateTime(context.services.door.journal.time_of(since)) if since else None,
        _context=context,
        _found=found,
    )


def _name_of(context: RequestContext, iri: str) -> str:
    twins, scope = context.services.twins, context.scope
    record = twins.twin(scope, iri)
    if record is not None:
        return record.name
    property = twins.property(scope, iri.removesuffix("#binding"))
    if property is None:
        return local_name(iri)
    owner = None if property.owner is None else twins.twin(scope, property.owner)
    return property.name if owner is None else f"{owner.name}: {property.name}"


def _is_wiring(context: RequestContext, focus: str) -> bool:
    kinds = {quad.object for quad in context.services.store.quads(NamedNode(focus), RDF.type, None, None)}
    return bool(kinds & {TWIN.Binding, TWIN.Connection})


def _group(group: Group) -> ViolationGroup:
    return ViolationGroup(
        shape=group.shape, rule=group.rule, count=group.count, severity=group.severity, source=group.source
    )
