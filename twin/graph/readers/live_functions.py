"""SPARQL functions over what properties say now and said before: ``live:value(?property)`` and its kin.

Values stay out of the triple store.  The reader asks the server for them when a query first needs them, in growing
batches; everything it asks in one query is answered as of one instant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from twin.clock import NANOSECONDS, iso
from twin.graph.readers.live_details import DETAILS, LiveDetails, detail_functions
from twin.graph.readers.standing_functions import STANDING, standing_functions
from twin.scope import Scope
from twin.terms import BlankNode, Literal, NamedNode, Triple
from twin.vocab import LIVE, XSD

Term = NamedNode | BlankNode | Literal | Triple
LiveScalar = float | bool | str
Ask = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Asks the server: ``property``, ``size`` (how many properties to tell of together), and either ``at`` (ns UTC; None
is now), ``details``, or ``seconds``, ``aggregate`` and ``end`` (ns UTC; None is now).  It is told by property."""
AGGREGATES = (
    "mean",
    "min",
    "max",
    "sum",
    "count",
    "first",
    "last",
    "timeWeightedMean",
    "integral",
    "difference",
)
FUNCTIONS = ("value", "time", "quality", "age", "unavailableSince", *DETAILS, *AGGREGATES, *STANDING)
"""The local names of the functions."""
_SIZES = (1, 16, 256)
_LARGEST = 4096
_YEARS = 100 * 366 * 86_400  # seconds; a longer window is no window
_DURATION = re.compile(
    r"P(?=.)(?:(?P<days>\d+)D)?(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class LiveValue:
    """What one property says, now or at a moment of the past.

    ``value`` is a number, a truth, or a word or text, and None when it is unavailable; ``time`` (ns UTC) is the source
    time of the last usable value, ``quality`` the word good, uncertain or bad, ``age`` in seconds; ``since`` is when
    the last value ceased to stand (ns UTC), None while it does.
    """

    value: LiveScalar | None
    time: int | None
    quality: str
    age: float | None
    since: int | None = None


class LiveView(Protocol):
    """What a scope's properties say as of one instant: that of the first question to it."""

    async def values(self, property: str, size: int) -> Mapping[str, LiveValue]:
        """What the property and ``size - 1`` others, not told yet, say; nothing when it is none of the scope."""
        ...

    async def values_at(self, property: str, size: int, at: int) -> Mapping[str, LiveValue]:
        """What they said at a moment (ns UTC)."""
        ...

    async def details(self, property: str, size: int) -> Mapping[str, LiveDetails]:
        """What is known of what they say now, beside the value."""
        ...

    async def aggregates(
        self, property: str, size: int, seconds: float, aggregate: str, end: int | None
    ) -> Mapping[str, float | None]:
        """The aggregate of each over so many seconds up to ``end`` (ns UTC; None: the instant)."""
        ...

    def standing(self, what: str) -> Mapping[str, Any]:
        """All that stands of ``alerts`` or ``contracts``, by IRI; nothing as of the past."""
        ...


class LiveSource(Protocol):
    """Where live values come from: the application ties it to the read model, the latest table and the history."""

    def view(self, scope: Scope) -> LiveView:
        """What one query reads; costs nothing until it is asked."""
        ...


async def told(view: LiveView, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to what a reader asks, as JSON values; raises `TwinError` when the history cannot answer."""
    if "standing" in asked:
        return dict(view.standing(str(asked["standing"])))
    property, size = str(asked["property"]), int(asked["size"])
    if "aggregate" in asked:
        found = await view.aggregates(property, size, asked["seconds"], asked["aggregate"], asked["end"])
        return dict(found)
    if "details" in asked:
        return {iri: each.told() for iri, each in (await view.details(property, size)).items()}
    at = asked["at"]
    values = await (view.values(property, size) if at is None else view.values_at(property, size, at))
    return {iri: (live.value, live.time, live.quality, live.age, live.since) for iri, live in values.items()}


def functions(ask: Ask) -> dict[NamedNode, Callable[..., Term | None]]:
    """The functions by IRI, for one query; each gives None - unbound - for what is unknown or unavailable."""
    values: dict[object, _GrowingBatches] = {}

    def known(*arguments: Term) -> LiveValue | None:
        if not 1 <= len(arguments) <= 2 or not isinstance(arguments[0], NamedNode):
            return None
        at = moment(arguments[1]) if len(arguments) == 2 else None
        if len(arguments) == 2 and at is None:
            return None
        if at not in values:
            values[at] = _GrowingBatches(partial(_asked, ask, {"at": at}))
        found = values[at].get(arguments[0].value)
        return None if found is None else LiveValue(*found)

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

    def unavailable_since(*arguments: Term) -> Literal | None:
        live = known(*arguments)
        return None if live is None or live.since is None else Literal(iso(live.since), datatype=XSD.dateTime)

    found: dict[NamedNode, Callable[..., Term | None]] = {
        **standing_functions(lambda what: ask({"standing": what})),
        LIVE.unavailableSince: unavailable_since,
        LIVE.value: value,
        LIVE.time: time,
        LIVE.quality: quality,
        LIVE.age: age,
    }
    details = _GrowingBatches(partial(_asked, ask, {"details": True}))
    found.update(detail_functions(details.get))
    for name in AGGREGATES:
        found[LIVE[name]] = _aggregate(name, ask)
    return found


def _asked(ask: Ask, about: Mapping[str, Any], property: str, size: int) -> Mapping[str, Any]:
    return ask({"property": property, "size": size, **about})


def _aggregate(name: str, ask: Ask) -> Callable[..., Literal | None]:
    batches: dict[object, _GrowingBatches] = {}

    def aggregate(*arguments: Term) -> Literal | None:
        if not 2 <= len(arguments) <= 3 or not isinstance(arguments[0], NamedNode):
            return None
        if not isinstance(arguments[1], Literal):
            return None
        seconds = duration(arguments[1].value)
        end = moment(arguments[2]) if len(arguments) == 3 else None
        if seconds is None or (len(arguments) == 3 and end is None):
            return None
        if (seconds, end) not in batches:
            about = {"seconds": seconds, "aggregate": name, "end": end}
            batches[seconds, end] = _GrowingBatches(partial(_asked, ask, about))
        found = batches[seconds, end].get(arguments[0].value)
        if found is None:
            return None
        return Literal(int(found)) if name == "count" else Literal(found)

    return aggregate


class _GrowingBatches:
    """Looks one up, then 16, then 256, then thousands: a query over one property stays cheap, one over all asks
    seldom."""

    def __init__(self, ask: Callable[[str, int], Mapping[str, Any]]) -> None:
        self._ask = ask
        self._found: dict[str, Any] = {}
        self._sizes: Sequence[int] = _SIZES

    def get(self, name: str) -> Any:
        if name not in self._found:
            size = self._sizes[0] if self._sizes else _LARGEST
            answer = self._ask(name, size)
            if answer:  # what is no property does not make the batches grow
                self._sizes = self._sizes[1:]
            self._found.update(answer)
            self._found.setdefault(name, None)
        return self._found[name]


def duration(text: str) -> float | None:
    """The seconds of an ``xsd:dayTimeDuration`` such as ``PT1H30M``, None for any other text."""
    match = _DURATION.fullmatch(text) if len(text) < 64 else None
    if match is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    return total if total <= _YEARS else None


def moment(term: Term) -> int | None:
    """The nanoseconds UTC of an ``xsd:dateTime`` (without a zone: UTC), None for anything else."""
    if not isinstance(term, Literal) or len(term.value) > 64:
        return None
    try:
        parsed = datetime.fromisoformat(term.value)
    except ValueError:
        return None
    zoned = parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
    since = zoned - datetime(1970, 1, 1, tzinfo=UTC)
    found = ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * (NANOSECONDS // 1_000_000)
    return found if abs(found) < 2**62 else None
