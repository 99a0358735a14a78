"""Checks a whole graph, or the pairs of shape and node asked for, and says what it could not look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from twin.errors import InvalidInput
from twin.graph.overlay import QuadView
from twin.graph.shacl.checking import Checker
from twin.graph.shacl.results import Report, Result
from twin.graph.shacl.shapes import ClassTarget, Problem, Shape, Shapes
from twin.graph.shacl.triples import Term, TripleView
from twin.vocab import RDF, RDFS

__all__ = ["check"]


def check(
    view: QuadView | TripleView,
    shapes: Shapes,
    pairs: Iterable[tuple[Shape, Term]] | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """What the nodes of a graph break of the shapes: all targets, or only these pairs of a shape and a node.

    With pairs nothing is said of shapes without targets.  ``progress`` hears how many shapes are done, of how many.
    """
    checker = Checker(view, shapes)
    asked: dict[Shape, Iterable[Term]] = {}
    if pairs is not None:
        by_shape: defaultdict[Shape, list[Term]] = defaultdict(list)
        for shape, focus in pairs:
            by_shape[shape].append(focus)
        asked.update(by_shape)
    else:
        asked.update((shape, ()) for shape in shapes.targeted)
    results: list[Result] = []
    problems: dict[Problem, None] = dict.fromkeys(shapes.problems)
    vacuous: list[Shape] = []
    for number, (shape, given) in enumerate(asked.items(), 1):
        foci = checker.focus_nodes(shape) if pairs is None else given
        if pairs is None and not foci:
            vacuous.append(shape)
        found, faults = _checked(checker, shape, foci)
        results.extend(found)
        problems.update(dict.fromkeys(faults))
        if progress is not None:
            progress(number, len(asked))
    unknown, missing = _untold(checker, vacuous)
    return Report(tuple(results), tuple(vacuous), unknown, missing, tuple(problems))


def _checked(checker: Checker, shape: Shape, foci: Iterable[Term]) -> tuple[list[Result], list[Problem]]:
    """The results of a shape; where it cannot be told for some nodes, those of the others and why."""
    nodes = list(foci)
    try:
        return checker.check(shape, nodes), []
    except InvalidInput as error:
        if len(nodes) == 1:
            return [], [Problem(shape.node, error.message, error.remedy)]
    results: list[Result] = []
    problems: list[Problem] = []
    for node in nodes:
        found, faults = _checked(checker, shape, (node,))
        results.extend(found)
        problems.extend(faults)
    return results, problems


def _untold(checker: Checker, vacuous: Iterable[Shape]) -> tuple[tuple[Term, ...], bool]:
    """The classes of shapes without targets that the data does not know, and whether it has no class tree at all."""
    view = checker.view
    classes = {target.cls: None for shape in vacuous for target in shape.targets if isinstance(target, ClassTarget)}
    unknown = tuple(
        cls
        for cls in classes
        if not any(True for _ in view.objects(cls, RDFS.subClassOf))
        and not any(True for _ in view.subjects(RDFS.subClassOf, cls))
    )
    if not unknown:
        return (), False
    used = {cls: None for _, cls in view.pairs(RDF.type)}
    missing = bool(used) and not any(True for cls in used for _ in view.objects(cls, RDFS.subClassOf))
    return unknown, missing
