"""Random small graphs, and shapes of every kind for them, as hypothesis strategies.

Values are such that engines agree on them: times all have a zone, and no literal is ill-formed, for pyshacl orders what
SPARQL does not; paths turn back one predicate only, for it takes the steps of an inverse sequence in the wrong order.
What is left out here is tested by itself.
"""

from __future__ import annotations

from hypothesis import strategies as st

from twin.terms import BlankNode, Literal, NamedNode, Quad, RdfFormat, parse
from twin.vocab import RDF, RDFS, XSD, Namespace

EX = Namespace("urn:ex:")
PREFIXES = """
@prefix ex: <urn:ex:> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
NODES = [EX[name] for name in ("a", "b", "c", "d")]
BLANKS = [BlankNode("x"), BlankNode("y")]
CLASSES = [EX[name] for name in ("Thing", "Tool", "Saw")]
PREDICATES = [EX[name] for name in ("p", "q", "r")]
LITERALS = [
    Literal("1", datatype=XSD.integer),
    Literal("2", datatype=XSD.integer),
    Literal("1.5", datatype=XSD.decimal),
    Literal("one"),
    Literal("two words"),
    Literal("one", language="en"),
    Literal("uno", language="es"),
    Literal("un", language="en-GB"),
    Literal("two", language="en"),
    Literal("2020-01-01T00:00:00+01:00", datatype=XSD.dateTime),
    Literal("2021-01-01T00:00:00+01:00", datatype=XSD.dateTime),
    Literal("true", datatype=XSD.boolean),
]

_subjects = st.sampled_from([*NODES, *BLANKS])
_links = st.builds(Quad, _subjects, st.sampled_from(PREDICATES), st.sampled_from([*NODES, *BLANKS, *LITERALS]))
_ordered = st.builds(
    Quad,
    _subjects,
    st.sampled_from([EX.n, EX.m]),
    st.sampled_from([literal for literal in LITERALS if literal.datatype in (XSD.integer, XSD.decimal)]),
)
"""Numbers: pyshacl orders IRIs, and times beside numbers, which by SPARQL's operators have no order."""
_types = st.builds(Quad, _subjects, st.just(RDF.type), st.sampled_from(CLASSES))
_tree = st.builds(Quad, st.sampled_from(CLASSES), st.just(RDFS.subClassOf), st.sampled_from(CLASSES))

graphs: st.SearchStrategy[list[Quad]] = st.builds(
    lambda *parts: list(dict.fromkeys(quad for part in parts for quad in part)),
    st.lists(_links, max_size=14),
    st.lists(_ordered, max_size=5),
    st.lists(_types, min_size=1, max_size=5),
    st.lists(_tree, max_size=3),
)
"""A graph of a few nodes, blank ones among them, with classes and a class tree."""


def _terms(values: list[NamedNode] | list[Literal]) -> st.SearchStrategy[str]:
    return st.sampled_from([str(value) for value in values])


def _lists(of: st.SearchStrategy[str], least: int = 1) -> st.SearchStrategy[str]:
    return st.lists(of, min_size=least, max_size=3).map(lambda parts: f"( {' '.join(parts)} )")


_predicates = _terms(PREDICATES)
_paths = st.recursive(
    st.one_of(_predicates, _predicates.map(lambda path: f"[ sh:inversePath {path} ]")),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=2).map(lambda parts: f"( {' '.join(parts)} )"),
        st.lists(inner, min_size=2, max_size=2).map(lambda parts: f"[ sh:alternativePath ( {' '.join(parts)} ) ]"),
        inner.map(lambda path: f"[ sh:zeroOrMorePath {path} ]"),
        inner.map(lambda path: f"[ sh:oneOrMorePath {path} ]"),
        inner.map(lambda path: f"[ sh:zeroOrOnePath {path} ]"),
    ),
    max_leaves=3,
)
_kinds = ("IRI", "BlankNode", "Literal", "BlankNodeOrIRI", "BlankNodeOrLiteral", "IRIOrLiteral")
_of_values = st.one_of(
    _terms(CLASSES).map(lambda cls: f"sh:class {cls}"),
    st.sampled_from(["integer", "string", "dateTime", "boolean"]).map(lambda name: f"sh:datatype xsd:{name}"),
    st.just("sh:datatype rdf:langString"),
    st.sampled_from(_kinds).map(lambda kind: f"sh:nodeKind sh:{kind}"),
    st.builds(
        lambda side, bound: f"sh:{side} {bound}",
        st.sampled_from(["minExclusive", "minInclusive", "maxExclusive", "maxInclusive"]),
        st.sampled_from(["1", "2", "1.5"]),
    ),
    st.builds(lambda side, number: f"sh:{side}Length {number}", st.sampled_from(["min", "max"]), st.integers(1, 8)),
    st.sampled_from(['"o"', '"^one"', '"O" ; sh:flags "i"', '"[a-z]+ [a-z]+$"']).map(lambda text: f"sh:pattern {text}"),
    _lists(st.sampled_from(['"en"', '"es"', '"de"'])).map(lambda text: f"sh:languageIn {text}"),
    _lists(_terms([*NODES, *LITERALS[3:5]])).map(lambda text: f"sh:in {text}"),
    _terms([*NODES, *LITERALS[3:7]]).map(lambda term: f"sh:hasValue {term}"),
    st.builds(lambda kind, other: f"sh:{kind} {other}", st.sampled_from(["equals", "disjoint"]), _predicates),
)
_of_paths = st.one_of(
    st.builds(lambda side, number: f"sh:{side}Count {number}", st.sampled_from(["min", "max"]), st.integers(0, 3)),
    st.just("sh:uniqueLang true"),
)
_SPARQL = """sh:sparql [ sh:select \"\"\"SELECT $this ?value WHERE {{ $this {path} ?value . {more} }}\"\"\" ]"""
_queries = st.builds(
    lambda path, more: _SPARQL.format(path=path, more=more),
    _predicates,
    st.sampled_from(
        [
            "FILTER (isIRI(?value))",
            "?value <urn:ex:q> ?other",
            "FILTER NOT EXISTS { ?value <urn:ex:p> ?other }",
            "FILTER EXISTS { ?other <urn:ex:r> $this FILTER (?other != ?value) }",
            "OPTIONAL { ?value <urn:ex:r> ?other } FILTER (!bound(?other))",
            "{ ?value <urn:ex:p> ?other } UNION { $this <urn:ex:q> ?other }",
            "?value a/<http://www.w3.org/2000/01/rdf-schema#subClassOf>* ?class . FILTER (?class = <urn:ex:Thing>)",
            "?other <urn:ex:p>+ ?value",
            "?value <urn:ex:r>* ?other",
        ]
    ),
)


def _body(parts: list[str]) -> str:
    """The parts that may stand together: one of each parameter, and one pattern with its flags."""
    kept = {part.split(maxsplit=1)[0]: part for part in parts}
    return " ; ".join(kept.values())


def _nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        inner.map(lambda shape: f"sh:not {shape}"),
        inner.map(lambda shape: f"sh:node {shape}"),
        st.builds(lambda kind, shapes: f"sh:{kind} {shapes}", st.sampled_from(["and", "or", "xone"]), _lists(inner)),
        inner.map(lambda shape: f"sh:property {shape}").filter(lambda text: "sh:path" in text[:25]),
    )


def _shapes(demands: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    node = st.lists(demands, min_size=1, max_size=2).map(lambda parts: f"[ {_body(parts)} ]")
    on_path = st.builds(
        lambda path, parts: f"[ sh:path {path} ; {_body(parts)} ]",
        _paths,
        st.lists(st.one_of(demands, _of_paths), min_size=1, max_size=2),
    )
    return st.one_of(node, on_path)


_demands = st.recursive(_of_values, lambda inner: st.one_of(_of_values, _nested(_shapes(inner))), max_leaves=4)
_qualified = st.builds(
    lambda path, shape, side, number: (
        f"sh:property [ sh:path {path} ; sh:qualifiedValueShape {shape} ; sh:qualified{side}Count {number} ]"
    ),
    _paths,
    _shapes(_of_values),
    st.sampled_from(["Min", "Max"]),
    st.integers(0, 2),
)
_whole = st.one_of(
    _demands,
    _demands,
    _qualified,
    _queries,
    _lists(_predicates, 0).map(lambda ignored: f"sh:closed true ; sh:ignoredProperties {ignored}"),
    _shapes(st.one_of(_demands, _of_paths))
    .filter(lambda text: text.startswith("[ sh:path"))
    .map(lambda shape: f"sh:property {shape}"),
    st.builds(
        lambda path, other, kind: f"sh:property [ sh:path {path} ; sh:{kind} {other} ]",
        _terms([EX.n, EX.m]),
        _terms([EX.n, EX.m]),
        st.sampled_from(["lessThan", "lessThanOrEquals"]),
    ),
)
_targets = st.one_of(
    _terms(CLASSES).map(lambda cls: f"sh:targetClass {cls}"),
    _terms([*NODES, *LITERALS[3:4]]).map(lambda node: f"sh:targetNode {node}"),
    _predicates.map(lambda predicate: f"sh:targetSubjectsOf {predicate}"),
    _predicates.map(lambda predicate: f"sh:targetObjectsOf {predicate}"),
)

shape_texts: st.SearchStrategy[str] = st.lists(
    st.builds(
        lambda targets, body, severity: f"a sh:NodeShape ; {' ; '.join(targets)} ; {body} ; sh:severity sh:{severity}",
        st.lists(_targets, min_size=1, max_size=2, unique=True),
        _whole,
        st.sampled_from(["Violation", "Warning", "Info"]),
    ),
    min_size=1,
    max_size=3,
).map(lambda bodies: PREFIXES + "\n".join(f"ex:Shape{number} {body} ." for number, body in enumerate(bodies)))
"""Shapes as Turtle text: one to three with targets, each with demands of any kind."""


def quads_of(text: str) -> list[Quad]:
    """The quads of a Turtle text."""
    return list(parse(input=text, format=RdfFormat.TURTLE))
