"""How many quads a class or a predicate has in a store, and whether the ways of saying one thing are said twice.

Each figure is read when it is first asked for and kept up with every change from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, islice

from pyoxigraph import Store

from twin.graph.closure import Form
from twin.terms import Literal, NamedNode, Object, Quad, Subject
from twin.vocab import RDF

_COMPARED = 100_000  # quads of a predicate that are compared with another's; more are taken to be said twice
_SAMPLED, _NODES, _COUNTED = 400, 12, 200
_TYPE = RDF.type


class Statistics:
    """The figures of one store; `follow` every change of it.

    ``version`` grows when what was said of use or of being said twice no longer holds; mere numbers only guide.
    """

    def __init__(self, store: Store) -> None:
        self.version = 0
        self._store = store
        self._instances: dict[NamedNode, int] = {}
        self._uses: dict[NamedNode, int] = {}
        self._used: dict[tuple[NamedNode, NamedNode | None], bool] = {}
        self._fan_out: dict[Form, float] = {}
        self._apart: dict[frozenset[NamedNode], bool] = {}
        self._single: dict[frozenset[Form], bool] = {}

    def instances(self, cls: NamedNode) -> int:
        """How many quads say that something is of exactly this class."""
        if cls not in self._instances:
            self._instances[cls] = self._count(f"?s {RDF.type} {cls}")
        return self._instances[cls]

    def uses(self, predicate: NamedNode) -> int:
        """How many quads have this predicate."""
        if predicate not in self._uses:
            self._uses[predicate] = self._count(f"?s {predicate} ?o")
        return self._uses[predicate]

    def has_instances(self, cls: NamedNode) -> bool:
        """Whether anything is, or was not long ago, of exactly this class."""
        return self._is_used(_TYPE, cls)

    def is_used(self, predicate: NamedNode) -> bool:
        """Whether any quad has, or had not long ago, this predicate."""
        return self._is_used(predicate, None)

    def _is_used(self, predicate: NamedNode, object: NamedNode | None) -> bool:
        key = (predicate, object)
        if key not in self._used:
            self._used[key] = any(True for _ in self._store.quads_for_pattern(None, predicate, object, None))
        return self._used[key]

    def at(self, subject: Subject | None, predicate: NamedNode, object: Object | None, most: int) -> int:
        """How many quads match, counted up to ``most``."""
        return sum(1 for _ in islice(self._store.quads_for_pattern(subject, predicate, object, None), most))

    def fan_out(self, predicate: NamedNode, backwards: bool) -> float:
        """How many objects a subject has on average, or, backwards, subjects an object; told from a few of them."""
        key = (predicate, backwards)
        if key not in self._fan_out:
            quads = list(islice(self._store.quads_for_pattern(None, predicate, None, None), _SAMPLED))
            some = quads[:: max(1, len(quads) // _NODES)]
            nodes = dict.fromkeys(quad.object if backwards else quad.subject for quad in some)
            counts = [
                self.at(None, predicate, node, _COUNTED) if backwards else self.at(node, predicate, None, _COUNTED)  # type: ignore[arg-type]  # no quoted triple is stored
                for node in nodes
            ]
            self._fan_out[key] = sum(counts) / len(counts) if counts else 0.0
        return self._fan_out[key]

    def are_apart(self, classes: Sequence[NamedNode]) -> bool:
        """Whether no individual is said twice to be of one of these classes."""
        key = frozenset(classes)
        if key not in self._apart:
            self._apart[key] = self._said_once(key)
        return self._apart[key]

    def are_single(self, forms: Sequence[Form]) -> bool:
        """Whether no pair of nodes is related by two of these forms."""
        key = frozenset(forms)
        if key not in self._single:
            self._single[key] = not any(self._overlap(one, other) for one, other in combinations(forms, 2))
        return self._single[key]

    def follow(self, removed: Iterable[Quad], added: Iterable[Quad]) -> None:
        """Brings the figures up to a change that the store has taken."""
        for quads, by in ((removed, -1), (added, 1)):
            for quad in quads:
                if quad.predicate in self._uses:
                    self._uses[quad.predicate] += by
                if quad.predicate == _TYPE and quad.object in self._instances:
                    self._instances[quad.object] += by  # type: ignore[index]  # it was found there
        for quad in added:
            self._now_used(quad.predicate, None)
            if quad.predicate == _TYPE and isinstance(quad.object, NamedNode):
                self._now_used(quad.predicate, quad.object)
                for classes, apart in self._apart.items():
                    if apart and quad.object in classes and self._classes_of(quad, classes) > 1:
                        self._apart[classes] = False
                        self.version += 1
            for forms, single in self._single.items():
                if single and any(form[0] == quad.predicate for form in forms) and self._times_said(quad, forms) > 1:
                    self._single[forms] = False
                    self.version += 1

    def _now_used(self, predicate: NamedNode, object: NamedNode | None) -> None:
        if self._used.get((predicate, object)) is False:
            self._used[predicate, object] = True
            self.version += 1

    def _count(self, pattern: str) -> int:
        found = self._store.query(f"SELECT (COUNT(*) AS ?n) {{ {pattern} }}", use_default_graph_as_union=True)
        number = next(found)[0]  # type: ignore[arg-type]  # a SELECT
        return int(number.value) if isinstance(number, Literal) else 0

    def _said_once(self, classes: frozenset[NamedNode]) -> bool:
        listed = " ".join(str(cls) for cls in classes)
        found = self._store.query(
            f"SELECT (COUNT(?s) AS ?n) (COUNT(DISTINCT ?s) AS ?d) {{ VALUES ?c {{ {listed} }} ?s {RDF.type} ?c }}",
            use_default_graph_as_union=True,
        )
        row = next(found)  # type: ignore[arg-type]  # a SELECT
        return row["n"] == row["d"]  # type: ignore[no-any-return]

    def _overlap(self, one: Form, other: Form) -> bool:
        if min(self.uses(one[0]), self.uses(other[0])) > _COMPARED:
            return True
        first, second = sorted((one, other), key=lambda form: self.uses(form[0]))
        found = self._store.query(
            f"ASK {{ {_said(first)} LATERAL {{ {_said(second)} }} }}", use_default_graph_as_union=True
        )
        return bool(found)

    def _classes_of(self, quad: Quad, classes: frozenset[NamedNode]) -> int:
        found = self._store.quads_for_pattern(quad.subject, RDF.type, None, None)
        return sum(1 for other in found if other.object in classes)

    def _times_said(self, quad: Quad, forms: frozenset[Form]) -> int:
        times = 0
        for turned in {turns for predicate, turns in forms if predicate == quad.predicate}:
            said = 0
            for predicate, turns in forms:
                ends = (quad.subject, quad.object) if turns == turned else (quad.object, quad.subject)
                if not isinstance(ends[0], Literal):
                    # Once is enough, in however many graphs: the forms are compared, not the graphs.
                    said += any(True for _ in self._store.quads_for_pattern(ends[0], predicate, ends[1], None))
            times = max(times, said)
        return times


def _said(form: Form) -> str:
    predicate, turned = form
    return f"?b {predicate} ?a ." if turned else f"?a {predicate} ?b ."
