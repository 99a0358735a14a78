"""SPARQL functions over how a present value came about and, of an array, what is in it: ``live:connection(?p)`` etc."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twin.clock import iso
from twin.terms import Literal, NamedNode
from twin.vocab import LIVE, XSD

DETAILS = (
    "received", "flags", "arrayCount", "arrayMean", "arrayRms", "arrayMin", "arrayMax", "origin", "connection",
    "address", "binding",
)  # fmt: skip
"""The local names of the functions."""
Find = Callable[[str], Any]
"""What is known of a property, as `LiveDetails` in JSON; None for nothing."""


@dataclass(frozen=True, slots=True)
class LiveDetails:
    """What is known of a property's present value beside itself.

    ``received`` is ns UTC, ``flags`` what is held against it; ``array`` counts the samples of an array value and gives
    their mean, root mean square, least and greatest.  ``origin`` is what kind of way it came in, and ``connection``,
    ``address`` and ``binding`` which: empty for those who may not see bindings.
    """

    received: int | None = None
    flags: str = ""
    array: tuple[int, float, float, float, float] | None = None
    origin: str = ""
    connection: str = ""
    address: str = ""
    binding: str = ""

    def told(self) -> dict[str, Any]:
        """As JSON, by the names of the functions; what is not known is left out."""
        found: dict[str, Any] = {
            "received": self.received,
            "flags": self.flags,
            "origin": self.origin or None,
            "connection": self.connection or None,
            "address": self.address or None,
            "binding": self.binding or None,
        }
        if self.array is not None:
            names = ("arrayCount", "arrayMean", "arrayRms", "arrayMin", "arrayMax")
            found |= {name: value for name, value in zip(names, self.array, strict=True) if value == value}
        return {name: value for name, value in found.items() if value is not None}


def detail_functions(find: Find) -> dict[NamedNode, Callable[..., Literal | NamedNode | None]]:
    """The functions by IRI; each gives None - unbound - for what is not known."""
    return {LIVE[name]: _function(name, find) for name in DETAILS}


def _function(name: str, find: Find) -> Callable[..., Literal | NamedNode | None]:
    def detail(*arguments: object) -> Literal | NamedNode | None:
        if len(arguments) != 1 or not isinstance(arguments[0], NamedNode):
            return None
        found: Mapping[str, Any] | None = find(arguments[0].value)
        value = None if found is None else found.get(name)
        if value is None:
            return None
        if name == "received":
            return Literal(iso(value), datatype=XSD.dateTime)
        return NamedNode(value) if name in ("connection", "binding") else Literal(value)

    return detail
