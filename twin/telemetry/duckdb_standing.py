"""Windows of a DuckDB history that are worked out from its rows: how long values stood, and which samples draw the
same picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.contracts import Drawing, Reading, Window
from twin.errors import InvalidInput
from twin.observation import Float64, Int64, Quality
from twin.telemetry import windows as asked
from twin.telemetry.downsample import lttb, min_max
from twin.telemetry.duckdb_parts import Parts
from twin.telemetry.duckdb_schema import MS
from twin.telemetry.forgotten import EVER
from twin.telemetry.rows import numbers
from twin.telemetry.standing import differences, durations, integrals, standing

_AT_ONCE = 4_000_000  # rows worked on together, which bounds the memory
_LATELY = 86_400 * 1_000_000_000  # ns
_STATES = 64


@dataclass(frozen=True, slots=True)
class Rows:
    """Where rows of one kind are read from."""

    cursor: Any
    parts: Parts
    kind: str
    corrected: bool
    as_of: int | None

    def source(self, series: Sequence[int], start: int, end: int) -> str:
        """The rows of a stretch (ns, half open), each the newest version."""
        tables = self.parts.tables(start // MS, end // MS)[self.kind]
        where = asked.within(series, start, end, self.as_of)
        return asked.newest_versions(tables, where, corrected=self.corrected)

    def columns(self, query: str) -> Mapping[str, Any]:
        """What a query of ours finds."""
        found: Mapping[str, Any] = self.cursor.execute(query).fetchnumpy()
        return found


def heedful_windows(
    rows: Rows, series: Sequence[int], start: int, end: int, buckets: asked.Buckets, reading: Reading
) -> dict[int, Window]:
    """Windows of an aggregate that heeds how long values stood."""
    if rows.kind == "block" or (rows.kind == "text" and buckets.aggregate != "durations"):
        raise InvalidInput(
            f"{'An array' if rows.kind == 'block' else 'A text'} has no {buckets.aggregate.replace('_', ' ')}.",
            remedy="Ask for last, first or count.",
        )
    edges = buckets.between(start, end)
    found: dict[int, Window] = {}
    for some in _groups(rows, series, start, end):
        found.update(_heedful(rows, some, edges, start, end, buckets, reading))
    return found


def _groups(rows: Rows, series: Sequence[int], start: int, end: int) -> list[list[int]]:
    query = f"SELECT series, count(*) AS n FROM ({rows.source(series, start, end)}) GROUP BY series"  # noqa: S608 - ours
    counted = rows.columns(query)
    sizes = dict(zip(counted["series"].tolist(), counted["n"].tolist(), strict=True))
    groups: list[list[int]] = [[]]
    size = 0
    for one in series:
        if groups[-1] and size + sizes.get(one, 0) > _AT_ONCE:
            groups.append([])
            size = 0
        groups[-1].append(one)
        size += sizes.get(one, 0)
    return groups


def _heedful(
    rows: Rows,
    series: Sequence[int],
    edges: Int64,
    start: int,
    end: int,
    buckets: asked.Buckets,
    reading: Reading,
) -> dict[int, Window]:
    sources = [rows.source(series, start, end)]
    metered = buckets.aggregate == "difference"
    back = None if metered else reading.gap
    sources += _beside(rows, series, start, end, back, before=True, usable=metered)
    if reading.missing != "hold":  # whether a value stands depends on the next one, wherever that is
        reach = None if reading.missing == "null" else reading.gap
        sources += _beside(rows, series, start, end, reach, before=False, usable=metered)
    every = " UNION ALL ".join(f"SELECT series, ms, nano, value, quality FROM ({source})" for source in sources)  # noqa: S608
    columns = rows.columns(f"SELECT * FROM ({every}) ORDER BY series, ms, nano")  # noqa: S608 - ours
    which = np.asarray(columns["series"])
    starts = np.flatnonzero(np.diff(which, prepend=-1))
    time = np.asarray(columns["ms"], np.int64) * MS + np.asarray(columns["nano"], np.int64)
    quality = np.asarray(columns["quality"], np.uint16)
    words: list[str] = []
    if rows.kind == "text":
        known, codes = np.unique(np.ma.filled(columns["value"], "").astype(str), return_inverse=True)
        words, value = known.tolist(), codes.astype(np.float64)
    else:
        value = numbers(columns["value"])
    found: dict[int, Window] = {}
    for first, last in zip(starts.tolist(), np.append(starts, len(which))[1:].tolist(), strict=True):
        its = slice(first, last)
        samples = time[its], value[its], quality[its]
        found[int(which[first])] = _window(*samples, edges, (start, end), buckets, reading, words)
    return found


def _beside(
    rows: Rows, series: Sequence[int], start: int, end: int, reach: int | None, *, before: bool, usable: bool
) -> list[str]:
    """The last row of each series before a stretch, or the first after it, at most ``reach`` (ns) away."""
    where = "WHERE quality & 65280 = 0 AND value IS NOT NULL" if usable else ""
    order = "ms DESC, nano DESC" if before else "ms, nano"
    one = f"{where} QUALIFY row_number() OVER (PARTITION BY series ORDER BY {order}) = 1"
    near = _LATELY if reach is None else reach
    stretch = (max(start - near, EVER), start) if before else (end, min(end + near + 1, 2**63 - 1))
    found = [f"SELECT * FROM ({rows.source(series, *stretch)}) {one}"]  # noqa: S608 - ours
    if reach is None:  # the few that spoke longer ago are looked for anywhere
        there = rows.columns(f"SELECT series FROM ({found[0]})")["series"]  # noqa: S608
        missing = sorted(set(series) - set(there.tolist()))
        if missing:
            stretch = (EVER, stretch[0]) if before else (stretch[1], 2**63 - 1)
            found.append(f"SELECT * FROM ({rows.source(missing, *stretch)}) {one}")  # noqa: S608
    return found


def _window(
    time: Int64,
    value: Float64,
    quality: npt.NDArray[np.uint16],
    edges: Int64,
    stretch: tuple[int, int],
    buckets: asked.Buckets,
    reading: Reading,
    words: Sequence[str],
) -> Window:
    usable = (quality & 0xFF00 == 0) & ~np.isnan(value)
    clipped = np.clip(edges, *stretch)
    stands = standing(time, value, usable, stretch[1], reading.gap, reading.missing)
    area, covered = integrals(stands, clipped)
    by_state: dict[float | str, Float64] | None = None
    if buckets.aggregate == "difference":
        result = differences(time[usable], value[usable], clipped, reading.gap, reading.missing, reading.rollover)
    elif buckets.aggregate == "durations":
        if len(np.unique(stands.first)) > _STATES:
            raise InvalidInput(
                f"The series has more than {_STATES} different values in this time.",
                remedy="Ask for the durations of a state, a boolean or a text.",
            )
        by_state = {words[int(state)] if words else state: s for state, s in durations(stands, clipped).items()}
        result = covered
    elif buckets.aggregate == "integral":
        result = np.where(covered > 0, area, np.nan)
    else:
        result = np.divide(area, covered, out=np.full(len(area), np.nan), where=covered > 0)
    inside = (time >= stretch[0]) & (time < stretch[1])
    at = np.searchsorted(edges, time[inside], side="right") - 1
    count = np.bincount(at[usable[inside]], minlength=len(area)).astype(np.int64)
    codes = np.zeros(len(area), np.uint16)
    np.bitwise_or.at(codes, at, quality[inside])
    codes[(count == 0) & (covered > 0)] |= np.uint16(Quality.SUBSTITUTED)
    lowest, highest = np.full(len(area), np.inf), np.full(len(area), -np.inf)
    good = inside & usable
    np.minimum.at(lowest, np.searchsorted(edges, time[good], side="right") - 1, value[good])
    np.maximum.at(highest, np.searchsorted(edges, time[good], side="right") - 1, value[good])
    lowest[count == 0] = highest[count == 0] = np.nan
    there = (covered > 0) | (np.bincount(at, minlength=len(area)) > 0)
    if buckets.aggregate == "difference":
        there |= result != 0
    return Window(
        edges[:-1][there],
        result[there],
        lowest[there],
        highest[there],
        count[there],
        codes[there],
        covered=covered[there],
        durations=None if by_state is None else {state: s[there] for state, s in by_state.items()},
    )


def drawn_windows(
    rows: Rows, series: Sequence[int], start: int, end: int, points: int, drawing: Drawing
) -> dict[int, Window]:
    """Windows of samples that draw the same picture as all of them."""
    choose = lttb if drawing == "lttb" else min_max
    found: dict[int, Window] = {}
    for some in _groups(rows, series, start, end):
        query = asked.window(rows.source(some, start, end), rows.kind, asked.Buckets(None, 0, "mean"), start)
        for one, window in asked.split(rows.columns(query)).items():
            usable = np.where(window.quality & 0xFF00 == 0, window.value, np.nan)
            kept = choose(window.time, usable, points)
            found[one] = Window(
                window.time[kept],
                window.value[kept],
                window.minimum[kept],
                window.maximum[kept],
                window.count[kept],
                window.quality[kept],
            )
    return found
