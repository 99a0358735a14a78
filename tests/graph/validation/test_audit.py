"""The audit tells what Brick's own shapes say of a building."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pyshacl
import pytest
from pyshacl.pytypes import SHACLExecutor
from pyshacl.shapes_graph import ShapesGraph
from rdflib import Graph, URIRef
from rdflib.namespace import SH as RDFLIB_SH

from tests.shapes.graphs import turtle
from twin.errors import DeadlineExceeded, Unavailable
from twin.graph.child import end_all, run, serve
from twin.graph.validation.audit import audit, is_auditable
from twin.terms import Quad, n_quads
from twin.vocabularies.brick import brick_file

BROKEN = """
@prefix rec: <https://w3id.org/rec#> .
ex:building a brick:Building .
ex:ahu a brick:Air_Handling_Unit ; brick:hasPoint ex:vav , ex:sat .
ex:vav a brick:Variable_Air_Volume_Box ; brick:hasLocation ex:ahu .
ex:sat a brick:Supply_Air_Temperature_Sensor ; brick:hasLocation ex:room .
ex:room a rec:Room .
"""


@pytest.fixture(scope="module")
def brick() -> Path:
    return brick_file()


def test_a_building_that_brick_accepts_has_no_violation(brick: Path) -> None:
    good = turtle(
        """@prefix rec: <https://w3id.org/rec#> .
        ex:room a rec:Room . ex:ahu a brick:Air_Handling_Unit ; brick:hasLocation ex:room ; brick:hasPoint ex:sat .
        ex:sat a brick:Supply_Air_Temperature_Sensor ."""
    )
    assert audit(good, brick) == []


def test_what_brick_objects_to_is_told_in_words_with_value_and_remedy(brick: Path) -> None:
    found = {(v.focus, v.rule): v for v in audit(turtle(BROKEN), brick)}
    deprecated = found["urn:twin:t:building", "A class that is used is not deprecated."]
    assert deprecated.severity == "warning"
    assert deprecated.value == "https://brickschema.org/schema/Brick#Building"
    assert deprecated.remedy == "Use https://w3id.org/rec#Building instead."
    point = found["urn:twin:t:ahu", "brick:hasPoint: must be an instance of brick:Point."]
    assert (point.severity, point.value) == ("violation", "urn:twin:t:vav")
    placed = found["urn:twin:t:sat", "Points cannot have locations; use 'isPointOf' instead."]
    assert placed.found == "1 value"
    assert {v.source for v in found.values()} == {"brick"}
    assert all(v.rule.endswith(".") and v.remedy.endswith(".") for v in found.values())


def test_a_model_that_states_the_inverse_is_held_to_the_same_shapes(brick: Path) -> None:
    inverse = turtle("ex:ahu a brick:Air_Handling_Unit . ex:vav a brick:VAV ; brick:isPointOf ex:ahu .")
    assert any(v.focus == "urn:twin:t:ahu" and v.path == "brick:hasPoint" for v in audit(inverse, brick))


def test_the_same_model_gives_the_same_violations_in_the_same_order(brick: Path) -> None:
    assert audit(turtle(BROKEN), brick) == audit(turtle(BROKEN)[::-1], brick)


def test_only_a_model_that_uses_brick_can_be_audited() -> None:
    assert is_auditable(turtle("ex:ahu a brick:AHU ."))
    assert not is_auditable(turtle("ex:lab a s4bldg:BuildingSpace ."))
    assert not is_auditable(())


def test_an_empty_model_has_no_violation(brick: Path) -> None:
    assert audit((), brick) == []


def test_an_audit_that_takes_too_long_is_killed(brick: Path) -> None:
    with pytest.raises(DeadlineExceeded, match="took longer than"):
        audit(turtle(BROKEN), brick, deadline=0.01)


def test_a_server_that_stops_ends_its_children_at_once(brick: Path) -> None:
    ended: list[BaseException] = []

    def work() -> None:
        try:
            run("tests.graph.validation.test_audit", ("sleep",), (b"",), 60.0)
        except Unavailable as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        end_all()
        thread.join(0.05)
    assert len(ended) == 1


def test_a_child_that_fails_says_why() -> None:
    with pytest.raises(Unavailable, match="no such ontology"):
        run("tests.graph.validation.test_audit", ("fail",), (b"",), 60.0)


def test_a_child_ends_when_the_process_that_started_it_is_gone() -> None:
    # The parent it is told of is not the one that runs it: to the child, its parent has gone.
    child = subprocess.run(
        [sys.executable, "-m", "tests.graph.validation.test_audit", "sleep", "1"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=30,
        cwd=Path(__file__).parents[3],
    )
    assert child.returncode == 1


@pytest.mark.long
def test_the_engine_of_the_audit_agrees_with_pyshacl_on_the_same_graph(brick: Path) -> None:
    """pyshacl sees data and ontology as one graph; as ``ont_graph`` it would copy class definitions only, and the
    deprecations, which the shapes need, would be missing."""
    import shifty

    quads = turtle(BROKEN)
    text = n_quads(Quad(q.subject, q.predicate, q.object) for q in quads)
    result = shifty.validate_algebra(text, brick, infer=False)
    theirs = {(v.focus_node.strip("<>"), v.severity) for v in result.violations}

    shapes = Graph().parse(brick)
    union = Graph().parse(brick).parse(data=text.decode(), format="nt")
    nodes = {URIRef(q.subject.value) for q in quads}
    graph = ShapesGraph(shapes)
    executor = SHACLExecutor(validator=None)
    ours = set()
    assert pyshacl.__version__
    for shape in graph.shapes:
        foci = [focus for focus in shape.focus_nodes(union) if focus in nodes] if any(map(list, shape.target())) else []
        for _text, node, triples in shape.validate(executor, union, focus=foci)[1] if foci else ():
            parts = {p: o[1] if isinstance(o, tuple) else o for s, p, o in triples if s == node}
            ours.add((str(parts[RDFLIB_SH.focusNode]), str(parts[RDFLIB_SH.resultSeverity]).rpartition("#")[2]))
    assert theirs == ours


if __name__ == "__main__":  # the child of the tests above
    if sys.argv[1] == "fail":
        sys.exit("no such ontology")
    serve(lambda _fed, _answer: print(threading.Event().wait(60)))
