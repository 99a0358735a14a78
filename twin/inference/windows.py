"""The last readings of many twins in one array, and which of them may be scored."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twin.observation import Float64, Int32

Booleans = npt.NDArray[np.bool_]


class Windows:
    """Rolling windows of ``n`` twins: [window, twin, feature], float64, in the units the model wants.

    ``series`` [twin, feature] are the columns' series, ``freshness`` [twin, feature] how many seconds a reading stands,
    ``scale`` and ``offset`` [twin, feature] turn a property's value into the model's unit.  A reading that does not
    stand is kept as NaN: it spoils its window until it has left it.
    """

    def __init__(self, series: Int32, freshness: Float64, scale: Float64, offset: Float64, length: int) -> None:
        self.series = series
        self.freshness = freshness
        self._scale, self._offset = scale, offset
        self._ring = np.full((length, *series.shape), np.nan)
        self._doubtful = np.zeros((length, *series.shape), np.bool_)
        self._next = 0

    @property
    def length(self) -> int:
        """Readings in a window."""
        return len(self._ring)

    def __len__(self) -> int:
        return len(self.series)

    def push(self, value: Float64, available: Booleans, doubtful: Booleans) -> None:
        """Takes one reading of every input, each array [twin, feature]: the values in their properties' units, whether
        they stand for the present, and whether something is known against them."""
        self._ring[self._next] = np.where(available, value * self._scale + self._offset, np.nan)
        self._doubtful[self._next] = doubtful
        self._next = (self._next + 1) % len(self._ring)

    def ready(self) -> Booleans:
        """Which twins have a window without a gap, [twin]."""
        return np.asarray(np.isfinite(self._ring).all(axis=(0, 2)))

    def filled(self) -> npt.NDArray[np.intp]:
        """How many of its readings the window of each twin has, [twin]."""
        return np.asarray(np.isfinite(self._ring).all(axis=2).sum(axis=0))

    def missing(self) -> Booleans:
        """Which inputs did not stand at the last reading, [twin, feature]."""
        return np.asarray(~np.isfinite(self._ring[self._next - 1]))

    def doubtful(self) -> Booleans:
        """Which twins have a reading in their window against which something is known, [twin]."""
        return np.asarray(self._doubtful.any(axis=(0, 2)))

    def readings(self, twins: npt.NDArray[np.intp]) -> Float64:
        """The windows of the twins named by index, oldest reading first, [twin, window, feature]."""
        ordered = np.concatenate([self._ring[self._next :, twins], self._ring[: self._next, twins]])
        return np.ascontiguousarray(ordered.transpose(1, 0, 2))

    def inherit(self, other: Windows) -> None:
        """Takes over the readings of the inputs that an earlier table had already."""
        if other.length != self.length:
            return
        where = {int(one): place for place, one in np.ndenumerate(other.series)}
        for place, one in np.ndenumerate(self.series):
            was = where.get(int(one))
            if was is not None and other._converts_as(was) == self._converts_as(place):
                self._ring[(slice(None), *place)] = np.roll(other._ring[(slice(None), *was)], -other._next)
                self._doubtful[(slice(None), *place)] = np.roll(other._doubtful[(slice(None), *was)], -other._next)
        self._next = 0

    def _converts_as(self, place: tuple[int, ...]) -> tuple[float, float]:
        return float(self._scale[place]), float(self._offset[place])
