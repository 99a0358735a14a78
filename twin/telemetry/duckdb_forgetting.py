"""What a DuckDB history deletes: stretches that somebody took out, and rows older than their rules keep them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twin.contracts import Retention
from twin.telemetry.duckdb_schema import KINDS, MS
from twin.telemetry.duckdb_tables import Tables
from twin.telemetry.forgotten import EVER
from twin.telemetry.windows import forget_rolled, newest_versions, within

_OLD = "older than its rule keeps it"


def forget(tables: Tables, series: Sequence[int], start: int, end: int, time: int, reason: str) -> int:
    """Deletes a stretch (ns, half open) of series in one transaction; how many rows there were."""
    which = np.array(series, np.int32)
    with tables.alone() as connection:
        gone = _delete(connection, tables.parts.tables(start // MS, end // MS), within(series, start, end))
        connection.execute(forget_rolled(series, start, end)).fetchall()
        _note(connection, series, start, end, time, reason)
        tables.forgotten.add(which, start, end)
        tables.relearn(which)
    return gone


def retain(tables: Tables, rules: Sequence[Retention], time: int) -> int:
    """Deletes what the rules do not keep, a transaction a rule; how many rows."""
    gone = 0
    for rule in rules:
        if not len(rule.series):
            continue
        which = np.array(rule.series, np.int32)
        with tables.alone() as connection:
            corrected = tables.heads.any_corrected(which)
            there = tables.parts.tables(None, rule.before // MS)
            deleted, end = _by_rule(connection, there, rule, corrected)
            _note(connection, rule.series, EVER, end, time, _OLD)
            _drop_empty(connection, [(part.name, part.open) for part in tables.parts.all])
            tables.forgotten.add(which, EVER, end)
            tables.relearn(which)
        gone += deleted
    return gone


def _delete(connection: Any, tables: Mapping[str, Sequence[str]], where: str) -> int:
    """Deletes rows from these tables; how many there were."""
    gone = 0
    for names in tables.values():
        for name in names:
            ((count,),) = connection.execute(f"DELETE FROM {name} WHERE {where}").fetchall()  # noqa: S608 - ours
            gone += int(count)
    return gone


def _note(connection: Any, series: Sequence[int], start: int, end: int, time: int, reason: str) -> None:
    """Writes down that a stretch was deleted, in place of what it covers."""
    which = np.array(series, np.int32)
    connection.register("which", {"series": which})
    try:
        connection.execute(
            'DELETE FROM forgotten WHERE series IN (SELECT series FROM which) AND start >= ? AND "end" <= ?',
            [start, end],
        )
        connection.execute("INSERT INTO forgotten SELECT series, ?, ?, ?, ? FROM which", [start, end, time, reason])
    finally:
        connection.unregister("which")


def _by_rule(connection: Any, tables: Mapping[str, Sequence[str]], rule: Retention, corrected: bool) -> tuple[int, int]:
    """Deletes what a rule does not keep, summarised first where it says so: how many rows, and up to when (ns)."""
    end = rule.before if rule.width is None else rule.before // rule.width * rule.width
    where = within(rule.series, EVER, end)
    if rule.width is not None:
        width = rule.width // MS
        usable = "FILTER (quality & 65280 = 0 AND value IS NOT NULL)"
        source = newest_versions(tables["number"], where, corrected=corrected)
        connection.execute(
            f"""INSERT INTO rolled SELECT series, ms - (ms % {width} + {width}) % {width}, {width}, count(*) {usable},
                sum(value) {usable}, min(value) {usable}, max(value) {usable}, arg_min(value, (ms, nano)) {usable},
                arg_max(value, (ms, nano)) {usable}, bit_or(quality) FROM ({source}) GROUP BY 1, 2"""  # noqa: S608
        )
    gone = _delete(connection, tables, where)
    if rule.rolled_before is not None:
        which = ", ".join(str(int(one)) for one in rule.series)
        older = f"series IN ({which}) AND ms + width <= {rule.rolled_before // MS}"
        connection.execute(f"DELETE FROM rolled WHERE {older}")  # noqa: S608
    return gone, end


def _drop_empty(connection: Any, parts: Sequence[tuple[str, bool]]) -> None:
    """Removes those of these tables, given as (name, open), that have no row left."""
    for name, is_open in parts:
        ((any_left,),) = connection.execute(f"SELECT count(*) FROM {name}").fetchall()  # noqa: S608 - ours
        if not any_left and not is_open and name not in KINDS:
            connection.execute(f"DROP TABLE {name}")
            connection.execute("DELETE FROM part WHERE name = ?", [name])
