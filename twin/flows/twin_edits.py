"""Replacing, patching and deleting one twin as a whole: what each comes to as a change of the graph.

A twin's description is what is said of it, of its properties, and of the nameless nodes that these are made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from twin.contracts import Delta
from twin.errors import InvalidInput
from twin.graph.canonical import canonical
from twin.graph.derivation import OWNED_BY, OWNS
from twin.graph.overlay import QuadView
from twin.graph.skolem import SKOLEM
from twin.graph.twins.reader import TwinReader
from twin.scope import Scope
from twin.terms import BlankNode, NamedNode, Quad, Triple
from twin.vocab import TWIN, bindings_graph, site_graph

_MOST = 2**31


def description(view: QuadView, twins: TwinReader, scope: Scope, iri: str) -> Iterator[Quad]:
    """The quads of a twin's description in the graphs that the scope sees."""
    ahead = [NamedNode(node) for node in (iri, *twins.properties(scope, owner=iri, limit=_MOST).items)]
    seen = set(ahead)
    while ahead:
        for quad in view.quads(ahead.pop(0), None, None, None):
            if not isinstance(quad.graph_name, NamedNode) or not scope.sees_graph(quad.graph_name):
                continue
            yield quad
            part = quad.object
            if isinstance(part, NamedNode) and part.value.startswith(SKOLEM) and part not in seen:
                seen.add(part)
                ahead.append(part)


def replacement(
    view: QuadView, twins: TwinReader, scope: Scope, iri: str, site: str, triples: Iterable[Triple]
) -> Delta:
    """What makes the description the given triples.  What follows from them, or stands in other graphs than the site's,
    may be among them and stays as it is.  Raises `InvalidInput` when they speak of something else."""
    home = site_graph(site)
    wanted = canonical(Delta(added=tuple(Quad(t.subject, t.predicate, t.object, home) for t in triples))).added
    check_subjects(twins, scope, iri, wanted)
    standing = list(description(view, twins, scope, iri))
    elsewhere = {quad.triple for quad in standing if quad.graph_name != home}
    kept = set(wanted)
    return Delta(
        tuple(quad for quad in standing if quad.graph_name == home and quad not in kept),
        tuple(quad for quad in wanted if quad.triple not in elsewhere),
    )


def deletion(view: QuadView, twins: TwinReader, scope: Scope, iri: str, site: str) -> Delta:
    """What takes a twin away: its description, the bindings of its properties, and every edge to it or to them."""
    graphs = (site_graph(site), bindings_graph(site))
    own = [quad for quad in description(view, twins, scope, iri) if quad.graph_name in graphs]
    nodes = dict.fromkeys(quad.subject for quad in own if isinstance(quad.subject, NamedNode))
    for node in tuple(nodes):
        for quad in view.quads(None, None, node, None):
            if quad.graph_name in graphs:
                own.append(quad)
                if quad.predicate == TWIN.binds and isinstance(quad.subject, NamedNode):
                    own += _whole(view, quad.subject)
    return Delta(removed=tuple(dict.fromkeys(own)))


def _whole(view: QuadView, binding: NamedNode) -> Iterator[Quad]:
    for quad in view.quads(binding, None, None, None):
        yield quad
        if quad.predicate == TWIN.stateEntry and isinstance(quad.object, NamedNode):
            yield from view.quads(quad.object, None, None, None)


def check_subjects(twins: TwinReader, scope: Scope, iri: str, quads: Iterable[Quad]) -> None:
    """Returns when the quads speak of the twin, its properties, their bindings and nameless parts alone; raises
    `InvalidInput` naming the first other node."""
    said = list(quads)
    own = {iri, *twins.properties(scope, owner=iri, limit=_MOST).items}
    for quad in said:
        if quad.predicate in OWNS and _value(quad.subject) == iri:
            own.add(_value(quad.object))
        elif quad.predicate in OWNED_BY and _value(quad.object) == iri:
            own.add(_value(quad.subject))
    own |= {_value(quad.subject) for quad in said if quad.predicate == TWIN.binds and _value(quad.object) in own}
    own |= {_value(quad.object) for quad in said if quad.predicate == TWIN.stateEntry}
    for quad in said:
        subject = _value(quad.subject)
        whole = subject.partition("#binding")[0]
        nameless = isinstance(quad.subject, BlankNode) or subject.startswith(SKOLEM)
        record = None if subject == iri else twins.property(scope, subject)
        foreign = record is not None and record.owner not in (None, iri)
        if foreign or (not nameless and subject not in own and whole not in own):
            raise InvalidInput(
                f"This speaks of {subject}, which is no part of {iri}.",
                remedy="Change each twin by its own address, or several together with applyChange.",
                id=subject,
            )


def _value(term: object) -> str:
    return term.value if isinstance(term, NamedNode) else str(term)
