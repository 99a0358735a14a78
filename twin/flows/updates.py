"""Changing the graph by SPARQL Update and by whole graphs: worked out in a reader, committed through the one door.

A reader at the present revision says which quads an update comes to, and the door takes them as it takes every change:
it names blank nodes, derives, validates, journals, applies, announces.  When somebody else was faster, the update is
worked out again on what is there now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from twin.contracts import Delta, Revision
from twin.errors import Conflict, Forbidden, InvalidInput
from twin.flows.imports import check_site_name
from twin.graph.change import ChangeDoor
from twin.graph.readers.service import SparqlService
from twin.graph.sparql.update_gate import examine_update
from twin.scope import Principal, Scope
from twin.terms import NamedNode
from twin.vocab import site_of_any_graph

_ATTEMPTS = 8
Found = Callable[[], Awaitable[tuple[Delta, int]]]


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes what and why.  ``expected`` is the revision that they saw, when it must still stand; ``client`` is
    whose turn it takes in the line of the readers."""

    scope: Scope
    reason: str
    expected: int | None = None
    client: str = ""


class Updates:
    """Takes updates for one graph."""

    def __init__(self, door: ChangeDoor, sparql: SparqlService) -> None:
        self._door = door
        self._sparql = sparql

    async def update(
        self, text: str, change: Change, *, using: Sequence[str] = (), using_named: Sequence[str] = ()
    ) -> Revision:
        """The revision that holds what a SPARQL update says, all of its operations or none.

        Raises `Forbidden`, `InvalidInput`, `NotFound`, `ShapeViolation`, `Conflict`, and what a query raises.
        """
        _may_change(change.scope.principal)
        update = examine_update(text, self._sparql.update_limits)
        if (using or using_named) and any(
            each.using or each.using_named or (each.graph and each.kind == "modify") for each in update.operations
        ):
            raise InvalidInput(
                "The graphs to read are named in the request and in the update.",
                remedy="Use either USING and WITH, or using-graph-uri and using-named-graph-uri.",
            )

        async def find() -> tuple[Delta, int]:
            return await self._sparql.delta(
                update, text, change.scope, using=using, using_named=using_named, client=change.client
            )

        return await self._commit(find, change, update.reads)

    async def put(
        self, graph: NamedNode, syntax: str, text: bytes, change: Change, *, base: str, replace: bool
    ) -> Revision:
        """The revision that holds the text's triples in the graph, in place of what it held if ``replace``."""
        _may_change(change.scope.principal)

        async def find() -> tuple[Delta, int]:
            return await self._sparql.content_delta(
                graph.value, syntax, text, change.scope, base=base, replace=replace, client=change.client
            )

        return await self._commit(find, change, replace)

    async def clear(self, graph: NamedNode, change: Change) -> Revision:
        """The revision from which on the graph holds nothing; raises `NotFound` when it held nothing before."""
        return await self.update(f"DROP GRAPH {graph}", change)

    async def _commit(self, find: Found, change: Change, reads: bool) -> Revision:
        for _ in range(_ATTEMPTS):
            delta, found_at = await find()
            expected = change.expected if change.expected is not None else found_at if reads else None
            for graph in {quad.graph_name for quad in delta.added if isinstance(quad.graph_name, NamedNode)}:
                check_site_name(site_of_any_graph(graph) or "")
            try:
                return await self._door.commit(
                    delta, actor=change.scope.principal.name, reason=change.reason, expected_revision=expected
                )
            except Conflict:
                if change.expected is not None:
                    raise
        raise Conflict(
            f"Others changed the graph {_ATTEMPTS} times while this update was worked out; nothing of it was applied.",
            remedy="Send it again.",
        )


def _may_change(principal: Principal) -> None:
    if not principal.roles & {"engineer", "admin"}:
        raise Forbidden(
            f"{principal.name} may not change the graph.",
            remedy="Ask an administrator of this server for the role engineer.",
        )
