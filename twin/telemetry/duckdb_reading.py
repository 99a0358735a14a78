"""What a DuckDB history answers, each on a cursor of its own over the tables there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.clock import iso
from twin.contracts import Reading, Window
from twin.errors import InvalidInput
from twin.observation import ObservationBatch
from twin.telemetry import rows as sql
from twin.telemetry import windows as asked
from twin.telemetry.duckdb_parts import Parts
from twin.telemetry.duckdb_schema import KINDS, MS
from twin.telemetry.duckdb_standing import Rows, drawn_windows, heedful_windows
from twin.telemetry.forgotten import EVER, Forgotten
from twin.telemetry.heads import SeriesHeads
from twin.telemetry.rows_at import rows_at

_RECENT = 86_400 * 1_000_000_000  # ns


def windows(
    cursor: Any,
    parts: Parts,
    heads: SeriesHeads,
    forgotten: Forgotten,
    series: Sequence[int],
    stretch: tuple[int, int],
    buckets: asked.Buckets,
    points: int | None,
    reading: Reading,
) -> dict[int, Window]:
    """The window of each series over a stretch (ns, half open), a statement for each kind of value that they have."""
    kinds = heads.kinds(series)
    corrected = heads.any_corrected(series)
    start, end = stretch
    if buckets.edges is not None:
        start, end = max(start, buckets.edges[0]), min(end, buckets.edges[-1])
    found: dict[int, Window] = dict.fromkeys(series, asked.EMPTY)
    for kind in KINDS:
        chosen = [one for one, its in zip(series, kinds, strict=True) if its == kind]
        if not chosen or end <= start:
            continue
        rows = Rows(cursor, parts, kind, corrected, reading.as_of)
        summarised = kind == "number" and start < forgotten.before(chosen) and _summaries(cursor, chosen, start, end)
        if summarised and (buckets.aggregate in asked.HEEDFUL or reading.drawing is not None):
            raise InvalidInput(
                f"What is older than {iso(forgotten.before(chosen))} is kept as summaries only.",
                remedy="Ask for a later stretch, or for the mean, sum, min, max, count, first or last.",
            )
        if summarised:
            query = asked.with_summaries(rows.source(chosen, start, end), chosen, start, end, buckets)
            found.update(asked.split(cursor.execute(query).fetchnumpy()))
        elif buckets.aggregate in asked.HEEDFUL:
            found.update(heedful_windows(rows, chosen, start, end, buckets, reading))
        elif reading.drawing is not None and kind == "number":
            found.update(drawn_windows(rows, chosen, start, end, points or 0, reading.drawing))
        else:
            query = asked.window(rows.source(chosen, start, end), kind, buckets, start)
            found.update(asked.split(cursor.execute(query).fetchnumpy()))
    return found


def _summaries(cursor: Any, series: Sequence[int], start: int, end: int) -> bool:
    query = f"""SELECT 1 FROM rolled WHERE series IN ({", ".join(map(str, map(int, series)))})
        AND ms >= {int(start) // MS} AND ms < {-(-int(end) // MS)} LIMIT 1"""  # noqa: S608 - integers
    return bool(cursor.execute(query).fetchall())


def rows(
    cursor: Any, parts: Parts, series: Sequence[int], start: int, end: int, as_of: int | None, versions: bool
) -> ObservationBatch:
    """The observations of a stretch, of each time the newest version or all."""
    source = sql.stored(parts.tables(start // MS, end // MS), asked.within(series, start, end, as_of))
    if not versions:
        source = f"""SELECT * FROM ({source})
            QUALIFY version = max(version) OVER (PARTITION BY kind, series, ms, nano)"""  # noqa: S608 - ours
    return asked.observations(cursor, source)


def latest(cursor: Any, parts: Parts, heads: SeriesHeads, series: npt.ArrayLike | None) -> ObservationBatch:
    """The newest observation of each series, or of all."""
    known, time = heads.newest(series)
    recent = time > int(time.max(initial=0)) - _RECENT  # few spoke last long ago: theirs are sought apart
    found = []
    for which in (np.flatnonzero(recent), np.flatnonzero(~recent)):
        if len(which):
            span = int(time[which].min()) // MS, int(time[which].max()) // MS
            found.append(sql.newest(cursor, parts.tables(*span), known[which], time[which]))
    return ObservationBatch.joined(found)


def latest_before(cursor: Any, parts: Parts, series: int, time: int) -> ObservationBatch:
    """The newest observation before a time, or none."""
    for start in (max(time - _RECENT, EVER), EVER):
        source = sql.stored(parts.tables(start // MS, time // MS), asked.within([series], start, time))
        found = asked.observations(cursor, source, "ms DESC, nano DESC, version DESC LIMIT 1")
        if len(found):
            break
    return found


def latest_at(cursor: Any, parts: Parts, series: Sequence[int], time: int) -> ObservationBatch:
    """What was known of each series at a moment: its newest observation and its newest usable one."""
    found, missing = [], series
    for start in (max(time - _RECENT, EVER), EVER):  # most have spoken lately; the others are sought anywhere
        if missing:
            batch = sql.batch(cursor.execute(rows_at(parts.tables(start // MS), missing, start, time)).fetchnumpy())
            found.append(batch)
            usable = set(batch.series[batch.quality & 0xFF00 == 0].tolist())
            missing = [one for one in missing if one not in usable]
    return ObservationBatch.joined(found)
