"""A check that looked at nothing does not pass unseen."""

from __future__ import annotations

from tests.graph.shacl.generators import EX, PREFIXES, quads_of
from twin.graph.memory import MemoryStore
from twin.graph.shacl.reading import read_shapes
from twin.graph.shacl.validation import check

SHAPES = read_shapes(
    quads_of(
        PREFIXES
        + """
    ex:Tools a sh:NodeShape ; sh:targetClass ex:Tool ; sh:property [ sh:path ex:p ; sh:minCount 1 ] .
    ex:Users a sh:NodeShape ; sh:targetSubjectsOf ex:uses ; sh:nodeKind sh:IRI .
    ex:Saw rdfs:subClassOf ex:Tool ."""
    )
)
SAW = "ex:saw a ex:Saw . ex:hand ex:uses ex:saw ."


def _report(text: str):
    return check(MemoryStore(quads_of(PREFIXES + text)), SHAPES)


def test_shapes_whose_targets_select_nothing_are_named() -> None:
    report = _report("ex:a ex:p ex:b .")
    assert report.conforms
    assert [shape.node for shape in report.vacuous] == [EX.Tools, EX.Users]


def test_data_without_its_class_tree_is_told() -> None:
    report = _report(SAW)
    assert report.conforms
    assert [shape.node for shape in report.vacuous] == [EX.Tools]
    assert report.unknown_classes == (EX.Tool,)
    assert report.class_tree_missing


def test_with_the_class_tree_the_same_data_is_checked() -> None:
    report = _report(SAW + " ex:Saw rdfs:subClassOf ex:Tool .")
    assert [result.focus for result in report.results] == [EX.saw]
    assert (report.vacuous, report.unknown_classes, report.class_tree_missing) == ((), (), False)


def test_a_class_without_instances_in_a_known_tree_is_no_missing_tree() -> None:
    report = _report("ex:x a ex:Other . ex:Other rdfs:subClassOf ex:Any . ex:Hammer rdfs:subClassOf ex:Tool .")
    assert [shape.node for shape in report.vacuous] == [EX.Tools, EX.Users]
    assert (report.unknown_classes, report.class_tree_missing) == ((), False)


def test_results_are_at_hand_by_shape_and_by_node() -> None:
    report = _report(SAW + " ex:Saw rdfs:subClassOf ex:Tool . ex:axe a ex:Tool . [] ex:uses ex:axe .")
    assert {len(results) for results in report.by_shape().values()} == {1, 2}
    assert len(report.by_focus()[EX.axe]) == 1
