"""SPARQL functions over what properties say now and said lately: ``live:value(?property)`` and its kin.

Values stay out of the triple store.  A query that calls these functions brings the live values along, so that all of
one query's values are of one instant; aggregates over the history are asked of the server when they are first needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from twin.clock import iso
from twin.scope import Scope
from twin.terms import BlankNode, Literal, NamedNode, Triple
from twin.vocab import LIVE, XSD

Term = NamedNode | BlankNode | Literal | Triple
LiveScalar = float | bool | str
Lookup = Callable[[Sequence[str], float, str], Mapping[str, float | None]]
"""Aggregates of the given properties over the last so many seconds: by property, None where there is nothing."""
AGGREGATES = ("mean", "min", "max")
FUNCTIONS = ("value", "time", "quality", "age", *AGGREGATES)
"""The local names of the functions."""
_DURATION = re.compile(
    r"P(?=.)(?:(?P<days>\d+)D)?(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


@dataclass(frozen=True, slots=True)
class LiveValue:
    """What one property says now.

    ``value`` is a number, a truth, or a word or text, and None when it is unavailable; ``time`` (ns UTC) is the source
    time of the last usable value, ``quality`` the word good, uncertain or bad, ``age`` in seconds.
    """

    value: LiveScalar | None
    time: int | None
    quality: str
    age: float | None


class LiveSource(Protocol):
    """Where live values come from: the application ties it to the read model, the latest table and the history."""

    def values(self, scope: Scope) -> Mapping[str, LiveValue]:
        """What every property of the scope says now, by IRI; those never heard of may be left out."""
        ...

    async def aggregates(
        self, scope: Scope, properties: Sequence[str], seconds: float, aggregate: str
    ) -> Mapping[str, float | None]:
        """The mean, min or max of each property over the last ``seconds``; None, or no entry, without samples."""
        ...


def functions(values: Mapping[str, LiveValue], lookup: Lookup) -> dict[NamedNode, Callable[..., Term | None]]:
    """The functions by IRI, over these values; each gives None - unbound - for what is unknown or unavailable."""

    def known(*arguments: Term) -> LiveValue | None:
        first = arguments[0] if len(arguments) == 1 else None
        return values.get(first.value) if isinstance(first, NamedNode) else None

    def value(*arguments: Term) -> Literal | None:
        live = known(*arguments)
        return None if live is None or live.value is None else Literal(live.value)

    def time(*arguments: Term) -> Literal | None:
        live = known(*arguments)
        return None if live is None or live.time is None else Literal(iso(live.time), datatype=XSD.dateTime)

    def quality(*arguments: Term) -> Literal | None:
        live = known(*arguments)
        return None if live is None else Literal(live.quality)

    def age(*arguments: Term) -> Literal | None:
        live = known(*arguments)
        return None if live is None or live.age is None else Literal(live.age)

    found: dict[NamedNode, Callable[..., Term | None]] = {
        LIVE.value: value,
        LIVE.time: time,
        LIVE.quality: quality,
        LIVE.age: age,
    }
    for name in AGGREGATES:
        found[LIVE[name]] = _aggregate(name, list(values), lookup)
    return found


def _aggregate(name: str, properties: list[str], lookup: Lookup) -> Callable[..., Literal | None]:
    batches: dict[float, _GrowingBatches] = {}

    def aggregate(*arguments: Term) -> Literal | None:
        if len(arguments) != 2 or not isinstance(arguments[0], NamedNode) or not isinstance(arguments[1], Literal):
            return None
        seconds = duration(arguments[1].value)
        if seconds is None:
            return None
        if seconds not in batches:
            batches[seconds] = _GrowingBatches(properties, lambda some: lookup(some, seconds, name))
        found = batches[seconds].get(arguments[0].value)
        return None if found is None else Literal(found)

    return aggregate


class _GrowingBatches:
    """Looks one up, then 16 with it, then all: a query over one property stays cheap, one over all asks thrice."""

    def __init__(self, properties: list[str], lookup: Callable[[Sequence[str]], Mapping[str, float | None]]) -> None:
        self._unasked = dict.fromkeys(properties)
        self._lookup = lookup
        self._found: dict[str, float | None] = {}
        self._sizes = [1, 16]

    def get(self, name: str) -> float | None:
        if name in self._unasked:
            size = self._sizes.pop(0) if self._sizes else len(self._unasked)
            batch = [name, *(other for other in self._unasked if other != name)][:size]
            for one in batch:
                del self._unasked[one]
            self._found.update(self._lookup(batch))
        return self._found.get(name)


def duration(text: str) -> float | None:
    """The seconds of an ``xsd:dayTimeDuration`` such as ``PT1H30M``, None for any other text."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
