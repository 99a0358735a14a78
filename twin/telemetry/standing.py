"""How long values stood, and what that amounts to: time-weighted means, integrals, durations of states, meters.

Everything here works on one series as columns ordered by time and gives one figure for each stretch between two
neighbours of ``edges`` (int64[k+1] ns UTC, ascending).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.clock import NANOSECONDS
from twin.contracts import Missing
from twin.observation import Float64, Int64

Bools = npt.NDArray[np.bool_]
_FOR_EVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Standing:
    """The stretches over which values stand: ``start``, ``end`` (ns) and the value at both (the same unless it is
    interpolated), ordered by time and apart from one another."""

    start: Int64
    end: Int64
    first: Float64
    last: Float64


def standing(time: Int64, value: Float64, usable: Bools, end: int, gap: int | None, missing: Missing) -> Standing:
    """Over which stretches each usable sample stands.

    A sample ends the one before it, an unusable one included.  ``hold``: a value stands until the next sample, at most
    for ``gap`` (ns, None: for ever).  ``null``: the same, but not at all where the next sample is further away than
    that.  ``interpolate``: the value goes in a straight line to the next usable sample, where that is not further
    away.  Nothing stands beyond ``end``.
    """
    following = np.append(time[1:], max(end, int(time[-1])) if len(time) else 0)
    longest = _FOR_EVER if gap is None else gap
    close = following - time <= longest
    last = value
    if missing == "hold":
        until = np.where(close, following, time + np.minimum(longest, following - time))
    elif missing == "null":
        until = np.where(close, following, time)
    else:
        onward = np.append(usable[1:], False)
        until = np.where(close & onward, following, time)
        last = np.append(value[1:], np.nan)
    kept = usable & (until > time)
    return Standing(time[kept], until[kept], value[kept], last[kept])


def integrals(stands: Standing, edges: Int64) -> tuple[Float64, Float64]:
    """Value times seconds, and the seconds that a value stood, of each stretch."""
    if not len(stands.start):
        nothing = np.zeros(len(edges) - 1)
        return nothing, nothing.copy()
    whole = (stands.end - stands.start) / NANOSECONDS
    area = whole * (stands.first + stands.last) / 2
    at = np.searchsorted(stands.start, edges, side="right") - 1
    inside = np.maximum(at, 0)
    part = np.where(at < 0, 0, np.clip(edges - stands.start[inside], 0, stands.end[inside] - stands.start[inside]))
    part = part / NANOSECONDS
    slope = (stands.last[inside] - stands.first[inside]) / whole[inside]
    before = np.concatenate(([0.0], np.cumsum(area)))[inside]
    areas = before + part * (stands.first[inside] + slope * part / 2)
    stood = np.concatenate(([0.0], np.cumsum(whole)))[inside] + part
    return np.diff(np.where(at < 0, 0.0, areas)), np.diff(np.where(at < 0, 0.0, stood))


def durations(stands: Standing, edges: Int64) -> dict[float, Float64]:
    """The seconds in each state, by its value, of each stretch."""
    found = {}
    for state in np.unique(stands.first).tolist():
        its = stands.first == state
        alone = Standing(stands.start[its], stands.end[its], stands.first[its], stands.last[its])
        found[state] = integrals(alone, edges)[1]
    return found


def differences(
    time: Int64, value: Float64, edges: Int64, gap: int | None, missing: Missing, rollover: float | None
) -> Float64:
    """How far a meter went in each stretch; ``time`` and ``value`` are its usable samples only.

    A reading lower than the one before has rolled over at ``rollover``, or, without one, begun again at 0.  What lies
    between two readings counts when the later one came; with ``interpolate`` it is spread evenly over the time
    between them, unless that is longer than ``gap``.
    """
    step = np.diff(value)
    back = step < 0
    again = np.maximum(value[1:], 0.0)
    step = np.where(back, again if rollover is None else np.where(step + rollover >= 0, step + rollover, again), step)
    spread = np.zeros(len(step), np.bool_)
    if missing == "interpolate":
        spread = np.diff(time) <= (_FOR_EVER if gap is None else gap)
    told = np.concatenate(([0.0], np.cumsum(np.where(spread, 0.0, step))))
    # A reading at an edge belongs to the stretch that begins there.
    found: Float64 = np.diff(told[np.searchsorted(time[1:], edges, side="left")])
    if spread.any():
        length = np.diff(time)[spread] / NANOSECONDS
        rate = step[spread] / length
        found = found + integrals(Standing(time[:-1][spread], time[1:][spread], rate, rate), edges)[0]
    return found
