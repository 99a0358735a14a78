"""Which individuals a change makes instances of a class, or no longer: by their types and by the class tree."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from twin.graph.shacl.classes import Classes
from twin.graph.shacl.triples import Statement, Term, TripleView
from twin.vocab import RDF, RDFS

__all__ = ["State", "changed_classes_of"]

State = tuple[TripleView, Classes]
"""The triples of a state and the class membership in it."""


def changed_classes_of(
    before: State, after: State, changes: Iterable[Statement], wanted: Container[Term]
) -> Iterator[tuple[Term, frozenset[Term]]]:
    """Each node that the changes touch by its types or by the class tree, with the classes it gains or loses.

    Below an edit of the tree only nodes are looked for that one of the ``wanted`` classes concerns.
    """
    nodes: dict[Term, None] = {}
    moved: dict[Term, None] = {}
    for subject, predicate, _ in changes:
        if predicate == RDF.type:
            nodes[subject] = None
        elif predicate == RDFS.subClassOf and subject not in moved:
            moved |= before[1].below(subject) | after[1].below(subject)
    for cls in moved:
        if any(each in wanted for each in before[1].above(cls) ^ after[1].above(cls)):
            for view, _ in (before, after):
                nodes.update(dict.fromkeys(view.subjects(RDF.type, cls)))
    for node in nodes:
        differing = _classes(before, node) ^ _classes(after, node)
        if differing:
            yield node, differing


def _classes(state: State, node: Term) -> frozenset[Term]:
    view, classes = state
    return frozenset[Term]().union(*(classes.above(cls) for cls in view.objects(node, RDF.type)))
