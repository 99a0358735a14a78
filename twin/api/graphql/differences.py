"""What lies between two revisions, by twin."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

import strawberry

from twin.api.as_of import moment_of
from twin.api.graphql.context import RequestContext
from twin.api.graphql.paging import PageInfo, key_of, page_info, size, slice_of
from twin.api.graphql.statements import Statement, statement_of, visible
from twin.api.revisions import shown
from twin.errors import InvalidInput, Unavailable
from twin.graph.overlay import MemoryQuads, QuadView
from twin.graph.past.differences import Lines, lines_between
from twin.graph.touched import root
from twin.graph.twins.membership import name_of
from twin.terms import NamedNode, Quad, parse_n_quads

_MOST = 200_000
"""Statements of one difference."""


@strawberry.type(description="what is different of one twin, its properties and their bindings")
class TwinDifference:
    twin: strawberry.ID
    name: str
    added: list[Statement]
    removed: list[Statement]


@strawberry.type(description="the way from one revision to another")
class Difference:
    from_: str = strawberry.field(name="from")
    to: str
    added: int = strawberry.field(description="statements, of all twins")
    removed: int
    twins: list[TwinDifference]
    page_info: PageInfo
    total_count: int = strawberry.field(description="how many twins differ")


@dataclass(slots=True)
class _Of:
    """The quads of one twin."""

    name: str
    added: list[Quad] = field(default_factory=list)
    removed: list[Quad] = field(default_factory=list)


async def difference_of(
    context: RequestContext, start: str, end: str | None, first: int, after: str | None
) -> Difference:
    """The difference of two moments (the second is now when None), as far as the scope sees.

    Raises as `twin.api.as_of.moment_of`, and `InvalidInput` for more than 200,000 statements.
    """
    pasts = context.services.pasts
    low = moment_of(pasts, start).revision
    high = context.services.door.revision if end is None else moment_of(pasts, end).revision
    limit, key = size(first, context.limits.page), key_of("difference", after)
    if pasts is None:
        raise Unavailable("This server does not tell the past.")
    lines = await lines_between(pasts, context.services.door.journal, low, high, _MOST)
    # Whose part something is, is looked up in what came later, and in what went away on the way there.
    later = await pasts.pin(max(low, high))
    by_twin = await asyncio.to_thread(_grouped, context, later.store, lines)
    page = slice_of(sorted(by_twin), limit, key)
    chosen = {iri: by_twin[iri] for iri in page.items}
    context.spend(sum(1 + len(each.added) + len(each.removed) for each in chosen.values()))
    return Difference(
        from_=shown(low),
        to=shown(high),
        added=sum(len(each.added) for each in by_twin.values()),
        removed=sum(len(each.removed) for each in by_twin.values()),
        twins=[
            TwinDifference(
                twin=strawberry.ID(iri),
                name=each.name,
                added=[statement_of(quad) for quad in each.added],
                removed=[statement_of(quad) for quad in each.removed],
            )
            for iri, each in chosen.items()
        ],
        page_info=page_info("difference", page, key),
        total_count=page.total,
    )


def _grouped(context: RequestContext, later: QuadView, lines: Lines) -> dict[str, _Of]:
    removed, added = _quads(lines.removed), _quads(lines.added)
    views = (later, MemoryQuads((*removed, *added)))
    roots: dict[NamedNode, NamedNode] = {}
    found: dict[str, _Of] = {}
    for quads, op in ((removed, "removed"), (added, "added")):
        for quad in visible(context.scope, quads):
            subject = quad.subject
            if not isinstance(subject, NamedNode):
                continue
            if subject not in roots:
                roots[subject] = root(views, subject)
            twin = roots[subject]
            of = found.get(twin.value)
            if of is None:
                name = next((name for view in views if (name := name_of(view, twin)) != _local(twin)), _local(twin))
                of = found[twin.value] = _Of(name)
            (of.removed if op == "removed" else of.added).append(quad)
    return found


def _local(node: NamedNode) -> str:
    return name_of(MemoryQuads(), node)


def _quads(lines: Iterable[bytes]) -> list[Quad]:
    try:
        return list(parse_n_quads(b"\n".join(lines)))
    except SyntaxError as error:
        raise InvalidInput(f"The difference cannot be read: {error}.", remedy="Choose other revisions.") from error
