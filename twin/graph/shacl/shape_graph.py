"""A graph of shapes as its readers see it: single values, lists, flags - each checked, each fault noted in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from twin.graph.shacl.constraints import ShapeRef
from twin.graph.shacl.shapes import Problem
from twin.graph.shacl.triples import MemoryTriples, Statement, Term
from twin.terms import BlankNode, Literal, NamedNode, Object
from twin.vocab import RDF, RDFS, SH, XSD

__all__ = ["IllFormed", "ShapeGraph"]

_LONGEST_LIST = 100_000
_T = TypeVar("_T")


class IllFormed(Exception):
    """A part of a shape cannot be read; the words tell what it is, after "the shape"."""

    def __init__(self, words: str, remedy: str = "") -> None:
        super().__init__(words)
        self.words = words
        self.remedy = remedy


class ShapeGraph(MemoryTriples):
    """The triples of the shapes, and what is wrong with them."""

    __slots__ = ("problems",)

    def __init__(self, statements: Iterable[Statement]) -> None:
        super().__init__(statements)
        self.problems: list[Problem] = []

    def note(self, node: ShapeRef, words: str, remedy: str = "") -> None:
        """Notes what is wrong with a shape."""
        self.problems.append(Problem(node, f"The shape {self.name(node)} {words}.", remedy))

    def attempt(self, node: ShapeRef, read: Callable[..., _T], *arguments: object) -> _T | None:
        """What ``read`` reads; None when it is ill-formed, which is noted of the shape."""
        try:
            return read(*arguments)
        except IllFormed as fault:
            self.note(node, fault.words, fault.remedy)
            return None

    def name(self, node: ShapeRef) -> str:
        """A shape in words: its IRI, or the nearest shape that has one and leads to it."""
        seen: set[ShapeRef] = set()
        here = node
        while isinstance(here, BlankNode) and here not in seen:
            seen.add(here)
            here = next((subject for subject, _ in self.pointing(here)), here)
        return here.value if here == node or isinstance(here, BlankNode) else f"in {here.value}"

    def short(self, predicate: NamedNode) -> str:
        """A term of SHACL by its usual name."""
        return "sh:" + predicate.value.removeprefix(str(SH)) if predicate.value.startswith(str(SH)) else predicate.value

    def types(self, node: Term) -> Iterable[Object]:
        """The classes that a node is said to have."""
        return self.objects(node, RDF.type)

    def is_instance(self, node: Term, cls: NamedNode) -> bool:
        """Whether a node has a class or one below it."""
        ahead, seen = list(self.types(node)), set[Object]()
        while ahead:
            here = ahead.pop()
            if here == cls:
                return True
            if here not in seen:
                seen.add(here)
                ahead.extend(self.objects(here, RDFS.subClassOf))
        return False

    def instances(self, cls: NamedNode) -> Iterator[ShapeRef]:
        """The nodes of a class and of the classes below it."""
        ahead: list[Term] = [cls]
        seen: set[Term] = set()
        while ahead:
            here = ahead.pop()
            if here not in seen:
                seen.add(here)
                ahead.extend(self.subjects(RDFS.subClassOf, here))
                yield from self.subjects(RDF.type, here)

    def one(self, node: Term, predicate: NamedNode) -> Object | None:
        """The only value of a predicate, None for none; raises `IllFormed` for several."""
        values = list(self.objects(node, predicate))
        if len(values) > 1:
            raise IllFormed(f"has {len(values)} values of {self.short(predicate)} where one may be", "Keep one.")
        return values[0] if values else None

    def iri(self, node: Term, predicate: NamedNode) -> NamedNode | None:
        """The only value, an IRI."""
        value = self.one(node, predicate)
        if value is not None and not isinstance(value, NamedNode):
            raise IllFormed(f"has {value} as {self.short(predicate)}, which is no IRI", "Name it by an IRI.")
        return value

    def boolean(self, node: Term, predicate: NamedNode) -> bool:
        """The only value, true or false; false for none."""
        value = self.one(node, predicate)
        if value is None:
            return False
        if not isinstance(value, Literal) or value.datatype != XSD.boolean or value.value not in _BOOLEANS:
            raise IllFormed(f"has {value} as {self.short(predicate)}, which is not true or false", "Correct it.")
        return _BOOLEANS[value.value]

    def count(self, node: Term, predicate: NamedNode) -> int | None:
        """The only value, a whole number from 0."""
        value = self.one(node, predicate)
        if value is None:
            return None
        digits = value.value.removeprefix("+") if isinstance(value, Literal) else ""
        if not digits.isascii() or not digits.isdigit() or len(digits) > 18:
            raise IllFormed(f"has {value} as {self.short(predicate)}, which is no whole number from 0", "Correct it.")
        return int(digits)

    def text(self, node: Term, predicate: NamedNode) -> str | None:
        """The only value, a text."""
        value = self.one(node, predicate)
        if value is not None and not isinstance(value, Literal):
            raise IllFormed(f"has {value} as {self.short(predicate)}, which is no text", "Write a text.")
        return value.value if value is not None else None

    def texts(self, node: Term, predicate: NamedNode) -> tuple[Literal, ...]:
        """Every text of a predicate, in a fixed order."""
        values = (value for value in self.objects(node, predicate) if isinstance(value, Literal))
        return tuple(sorted(values, key=lambda value: (value.value, value.language or "")))

    def members(self, head: Object) -> tuple[Object, ...]:
        """The members of an RDF list; raises `IllFormed` when it is none."""
        found: list[Object] = []
        seen: set[Object] = set()
        while head != RDF.nil:
            firsts, rests = list(self.objects(head, RDF.first)), list(self.objects(head, RDF.rest))
            if len(firsts) != 1 or len(rests) != 1 or head in seen or len(found) > _LONGEST_LIST:
                raise IllFormed("holds a list that is not well-formed", "Write the list in brackets: ( ... ).")
            seen.add(head)
            found.append(firsts[0])
            head = rests[0]
        return tuple(found)

    def shape_refs(self, node: ShapeRef, predicate: NamedNode) -> Iterator[ShapeRef]:
        """The shapes that a predicate names; a text is noted as a fault."""
        for value in self.objects(node, predicate):
            if isinstance(value, Literal):
                self.note(node, f"has a text as {self.short(predicate)}", "Name a shape, or write one in brackets.")
            else:
                yield value


_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
