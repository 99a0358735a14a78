"""The full check tells what Brick's own shapes say of a building, and the gate keeps that current."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.shapes.graphs import turtle
from twin.contracts import Delta
from twin.errors import DeadlineExceeded, Unavailable
from twin.flows.vocabularies import load_vocabularies
from twin.graph.child import end_all, run, serve
from twin.graph.oxigraph import OxigraphStore
from twin.graph.validation.full import is_spoken, validate
from twin.graph.validation.gate import Gate, Violation, our_shapes
from twin.terms import Quad, read_file
from twin.vocab import site_graph
from twin.vocabularies.brick import brick_file

BROKEN = """
@prefix rec: <https://w3id.org/rec#> .
ex:building a brick:Building .
ex:ahu a brick:Air_Handling_Unit ; brick:hasPoint ex:vav , ex:sat ; brick:feeds ex:lab .
ex:vav a brick:Variable_Air_Volume_Box ; brick:hasLocation ex:ahu .
ex:sat a brick:Supply_Air_Temperature_Sensor ; brick:hasLocation ex:room .
ex:room a rec:Room .
ex:lab a saref:Device .
"""


@pytest.fixture(scope="module")
def brick() -> Path:
    return brick_file()


@pytest.fixture(scope="module")
def vocabularies() -> tuple[Quad, ...]:
    store = OxigraphStore()
    load_vocabularies(store, "1.5")
    return tuple(store.quads())


@pytest.fixture
def store(vocabularies: tuple[Quad, ...]) -> OxigraphStore:
    found = OxigraphStore()
    found.bulk_load(vocabularies)
    return found


def of_site(text: str) -> tuple[Quad, ...]:
    return tuple(Quad(q.subject, q.predicate, q.object, site_graph("t")) for q in turtle(text))


def audit(
    store: OxigraphStore, text: str, brick: Path, *, refuses: bool = False, deadline: float = 60
) -> list[Violation]:
    store.bulk_load(of_site(text))
    found = validate(store, "t", ontology=brick, refuses=refuses, deadline=deadline)
    return sorted((each for each in found if each.source == "brick"), key=lambda each: each.identity)


@pytest.fixture(scope="module")
def broken(vocabularies: tuple[Quad, ...], brick: Path) -> dict[bool, list[Violation]]:
    """What is found of the broken building, when such violations are reported and when they refuse."""
    found: dict[bool, list[Violation]] = {}
    for refuses in (False, True):
        store = OxigraphStore()
        store.bulk_load(vocabularies)
        found[refuses] = audit(store, BROKEN, brick, refuses=refuses)
    return found


def test_a_building_that_brick_accepts_has_no_violation(store: OxigraphStore, brick: Path) -> None:
    good = """@prefix rec: <https://w3id.org/rec#> .
        ex:room a rec:Room . ex:ahu a brick:Air_Handling_Unit ; brick:hasLocation ex:room ; brick:hasPoint ex:sat .
        ex:sat a brick:Supply_Air_Temperature_Sensor ."""
    assert audit(store, good, brick) == []


def test_what_brick_objects_to_is_told_in_words_with_value_and_remedy(broken: dict[bool, list[Violation]]) -> None:
    found = {(v.focus, v.rule): v for v in broken[True]}
    deprecated = found["urn:twin:t:building", "A class that is used is not deprecated."]
    assert deprecated.severity == "warning"
    assert deprecated.value == "https://brickschema.org/schema/Brick#Building"
    assert deprecated.remedy == "Use https://w3id.org/rec#Building instead."
    point = found["urn:twin:t:ahu", "brick:hasPoint: each value is an instance of brick:Point."]
    assert (point.severity, point.value) == ("violation", "urn:twin:t:vav")
    placed = found["urn:twin:t:sat", "Points cannot have locations; use 'isPointOf' instead."]
    assert placed.severity == "violation"
    assert all(v.rule.endswith(".") and v.remedy.endswith(".") for v in found.values())
    assert not any("skolem" in v.rule for v in found.values())


def test_what_stands_in_another_vocabulary_is_reported_and_never_refused(broken: dict[bool, list[Violation]]) -> None:
    found = [v for v in broken[True] if v.value == "urn:twin:t:lab"]
    assert {v.severity for v in found} == {"warning"}


def test_reported_violations_are_warnings(broken: dict[bool, list[Violation]]) -> None:
    assert {v.severity for v in broken[False]} == {"warning"}


def test_a_model_that_states_the_inverse_is_held_to_the_same_shapes(store: OxigraphStore, brick: Path) -> None:
    inverse = "ex:ahu a brick:Air_Handling_Unit . ex:vav a brick:VAV ; brick:isPointOf ex:ahu ."
    found = audit(store, inverse, brick)
    assert any(v.focus == "urn:twin:t:ahu" and v.path.endswith("#hasPoint") for v in found)


@pytest.mark.parametrize("refuses", [False, True])
def test_the_gate_finds_of_a_whole_building_what_the_full_check_finds(
    store: OxigraphStore, brick: Path, broken: dict[bool, list[Violation]], refuses: bool
) -> None:
    def read() -> list[Quad]:
        return list(read_file(brick))

    gate = Gate(our_shapes(), ontology=read, ontology_refuses=refuses)
    added = gate.judge(store, Delta(added=of_site(BROKEN))).added
    by_gate = {each: each.severity for each in added if each.source == "brick"}
    assert by_gate == {each: each.severity for each in broken[refuses]}
    store.bulk_load(of_site(BROKEN))
    resolved = gate.judge(store, Delta(removed=of_site(BROKEN))).resolved
    assert {each.identity for each in resolved if each.source == "brick"} == {each.identity for each in by_gate}


def test_only_a_model_in_bricks_words_is_judged_by_its_shapes(store: OxigraphStore) -> None:
    store.bulk_load(of_site("ex:lab a s4bldg:BuildingSpace ."))
    assert not is_spoken(store, "t")
    store.bulk_load(of_site("ex:ahu a brick:AHU ."))
    assert is_spoken(store, "t")


def test_an_empty_model_has_no_violation(store: OxigraphStore, brick: Path) -> None:
    assert audit(store, "", brick) == []


def test_what_another_site_says_of_a_node_counts(store: OxigraphStore, brick: Path) -> None:
    ahu = "ex:ahu a brick:Air_Handling_Unit ; brick:hasPoint <urn:twin:u:sat> ."
    store.bulk_load(of_site(ahu))
    assert [v.value for v in audit(store, ahu, brick) if v.path.endswith("hasPoint")] != []
    there = turtle("<urn:twin:u:sat> a brick:Supply_Air_Temperature_Sensor .")
    store.bulk_load(Quad(q.subject, q.predicate, q.object, site_graph("u")) for q in there)
    assert [v.value for v in audit(store, ahu, brick) if v.path.endswith("hasPoint")] == []


def test_a_check_that_takes_too_long_is_killed(store: OxigraphStore, brick: Path) -> None:
    with pytest.raises(DeadlineExceeded, match="took longer than"):
        audit(store, BROKEN, brick, deadline=0.01)


def test_a_server_that_stops_ends_its_children_at_once() -> None:
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


if __name__ == "__main__":  # the child of the tests above
    if sys.argv[1] == "fail":
        sys.exit("no such ontology")
    serve(lambda _fed, _answer: print(threading.Event().wait(60)))
