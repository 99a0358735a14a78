"""Names for the blank nodes of a file, the same at every import of it: what a node says and who points to it.

A fresh name each time (RDF 1.1, section 3.5) would make a second import of one file add its blank nodes again.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from twin.terms import BlankNode, NamedNode, Quad

SKOLEM = "urn:twin:skolem:"
"""What the names begin with that blank nodes are given."""
_Edges = dict[BlankNode, list[Quad]]


def named(quads: Sequence[Quad], site: str) -> list[Quad]:
    """The quads with each blank node named after what it says and where it stands; as many nodes as there were.

    Nodes that say the same in the same place are numbered, and what hangs on each of them stays with it.  A name
    does not depend on the rest of the file.  Time grows with the number of quads, however deep they nest.
    """
    nodes = dict.fromkeys(node for quad in quads for node in (quad.subject, quad.object) if isinstance(node, BlankNode))
    says: _Edges = {node: [] for node in nodes}
    said_of: _Edges = {node: [] for node in nodes}
    for quad in quads:
        if isinstance(quad.subject, BlankNode):
            says[quad.subject].append(quad)
        if isinstance(quad.object, BlankNode):
            said_of[quad.object].append(quad)
    names = _names(says, said_of, _contents(says, said_of), site)
    return [_renamed(quad, names) for quad in quads]


def _renamed(quad: Quad, names: Mapping[BlankNode, NamedNode]) -> Quad:
    subject, target = quad.subject, quad.object
    if not isinstance(subject, BlankNode) and not isinstance(target, BlankNode):
        return quad
    return Quad(
        names[subject] if isinstance(subject, BlankNode) else subject,
        quad.predicate,
        names[target] if isinstance(target, BlankNode) else target,
        quad.graph_name,
    )


def _contents(says: _Edges, said_of: _Edges) -> dict[BlankNode, str]:
    """A digest of what each node says, down to nodes with names; on the way round a circle it says that it is one."""
    contents: dict[BlankNode, str] = {}
    for node in _in_order(says, said_of):
        said = []
        for quad in says[node]:
            value = contents.get(quad.object, "loop") if isinstance(quad.object, BlankNode) else quad.object
            said.append(f"{quad.predicate} {value}")
        contents[node] = _digest(sorted(said))
    return contents


def _names(says: _Edges, said_of: _Edges, contents: Mapping[BlankNode, str], site: str) -> dict[BlankNode, NamedNode]:
    names: dict[BlankNode, NamedNode] = {}
    alike: Counter[str] = Counter()
    for node in _in_order(said_of, says):
        around = []
        for quad in said_of[node]:
            above = quad.subject
            place = names.get(above, contents[above]) if isinstance(above, BlankNode) else above
            around.append(f"{quad.predicate} {place}")
        name = _digest([site, contents[node], *sorted(around)])
        alike[name] += 1
        names[node] = NamedNode(SKOLEM + (name if alike[name] == 1 else _digest([name, str(alike[name])])))
    return names


def _in_order(needs: _Edges, needed_by: _Edges) -> Iterator[BlankNode]:
    """The nodes, each after the blank nodes at the other ends of its ``needs`` - but for those of a circle, which come
    as they stand in the file when nothing else is left."""
    open_ends = {node: _others(node, needs) for node in needs}
    ready = deque(node for node, ends in open_ends.items() if not ends)
    rest = deque(open_ends)
    done: set[BlankNode] = set()
    while ready or rest:
        node = ready.popleft() if ready else rest.popleft()
        if node in done:
            continue
        done.add(node)
        yield node
        for other in _others(node, needed_by):
            open_ends[other].discard(node)
            if not open_ends[other] and other not in done:
                ready.append(other)


def _others(node: BlankNode, edges: _Edges) -> set[BlankNode]:
    """The blank nodes at the other ends of a node's edges."""
    ends = (quad.object if quad.subject == node else quad.subject for quad in edges[node])
    return {end for end in ends if isinstance(end, BlankNode) and end != node}


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
