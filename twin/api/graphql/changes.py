"""Changes of the graph as clients see them."""

from __future__ import annotations

from collections.abc import Callable

import strawberry

from twin.api.graphql.context import RequestContext
from twin.api.graphql.fields import described
from twin.api.graphql.paging import Connection, Slice, connection, key_of, size
from twin.api.graphql.scalars import DateTime
from twin.api.graphql.statements import Statement, is_derived, statement_of, visible
from twin.api.revisions import parsed, parsed_or_none, shown
from twin.contracts import Delta, Revision
from twin.errors import InvalidInput

_AT_ONCE = 500
_LOOKED_AT = 10_000
"""Changes that are looked at for one page, where most are outside the scope."""


@strawberry.type(description="one committed change of the graph")
class Change:
    _context: strawberry.Private[RequestContext]
    _delta: strawberry.Private[Delta]
    revision: str
    time: DateTime
    actor: str
    reason: str
    added: int
    removed: int

    @described("the twins it was about that there are now: an import is about all of its site, and names none")
    def twins(self) -> list[strawberry.ID]:
        services, scope = self._context.services, self._context.scope
        nodes = services.door.journal.touched(parsed(self.revision))
        found = [node for node in nodes if services.twins.twin(scope, node) is not None]
        self._context.spend(len(found))
        return [strawberry.ID(node) for node in found]

    @described("what it added, as it was said; at most first")
    def added_statements(self, first: int = 100) -> list[Statement]:
        return self._statements(self._delta.added, first)

    @described("what it removed, as it was said; at most first")
    def removed_statements(self, first: int = 100) -> list[Statement]:
        return self._statements(self._delta.removed, first)

    def _statements(self, quads: tuple[object, ...], first: int) -> list[Statement]:
        chosen = quads[: size(first, self._context.limits.page)]
        self._context.spend(len(chosen))
        return [statement_of(quad) for quad in chosen]  # type: ignore[arg-type]  # they are quads: see `change_of`


def asserted(delta: Delta) -> Delta:
    """What was said in a change, without what follows from it."""
    return Delta(
        tuple(quad for quad in delta.removed if not is_derived(quad)),
        tuple(quad for quad in delta.added if not is_derived(quad)),
    )


def change_of(context: RequestContext, revision: Revision) -> Change | None:
    """The change as the scope sees it; None when nothing of it is inside the scope."""
    removed, added = visible(context.scope, revision.delta.removed), visible(context.scope, revision.delta.added)
    if revision.delta:
        if not removed and not added and asserted(revision.delta):
            return None
    elif (site := _imported_site(context, revision)) is not None and not context.scope.sees(site):
        return None
    return Change(
        _context=context,
        _delta=Delta(tuple(removed), tuple(added)),
        revision=shown(revision.token),
        time=DateTime(revision.time),
        actor=revision.actor,
        reason=revision.reason,
        added=len(added),
        removed=len(removed),
    )


def _imported_site(context: RequestContext, revision: Revision) -> str | None:
    artifact = context.services.door.journal.artifact(revision.token)
    return None if artifact is None else artifact.partition("\n")[0]


def recent_changes(
    context: RequestContext, since: str | None, last: int, before: str | None = None, twin: str | None = None
) -> list[Change]:
    """At most ``last`` changes, oldest first: those right after a revision, or the newest (before one, if given).

    With ``twin`` those about it alone.  Changes outside the scope are passed over.
    """
    count = size(last, context.limits.page)
    if since is not None and before is not None:
        raise InvalidInput("Both since and before are given.", remedy="Page on with one of the two.")
    journal = context.services.door.journal
    start, end = parsed_or_none(since), parsed_or_none(before)

    def about(at: int | None) -> list[Revision]:
        if start is not None:
            return journal.about(twin or "", count, after=at or 0, oldest_first=True)
        return journal.about(twin or "", count, before=at)

    def any_change(at: int | None) -> list[Revision]:
        return journal.since(at or 0, count) if start is not None else journal.last(count, at)

    found = _page(context, count, start if start is not None else end, about if twin is not None else any_change)
    return found if start is not None else found[::-1]


def change_history(
    context: RequestContext, first: int, after: str | None, twin: str | None = None
) -> Connection[Change]:
    """A page of the changes in scope, or of those about a twin; the newest first."""
    key, count = key_of("changes", after), size(first, context.limits.page)
    before = None if key is None else key
    found = recent_changes(context, None, count, before, twin)[::-1]
    more = bool(found) and bool(recent_changes(context, None, 1, found[-1].revision, twin))
    by_key = {change.revision: change for change in found}
    page = Slice(list(by_key), _how_many(context, twin), more)
    return connection("changes", page, key, lambda keys: [by_key[each] for each in keys])


def _how_many(context: RequestContext, twin: str | None) -> int:
    """How many changes there are in scope; where a part of the sites is seen, at most those that are looked at."""
    journal = context.services.door.journal
    if context.scope.sites is None:
        return journal.count(twin)

    def read(at: int | None) -> list[Revision]:
        return journal.last(_AT_ONCE, at) if twin is None else journal.about(twin, _AT_ONCE, before=at)

    return len(_page(context, _LOOKED_AT, None, read))


def _page(
    context: RequestContext, count: int, at: int | None, read: Callable[[int | None], list[Revision]]
) -> list[Change]:
    found: list[Change] = []
    looked_at = 0
    while len(found) < count and looked_at < _LOOKED_AT:
        revisions = read(at)
        if not revisions:
            break
        looked_at, at = looked_at + len(revisions), revisions[-1].token
        found += [change for change in (change_of(context, each) for each in revisions) if change is not None]
    return found[:count]
