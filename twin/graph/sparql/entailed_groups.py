"""The groups of a query with everything in them that is stated otherwise: classes by what is below, predicates by
their forms."""

from __future__ import annotations

import re
from collections.abc import Sequence

from twin.graph.closure import Form
from twin.graph.sparql import tree
from twin.graph.sparql.class_tests import Tests, place_tests
from twin.graph.sparql.forms import Forms
from twin.graph.sparql.sizes import Link, Sizes
from twin.graph.sparql.terms import Fresh, NotUnderstood
from twin.terms import NamedNode
from twin.vocab import RDF, RDFS

_CLASS_PATH = tree.Repeat(RDFS.subClassOf, "*")
_FIRST_FEW = re.compile(r"\s*(?:OFFSET\s+\d+\s+)?LIMIT\s+\d{1,3}\s*\Z", re.IGNORECASE)
_NOBODY: frozenset[str] = frozenset()


class Groups:
    """Rewrites the groups of one query; ``changed`` says whether anything was."""

    def __init__(self, forms: Forms, sizes: Sizes, fresh: Fresh) -> None:
        self.changed = False
        self._forms = forms
        self._statistics = sizes.statistics
        self._sizes = sizes
        self._fresh = fresh
        self._hurried = False

    def select(self, select: tree.Select, graph: tree.Term | None = None) -> tree.Select:
        """A SELECT (or ASK, CONSTRUCT, DESCRIBE), in a GRAPH or in none, whose pattern means what follows."""
        before = self._hurried
        self._hurried = select.head.strip().upper() in ("SELECT", "ASK") and (
            select.head.strip().upper() == "ASK" or _FIRST_FEW.match(select.tail) is not None
        )
        group = self.group(select.group, graph=graph)
        self._hurried = before
        projection = select.projection
        if projection == "*":
            if "VALUES" in select.tail.upper():
                raise NotUnderstood("SELECT * with a table behind it")
            names = dict.fromkeys(name for name in tree.in_scope(select.group) if name not in self._fresh.made)
            projection = " ".join(f"?{name}" for name in names) or "*"
        return tree.Select(select.head, projection, select.datasets, group, select.tail, select.names)

    def group(
        self,
        group: tree.Group,
        bound: frozenset[str] = _NOBODY,
        exists: bool = False,
        graph: tree.Term | None = None,
    ) -> tree.Group:
        """A group that means what follows.  ``bound`` are variables bound outside, ``exists`` says that it is asked
        for each row whether it has any solution, ``graph`` is the GRAPH it stands in."""
        out: list[tree.Element] = []
        late: list[tree.Element] = []
        sure: frozenset[str] = _NOBODY
        all_sure = bound | tree.certainly(group)
        block: list[tree.Triple] = []
        for element in (*group.elements, None):
            if isinstance(element, tree.Triple):
                block.append(element)
                continue
            if isinstance(element, tree.Filter):
                late.append(tree.Filter(self._parts(element.parts, all_sure, graph)))
                continue
            if block:
                tests = Tests(self._sizes, self._fresh, exists, graph, self._hurried)
                placed, filters = self._block(block, bound, sure, tests)
                if out and len(placed) > 1 and any(isinstance(one, tree.Nested) for one in placed):
                    placed = [tree.Nested("", tree.Group(tuple(placed)))]
                out += placed
                late += filters
                sure |= frozenset().union(*(tree.certain(one) for one in block))
                block = []
            if element is not None:
                out.append(self._element(element, bound | sure, exists, graph))
                sure |= tree.certain(element)
        return tree.Group((*out, *late))

    def _element(
        self, element: tree.Element, bound: frozenset[str], exists: bool, graph: tree.Term | None
    ) -> tree.Element:
        match element:
            case tree.Nested("MINUS", group, name):
                return tree.Nested("MINUS", self.group(group, graph=graph), name)
            case tree.Nested(keyword, group, name):
                return tree.Nested(keyword, self.group(group, bound, exists, name or graph), name)
            case tree.Union(arms):
                return tree.Union(tuple(self.group(arm, bound, exists, graph) for arm in arms))
            case tree.Bind(parts, variable):
                return tree.Bind(self._parts(parts, bound, graph), variable)
            case tree.Select():
                return self.select(element, graph)
            case _:
                return element

    def _parts(
        self, parts: Sequence[str | tree.Group], bound: frozenset[str], graph: tree.Term | None
    ) -> tuple[str | tree.Group, ...]:
        return tuple(
            part if isinstance(part, str) else self.group(part, bound, exists=True, graph=graph) for part in parts
        )

    # ---- triples

    def _block(
        self, block: Sequence[tree.Triple], bound: frozenset[str], sure: frozenset[str], tests: Tests
    ) -> tuple[list[tree.Element], list[tree.Element]]:
        """The elements that stand for triples, and the filters that belong to them."""
        items: list[tuple[tree.Element, Link]] = []
        for triple in self._flat(block):
            if self._is_test(triple, tests):
                continue
            items.append(self._item(triple, bound | sure, tests))
        if tests:
            self.changed = True
        return place_tests(items, tests, bound, sure)

    def _flat(self, block: Sequence[tree.Triple]) -> list[tree.Triple]:
        """The triples, without sequences and inverses at the top of their paths (SPARQL 1.1, section 18.2.2.4)."""
        flat: list[tree.Triple] = []
        ahead = list(reversed(block))
        while ahead:
            triple = ahead.pop()
            match triple.path:
                case tree.Inverse(path):
                    ahead.append(tree.Triple(triple.object, path, triple.subject))
                case tree.Sequence(parts):
                    *first, before, last = parts
                    if (before, last) == (RDF.type, _CLASS_PATH) and isinstance(triple.object, NamedNode):
                        parts = (*first, RDF.type)
                    ahead += reversed(self._steps(triple.subject, parts, triple.object))
                case _:
                    flat.append(triple)
        return flat

    def _steps(self, subject: tree.Term, parts: Sequence[tree.Path], object: tree.Term) -> list[tree.Triple]:
        nodes = [subject, *(self._fresh.variable() for _ in parts[1:]), object]
        return [tree.Triple(nodes[at], part, nodes[at + 1]) for at, part in enumerate(parts)]

    @staticmethod
    def _is_test(triple: tree.Triple, tests: Tests) -> bool:
        """Whether the triple asks for a class, which is noted then."""
        if not isinstance(triple.object, NamedNode):
            return False
        if triple.path == RDF.type:
            tests.of.append((triple.subject, triple.object))
            return True
        if triple.path == _CLASS_PATH and isinstance(triple.subject, tree.Variable):
            tests.below.append((triple.subject, triple.object))
            return True
        return False

    def _item(self, triple: tree.Triple, bound: frozenset[str], tests: Tests) -> tuple[tree.Element, Link]:
        subject, path, object = triple.subject, triple.path, triple.object
        match path:
            case NamedNode():
                forms = self._stated_as(path, object)
                link = Link(subject, object, forms)
                if forms == ((path, False),):
                    return triple, link
                self.changed = True
                return self._stated(subject, forms, object), link
            case tree.Alternative(parts):
                arms = tuple(
                    self.group(tree.Group((tree.Triple(subject, part, object),)), bound, tests.exists, tests.graph)
                    for part in parts
                )
                return tree.Union(arms), Link(subject, object, None)
            case tree.Repeat(inner, mark):
                whole = tree.Repeat(self._anyhow(inner), mark)
                self.changed |= whole != path
                each = self._stated_as(inner, None) if isinstance(inner, NamedNode) else None
                return tree.Triple(subject, whole, object), Link(subject, object, each, several=True)
            case _:
                return triple, Link(subject, object, ((RDF.type, False),) if path == RDF.type else None)

    def _stated_as(self, predicate: NamedNode, object: tree.Term | None) -> tuple[Form, ...]:
        """The forms in which a predicate is stated anywhere in the store; itself when there is none."""
        forms = self._forms.of(predicate)
        if isinstance(object, tree.Other):
            forms = tuple(form for form in forms if not form[1])  # a literal is no subject
        return forms or ((predicate, False),)

    def _stated(self, subject: tree.Term, forms: Sequence[Form], object: tree.Term) -> tree.Element:
        """Each pair of ends once, whichever of the forms relate them, and however many."""
        triples = [
            tree.Triple(object, predicate, subject) if turned else tree.Triple(subject, predicate, object)
            for predicate, turned in forms
        ]
        if len(triples) == 1:
            return triples[0]
        apart = self._statistics.are_single(forms)
        arms = []
        for at, triple in enumerate(triples):
            earlier = () if apart else tuple(triples[:at])
            guards = [tree.Filter(("NOT EXISTS ", tree.Group((other,)))) for other in earlier]
            arms.append(tree.Group((triple, *guards)))
        return tree.Union(tuple(arms))

    def _anyhow(self, path: tree.Path) -> tree.Path:
        """The path with every form of its predicates; for where pairs count once anyhow."""
        match path:
            case NamedNode():
                forms = self._stated_as(path, None)
                parts = [tree.Inverse(predicate) if turned else predicate for predicate, turned in forms]
                return parts[0] if len(parts) == 1 else tree.Alternative(tuple(parts))
            case tree.Inverse(inner):
                return tree.Inverse(self._anyhow(inner))
            case tree.Sequence(inner_parts):
                return tree.Sequence(tuple(self._anyhow(part) for part in inner_parts))
            case tree.Alternative(inner_parts):
                return tree.Alternative(tuple(self._anyhow(part) for part in inner_parts))
            case tree.Repeat(inner, mark):
                return tree.Repeat(self._anyhow(inner), mark)
            case _:
                return path
