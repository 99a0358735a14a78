"""What a history knows of each series without reading: how far it is in order, and where its newest row
is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.clock import NANOSECONDS
from twin.errors import InvalidInput
from twin.observation import Int32, Int64

AHEAD = 60 * NANOSECONDS
"""A source time this much later than its receive time comes from a clock that is wrong."""
MAXIMUM_SERIES = 50_000_000
_LOW, _HIGH = np.iinfo(np.int64).min, np.iinfo(np.int64).max
_COLUMNS: dict[str, tuple[Any, int]] = {
    "last": (np.int64, _LOW),  # the latest plausible time committed
    "ahead_from": (np.int64, _HIGH),  # the span of committed times that lie in the future of their receipt
    "ahead_to": (np.int64, _LOW),
    "head": (np.int64, _LOW),  # the time of the newest row, and the moment by which it is the newest
    "order": (np.int64, _LOW),
    "text": (np.bool_, 0),
    "block": (np.bool_, 0),
    "corrected": (np.bool_, 0),
}


def check_series(series: Int32) -> None:
    """Raises `InvalidInput` for numbers that cannot be a series; they would cost memory for all below them."""
    for number in (int(series.min(initial=0)), int(series.max(initial=0))):
        if not 0 <= number < MAXIMUM_SERIES:
            raise InvalidInput(f"Series {number} is outside 0..{MAXIMUM_SERIES - 1}.")


class SeriesHeads:
    """Columns by series number.  One thread writes; others may read, and see each column whole."""

    def __init__(self) -> None:
        self._columns = {name: np.full(0, empty, kind) for name, (kind, empty) in _COLUMNS.items()}

    def fresh(self, series: Int32, time: Int64) -> npt.NDArray[np.bool_]:
        """Which rows cannot be in the history yet, so that they need no comparison with it.

        They are later than everything committed of their series (implausible future times apart), and the
        first of their series and time among the rows given.
        """
        self._reserve(series)
        columns = self._columns
        new = (time > columns["last"][series]) & (
            (time < columns["ahead_from"][series]) | (time > columns["ahead_to"][series])
        )
        by_key = np.lexsort((time, series))  # stable: of equal keys the first comes first
        again = (np.diff(series[by_key]) == 0) & (np.diff(time[by_key]) == 0)
        new[by_key[1:][again]] = False
        return new

    def committed(self, series: Int32, time: Int64, received: Int64, kind: str) -> None:
        """Takes rows that are in the history now."""
        if not len(series):
            return
        self._reserve(series)
        columns = self._columns
        ahead = (received > 0) & (time > received + AHEAD)
        np.maximum.at(columns["last"], series[~ahead], time[~ahead])
        np.minimum.at(columns["ahead_from"], series[ahead], time[ahead])
        np.maximum.at(columns["ahead_to"], series[ahead], time[ahead])
        order = np.where(received > 0, np.minimum(time, received), time)
        oldest_first = np.argsort(order, kind="stable")
        which, when = series[oldest_first], order[oldest_first]
        newer = when >= columns["order"][which]
        columns["head"][which[newer]] = time[oldest_first][newer]
        columns["order"][which[newer]] = when[newer]
        if kind != "number":
            columns[kind][series] = True

    def corrected(self, series: Int32) -> None:
        """Notes that these series have rows of more than one version."""
        self._reserve(series)
        self._columns["corrected"][series] = True

    def saved(self) -> dict[str, npt.NDArray[Any]]:
        """Everything known, as columns with ``series``, for `restore`."""
        columns = self._columns
        known = np.flatnonzero(columns["head"] != _LOW)
        return {"series": known.astype(np.int32), **{name: columns[name][known] for name in _COLUMNS}}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Takes back what was saved, before anything else is taken."""
        series = np.asarray(saved["series"], np.int32)
        self._reserve(series)
        for name, (kind, _) in _COLUMNS.items():
            self._columns[name][series] = np.asarray(saved[name], kind)

    def forget(self, series: npt.ArrayLike) -> None:
        """Takes the newest rows of these series for unknown; `committed` is told of what is left of them."""
        which = np.asarray(series, np.int64)
        which = which[(which >= 0) & (which < len(self._columns["head"]))]
        for name in ("head", "order"):
            self._columns[name][which] = _LOW

    def any_corrected(self, series: npt.ArrayLike) -> bool:
        """Whether one of these series has rows of more than one version."""
        return bool(self._flag("corrected", series).any())

    def kinds(self, series: Sequence[int]) -> list[str]:
        """What each of these series carries: ``block`` where it has arrays, ``text`` where texts, or ``number``."""
        pairs = zip(self._flag("block", series), self._flag("text", series), strict=True)
        return ["block" if block else "text" if text else "number" for block, text in pairs]

    def newest(self, series: npt.ArrayLike | None = None) -> tuple[Int32, Int64]:
        """The series (all, when None) that have rows, and the time of the newest row of each."""
        head = self._columns["head"]
        if series is None:
            known = np.flatnonzero(head != _LOW)
        else:
            asked = np.unique(np.asarray(series, np.int64))
            known = asked[(asked >= 0) & (asked < len(head))]
            known = known[head[known] != _LOW]
        return known.astype(np.int32), head[known]

    def _flag(self, name: str, series: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        column = self._columns[name]
        at = np.asarray(series, np.int64)
        inside = (at >= 0) & (at < len(column))
        result = np.zeros(len(at), np.bool_)
        result[inside] = column[at[inside]]
        return result

    def _reserve(self, series: Int32) -> None:
        size = len(self._columns["last"])
        highest = int(series.max(initial=-1))
        if highest < size:
            return
        grown = {}
        for name, (kind, empty) in _COLUMNS.items():
            grown[name] = np.full(min(max(2 * size, highest + 1, 1024), MAXIMUM_SERIES), empty, kind)
            grown[name][:size] = self._columns[name]
        self._columns = grown
