"""Random scripts of edits over a small graph, with shapes of every kind; and what pyshacl says of a state in full."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pyshacl.pytypes import SHACLExecutor
from pyshacl.shapes_graph import ShapesGraph
from rdflib import BNode, Graph, URIRef
from rdflib import Literal as RdflibLiteral
from rdflib.namespace import SH as RDFLIB_SH
from rdflib.plugins.sparql import prepareQuery
from rdflib.query import Result

from twin.contracts import Delta
from twin.graph.shacl.paths import path_text
from twin.graph.shacl.reading import read_shapes
from twin.terms import BlankNode, Literal, NamedNode, Quad, RdfFormat, parse
from twin.vocab import RDF, RDFS, SH, Namespace, shapes_graph, site_graph, vocabulary_graph

T = Namespace("urn:t#")
SITE = site_graph("t")
TREE = vocabulary_graph("t-classes")
SHAPES = shapes_graph("t")
_NESTED = "urn:t:nested:"
CLASSES = [T[f"C{number}"] for number in range(8)]
NODES = [T[f"n{number}"] for number in range(12)]
HUB = T.hub
OF_RECURSION = frozenset(T[name].value for name in ("Rec", "RecPart", "RecV"))
"""Shapes that refer to themselves: SHACL leaves open what they mean, and pyshacl stops at the second round."""
Identity = tuple[str, str, str, str, str]

_PREFIXES = """
@prefix t: <urn:t#> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""

MODULES: Mapping[str, str] = {
    "counts": """
        t:Counts a sh:NodeShape ; sh:targetClass t:C1 ; sh:property t:CountsP , t:CountsQ .
        t:CountsP a sh:PropertyShape ; sh:path t:p ; sh:minCount 1 ; sh:maxCount 2 .
        t:CountsQ a sh:PropertyShape ; sh:path t:q ; sh:maxCount 1 ; sh:severity sh:Warning .""",
    "sequence": """
        t:Seq a sh:PropertyShape ; sh:targetClass t:C0 ; sh:path ( t:p t:q ) ; sh:class t:C3 ; sh:maxCount 2 .""",
    "inverse": """
        t:Inv a sh:PropertyShape ; sh:targetClass t:C2 ; sh:path [ sh:inversePath t:p ] ; sh:minCount 1 .""",
    "inverse on the way": """
        t:InvSeq a sh:PropertyShape ; sh:targetSubjectsOf t:r ;
          sh:path ( t:q [ sh:inversePath t:p ] [ sh:inversePath [ sh:alternativePath ( t:r t:part ) ] ] ) ;
          sh:class t:C1 .""",
    "alternative": """
        t:Alt a sh:PropertyShape ; sh:targetSubjectsOf t:q ;
          sh:path [ sh:alternativePath ( t:p [ sh:inversePath t:q ] ) ] ; sh:maxCount 2 .""",
    "star": """
        t:Star a sh:PropertyShape ; sh:targetClass t:C1 ; sh:path [ sh:zeroOrMorePath t:p ] ; sh:class t:C0 .""",
    "plus": """
        t:Plus a sh:PropertyShape ; sh:targetObjectsOf t:part ;
          sh:path [ sh:oneOrMorePath [ sh:inversePath t:part ] ] ; sh:hasValue t:n0 .""",
    "optional step": """
        t:Opt a sh:PropertyShape ; sh:targetClass t:C3 ;
          sh:path ( [ sh:zeroOrOnePath t:p ] t:v ) ; sh:minCount 1 ; sh:maxCount 3 .""",
    "star of a choice": """
        t:StarAlt a sh:PropertyShape ; sh:targetNode t:n2 , t:n3 ;
          sh:path ( [ sh:zeroOrMorePath [ sh:alternativePath ( t:p t:part ) ] ] t:q ) ; sh:maxCount 2 .""",
    "target node": """
        t:Node a sh:PropertyShape ; sh:targetNode t:n1 , t:n4 , t:absent ; sh:path t:r ; sh:minCount 1 ;
          sh:in ( t:n0 t:n5 t:n6 ) .""",
    "numbers": """
        t:Numbers a sh:PropertyShape ; sh:targetSubjectsOf t:v ; sh:path t:v ; sh:datatype xsd:integer ;
          sh:minInclusive 2 ; sh:maxExclusive 8 .""",
    "objects": """
        t:Objects a sh:NodeShape ; sh:targetObjectsOf t:q ; sh:class t:C2 ; sh:nodeKind sh:IRI .""",
    "implicit": """
        t:C5 a rdfs:Class , sh:NodeShape ; sh:property t:Implicit .
        t:Implicit sh:path t:v ; sh:minCount 1 .""",
    "sparql target": """
        t:BySparql a sh:NodeShape ; sh:property t:BySparqlP ;
          sh:target [ a sh:SPARQLTarget ;
            sh:select '''SELECT ?this WHERE { ?this <urn:t#p> ?x . ?x a <urn:t#C1> }''' ] .
        t:BySparqlP sh:path t:w ; sh:minCount 1 .""",
    "sparql target by class": """
        t:BySparqlTree a sh:PropertyShape ; sh:path t:v ; sh:minCount 1 ;
          sh:target [ a sh:SPARQLTarget ; sh:select '''PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
            SELECT DISTINCT ?this WHERE { ?c a/rdfs:subClassOf* <urn:t#C0> . ?c <urn:t#q>+ ?this }''' ] .""",
    "nested": """
        t:Outer a sh:NodeShape ; sh:targetClass t:C0 ; sh:property t:OuterP .
        t:OuterP sh:path t:p ; sh:node t:Inner .
        t:Inner sh:property t:InnerQ . t:InnerQ sh:path t:q ; sh:node t:Innermost .
        t:Innermost sh:property [ sh:path t:v ; sh:minCount 1 ] ; sh:class t:C1 .""",
    "recursive": """
        t:Rec a sh:NodeShape ; sh:targetNode t:n0 , t:n1 ; sh:property t:RecPart , t:RecV .
        t:RecPart sh:path t:part ; sh:node t:Rec .
        t:RecV sh:path t:v ; sh:maxCount 1 .""",
    "property of a property": """
        t:Deep a sh:PropertyShape ; sh:targetClass t:C2 ; sh:path t:p ;
          sh:property [ sh:path t:q ; sh:minCount 1 ; sh:property [ sh:path t:w ; sh:maxCount 1 ] ] .""",
    "logic": """
        t:Logic a sh:NodeShape ; sh:targetClass t:C1 ;
          sh:or ( [ sh:property [ sh:path t:v ; sh:minCount 1 ] ] [ sh:class t:C4 ] ) ;
          sh:not [ sh:property [ sh:path ( t:p t:p ) ; sh:minCount 2 ] ] .
        t:Logic2 a sh:NodeShape ; sh:targetSubjectsOf t:w ;
          sh:xone ( [ sh:property [ sh:path t:p ; sh:class t:C1 ; sh:minCount 1 ] ]
                    [ sh:property [ sh:path t:q ; sh:minCount 1 ] ] ) ;
          sh:and ( [ sh:property [ sh:path t:w ; sh:maxCount 1 ] ] [ sh:nodeKind sh:IRI ] ) .""",
    "qualified": """
        t:Qual a sh:NodeShape ; sh:targetClass t:C0 ; sh:property t:QualA , t:QualB .
        t:QualA sh:path t:p ; sh:qualifiedValueShape [ sh:class t:C2 ] ; sh:qualifiedMinCount 1 ;
          sh:qualifiedMaxCount 1 ; sh:qualifiedValueShapesDisjoint true .
        t:QualB sh:path t:p ; sh:qualifiedValueShape [ sh:property [ sh:path t:v ; sh:minCount 1 ] ] ;
          sh:qualifiedMaxCount 2 ; sh:qualifiedValueShapesDisjoint true .""",
    "texts": """
        t:Texts a sh:NodeShape ; sh:targetSubjectsOf t:label ; sh:property t:TextsL , t:TextsW .
        t:TextsL sh:path t:label ; sh:uniqueLang true ; sh:languageIn ( "en" "de" ) ; sh:minLength 2 .
        t:TextsW sh:path t:w ; sh:pattern "^[a-c]+$" ; sh:maxLength 2 .""",
    "languages of many": """
        t:Langs a sh:PropertyShape ; sh:targetClass t:C2 ; sh:path ( t:p t:label ) ; sh:uniqueLang true .""",
    "closed": """
        t:Closed a sh:NodeShape ; sh:targetClass t:C4 ; sh:closed true ; sh:ignoredProperties ( rdf:type t:label ) ;
          sh:property [ sh:path t:p ] , [ sh:path t:v ] .
        t:ClosedBelow a sh:PropertyShape ; sh:targetClass t:C6 ; sh:path t:part ; sh:node t:ClosedInner .
        t:ClosedInner sh:closed true ; sh:ignoredProperties ( rdf:type t:part ) ; sh:property [ sh:path t:q ] .""",
    "pairs": """
        t:Pairs a sh:NodeShape ; sh:targetClass t:C0 ; sh:property t:PairsP , t:PairsV , t:PairsW .
        t:PairsP sh:path t:p ; sh:disjoint t:q .
        t:PairsV sh:path t:v ; sh:lessThan t:w2 .
        t:PairsW sh:path ( t:p t:v ) ; sh:lessThanOrEquals t:w2 .
        t:PairsE a sh:PropertyShape ; sh:targetNode t:n7 , t:n8 ; sh:path t:q ; sh:equals t:r .""",
    "unique": """
        t:Unique a sh:NodeShape ; sh:targetSubjectsOf t:serial ; sh:sparql [
          sh:select '''SELECT $this ?value WHERE { $this <urn:t#serial> ?value . ?other <urn:t#serial> ?value .
            FILTER (?other != $this) }''' ] .""",
    "unique in a class": """
        t:UniqueC a sh:NodeShape ; sh:targetClass t:C1 ; sh:sparql [
          sh:select '''PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
            SELECT $this ?value WHERE { $this <urn:t#serial> ?value . ?other <urn:t#serial> ?value .
            ?other a/rdfs:subClassOf* <urn:t#C2> . FILTER (?other != $this) }''' ] .""",
    "not exists": """
        t:NotExists a sh:NodeShape ; sh:targetClass t:C0 ; sh:sparql [
          sh:select '''SELECT $this ?value WHERE { $this <urn:t#p> ?value .
            FILTER NOT EXISTS { ?value <urn:t#q> ?z . ?z <urn:t#v> ?number } }''' ] .""",
    "exists in not exists": """
        t:Deeper a sh:NodeShape ; sh:targetSubjectsOf t:p ; sh:sparql [
          sh:select '''SELECT $this ?value WHERE { $this <urn:t#p> ?value .
            FILTER NOT EXISTS { ?value <urn:t#part> ?z FILTER EXISTS { ?z <urn:t#w> ?any } } }''' ] .""",
    "optional": """
        t:OptBound a sh:NodeShape ; sh:targetSubjectsOf t:p ; sh:sparql [
          sh:select '''SELECT $this ?value WHERE { $this <urn:t#p> ?value .
            OPTIONAL { ?value <urn:t#q>/<urn:t#r> ?z } FILTER (!BOUND(?z)) }''' ] .""",
    "minus in a target": """
        t:Minus a sh:PropertyShape ; sh:path t:w ; sh:maxCount 0 ; sh:target [ a sh:SPARQLTarget ;
          sh:select '''SELECT ?this WHERE { ?this <urn:t#p> ?value .
            MINUS { ?value <urn:t#label> ?l . ?value <urn:t#v> ?n } }''' ] .""",
    "union": """
        t:Union a sh:NodeShape ; sh:targetClass t:C1 ; sh:sparql [
          sh:select '''SELECT $this ?value WHERE {
            { $this <urn:t#p> ?value . ?value <urn:t#w> ?x } UNION
            { ?value <urn:t#q> $this FILTER NOT EXISTS { ?value <urn:t#v> ?n } } }''' ] .""",
    "counting": """
        t:Counting a sh:NodeShape ; sh:targetSubjectsOf t:q ; sh:sparql [
          sh:select '''SELECT $this ?value WHERE {
            { SELECT $this ?value (COUNT(?x) AS ?n) WHERE { $this <urn:t#q> ?value . ?x <urn:t#p> ?value }
              GROUP BY $this ?value HAVING (COUNT(?x) > 1) } }''' ] .""",
    "counting in a target": """
        t:CountTarget a sh:PropertyShape ; sh:path t:w ; sh:maxCount 0 ; sh:target [ a sh:SPARQLTarget ;
          sh:select '''SELECT ?this WHERE { ?this <urn:t#q> ?value .
            { SELECT ?value (COUNT(?x) AS ?n) WHERE { ?x <urn:t#p> ?value }
              GROUP BY ?value HAVING (COUNT(?x) > 1) } }''' ] .""",
    "unconnected": """
        t:Loose a sh:NodeShape ; sh:targetClass t:C3 ; sh:sparql [
          sh:select '''SELECT $this WHERE { $this <urn:t#v> ?n . ?a <urn:t#r> ?b . ?b <urn:t#w> ?c }''' ] .""",
    "any predicate": """
        t:Any a sh:NodeShape ; sh:targetClass t:C2 ; sh:sparql [
          sh:select '''SELECT $this ?value WHERE { $this ?way ?value . ?value ?back $this }''' ] .""",
    "path in a query": """
        t:ByPath a sh:PropertyShape ; sh:targetClass t:C0 ; sh:path ( t:p [ sh:inversePath t:q ] ) ; sh:sparql [
          sh:select '''SELECT $this ?value WHERE { $this $PATH ?value . ?value <urn:t#part>+ ?z . ?z <urn:t#v> ?n }'''
          ] .""",
    "component": """
        t:Beside a sh:ConstraintComponent ; sh:parameter [ a sh:Parameter ; sh:path t:notBeside ] ;
          sh:validator [ a sh:SPARQLAskValidator ;
            sh:ask '''ASK { FILTER NOT EXISTS { $value <urn:t#p> ?x . ?x <urn:t#r> $notBeside } }''' ] .
        t:WithComponent a sh:NodeShape ; sh:targetClass t:C2 ; t:notBeside t:n3 .""",
    "hub": """
        t:HubShape a sh:PropertyShape ; sh:targetClass t:C1 ; sh:path t:site ; sh:node t:HubInner .
        t:HubInner sh:property [ sh:path t:v ; sh:maxCount 1 ] ; sh:not [ sh:class t:C6 ] .""",
}


@cache
def module(name: str) -> tuple[Quad, ...]:
    """The shapes of a module, its blank nodes named as the store names them."""
    quads = parse(_PREFIXES + MODULES[name], format=RdfFormat.TURTLE)
    names: dict[BlankNode, NamedNode] = {}

    def term(node: Any) -> Any:
        if not isinstance(node, BlankNode):
            return node
        return names.setdefault(node, NamedNode(f"{_NESTED}{name.replace(' ', '-')}:{len(names)}"))

    return tuple(Quad(term(quad.subject), quad.predicate, term(quad.object), SHAPES) for quad in quads)


@dataclass
class Script:
    """A state and the edits to come, from one seed."""

    seed: int
    modules: list[str] = field(init=False)
    state: dict[Quad, None] = field(init=False)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311  # repeatable, not secret
        self.modules = self.random.sample(sorted(MODULES), self.random.randint(4, 8))
        self.state = dict.fromkeys(quad for name in self.modules for quad in module(name))
        for number, cls in enumerate(CLASSES[1:], 1):
            self._put(Quad(cls, RDFS.subClassOf, CLASSES[self.random.randrange(number)], TREE))
        for _ in range(self.random.randint(20, 200)):
            self._put(self._triple())
        if self.random.random() < 0.3:  # many at one node
            for number in range(40):
                member = T[f"m{number}"]
                self._put(Quad(member, T.site, HUB, SITE))
                self._put(Quad(member, RDF.type, T.C1, SITE))

    def _put(self, quad: Quad) -> None:
        if len(self.state) < 600:
            self.state[quad] = None

    def _triple(self) -> Quad:
        chance, pick = self.random, self.random.choice
        kind = chance.random()
        if kind < 0.2:
            return Quad(pick([*NODES, HUB]), RDF.type, pick(CLASSES), SITE)
        if kind < 0.55:
            return Quad(pick(NODES), pick([T.p, T.q, T.r]), pick(NODES), SITE)
        if kind < 0.65:  # without circles, so that what is recursive ends
            low, high = sorted(chance.sample(range(6), 2))
            return Quad(NODES[low], T.part, NODES[high], SITE)
        if kind < 0.7:
            return Quad(pick(NODES), T.site, HUB, SITE)
        if kind < 0.85:
            return Quad(pick([*NODES, HUB]), pick([T.v, T.w2]), Literal(chance.randint(0, 9)), SITE)
        if kind < 0.9:
            return Quad(pick(NODES), T.w, Literal(pick(["a", "abc", "b", "zz"])), SITE)
        if kind < 0.95:
            return Quad(pick(NODES), T.serial, Literal(pick(["1", "2", "3"])), SITE)
        return Quad(pick(NODES), T.label, Literal(pick(["x", "one", "two"]), language=pick(["en", "de", "fr"])), SITE)

    def steps(self, count: int) -> Iterator[Delta]:
        """The edits, one after another; the state follows when the next one is asked for."""
        for _ in range(count):
            delta = self._edit()
            yield delta
            for quad in delta.removed:
                self.state.pop(quad, None)
            self.state.update(dict.fromkeys(delta.added))

    def _edit(self) -> Delta:
        chance = self.random
        removed: dict[Quad, None] = {}
        added: dict[Quad, None] = {}
        data = [quad for quad in self.state if quad.graph_name == SITE]
        for _ in range(chance.randint(1, 4)):
            kind = chance.random()
            if kind < 0.35:
                added[self._triple()] = None
            elif kind < 0.65 and data:
                removed[chance.choice(data)] = None
            elif kind < 0.75:  # retyping
                node = chance.choice([*NODES, HUB])
                removed.update((quad, None) for quad in data if quad.subject == node and quad.predicate == RDF.type)
                added[Quad(node, RDF.type, chance.choice(CLASSES), SITE)] = None
            elif kind < 0.85:  # the class tree
                standing = [quad for quad in self.state if quad.graph_name == TREE]
                if standing and chance.random() < 0.6:
                    removed[chance.choice(standing)] = None
                one, other = chance.sample(CLASSES, 2)
                if chance.random() < 0.6:
                    added[Quad(one, RDFS.subClassOf, other, TREE)] = None
            else:
                self._edit_shapes(removed, added)
        for quad in added:
            removed.pop(quad, None)
        self._one_count_each(removed, added)
        return Delta(
            tuple(quad for quad in removed if quad in self.state),
            tuple(quad for quad in added if quad not in self.state),
        )

    def _one_count_each(self, removed: dict[Quad, None], added: dict[Quad, None]) -> None:
        """Leaves one count where an edit would leave two, which pyshacl refuses to read."""
        counts: dict[tuple[Any, Any], Quad] = {}
        for quad in (*added, *self.state):
            if quad.predicate in (SH.minCount, SH.maxCount) and quad not in removed:
                kept = counts.setdefault((quad.subject, quad.predicate), quad)
                if quad != kept:
                    added.pop(quad, None)
                    removed[quad] = None

    def _edit_shapes(self, removed: dict[Quad, None], added: dict[Quad, None]) -> None:
        chance = self.random
        shapes = [quad for quad in self.state if quad.graph_name == SHAPES]
        kind = chance.random()
        if kind < 0.3:
            added.update(dict.fromkeys(module(chance.choice(sorted(MODULES)))))
        elif kind < 0.5 and self.modules:
            name = self.modules.pop(chance.randrange(len(self.modules)))
            removed.update(dict.fromkeys(module(name)))
        elif kind < 0.8:
            counts = [quad for quad in shapes if quad.predicate in (SH.minCount, SH.maxCount)]
            if counts:
                quad = chance.choice(counts)
                removed[quad] = None
                added[Quad(quad.subject, quad.predicate, Literal(chance.randint(0, 3)), SHAPES)] = None
        elif kind < 0.9:
            targets = [quad for quad in shapes if quad.predicate == SH.targetClass]
            if targets:
                quad = chance.choice(targets)
                removed[quad] = None
                added[Quad(quad.subject, quad.predicate, chance.choice(CLASSES), SHAPES)] = None
        else:
            whole = [quad.subject for quad in shapes if quad.object in (SH.NodeShape, SH.PropertyShape)]
            if whole:
                switch = Quad(chance.choice(whole), SH.deactivated, Literal(True), SHAPES)
                (removed if switch in self.state else added)[switch] = None


class _Prepared(Graph):
    """A graph that parses each SPARQL text once."""

    def __bool__(self) -> bool:
        return True

    def query(self, query_object: Any, *args: Any, **options: Any) -> Result:
        return super().query(_prepared(str(query_object)), *args, **options)


@cache
def _prepared(text: str) -> Any:
    return prepareQuery(text)


class Reference:
    """What pyshacl finds, its graphs kept from state to state."""

    def __init__(self) -> None:
        self._data = _Prepared(store="SimpleMemory", bind_namespaces="none")
        self._held: set[Quad] = set()
        self._shapes_of: frozenset[Quad] = frozenset()
        self._shapes: ShapesGraph | None = None
        self._paths: dict[str, str] = {}
        self._executor = SHACLExecutor(
            validator=None, advanced_mode=True, abort_on_first=False, allow_infos=False, allow_warnings=False,
            iterate_rules=False, sparql_mode=False, max_validation_depth=30, focus_nodes=None, debug=False,
        )  # fmt: skip

    def violations(self, state: Iterable[Quad]) -> set[Identity]:
        """The identities of all that breaks a rule in this state, but for shapes that refer to themselves."""
        quads = list(state)
        data = {quad for quad in quads if quad.graph_name != SHAPES}
        for quad in self._held - data:
            self._data.remove(triple(quad))
        for quad in data - self._held:
            self._data.add(triple(quad))
        self._held = data
        shapes = frozenset(
            quad for quad in quads if quad.graph_name == SHAPES and quad.subject.value not in OF_RECURSION
        )
        if self._shapes is None or shapes != self._shapes_of:
            self._shapes, self._paths = _shapes(shapes)
            self._shapes_of = shapes
        found: set[Identity] = set()
        for shape in self._shapes.shapes:
            if shape.deactivated:
                continue
            foci = shape.focus_nodes(self._data)
            if foci:
                for _text, node, triples in shape.validate(self._executor, self._data, focus=sorted(foci))[1]:
                    found.add(self._identity(node, triples))
        return found

    def _identity(self, node: Any, triples: Iterable[Any]) -> Identity:
        parts: dict[Any, Any] = {}
        for subject, predicate, value in triples:
            if subject == node:
                parts.setdefault(predicate, value[1] if isinstance(value, tuple) else value)
        path = parts.get(RDFLIB_SH.resultPath)
        shape = _name(parts[RDFLIB_SH.sourceShape])
        focus, value = parts[RDFLIB_SH.focusNode], parts.get(RDFLIB_SH.value)
        if value == focus and path is None:
            value = None
        shown = str(path or "") if not isinstance(path, BNode) else self._paths[shape]
        component = str(parts[RDFLIB_SH.sourceConstraintComponent])
        return (_name(focus), shown, component, shape, "" if value is None else _name(value))


def _shapes(quads: frozenset[Quad]) -> tuple[ShapesGraph, dict[str, str]]:
    graph = Graph(bind_namespaces="none")
    for quad in quads:
        graph.add(triple(quad))
    paths = {
        shape.node.value: path_text(shape.path) for shape in read_shapes(quads).all.values() if shape.path is not None
    }
    found = ShapesGraph(graph)
    for shape in found.shapes:
        shape.set_advanced(True)  # targets given by SPARQL
    return found, paths


def triple(quad: Quad) -> Any:
    """The triple of a quad as rdflib has it, nested shapes as blank nodes again."""
    return _node(quad.subject), URIRef(quad.predicate.value), _node(quad.object)


@cache
def _node(term: Any) -> Any:
    if isinstance(term, NamedNode):
        return BNode(term.value) if term.value.startswith(_NESTED) else URIRef(term.value)
    if term.language:
        return RdflibLiteral(term.value, lang=term.language)
    if term.datatype.value.endswith("#string"):
        return RdflibLiteral(term.value)
    return RdflibLiteral(term.value, datatype=URIRef(term.datatype.value), normalize=False)


def _name(node: Any) -> str:
    return str(node)
