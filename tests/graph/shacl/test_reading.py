"""Reading shapes: what is ill-formed is told in words, and the rest is read."""

from __future__ import annotations

import re

import pytest

from tests.graph.shacl.generators import EX, PREFIXES, quads_of
from twin.graph.shacl.reading import read_shapes
from twin.graph.shacl.shapes import ClassTarget
from twin.terms import BlankNode, NamedNode, Quad


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sh:minCount 1", "has sh:minCount without a path"),
        ("sh:nodeKind sh:Nothing", "sh:nodeKind"),
        ("sh:datatype xsd:string , xsd:integer", "2 values of sh:datatype"),
        ("sh:property [ sh:minCount 1 ; sh:maxLength 3 ; a sh:PropertyShape ]", "without sh:path"),
        ("sh:property [ sh:path ex:p , ex:q ; sh:minCount 1 ]", "more than one sh:path"),
        ("sh:property [ sh:path ( ex:p ) ; sh:minCount 1 ]", "fewer than two"),
        ('sh:property [ sh:path "p" ; sh:minCount 1 ]', "text as its path"),
        ("sh:property [ sh:path ex:p ; sh:minCount -1 ]", "no whole number"),
        ("sh:minLength 1.5", "no whole number"),
        ("sh:in ex:a", "not well-formed"),
        ("sh:closed ex:a", "not true or false"),
        ('sh:class "Thing"', "text as sh:class"),
        ("sh:minInclusive ex:a", "no order"),
        ('sh:and ( "x" )', "text in sh:and"),
        ('sh:sparql [ sh:select "SELECT $this WHERE { $this ?p }" ]', "cannot be read"),
        ('sh:sparql [ sh:select "SELECT $this WHERE { $this nope:p ?x }" ]', "prefix in it is not declared"),
        ('sh:sparql [ sh:select "SELECT ?x WHERE { $this ?p ?x }" ]', r"does not return \$this"),
        ('sh:sparql [ sh:select "ASK { $this ?p ?x }" ]', "has a ASK where"),
        ('sh:sparql [ sh:select "SELECT $this WHERE { $this ?p ?x MINUS { $this ?p 1 } }" ]', "uses MINUS"),
        ('sh:sparql [ sh:select "SELECT $this WHERE { BIND (1 AS $this) }" ]', "gives a value to"),
        ('sh:sparql [ sh:select "SELECT $this { $this ?p ?x { SELECT ?x { ?x ?q ?y } } }" ]', "subquery"),
        ('sh:sparql [ sh:select "SELECT $this { SERVICE <http://x/> { $this ?p ?x } }" ]', "SERVICE"),
        (f'sh:sparql [ sh:select "SELECT $this {"{" * 5000}" ]', "cannot be read"),
        ("sh:target [ ]", "target without sh:select"),
        ('sh:targetClass "x"', "text as sh:targetClass"),
    ],
)
def test_what_is_ill_formed_is_told_of_its_shape(text: str, words: str) -> None:
    shapes = read_shapes(quads_of(f"{PREFIXES} ex:S a sh:NodeShape ; sh:targetNode ex:a ; {text} ."))
    assert len(shapes.problems) == 1
    problem = shapes.problems[0]
    assert re.search(words, problem.words)
    assert "urn:ex:S" in problem.words
    assert problem.remedy
    assert shapes.find(EX.S) is not None


def test_a_path_that_holds_itself_is_told() -> None:
    text = "ex:S a sh:NodeShape ; sh:property [ sh:path _:p ; sh:minCount 1 ] . _:p sh:inversePath _:p ."
    assert "nested too deep" in read_shapes(quads_of(PREFIXES + text)).problems[0].words


def test_nested_shapes_and_lists_may_be_named() -> None:
    """Stored shapes have IRIs in the place of blank nodes."""
    text = """ex:S a sh:NodeShape ; sh:targetClass ex:Thing ;
      sh:or ( [ sh:datatype xsd:string ] [ sh:class ex:Tool ] ) ;
      sh:property [ sh:path ( ex:p [ sh:zeroOrMorePath [ sh:inversePath ex:q ] ] ) ; sh:in ( ex:a ex:b ) ] ."""
    quads = quads_of(PREFIXES + text)
    names: dict[object, NamedNode] = {}

    def named(term: object) -> object:
        if isinstance(term, BlankNode):
            return names.setdefault(term, NamedNode(f"urn:skolem:{len(names)}"))
        return term

    skolemised = [Quad(named(q.subject), q.predicate, named(q.object)) for q in quads]
    plain, stored = read_shapes(quads), read_shapes(skolemised)
    assert (plain.problems, stored.problems) == ((), ())
    assert len(plain.all) == len(stored.all) == 4
    assert {shape.path for shape in plain.all.values()} == {shape.path for shape in stored.all.values()}


def test_a_shape_that_is_a_class_is_for_its_instances() -> None:
    for kind in ("rdfs:Class", "owl:Class"):
        shapes = read_shapes(quads_of(f"{PREFIXES} ex:Thing a sh:NodeShape , {kind} ; sh:nodeKind sh:IRI ."))
        assert shapes.targeted[0].targets == (ClassTarget(EX.Thing),)


def test_a_deactivated_shape_has_no_targets() -> None:
    text = "ex:S a sh:NodeShape ; sh:targetNode ex:a ; sh:nodeKind sh:Literal ; sh:deactivated true ."
    shapes = read_shapes(quads_of(PREFIXES + text))
    assert shapes.targeted == ()
    assert shapes.all[EX.S].deactivated
