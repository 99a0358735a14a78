"""What somebody who comes too late is told: who changed what, when and why, since the revision they had read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from twin.clock import iso
from twin.contracts import Revision
from twin.errors import Conflict
from twin.graph.journal import Journal
from twin.graph.journal_rows import shown
from twin.terms import Literal, NamedNode, Quad

_TOLD = 10
"""Changes that are told one by one, the newest ones."""
_VALUES = 20
"""Statements told of each."""
_DERIVED = "urn:twin:inferred:"
Sees = Callable[[NamedNode], bool]


def changes_about(journal: Journal, twins: Sequence[str], since: int) -> list[Revision]:
    """The newest changes about any of the twins after a revision, newest first and each once."""
    found = {change.token: change for twin in twins for change in journal.about(twin, _TOLD, after=since)}
    return [found[token] for token in sorted(found, reverse=True)][:_TOLD]


def changes_since(journal: Journal, since: int) -> list[Revision]:
    """The newest changes of the graph after a revision, newest first."""
    return [change for change in journal.last(_TOLD) if change.token > since]


def conflict(
    expected: int,
    present: int,
    later: Iterable[Revision],
    *,
    twins: Sequence[str] = (),
    sees: Sees = lambda _graph: True,
) -> Conflict:
    """The error for a change that expected ``expected`` and came after ``later``.

    ``twins`` are those that the change is about (none: the whole graph), ``present`` is the revision that holds now
    for them.  Statements in graphs that ``sees`` refuses are left out.  ``details``: ``revision``, ``expected``,
    ``twins`` and ``changes`` - each with ``revision``, ``time``, ``actor``, ``reason`` and its ``statements``
    (``op``, ``twin``, ``predicate``, ``value``).
    """
    told = [_told(change, twins, sees) for change in sorted(later, key=lambda change: change.token)]
    who = "; ".join(f"{each['actor']}: {each['reason']} (revision {int(each['revision'])})" for each in told[-5:])
    what = " and ".join(twins[:3]) + (f" and {len(twins) - 3} more" if len(twins) > 3 else "")
    moved = (
        f"{what} was changed after revision {expected}" if twins else f"The graph has moved from revision {expected}"
    )
    return Conflict(
        f"{moved}{f', at {present}' if twins else f' to {present}'}. Since then: {who}.",
        remedy="Read again, see whether your change still makes sense, and send it with the new revision.",
        revision=shown(present),
        expected=shown(expected),
        twins=list(twins),
        changes=told,
    )


def _told(change: Revision, twins: Sequence[str], sees: Sees) -> dict[str, Any]:
    statements = [
        {
            "op": op,
            "twin": quad.subject.value if isinstance(quad.subject, NamedNode) else "",
            "predicate": quad.predicate.value,
            "value": quad.object.value if isinstance(quad.object, NamedNode | Literal) else "",
        }
        for op, quads in (("removed", change.delta.removed), ("added", change.delta.added))
        for quad in quads
        if _is_told(quad, sees)
    ]
    if twins:
        # A change of many twins is told where it met these: their own nodes and parts share their beginning.
        own = [each for each in statements if any(_is_of(each["twin"], twin) for twin in twins)]
        statements = own or statements
    return {
        "revision": shown(change.token),
        "time": iso(change.time),
        "actor": change.actor,
        "reason": change.reason,
        "statements": statements[:_VALUES],
        "more": max(0, len(statements) - _VALUES),
    }


def _is_of(node: str, twin: str) -> bool:
    return node == twin or node.startswith((f"{twin}:", f"{twin}#", f"{twin}/"))


def _is_told(quad: Quad, sees: Sees) -> bool:
    graph = quad.graph_name
    return isinstance(graph, NamedNode) and not graph.value.startswith(_DERIVED) and sees(graph)
