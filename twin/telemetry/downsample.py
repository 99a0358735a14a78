"""Fewer points that draw the same picture: which samples of a series to keep."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twin.errors import InvalidInput
from twin.observation import Float64, Int64

Rows = npt.NDArray[np.intp]


def min_max(time: Int64, value: Float64, points: int) -> Rows:
    """The rows of the lowest and highest value in each of ``points // 2`` equal stretches of time, in order
    of time.

    At most ``points`` rows (at least 2); ``time`` ascending; rows without a value (NaN) are never chosen.
    The extremes of the whole are always among them.
    """
    _positive(points, 2)
    kept = np.flatnonzero(~np.isnan(value))
    if len(kept) <= points:
        return kept
    time, value = time[kept], value[kept]
    stretches = points // 2
    # Differences of float64 keep the nanoseconds of a stretch far finer than a pixel.
    position = (time - time[0]) / max(int(time[-1] - time[0]), 1) * stretches
    stretch = np.minimum(position.astype(np.int64), stretches - 1)
    by_value = np.lexsort((value, stretch))
    edge = np.flatnonzero(np.diff(stretch[by_value])) + 1
    lowest = by_value[np.concatenate(([0], edge))]
    highest = by_value[np.concatenate((edge - 1, [len(by_value) - 1]))]
    return kept[np.unique(np.concatenate((lowest, highest)))]


def lttb(time: Int64, value: Float64, points: int) -> Rows:
    """The rows that Largest-Triangle-Three-Buckets keeps, in order of time: first, last, and of each stretch
    between them the sample that spans the largest triangle with its chosen neighbour and the next stretch's
    mean.

    At most ``points`` rows (at least 3); ``time`` ascending; rows without a value (NaN) are never chosen.
    Sveinn Steinarsson, "Downsampling Time Series for Visual Representation", University of Iceland, 2013.
    """
    _positive(points, 3)
    kept = np.flatnonzero(~np.isnan(value))
    if len(kept) <= points:
        return kept
    x = (time[kept] - time[kept[0]]).astype(np.float64)
    y = value[kept]
    edges = np.linspace(1, len(kept) - 1, points - 1).astype(np.int64)
    starts, ends = edges[:-1], edges[1:]
    sizes = ends - starts
    mean_x = np.append(np.add.reduceat(x[: ends[-1]], starts) / sizes, x[-1])
    mean_y = np.append(np.add.reduceat(y[: ends[-1]], starts) / sizes, y[-1])
    chosen = np.zeros(points, np.intp)
    chosen[-1] = len(kept) - 1
    for bucket in range(points - 2):
        start, end, left = starts[bucket], ends[bucket], chosen[bucket]
        area = np.abs(
            (x[left] - mean_x[bucket + 1]) * (y[start:end] - y[left])
            - (x[left] - x[start:end]) * (mean_y[bucket + 1] - y[left])
        )
        chosen[bucket + 1] = start + int(np.argmax(area))
    return kept[chosen]


def _positive(points: int, least: int) -> None:
    if points < least:
        raise InvalidInput(f"{points} points are too few to draw.", remedy=f"Ask for at least {least}.")
