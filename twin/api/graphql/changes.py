"""Changes of the graph as clients see them."""

from __future__ import annotations

import strawberry

from twin.api.graphql.context import RequestContext
from twin.api.graphql.paging import size
from twin.api.graphql.scalars import DateTime
from twin.api.revisions import parsed, shown
from twin.contracts import Delta, Revision
from twin.terms import NamedNode, Quad


@strawberry.type(description="one committed change of the graph")
class Change:
    revision: str
    time: DateTime
    actor: str
    reason: str
    added: int
    removed: int


def asserted(delta: Delta) -> Delta:
    """What was said in a change, without what follows from it."""
    return Delta(
        tuple(quad for quad in delta.removed if not _is_derived(quad)),
        tuple(quad for quad in delta.added if not _is_derived(quad)),
    )


def change_of(context: RequestContext, revision: Revision) -> Change | None:
    """The change as the scope sees it; None when nothing of it is inside the scope."""
    said = asserted(revision.delta)
    removed = sum(_sees(context, quad) for quad in said.removed)
    added = sum(_sees(context, quad) for quad in said.added)
    if said and not removed and not added:
        return None
    return Change(
        revision=shown(revision.token),
        time=DateTime(revision.time),
        actor=revision.actor,
        reason=revision.reason,
        added=added,
        removed=removed,
    )


def recent_changes(context: RequestContext, since: str | None, last: int) -> list[Change]:
    """At most ``last`` changes, oldest first: those right after a revision, or the newest."""
    count = size(last, context.limits.page)
    door = context.services.door
    revisions = door.journal.last(count)[::-1] if since is None else door.since(parsed(since), count)
    changes = (change_of(context, revision) for revision in revisions)
    return [change for change in changes if change is not None]


def _is_derived(quad: Quad) -> bool:
    graph = quad.graph_name
    return isinstance(graph, NamedNode) and graph.value.startswith("urn:twin:inferred:")


def _sees(context: RequestContext, quad: Quad) -> bool:
    return isinstance(quad.graph_name, NamedNode) and context.scope.sees_graph(quad.graph_name)
