"""Calibration drift: a sensor that moves away from those that measure the same beside it."""

from __future__ import annotations

import numpy as np

from twin.observation import Float64

HOURS_A_DAY = 24
BASELINE, RECENT = 3, 1
"""Days at the beginning that say how a sensor stands to its peers, and at the end that say how it stands now."""
FEWEST = 5
"""Days of common hours that a judgement needs, at least."""
_AGREEING = 0.75


def drift_of(own: Float64, peers: Float64) -> float:
    """How far a sensor has moved against the median of its peers, in its unit; NaN where nothing can be said.

    ``own`` float64[h] and ``peers`` float64[k, h] are hourly means over the same hours, oldest first, NaN where there
    is none.  What moves all of them - the season, the weather, the use of the building - moves nothing here.
    """
    known = ~np.isnan(own) & ~np.isnan(peers).all(axis=0) if len(peers) else np.zeros(len(own), np.bool_)
    if known.sum() < FEWEST * HOURS_A_DAY:
        return float("nan")
    apart = own[known] - np.nanmedian(peers[:, known], axis=0)
    recent = apart[-RECENT * HOURS_A_DAY :]
    base = float(np.median(apart[: BASELINE * HOURS_A_DAY]))
    moved = float(np.median(recent)) - base
    agreeing = float((np.sign(recent - base) == np.sign(moved)).mean())
    return moved if agreeing >= _AGREEING else 0.0
