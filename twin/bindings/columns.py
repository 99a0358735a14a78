"""Documents of plain numbers decoded together: one parse a document, one conversion a column.

What is not plain - no JSON, a path that leads nowhere, a text for a number, a time of another form - is left to the
codecs, document by document: they know what to make of it and what to say of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from twin.bindings.codec import MAXIMUM_PAYLOAD, Codec, Pick
from twin.bindings.paths import Step, getter, parse_path
from twin.bindings.stamps import NotATime, nanoseconds, nanoseconds_of
from twin.observation import Float64, Int32, Int64

PickAll = Callable[[Any], "tuple[object, ...]"]
_NUMBERS = {float, int}


@dataclass(frozen=True, slots=True)
class Bulk:
    """The codecs of one address whose documents are decoded in columns.

    ``pick`` finds the values of all ``slots`` in a document, in their order, ``pick_time`` the time of all (None: they
    have none).
    """

    slots: Int32
    count: int
    pick: PickAll
    pick_time: Pick | None


def bulk(codecs: Sequence[tuple[int, Codec]]) -> Bulk | None:
    """How documents of an address with these codecs, each with its slot, are decoded in columns; None when one of them
    is not a plain number at a path, or when their times are not the same."""
    if not codecs or len({codec.row.time_path for _, codec in codecs}) > 1:
        return None
    if not all(_plain(codec) for _, codec in codecs):
        return None
    slots, pick = _together(codecs)
    return Bulk(np.array(slots, np.int32), len(slots), pick, codecs[0][1].pick_time)


def _plain(codec: Codec) -> bool:
    return codec.pick is not None and codec.row.kind == "number" and not codec.row.form and codec.many is None


def _together(codecs: Sequence[tuple[int, Codec]]) -> tuple[list[int], PickAll]:
    """The slots in the order in which the function finds their values."""
    below: dict[tuple[Step, ...], list[tuple[int, str]]] = {}
    others: list[tuple[int, Pick]] = []
    for slot, codec in codecs:
        steps = parse_path(codec.row.path or "")
        if all(isinstance(step, str) for step in steps):
            parent, name = steps[:-1], str(steps[-1])
            below.setdefault(parent, []).append((slot, name))
        elif codec.pick is not None:
            others.append((slot, codec.pick))
    slots = [slot for named in below.values() for slot, _ in named] + [slot for slot, _ in others]
    groups = [(parent, _names([name for _, name in named])) for parent, named in below.items()]
    if not others and len(groups) == 1:
        ((parent, names),) = groups
        if not parent:
            return slots, names
        within = getter(parent)
        return slots, lambda document: names(within(document))
    finders = [(getter(parent), names) for parent, names in groups]
    picks = [pick for _, pick in others]

    def every(document: Any) -> tuple[object, ...]:
        found: list[object] = []
        for place, names in finders:
            found += names(place(document))
        found += [pick(document) for pick in picks]
        return tuple(found)

    return slots, every


def _names(names: list[str]) -> PickAll:
    if len(names) > 1:
        return itemgetter(*names)
    (name,) = names
    return lambda document: (document[name],)


@dataclass(frozen=True, slots=True)
class Rows:
    """Decoded values as columns of one length: the ``slot`` of their codec, which sample of the batch they are of
    (``origin``), the ``value`` before scaling, and its source ``time`` (ns UTC; 0: it has none)."""

    slot: Int32
    origin: Int64
    value: Float64
    time: Int64

    def take(self, rows: npt.NDArray[np.intp]) -> Rows:
        """The rows at these positions, in the order given."""
        return Rows(self.slot[rows], self.origin[rows], self.value[rows], self.time[rows])

    def with_others(self, others: Rows) -> tuple[Rows, npt.NDArray[np.intp]]:
        """These and other rows in the order of their samples, and where each of the others stands then."""
        origin = np.concatenate((self.origin, others.origin))
        order = np.argsort(origin, kind="stable")
        place = np.empty(len(order), np.intp)
        place[order] = np.arange(len(order))
        joined = Rows(
            np.concatenate((self.slot, others.slot)),
            origin,
            np.concatenate((self.value, others.value)),
            np.concatenate((self.time, others.time)),
        )
        return joined.take(order), place[len(self.slot) :]


class Columns:
    """Documents as they are decoded in columns, a batch of them: `add` each, then ask for the `rows`."""

    __slots__ = ("_found", "_origins", "_routes", "_stamps")

    def __init__(self) -> None:
        self._routes: list[Bulk] = []
        self._origins: list[int] = []  # which sample of the batch each document is
        self._found: list[Any] = []  # the values of all documents, one after the other
        self._stamps: list[Any] = []  # the source time of each, None when its address has none

    def add(self, route: Bulk, origin: int, raw: Any) -> bool:
        """Whether the document ``raw``, sample ``origin`` of its batch, was taken; else it is for the codecs."""
        stamp = None
        try:
            if len(raw) > MAXIMUM_PAYLOAD:
                return False
            document = orjson.loads(raw)
            found = route.pick(document)
            if route.pick_time is not None:
                stamp = route.pick_time(document)
                if stamp is None:
                    return False
        except (LookupError, TypeError, ValueError):
            return False
        self._found += found
        self._stamps.append(stamp)
        self._routes.append(route)
        self._origins.append(origin)
        return True

    def rows(self) -> tuple[Rows, list[int]]:
        """What was found; and the samples that are for the codecs after all."""
        counts = np.array([route.count for route in self._routes], np.int64)
        wrong = self._no_numbers()
        times, untimed = self._times()
        document = np.repeat(np.arange(len(counts)), counts)
        rows = Rows(
            np.concatenate([*(route.slots for route in self._routes), np.empty(0, np.int32)]),
            np.array(self._origins, np.int64)[document],
            np.array(self._found, np.float64),
            times[document],
        )
        wrong += untimed
        if not wrong:
            return rows, []
        good = np.ones(len(counts), np.bool_)
        good[wrong] = False
        return rows.take(np.flatnonzero(good[document])), sorted({self._origins[number] for number in wrong})

    def _no_numbers(self) -> list[int]:
        """The documents with a value that is no number; a number stands in its place then."""
        if set(map(type, self._found)) <= _NUMBERS:
            return []
        wrong, start = [], 0
        for number, route in enumerate(self._routes):
            end = start + route.count
            if not set(map(type, self._found[start:end])) <= _NUMBERS:
                self._found[start:end] = [0.0] * route.count
                wrong.append(number)
            start = end
        return wrong

    def _times(self) -> tuple[Int64, list[int]]:
        """The source time of each document (0: it has none), and the documents whose time is none."""
        if set(map(type, self._stamps)) == {int} and (times := nanoseconds_of(self._stamps)) is not None:
            return times, []
        times, wrong = np.zeros(len(self._stamps), np.int64), []
        for number, stamp in enumerate(self._stamps):
            if stamp is not None:
                try:
                    times[number] = nanoseconds(stamp)
                except NotATime:
                    wrong.append(number)
        return times, wrong
