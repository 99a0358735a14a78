"""Remedies that name the very thing to write: the nearest unit, the nearest class, the class that replaces another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches

from twin import units
from twin.errors import InvalidInput
from twin.graph.derivation import local_name
from twin.graph.validation.facts import Facts
from twin.graph.violation import Violation
from twin.terms import NamedNode
from twin.vocab import OWL, RDF

_UNKNOWN_CLASS = "urn:twin:shapes:twin#known-class"
_UNKNOWN_KIND = "urn:twin:shapes:property#known-quantity-kind"
_WRONG_UNIT = "urn:twin:shapes:property#unit-of-its-kind"
_UNKNOWN_UNIT = frozenset(
    f"urn:twin:shapes:{name}" for name in ("property#known-unit", "binding#source-unit", "capability#input-unit")
)
_LISTED = 5


class Remedies:
    """Remedies for the violations of one state of the graph."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._classes: defaultdict[str, dict[str, str]] | None = None
        self._nearest: dict[str, str] = {}

    def improve(self, violation: Violation) -> Violation:
        """The violation, its remedy made particular where that can be done."""
        if not violation.value and violation.shape != _WRONG_UNIT:
            return violation
        better = ""
        if violation.shape in _UNKNOWN_UNIT:
            better = _suggestion(units.unit, violation.value)
        elif violation.shape == _UNKNOWN_KIND:
            better = _suggestion(units.quantity_kind, violation.value)
        elif violation.shape == _UNKNOWN_CLASS:
            better = self._class_like(violation.value)
        elif violation.shape == _WRONG_UNIT:
            better = self._units_of(violation.focus)
        return replace(violation, remedy=f"{better} {violation.remedy}") if better else violation

    def _units_of(self, iri: str) -> str:
        known = units.quantity_kinds()
        kinds = [known[kind] for kind in self._facts.quantity_kinds(NamedNode(iri)) if kind in known]
        if not kinds:
            return ""
        names = [each.name for each in units.units().values() if kinds[0].iri in each.quantity_kinds]
        return f"Units of {kinds[0].label} are {', '.join(names[:_LISTED])}." if names else ""

    def _class_like(self, iri: str) -> str:
        """The class of the same vocabulary whose name is nearest."""
        if self._classes is None:
            quads = self._facts.view.quads(None, RDF.type, OWL.Class, None)
            self._classes = defaultdict(dict)
            for found in (quad.subject.value for quad in quads if isinstance(quad.subject, NamedNode)):
                name = local_name(found)
                self._classes[found.removesuffix(name)][name] = found
        if iri not in self._nearest:
            name = local_name(iri)
            fellows = self._classes.get(iri.removesuffix(name), {})
            near = get_close_matches(name, fellows, n=1, cutoff=0.7)
            self._nearest[iri] = f"Did you mean {fellows[near[0]]}?" if near else ""
        return self._nearest[iri]


def _suggestion(lookup: Callable[[str], object], name: str) -> str:
    try:
        lookup(name)
    except InvalidInput as error:
        return error.remedy
    return ""
