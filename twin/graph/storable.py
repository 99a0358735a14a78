"""What a change states, made fit to be stored: nodes with names, terms that can be read again, wiring in its place."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from twin.contracts import Delta
from twin.errors import InvalidInput
from twin.graph.bulk import homes
from twin.graph.overlay import MemoryQuads, QuadView
from twin.graph.site_columns import WIRING
from twin.graph.skolem import SKOLEM
from twin.terms import BlankNode, Literal, NamedNode, Quad, n_quads, parse_n_quads
from twin.vocab import RDF, TWIN, bindings_graph, site_graph, site_of_graph


def placed(view: QuadView, delta: Delta) -> Delta:
    """The delta with connections and bindings among the bindings of their site, wherever in the site it put them.

    They are known by their class, in the change or in ``view``, the graph before it; what they are made of goes with
    them.  A fact about one that is taken out of the site's assets is taken out of its bindings where it stands there.
    """
    wired = _wired(view, delta.added)
    added = [
        _moved(quad) if (_site(quad), quad.subject) in wired and not _has(view, quad) else quad for quad in delta.added
    ]
    removed = [_moved(quad) if _stands_there(view, quad) else quad for quad in delta.removed]
    return Delta(tuple(removed), tuple(added))


def is_wiring(delta: Delta) -> bool:
    """Whether a delta, as `placed` gives it, concerns the bindings of a site."""
    return any(
        isinstance(quad.graph_name, NamedNode) and quad.graph_name.value.startswith(_BINDINGS)
        for quad in (*delta.removed, *delta.added)
    )


_BINDINGS = bindings_graph("").value
_MINTED = "#binding"


def _wired(view: QuadView, quads: Iterable[Quad]) -> set[tuple[str | None, object]]:
    """The nodes among these quads that are wiring or what it is made of, each with its site."""
    by_site: dict[str, list[Quad]] = {}
    for quad in quads:
        site = _site(quad)
        if site is not None:
            by_site.setdefault(site, []).append(quad)
    found: set[tuple[str | None, object]] = set()
    for site, said in by_site.items():
        graph = bindings_graph(site)
        found |= {
            (site, node) for node, home in homes(MemoryQuads(said), site_graph(site), site).items() if home == graph
        }
        nodes = dict.fromkeys(quad.subject for quad in said)
        found |= {(site, node) for node in nodes if isinstance(node, NamedNode) and _is_known(view, node, graph)}
        parts = (quad for quad in said if quad.predicate == TWIN.stateEntry)
        found |= {(site, quad.object) for quad in parts if (site, quad.subject) in found}
    return found


def _is_known(view: QuadView, node: NamedNode, graph: NamedNode) -> bool:
    return (
        node.value.endswith(_MINTED)  # a part of a binding may come without its class
        or any(True for kind in WIRING for _ in view.quads(node, RDF.type, kind, graph))
        or any(True for _ in view.quads(None, TWIN.stateEntry, node, graph))
    )


def _stands_there(view: QuadView, quad: Quad) -> bool:
    return _site(quad) is not None and not _has(view, quad) and _has(view, _moved(quad))


def _site(quad: Quad) -> str | None:
    return site_of_graph(quad.graph_name) if isinstance(quad.graph_name, NamedNode) else None


def _moved(quad: Quad) -> Quad:
    return Quad(quad.subject, quad.predicate, quad.object, bindings_graph(_site(quad) or ""))


def _has(view: QuadView, quad: Quad) -> bool:
    if isinstance(quad.subject, BlankNode) or not isinstance(quad.graph_name, NamedNode):
        return False
    return any(True for _ in view.quads(quad.subject, quad.predicate, quad.object, quad.graph_name))  # type: ignore[arg-type]  # quoted triples never get here


def skolemised(delta: Delta) -> Delta:
    """The delta with every blank node that it adds replaced by a fresh IRI (RDF 1.1, section 3.5)."""
    names: dict[BlankNode, NamedNode] = {}

    def name(node: BlankNode) -> NamedNode:
        return names.setdefault(node, NamedNode(f"{SKOLEM}{uuid.uuid4().hex}"))

    added = []
    for quad in delta.added:
        subject, target = quad.subject, quad.object
        if isinstance(subject, BlankNode):
            subject = name(subject)
        if isinstance(target, BlankNode):
            target = name(target)
        if not isinstance(subject, NamedNode) or not isinstance(target, NamedNode | Literal):
            raise InvalidInput("Quoted triples cannot be stored.", remedy="Say it with a node of its own.")
        added.append(Quad(subject, quad.predicate, target, quad.graph_name))
    return Delta(delta.removed, tuple(added))


def check_terms(delta: Delta) -> None:
    """Returns when every term can be written as text and read back; raises `InvalidInput` naming the first that cannot.

    A lenient parser lets such IRIs in, and what is journalled and cannot be read again would stop every later start.
    """
    for quads in (delta.removed, delta.added):
        text = n_quads(quads)
        try:
            for _ in parse_n_quads(text):
                pass
        except SyntaxError as error:
            line = text.splitlines()[(error.lineno or 1) - 1].decode()
            raise InvalidInput(
                f"This cannot be stored: {line}: {error.msg}.", remedy="Mend the IRI or the language tag in it."
            ) from error
