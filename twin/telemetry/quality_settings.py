"""What the checks hold against each series: thresholds as columns, in the canonical unit of the series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from twin.observation import Float64, Int32
from twin.telemetry.quality import Ranges

Missing = Literal["hold", "interpolate", "null"]


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """The checks of one property, in its unit; None: not checked.

    ``rate`` is the most that a value may move in a minute.  ``spike`` is the number of (scaled) median absolute
    deviations from the median of the values before, and never less than ``spike_floor``.  ``flatline`` is the seconds
    for which values that differ by at most ``band`` are believed, unless they are at or below ``rests_below`` or at or
    above ``rests_above``.  ``period`` is the seconds expected between samples, ``gap`` those after which one is missed.
    ``drift`` is the most that it may move away from its peers, found along the relationships ``along`` as well.
    ``missing`` says what stands in for samples that did not come.
    """

    minimum: float | None = None
    maximum: float | None = None
    rate: float | None = None
    spike: float | None = None
    spike_floor: float = 0.0
    flatline: float | None = None
    band: float = 0.0
    rests_below: float | None = None
    rests_above: float | None = None
    period: float | None = None
    gap: float | None = None
    drift: float | None = None
    along: tuple[str, ...] = ()
    missing: Missing | None = None


NO_CHECKS = CheckSettings()
_COLUMNS = ("minimum", "maximum", "rate", "spike", "spike_floor", "flatline", "band", "rests_below", "rests_above",
            "period", "gap", "drift")  # fmt: skip


class Thresholds:
    """The settings of many series as columns by series number; NaN where there is none."""

    def __init__(self, capacity: int = 1024) -> None:
        self._size = capacity
        self.known = np.zeros(capacity, np.bool_)
        self.windowed = np.zeros(capacity, np.bool_)
        self._columns: dict[str, Float64] = {name: np.full(capacity, np.nan) for name in _COLUMNS}

    def set(self, series: int, settings: CheckSettings) -> None:
        """Takes the settings of one series."""
        self.reserve(series)
        for name, column in self._columns.items():
            value = getattr(settings, name)
            column[series] = np.nan if value is None else value
        self.known[series] = True
        self.windowed[series] = any(each is not None for each in (settings.rate, settings.spike, settings.flatline))

    def forget(self, series: int | None = None) -> None:
        """Forgets one series, or all."""
        if series is None:
            self.known[:] = False
        elif series < self._size:
            self.known[series] = False

    def unknown(self, series: Int32) -> list[int]:
        """The series among these whose settings are not known."""
        if not len(series):
            return []
        self.reserve(int(series.max()))
        missing = series[~self.known[series]]
        return [int(each) for each in np.unique(missing)] if len(missing) else []

    def column(self, name: str) -> Float64:
        """One threshold of every series, by series number."""
        return self._columns[name]

    def of(self, name: str, series: npt.NDArray[Any]) -> Float64:
        """One threshold of each of these series, which are known."""
        found: Float64 = self._columns[name][series]
        return found

    def ranges(self) -> Ranges:
        """The ranges, as `twin.telemetry.quality.check` wants them; they follow what is set."""
        return Ranges(self._columns["minimum"], self._columns["maximum"])

    def reserve(self, highest: int) -> None:
        """Makes room for a series number."""
        if highest < self._size:
            return
        size = max(self._size * 2, highest + 1)
        for name, column in self._columns.items():
            self._columns[name] = np.concatenate([column, np.full(size - self._size, np.nan)])
        more = np.zeros(size - self._size, np.bool_)
        self.known = np.concatenate([self.known, more])
        self.windowed = np.concatenate([self.windowed, more])
        self._size = size
