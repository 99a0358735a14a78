"""How many rows a pattern will have: counted where it is bound, and told from the mean of a predicate beyond."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from twin.graph.closure import ClassTree, Form
from twin.graph.sparql import tree
from twin.graph.sparql.statistics import Statistics
from twin.terms import BlankNode, Literal, NamedNode, RdfFormat, parse
from twin.vocab import RDF

_COUNTED, _MORE = 16, 600
_SEVERAL = 3.0  # how many times a path of several steps is taken to have as many rows as one step
_MANY = 1_000_000  # rows of a pattern that is never to come first
_TYPE = RDF.type


@dataclass(frozen=True, slots=True)
class Link:
    """What a pattern relates: its two ends, by which forms of a predicate (None: by something not known here), and
    whether over several steps."""

    subject: tree.Term
    object: tree.Term
    forms: tuple[Form, ...] | None
    several: bool = False

    def names(self) -> frozenset[str]:
        """Its variables."""
        return frozenset(term.name for term in (self.subject, self.object) if isinstance(term, tree.Variable))

    @property
    def is_type(self) -> bool:
        """Whether it relates an individual and its stated class."""
        return self.forms is not None and self.forms[0][0] == _TYPE and not self.several


class Sizes:
    """Sizes by the figures of one store and one class tree; to be made anew when either holds no more."""

    def __init__(self, classes: ClassTree, statistics: Statistics) -> None:
        self.classes = classes
        self.statistics = statistics
        self._used: dict[NamedNode, list[NamedNode]] = {}

    def used(self, cls: NamedNode) -> list[NamedNode]:
        """The class and those below it, as far as they have individuals; not to be changed."""
        if cls not in self._used:
            has = self.statistics.has_instances
            below = self.classes.below(cls)
            self._used[cls] = sorted((one for one in below if has(one)), key=lambda one: one.value)
        return self._used[cls]

    def individuals(self, classes: Iterable[NamedNode]) -> int:
        """How many individuals are stated to be of one of these classes."""
        return sum(map(self.statistics.instances, classes))

    def count(self, cls: NamedNode) -> int:
        """How many individuals a class has."""
        return self.individuals(self.used(cls))

    def start(self, link: Link) -> float:
        """How many rows one pattern has alone; when an end is bound, counted up to a limit, for 7 us a row."""
        if link.forms is None or link.is_type:
            return _MANY
        subject, object = _node(link.subject), _node(link.object)
        times = _SEVERAL if link.several else 1.0
        if subject is None and object is None:
            return times * sum(self.statistics.uses(predicate) for predicate, _ in link.forms)
        found = 0.0
        for predicate, turned in link.forms:
            first, second = (object, subject) if turned else (subject, object)
            if isinstance(first, Literal):
                continue
            if first is None:  # objects differ too much for a mean: a unit has thousands of subjects, a name one
                found += self.statistics.at(None, predicate, second, _MORE)
                continue
            here: float = self.statistics.at(first, predicate, second, _COUNTED)
            found += here if here < _COUNTED else max(here, self.statistics.fan_out(predicate, backwards=False))
        return times * found

    def rows(self, links: Sequence[Link], known: Iterable[str], rows: float) -> float:
        """How many rows the patterns have together with something that has ``rows`` and binds what is ``known``."""
        ahead = list(links)
        bound = set(known)
        while ahead:
            link = max(ahead, key=lambda link: bound_ends(link, bound))
            ahead.remove(link)
            ends = [not isinstance(end, tree.Variable) or end.name in bound for end in (link.subject, link.object)]
            if ends == [False, False]:
                rows *= self.start(link)
            elif ends != [True, True] and link.forms is not None and not link.is_type:
                backwards = ends[1]
                more = sum(self.statistics.fan_out(predicate, turned != backwards) for predicate, turned in link.forms)
                rows *= more * (_SEVERAL if link.several else 1.0)
            bound |= link.names()
        return rows


def bound_ends(link: Link, known: set[str]) -> int:
    """How many ends of a pattern are terms or known variables."""
    return sum(not isinstance(end, tree.Variable) or end.name in known for end in (link.subject, link.object))


def _node(term: tree.Term) -> NamedNode | BlankNode | Literal | None:
    match term:
        case tree.Variable():
            return None
        case tree.Other(text):
            (triple,) = parse(f"<urn:a> <urn:a> {text} .", format=RdfFormat.TURTLE)
            return triple.object if isinstance(triple.object, Literal) else None
        case _:
            return term
