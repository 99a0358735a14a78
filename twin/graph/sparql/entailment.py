"""Answers of a SPARQL query as if everything that follows were stated: its text, rewritten over what is stated.

An analyst asks for ``brick:Temperature_Sensor`` or ``brick:isFedBy`` and gets what is below, equivalent or inverse.
Class tests stand where they cost least: behind the pattern as a filter, in front of it when nothing is more selective,
or beside it as a set.  A text that is not understood stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pyoxigraph import Store

from twin.graph.closure import ClassTree, PropertyTree, is_of_trees
from twin.graph.sparql import tree
from twin.graph.sparql.entailed_groups import Groups
from twin.graph.sparql.forms import Forms
from twin.graph.sparql.parser import parse
from twin.graph.sparql.sizes import Sizes
from twin.graph.sparql.statistics import Statistics
from twin.graph.sparql.terms import NotUnderstood
from twin.terms import NamedNode, Quad

_KNOWN = 256
"""Texts whose rewriting is remembered."""


class Entailment:
    """The rewriting over one store; `follow` every change of it, so that the closure is never behind the store."""

    def __init__(self, store: Store, prefixes: Mapping[str, str]) -> None:
        self._store = store
        self._prefixes = dict(prefixes)
        self._statistics = Statistics(store)
        self._properties: PropertyTree | None = None
        self._sizes: Sizes | None = None
        self._forms: Forms | None = None
        self._known: dict[str, str] = {}
        self._version = 0

    def follow(self, removed: Sequence[Quad], added: Sequence[Quad]) -> None:
        """Brings it up to a change that the store has taken."""
        if self._properties is not None and any(is_of_trees(quad) for quads in (removed, added) for quad in quads):
            self._properties = self._sizes = self._forms = None
        self._statistics.follow(removed, added)

    def rewritten(self, text: str) -> str:
        """The text to evaluate over what is stated; the same text when nothing follows, or it is not understood."""
        forms, sizes = self._present()
        if not forms.may_follow(text, self._prefixes):
            return text
        if text not in self._known:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known[text] = self._rewritten(text, forms, sizes)
        return self._known[text]

    def _present(self) -> tuple[Forms, Sizes]:
        """The forms and figures of the store as it is; what was made from others is forgotten."""
        if self._properties is None or self._sizes is None:
            self._properties = PropertyTree(self._find)
            self._sizes = Sizes(ClassTree(self._find), self._statistics)
            self._forms = None
        if self._forms is None or self._version != self._statistics.version:
            self._version = self._statistics.version
            self._sizes = Sizes(self._sizes.classes, self._statistics)
            self._forms = Forms(self._properties, self._statistics)
            self._known.clear()
        return self._forms, self._sizes

    def _rewritten(self, text: str, forms: Forms, sizes: Sizes) -> str:
        try:
            query = parse(text, self._prefixes)
            groups = Groups(forms, sizes, query.fresh)
            select = groups.select(query.select)
        except NotUnderstood:
            return text
        return query.prologue + tree.select_text(select) if groups.changed else text

    def _find(self, predicate: NamedNode, object: NamedNode | None) -> Iterable[Quad]:
        return self._store.quads_for_pattern(None, predicate, object, None)
