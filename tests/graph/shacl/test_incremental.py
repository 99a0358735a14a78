"""Judging a change is the difference of checking everything before and after it, for shapes of every kind.

pyshacl is the judge.  Where SHACL leaves open what a shape means (one that refers to itself), our own check of
everything is.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyshacl
import pytest
from pyshacl.shapes_graph import ShapesGraph
from rdflib import Graph
from rdflib.namespace import RDF as RDFLIB_RDF
from rdflib.namespace import SH as RDFLIB_SH

from tests.graph.shacl.edits import (
    MODULES,
    OF_RECURSION,
    SHAPES,
    Identity,
    Reference,
    Script,
    T,
    module,
    triple,
)
from tests.shapes.graphs import MemoryGraph
from twin.contracts import Delta
from twin.graph.overlay import Overlay
from twin.graph.shacl.asserted import Asserted
from twin.graph.shacl.gate import Difference
from twin.graph.shacl.results import Result, violation_of
from twin.graph.shacl.validation import check
from twin.graph.validation.shape_sources import UserShapes
from twin.terms import Literal, Quad
from twin.vocab import RDF, inferred_graph, site_graph, vocabulary_graph

STEPS = 4


def identities(results: Iterable[Result]) -> set[Identity]:
    return {violation_of(result).identity for result in results}


def everything(graph: MemoryGraph) -> set[Identity]:
    """What our own check of everything finds."""
    return identities(check(Asserted(graph), UserShapes(()).standing(graph).shapes).results)


def told(found: set[Identity]) -> set[Identity]:
    """What pyshacl can be asked about."""
    return {identity for identity in found if identity[3] not in OF_RECURSION}


def run(seed: int, reference: Reference) -> int:
    """Plays the script of a seed; how many pairs of a shape and a node were checked for it."""
    script = Script(seed)
    graph, gate, pairs = MemoryGraph(script.state), UserShapes(()), 0
    standing, ours = reference.violations(script.state), everything(graph)
    for number, delta in enumerate(script.steps(STEPS)):
        judged: Difference = gate.judge(graph, Overlay(graph, delta), delta)
        pairs += judged.pairs
        added, resolved = identities(judged.added), identities(judged.resolved)
        graph.apply(delta)
        now, ours_now = reference.violations(graph), everything(graph)
        where = f"seed {seed}, step {number}"
        assert told(added) == told(now) - told(standing), where
        assert told(resolved) == told(standing) - told(now), where
        assert (added, resolved) == (ours_now - ours, ours - ours_now), where
        standing, ours = now, ours_now
    return pairs


def test_judging_a_change_is_the_difference_that_pyshacl_finds() -> None:
    reference = Reference()
    assert sum(run(seed, reference) for seed in range(150)) > 1000


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_judging_a_change_is_that_difference_for_two_thousand_scripts() -> None:
    reference, count, first = Reference(), 2000, 1_000_000
    pairs = sum(run(seed, reference) for seed in range(first, first + count))
    print(f"\nincremental SHACL: seeds {first} to {first + count - 1}, {count} scripts of {STEPS} steps each,")
    print(f"  {pairs} pairs checked, every step equal to full validation by pyshacl {pyshacl.__version__}")


def test_the_reference_finds_what_pyshacl_finds_by_its_own_entry() -> None:
    for seed in range(12):
        state = list(Script(seed).state)
        data, shapes = Graph(), Graph()
        for quad in state:
            if str(quad.subject.value) not in OF_RECURSION:
                (shapes if quad.graph_name == SHAPES else data).add(triple(quad))
        _conforms, report, _text = pyshacl.validate(data, shacl_graph=shapes, advanced=True, max_validation_depth=30)
        root = next(iter(report.subjects(RDFLIB_RDF.type, RDFLIB_SH.ValidationReport)))
        official = {
            (str(report.value(result, RDFLIB_SH.focusNode)), str(report.value(result, RDFLIB_SH.sourceShape)))
            for result in report.objects(root, RDFLIB_SH.result)
        }
        found = {(focus, shape) for focus, _, _, shape, _ in Reference().violations(state)}
        named = {pair for pair in official if pair[1].startswith(str(T)) and pair[1] not in OF_RECURSION}
        assert {pair for pair in found if pair[1].startswith(str(T))} == named


@pytest.mark.parametrize("name", sorted(MODULES))
def test_every_kind_of_shape_is_read_without_a_problem_and_finds_something(name: str) -> None:
    shapes = module(name)
    graph = MemoryGraph(shapes)
    standing = UserShapes(()).standing(graph).shapes
    assert standing.problems == ()
    assert standing.targeted
    graph_of_pyshacl = Graph()
    for quad in shapes:
        graph_of_pyshacl.add(triple(quad))
    assert len(ShapesGraph(graph_of_pyshacl).shapes) >= len(standing.targeted)
    found = (set(everything(_with(shapes, seed))) for seed in range(40))
    assert any({shape.node.value for shape in standing.all.values()} & {each[3] for each in some} for some in found)


def _with(shapes: Iterable[Quad], seed: int) -> MemoryGraph:
    return MemoryGraph((*shapes, *(quad for quad in Script(seed).state if quad.graph_name != SHAPES)))


# ---- By hand


def quad(subject: str, predicate: str, value: str | int) -> Quad:
    return Quad(T[subject], T[predicate], T[value] if isinstance(value, str) else Literal(value), site_graph("t"))


def serial(subject: str, number: str) -> Quad:
    return Quad(T[subject], T.serial, Literal(number), site_graph("t"))


def judge(standing: Iterable[Quad], delta: Delta) -> Difference:
    graph = MemoryGraph(standing)
    return UserShapes(()).judge(graph, Overlay(graph, delta), delta)


def test_the_other_node_of_a_duplicate_is_told_and_both_are_resolved_together() -> None:
    standing = (*module("unique"), serial("a", "1"), serial("b", "2"), serial("c", "3"))
    found = judge(standing, Delta(added=(serial("b", "1"),)))
    assert {each.focus for each in found.added} == {T.a, T.b}
    found = judge((*standing, serial("b", "1")), Delta(removed=(serial("a", "1"),)))
    assert {each.focus for each in found.resolved} == {T.a, T.b}
    assert found.fallbacks == 0


def test_a_triple_that_stands_in_another_graph_too_stays() -> None:
    twice = Quad(T.n0, T.v, Literal(99), vocabulary_graph("elsewhere"))
    standing = (*module("numbers"), quad("n0", "v", 99), twice)
    assert judge(standing, Delta(removed=(twice,))) == Difference()
    inferred = Quad(T.n1, T.v, Literal(99), inferred_graph("t"))
    assert judge(standing, Delta(added=(inferred,))) == Difference()


def test_a_change_at_a_hub_costs_no_more_than_what_depends_on_it() -> None:
    members = [T[f"m{number}"] for number in range(3000)]
    site = site_graph("t")
    standing = [*module("hub"), *(Quad(member, T.site, T.hub, site) for member in members)]
    standing += [Quad(member, RDF.type, T.C1, site) for member in members]
    found = judge(standing, Delta(added=(Quad(T.hub, T.v, Literal(1), site),)))
    assert (found.pairs, found.added) == (0, ())  # one value is allowed: nothing changes for those around
    found = judge(standing, Delta(added=(Quad(T.hub, T.v, Literal(1), site), Quad(T.hub, T.v, Literal(2), site))))
    assert len(found.added) == found.pairs == len(members)


def test_a_query_that_does_not_lead_to_its_node_is_counted_and_still_right() -> None:
    standing = [*module("unconnected"), Quad(T.n1, RDF.type, T.C3, site_graph("t")), quad("n1", "v", 1)]
    found = judge([*standing, quad("x", "r", "y")], Delta(added=(quad("y", "w", 5),)))
    assert [each.focus for each in found.added] == [T.n1]
    assert found.fallbacks == 1


def test_an_edited_shape_is_judged_on_all_its_nodes_and_the_others_on_none() -> None:
    standing = [*module("numbers"), *module("texts"), *(quad(f"n{number}", "v", number) for number in range(10))]
    bound = next(each for each in module("numbers") if each.predicate.value.endswith("maxExclusive"))
    lower = Quad(bound.subject, bound.predicate, Literal(5), bound.graph_name)
    found = judge(standing, Delta(removed=(bound,), added=(lower,)))
    assert {each.focus for each in found.added} == {T.n5, T.n6, T.n7}
    assert found.pairs == 2 * 10  # each node by the old definition and by the new one
    assert {each.focus for each in judge(standing, Delta(removed=module("numbers"))).resolved} == {
        T.n0, T.n1, T.n8, T.n9,
    }  # fmt: skip


def test_shapes_are_read_again_after_a_change_that_touched_them() -> None:
    graph = MemoryGraph([quad("n0", "v", 99)])
    gate = UserShapes(())
    edit = Delta(added=module("numbers"))
    assert {each.focus for each in gate.judge(graph, Overlay(graph, edit), edit).added} == {T.n0}
    more = Delta(added=(quad("n1", "v", 77),))
    assert gate.judge(graph, Overlay(graph, more), more) == Difference()  # the shapes were never committed
    graph.apply(edit)
    gate.forget()
    assert {each.focus for each in gate.judge(graph, Overlay(graph, more), more).added} == {T.n1}
