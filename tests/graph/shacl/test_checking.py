"""Checking: targets without enumerating, recursion that ends, SPARQL in all its places, results in words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from tests.graph.shacl.generators import BLANKS, EX, LITERALS, NODES, PREFIXES, graphs, quads_of, shape_texts
from twin.errors import InvalidInput
from twin.graph.memory import MemoryStore
from twin.graph.shacl.checking import Checker
from twin.graph.shacl.reading import read_shapes
from twin.graph.shacl.results import Result, violation_of
from twin.graph.shacl.shapes import Shapes
from twin.graph.shacl.triples import MemoryTriples
from twin.graph.shacl.validation import check
from twin.graph.violation import Violation
from twin.terms import NamedNode, Object, Quad, Subject
from twin.vocab import SH

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")


def _shapes(text: str) -> Shapes:
    shapes = read_shapes(quads_of(PREFIXES + text))
    assert shapes.problems == ()
    return shapes


def _results(shapes: str, data: str) -> list[Result]:
    read = _shapes(shapes)
    found = [check(view, read) for view in (MemoryStore(quads_of(PREFIXES + data)), _memory(data))]
    assert found[0].problems == found[1].problems == ()
    assert {result.identity for result in found[0].results} == {result.identity for result in found[1].results}
    return list(found[0].results)


def _memory(data: str) -> MemoryTriples:
    return MemoryTriples((q.subject, q.predicate, q.object) for q in quads_of(PREFIXES + data))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(graphs, shape_texts)
def test_a_node_is_a_target_when_it_is_among_the_targets(data: list[Quad], text: str) -> None:
    checker = Checker(MemoryStore(data), _shapes(text.removeprefix(PREFIXES)))
    for shape in checker.shapes.targeted:
        selected = checker.focus_nodes(shape)
        for node in (*NODES, *BLANKS, *LITERALS):
            assert checker.is_target(shape, node) is (node in selected)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(graphs, shape_texts)
def test_nodes_checked_one_by_one_break_what_all_break_together(data: list[Quad], text: str) -> None:
    shapes = _shapes(text.removeprefix(PREFIXES))
    together = {result.identity for result in check(MemoryStore(data), shapes).results}
    targets = Checker(MemoryStore(data), shapes)
    pairs = [(shape, node) for shape in shapes.targeted for node in targets.focus_nodes(shape)]
    single = {result.identity for pair in pairs for result in check(MemoryStore(data), shapes, [pair]).results}
    assert single == together


# ---- Recursion


def test_a_shape_that_refers_to_itself_holds_on_a_chain_and_is_told_on_a_circle() -> None:
    shape = "ex:S a sh:NodeShape ; sh:targetNode ex:a ; sh:property [ sh:path ex:p ; sh:node ex:S ; sh:minCount 0 ] ."
    shapes = _shapes(shape)
    chain = check(MemoryStore(quads_of(PREFIXES + "ex:a ex:p ex:b . ex:b ex:p ex:c .")), shapes)
    assert chain.conforms
    assert chain.problems == ()
    circle = check(MemoryStore(quads_of(PREFIXES + "ex:a ex:p ex:b . ex:b ex:p ex:a .")), shapes)
    assert ["refers to itself" in problem.words for problem in circle.problems] == [True]
    checker = Checker(MemoryStore(quads_of(PREFIXES + "ex:a ex:p ex:a .")), shapes)
    with pytest.raises(InvalidInput, match="refers to itself"):
        checker.results(shapes.targeted[0], EX.a)


def test_one_node_in_a_circle_does_not_hide_what_others_break() -> None:
    shapes = _shapes(
        """ex:S a sh:NodeShape ; sh:targetSubjectsOf ex:p ;
          sh:property ex:P . ex:P sh:path ex:p ; sh:node ex:S ; sh:nodeKind sh:IRI ."""
    )
    report = check(MemoryStore(quads_of(PREFIXES + 'ex:a ex:p ex:a . ex:b ex:p "text" .')), shapes)
    assert [(result.focus, result.component) for result in report.results] == [(EX.b, SH.NodeKindConstraintComponent)]
    assert len(report.problems) == 1


def test_property_shapes_that_hold_one_another_end() -> None:
    shapes = _shapes(
        "ex:S a sh:NodeShape ; sh:targetNode ex:a ; sh:property ex:P . ex:P sh:path ex:p ; sh:property ex:P ."
    )
    assert check(MemoryStore(quads_of(PREFIXES + "ex:a ex:p ex:a .")), shapes).problems != ()


# ---- SPARQL


def test_a_component_of_its_own_binds_its_parameters() -> None:
    shapes = """
    ex:AtMost a sh:ConstraintComponent ;
      sh:parameter [ sh:path ex:most ] , [ sh:path ex:unit ; sh:optional true ] ;
      sh:validator [ a sh:SPARQLAskValidator ; sh:message "At most {$most}{?unit}, not {?value}." ;
        sh:ask "ASK { FILTER ($value <= $most) }" ] .
    ex:S a sh:NodeShape ; sh:targetNode ex:a ; sh:property [ sh:path ex:p ; ex:most 3 ; ex:unit " kW" ] ."""
    (result,) = _results(shapes, "ex:a ex:p 2 , 5 .")
    assert result.component == EX.AtMost
    assert result.message == "At most 3 kW, not 5."


def test_the_message_of_a_query_is_filled_from_its_row() -> None:
    shapes = """ex:S a sh:NodeShape ; sh:targetNode ex:a ; sh:sparql [
      sh:message "{?other} is no neighbour of {$this}." ;
      sh:select "SELECT $this ?other WHERE { ?other <urn:ex:p> $this }" ] ."""
    (result,) = _results(shapes, "ex:b ex:p ex:a .")
    assert result.message == "urn:ex:b is no neighbour of urn:ex:a."


@pytest.mark.parametrize(
    "where",
    [
        "$this ex:p ?value . FILTER NOT EXISTS { ?any ex:q ?value }",
        "?value ex:p ?x . $this ex:p ?x . FILTER (?value != $this)",
        "{ FILTER ($this = ex:a) } { $this ex:p ?value }",
        "$this ex:p ?value { SELECT $this (COUNT(?x) AS ?n) WHERE { $this ex:p ?x } GROUP BY $this } FILTER (?n = 2)",
        "$this (ex:p|^ex:p)* ?value . FILTER (isLiteral(?value))",
        "BIND ($this AS ?it) ?it ex:p ?value .",
        "$this ex:none* ?value",
        "OPTIONAL { $this ex:none/ex:p ?y } $this ex:r|ex:none? ?value",
        "?any ex:r ?value .",
        "$this !(ex:q|rdf:type) ?value .",
        "?value ?any $this .",
        "OPTIONAL { $this ex:q ?y } ?value ex:q ?y",
        "$this ex:p ?x OPTIONAL { ?x ex:q ?y } FILTER (!bound(?y)) BIND (?x AS ?value)",
    ],
)
def test_a_query_finds_the_same_by_what_it_touches_as_in_the_whole_graph(where: str) -> None:
    shapes = f"""ex: sh:declare [ sh:prefix "ex" ; sh:namespace "urn:ex:" ] .
      ex:S a sh:NodeShape ; sh:targetSubjectsOf ex:p ; sh:targetObjectsOf ex:p ;
        sh:sparql [ sh:prefixes ex: ; sh:select "SELECT $this ?value WHERE {{ {where} }}" ] ."""
    data = 'ex:a ex:p ex:b , "x" . ex:b ex:p ex:c . ex:c ex:q ex:b , ex:a . ex:d ex:p ex:b ; ex:r "y" . _:n ex:p ex:a .'
    assert _results(shapes, data) != []


def test_a_check_of_one_node_reads_no_more_than_it_touches() -> None:
    asked: list[tuple[object, ...]] = []
    store = MemoryStore(quads_of(PREFIXES + "ex:a ex:p ex:b . ex:b ex:q ex:c . ex:x ex:p ex:y ."))

    class Watched:
        def quads(
            self,
            subject: Subject | None = None,
            predicate: NamedNode | None = None,
            object: Object | None = None,
            graph: NamedNode | None = None,
        ) -> Iterator[Quad]:
            asked.append((subject, predicate, object))
            return store.quads(subject, predicate, object, graph)

    shapes = _shapes(
        """ex:S a sh:NodeShape ; sh:targetSubjectsOf ex:p ; sh:class ex:Thing ;
          sh:property [ sh:path ( ex:p ex:q ) ; sh:maxCount 0 ] ;
          sh:sparql [ sh:select "SELECT $this ?value WHERE { $this <urn:ex:p>/<urn:ex:q> ?value }" ] ."""
    )
    assert len(check(Watched(), shapes, [(shapes.targeted[0], EX.a)]).results) == 3
    assert all(subject is not None or object is not None for subject, _, object in asked)


def test_targets_may_be_selected_by_a_query() -> None:
    shapes = """ex:S a sh:NodeShape ; sh:nodeKind sh:Literal ;
      sh:target [ a sh:SPARQLTarget ; sh:select "SELECT ?this WHERE { ?this <urn:ex:p> ?x . FILTER (?x > 1) }" ] ."""
    assert [result.focus for result in _results(shapes, "ex:a ex:p 1 . ex:b ex:p 2 .")] == [EX.b]
    checker = Checker(_memory("ex:a ex:p 1 . ex:b ex:p 2 ."), _shapes(shapes))
    assert [checker.is_target(checker.shapes.targeted[0], node) for node in (EX.a, EX.b)] == [False, True]


# ---- Words


def test_a_result_becomes_a_violation_with_the_words_of_its_shape() -> None:
    shapes = """@prefix twin: <urn:twin:vocabulary:core#> .
    ex:S a sh:PropertyShape ; sh:targetNode ex:a ; sh:path [ sh:inversePath ex:p ] ; sh:maxCount 1 ;
      sh:severity sh:Warning ; sh:message "One at most." ; twin:remedy "Remove one." ."""
    (result,) = _results(shapes, "ex:b ex:p ex:a . ex:c ex:p ex:a .")
    assert violation_of(result) == Violation(
        focus="urn:ex:a",
        path="^<urn:ex:p>",
        component=SH.MaxCountConstraintComponent.value,
        shape="urn:ex:S",
        value="",
        severity="warning",
        rule="One at most.",
        remedy="Remove one.",
        source="twin",
    )
    assert violation_of(result).found == "urn:ex:b, urn:ex:c"


@pytest.mark.parametrize(
    ("demand", "rule"),
    [
        ("sh:minCount 3", "There are at least 3 values."),
        (
            "sh:datatype xsd:integer",
            "Each value is a well-formed literal of type http://www.w3.org/2001/XMLSchema#integer.",
        ),
        ("sh:maxLength 2", "Each value has at most 2 characters."),
        ("sh:lessThan ex:q", "one is not less than 1."),
        ("sh:in ( 1 2 )", "Each value is one of 1, 2."),
        ("sh:or ( ex:T )", "Each value conforms to at least one of urn:ex:T."),
    ],
)
def test_a_demand_without_a_message_is_said_in_words(demand: str, rule: str) -> None:
    shapes = f"ex:S a sh:PropertyShape ; sh:targetNode ex:a ; sh:path ex:p ; {demand} . ex:T sh:nodeKind sh:IRI ."
    assert {violation_of(each).rule for each in _results(shapes, 'ex:a ex:p "one" ; ex:q 1 .')} == {rule}
