"""Names for the blank nodes of a file, the same at every import of it: what a node says and who points to it.

A fresh name each time (RDF 1.1, section 3.5) would make a second import of one file add its blank nodes again.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

from twin.terms import BlankNode, NamedNode, Quad


def named(quads: Sequence[Quad], site: str) -> list[Quad]:
    """The quads with each blank node named after its content; two that say the same in the same place become one."""
    names = _Names(quads, site)
    return [names.quad(quad) for quad in quads]


class _Names:
    def __init__(self, quads: Iterable[Quad], site: str) -> None:
        self._site = site
        self._says: defaultdict[BlankNode, list[Quad]] = defaultdict(list)
        self._said_of: defaultdict[BlankNode, list[Quad]] = defaultdict(list)
        for quad in quads:
            if isinstance(quad.subject, BlankNode):
                self._says[quad.subject].append(quad)
            if isinstance(quad.object, BlankNode):
                self._said_of[quad.object].append(quad)
        self._contents: dict[BlankNode, str] = {}
        self._names: dict[BlankNode, NamedNode] = {}

    def quad(self, quad: Quad) -> Quad:
        subject, target = quad.subject, quad.object
        if not isinstance(subject, BlankNode) and not isinstance(target, BlankNode):
            return quad
        return Quad(
            self._name(subject) if isinstance(subject, BlankNode) else subject,
            quad.predicate,
            self._name(target) if isinstance(target, BlankNode) else target,
            quad.graph_name,
        )

    def _name(self, node: BlankNode) -> NamedNode:
        if node not in self._names:
            around = sorted(f"{quad.predicate} {self._term(quad.subject)}" for quad in self._said_of[node])
            self._names[node] = NamedNode(f"urn:twin:skolem:{_digest([self._site, self._content(node), *around])}")
        return self._names[node]

    def _term(self, term: object, above: frozenset[BlankNode] = frozenset()) -> str:
        return self._content(term, above) if isinstance(term, BlankNode) else str(term)

    def _content(self, node: BlankNode, above: frozenset[BlankNode] = frozenset()) -> str:
        """A digest of what the node says, down to nodes with names; a node met again on the way is a loop."""
        if node in self._contents:
            return self._contents[node]
        if node in above:
            return "loop"
        inside = above | {node}
        said = sorted(f"{quad.predicate} {self._term(quad.object, inside)}" for quad in self._says[node])
        content = _digest(said)
        if not above:
            self._contents[node] = content
        return content


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
