"""The SHACL gate: a change judged by what it adds, at 100,000 and 1,000,000 triples, beside validating everything.

Twelve kinds of change of up to 65 triples; our shapes alone, and Brick's own on top.  A commit is the gate, the journal
(fsynced), the store and the announcement.  Full validation by pyshacl and pyshifty is of the same shapes on a size at
which they finish; the gate does not grow with the store, so they need not be given its size.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.parts.shacl_changes import KINDS, Tower, tower
from benchmarks.report import Report
from twin.graph.validation.gate import Gate

SMALL, LARGE, HUGE = 100_000, 1_000_000, 10_000_000
QUICK = (10_000, 100_000)
PEERS_AT = 10_000
MOST_TRIPLES = 65


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the same measurement on less data, within 45 s")
    parser.add_argument("--huge", action="store_true", help="also at 10,000,000 triples: minutes, and 10 GB of disk")
    chosen = parser.parse_args()
    sizes = QUICK if chosen.quick else (SMALL, LARGE)
    rounds = 4 if chosen.quick else 25
    report = Report("shacl_gate")
    medians: dict[int, float] = {}
    for size in (*sizes, *((HUGE,) if chosen.huge else ())):
        with tempfile.TemporaryDirectory() as folder, tower(Path(folder), size) as building:
            medians[size] = _measure(report, building, rounds, judged=size == sizes[1])
    small, large = sizes
    report.ratio("large_over_small", medians[large] / medians[small], at_most=2)
    if chosen.huge:
        report.ratio("huge_over_small", medians[HUGE] / medians[small])
    if not chosen.quick:
        _peers(report, medians[large])
    report.note(f"small is {small:,} triples, large {large:,}; {len(KINDS)} kinds of change, {rounds} of each")
    return report.finish()


def _measure(report: Report, building: Tower, rounds: int, *, judged: bool) -> float:
    """The median of the gate with our shapes, in ms; the figures go into the report where they are ``judged``."""
    ours = _gate_times(report, building, building.ours, rounds)
    if judged:
        _times(report, "gate", ours, median_at_most=5, p99_at_most=20)
        for kind, values in ours.items():
            report.note(f"{kind:<32} {statistics.median(values):6.2f} ms")
        with_brick = _gate_times(report, building, building.with_brick, rounds)
        _times(report, "gate_with_brick", with_brick, median_at_most=10, p99_at_most=40)
        _times(report, "commit", asyncio.run(_commit_times(report, building, rounds)), p99_at_most=30)
    return statistics.median(value for values in ours.values() for value in values)


def _times(
    report: Report,
    name: str,
    times: dict[str, list[float]],
    median_at_most: float | None = None,
    p99_at_most: float | None = None,
) -> None:
    values = sorted(value for each in times.values() for value in each)
    report.figure(f"{name}_median_ms", statistics.median(values), at_most=median_at_most)
    report.figure(f"{name}_p99_ms", values[min(len(values) - 1, int(len(values) * 0.99))], at_most=p99_at_most)


def _gate_times(report: Report, building: Tower, gate: Gate, rounds: int) -> dict[str, list[float]]:
    gate.prepare(building.store)
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for number in range(rounds + 1):  # the first is not counted
        for kind, values in times.items():
            delta = building.delta(kind)
            if len(delta.added) + len(delta.removed) > 2 * MOST_TRIPLES:
                report.fail(f"{kind}: {len(delta.added)} + {len(delta.removed)} triples")
            began = time.perf_counter()
            judgement = gate.judge(building.store, delta)
            took = time.perf_counter() - began
            if number:
                values.append(took * 1000)
            refused = judgement.of("violation")
            if refused:
                report.fail(f"{kind}: {refused[0].focus}: {refused[0].rule}")
    return times


async def _commit_times(report: Report, building: Tower, rounds: int) -> dict[str, list[float]]:
    """Each change committed, and taken back by another commit."""
    door = building.door
    door._gate = building.ours
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    async with door.changes.subscribe(4096):
        for _ in range(rounds):
            for kind, values in times.items():
                delta = KINDS[kind](building)
                for change in (delta, delta.inverse()):
                    began = time.perf_counter()
                    await door.commit(change, actor="benchmark", reason=kind)
                    values.append((time.perf_counter() - began) * 1000)
    return times


def _peers(report: Report, gate: float) -> None:
    """Full validation of the same shapes, on what the gate would check of everything."""
    from benchmarks.parts.shacl_peers import full_validation

    with tempfile.TemporaryDirectory() as folder, tower(Path(folder), PEERS_AT) as building:
        found = full_validation(building.store, Path(folder))
    for name, seconds in found.items():
        report.limit(f"full_{name}_ms_at_{PEERS_AT}", seconds * 1000)
        report.ratio(f"full_{name}_over_gate", seconds * 1000 / gate)


if __name__ == "__main__":
    sys.exit(main())
