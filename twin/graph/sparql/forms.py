"""In which forms a predicate is stated, and whether a text asks for anything that is stated in another form."""

from __future__ import annotations

import re
from collections.abc import Mapping

from twin.graph.closure import Form, PropertyTree
from twin.graph.sparql.statistics import Statistics
from twin.terms import NamedNode
from twin.vocab import OWL, RDF, RDFS

_AS_STATED = frozenset(
    (RDF.type, RDFS.subClassOf, RDFS.subPropertyOf, OWL.equivalentClass, OWL.equivalentProperty, OWL.inverseOf)
)
"""Predicates of the trees themselves: one who asks for them asks for what is stated."""
# In strings and comments it sees more than there is, but nothing that begins there ends behind them.
_REFERENCE = re.compile(
    r"""<([^<>"'{}|^`\\\s]*)>
    |[?$]\w+(:?)
    |((?:(?<![^\W\d])[^\W\d_][\w.\-]{0,100}+)?:[\w:%.\-]*)
    |(?<!\w)(a)(?![\w\-])""",
    re.VERBOSE,
)
_DECLARATION = re.compile(r"""\s*+PREFIX\s++((?:[^\W\d_][\w.\-]{0,100}+)?):\s*+<([^<>"'{}|^`\\\s]*+)>""", re.IGNORECASE)


class Forms:
    """The forms in which the predicates of one store are stated, as long as the ``version`` of its statistics."""

    def __init__(self, properties: PropertyTree, statistics: Statistics) -> None:
        self._properties = properties
        self._statistics = statistics
        several = (one for one in properties if self.of(one) != ((one, False),))
        self._followed = frozenset(one.value for one in (RDF.type, RDFS.subClassOf, *several))

    def of(self, predicate: NamedNode) -> tuple[Form, ...]:
        """The forms in which a predicate is stated anywhere in the store; itself when there is none."""
        if predicate in _AS_STATED:
            return ((predicate, False),)
        forms = self._properties.forms(predicate)
        if len(forms) == 1:
            return forms
        return tuple(form for form in forms if self._statistics.is_used(form[0])) or ((predicate, False),)

    def may_follow(self, text: str, prefixes: Mapping[str, str]) -> bool:
        """Whether anything that a query asks for may be stated otherwise; told in a tenth of the time of parsing it.

        False only when it names neither a class test nor a predicate of several forms.  ``prefixes`` are those that
        need no declaration.
        """
        if "\\" in text:
            return True  # an escape may spell anything
        at = 0
        known: Mapping[str, str] = prefixes
        while (declared := _DECLARATION.match(text, at)) is not None:
            known = {**known, declared[1]: declared[2]}
            at = declared.end()
        for iri, glued, name, verb in _REFERENCE.findall(text, at):
            if name:
                prefix, _, local = name.rstrip(".").partition(":")
                if prefix not in known or known[prefix] + local in self._followed:
                    return True
            elif glued or verb or iri in self._followed:
                return True
        return False
