"""SPARQL functions over alerts and data contracts: ``live:alerts(?thing)``, ``live:contract(?property)`` and their kin.

What stands changes by the second and is no part of the graph: the reader asks the server once for all that stands, when
a query first needs it, so that a query sees one instant and never an old one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twin.clock import iso
from twin.terms import Literal, NamedNode
from twin.vocab import LIVE, XSD

STANDING = ("alerts", "alert", "contract")
"""The local names of the functions."""
ALERT_PARTS = ("id", "kind", "severity", "state", "message", "since")
CONTRACT_PARTS = ("state", "clauses", "since", "message", "responsible")
_MOMENTS = ("since",)
Fetch = Callable[[str], Mapping[str, Any]]
"""Asks the server for everything that stands of ``alerts`` or ``contracts``: by IRI."""


def standing_functions(fetch: Fetch) -> dict[NamedNode, Callable[..., Literal | None]]:
    """The functions by IRI, for one query; each gives None - unbound - for what there is nothing of.

    ``alerts(?x)`` is how many alerts stand on a twin, property, connection or shape (0: none), ``alert(?x, "part")`` a
    part of the gravest, ``contract(?p)`` met or breached, ``contract(?p, "part")`` more of it.
    """
    told: dict[str, Mapping[str, Any]] = {}

    def found(what: str, thing: object) -> Any:
        if what not in told:
            told[what] = fetch(what)
        return told[what].get(thing.value) if isinstance(thing, NamedNode) else None

    def alerts(*arguments: object) -> Literal | None:
        if len(arguments) != 1 or not isinstance(arguments[0], NamedNode):
            return None
        return Literal(len(found("alerts", arguments[0]) or ()))

    def alert(*arguments: object) -> Literal | None:
        part = _part(arguments, "message", ALERT_PARTS)
        standing = found("alerts", arguments[0]) if part is not None else None
        return _literal(part, standing[0][part]) if part is not None and standing else None

    def contract(*arguments: object) -> Literal | None:
        part = _part(arguments, "state", CONTRACT_PARTS)
        state = found("contracts", arguments[0]) if part is not None else None
        return _literal(part, state[part]) if part is not None and state else None

    return {LIVE.alerts: alerts, LIVE.alert: alert, LIVE.contract: contract}


def _part(arguments: tuple[object, ...], usual: str, known: tuple[str, ...]) -> str | None:
    """The part that is asked for, None where the arguments are not those of the function."""
    if len(arguments) == 1:
        return usual
    if len(arguments) != 2 or not isinstance(arguments[1], Literal):
        return None
    return arguments[1].value if arguments[1].value in known else None


def _literal(part: str, value: Any) -> Literal | None:
    if value is None or value == "":
        return None
    if part in _MOMENTS:
        return Literal(iso(value), datatype=XSD.dateTime)
    return Literal(value)
