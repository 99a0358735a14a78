"""What the quality checks cost of ingest, and what they find: seeded faults in a month of signals, a labelled series.

Cost: CPU seconds of decode, check, latest and history (DuckDB) of 200-byte JSON messages of 10,000 properties, with
every check and without; receiving from a broker is left out, which makes the share larger than it is.
Detection: the checks as they are delivered, on seeds that are drawn when the benchmark runs, after the thresholds were
written down.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
import secrets
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from benchmarks.parts.fault_signals import DAY, KINDS, SignalKind, clean
from benchmarks.report import Report, median, options
from twin.bindings.plan import BoundProperty
from twin.bindings.quarantine import Quarantine
from twin.bindings.table import compile_table
from twin.bus import Topic
from twin.clock import NANOSECONDS, SystemClock
from twin.connector import SampleBatch
from twin.data import data_directory
from twin.flows.checks import KnownChecks
from twin.flows.conditions import ages
from twin.flows.ingest import Ingest
from twin.graph.hierarchy import Hierarchy
from twin.graph.overlay import MemoryQuads
from twin.graph.twins.records import ClassRecord, PropertyRecord
from twin.observation import ObservationBatch, Quality
from twin.telemetry.duckdb import DuckDBHistory
from twin.telemetry.latest import LatestTable
from twin.telemetry.quality_drift import HOURS_A_DAY, drift_of
from twin.telemetry.quality_standing import Standing
from twin.terms import Quad, read_file
from twin.vocab import BRICK, TWIN, UNIT, vocabulary_graph
from twin.vocabularies.brick import brick_facts

PROPERTIES, BATCH = 10_000, 1_000
START = 1_767_225_600  # a Thursday
STEP = 60
MINUTES_AT_ONCE = 5
LABELLED = Path(os.environ.get("TWIN_REFERENCE_DATA", Path(__file__).parents[2] / "shared" / "data")) / "telemetry"
_AFTER = 15 * 60  # seconds after a fault in which what it leaves behind is no false flag


def main() -> int:
    chosen = options(__doc__ or "")
    report = Report("quality")
    asyncio.run(_cost(report, rounds=2 if chosen.quick else 5, each=6 if chosen.quick else 20))
    seeds = [secrets.randbits(32) for _ in range(1 if chosen.quick else 3)]
    _seeded(report, seeds, of_each=2 if chosen.quick else 8)
    _drift(report, seeds, buildings=20 if chosen.quick else 60)
    _labelled(report)
    return report.finish()


# ---- What it costs


async def _cost(report: Report, rounds: int, each: int) -> None:
    seconds: dict[str, list[float]] = {"without": [], "with": []}
    judging: list[float] = []
    await _pipeline(each, True)  # the first run warms up what both use
    for _ in range(rounds):
        for name, checked in (("without", False), ("with", True)):
            found, alone = await _pipeline(each, checked)
            seconds[name].append(found)
            if checked:
                judging.append(alone)
    messages = PROPERTIES * each
    report.figure("checks_microseconds_per_message", median(judging) / messages * 1e6)
    report.limit("pipeline_without_checks_cpu_microseconds_per_message", median(seconds["without"]) / messages * 1e6)
    report.figure("pipeline_with_checks_cpu_microseconds_per_message", median(seconds["with"]) / messages * 1e6)
    report.ratio("checks_share_of_ingest_cpu", median(judging) / median(seconds["with"]), at_most=0.10)


async def _pipeline(each: int, checked: bool) -> tuple[float, float]:
    """CPU seconds of the process, all threads, for ``each`` messages of every property; and of them in the checks."""
    clock = SystemClock()
    rows = [
        BoundProperty(f"urn:p:{n}", n, f"urn:b:{n}", f"bench/{n}", unit=UNIT.DEG_C.value, path="value", time_path="ts")
        for n in range(PROPERTIES)
    ]
    table, quarantine = compile_table(rows, "documents"), Quarantine()
    standing = Standing()
    spent = 0.0

    def judge(batch: ObservationBatch, now: int) -> ObservationBatch:
        nonlocal spent
        began = time.thread_time()
        done = checks.check(batch, now)
        spent += time.thread_time() - began
        return done

    def stand(batch: ObservationBatch) -> None:
        nonlocal spent
        began = time.thread_time()
        standing.apply(batch)
        spent += time.thread_time() - began

    with tempfile.TemporaryDirectory() as folder:
        history = await DuckDBHistory(Path(folder) / "history.duckdb").open()
        checks = _checks([KINDS[0]] * PROPERTIES)
        checks.learn(np.arange(PROPERTIES, dtype=np.int32))
        ingest = Ingest(LatestTable(clock), history, Topic(), clock, judge if checked else lambda batch, _now: batch)
        if checked:
            ingest.committed.append(stand)
        batches = _messages(each)
        began = time.process_time()
        for batch in batches:
            await ingest.deliver(table.decode(batch, quarantine, clock.now()))
        taken = time.process_time() - began
        await history.close()
    return taken, spent


def _messages(each: int) -> list[SampleBatch]:
    random = np.random.default_rng(5)
    now = time.time()
    found = []
    for number in range(each):
        at = now - (each - number) * STEP
        values = 21 + np.sin(number / 7) + random.normal(0, 0.05, PROPERTIES)
        values[random.random(PROPERTIES) < 0.001] += 30  # now and then something for the checks to find
        payloads = [
            json.dumps({"ts": round(at, 3), "value": round(value, 2), "unit": "degC", "device": f"sensor-{n:05}",
                        "status": "ok", "note": "x" * 90}).encode()
            for n, value in enumerate(values.tolist())
        ]  # fmt: skip
        for start in range(0, PROPERTIES, BATCH):
            part = range(start, start + BATCH)
            topics, received = [f"bench/{n}" for n in part], [time.time_ns()] * BATCH
            found.append(SampleBatch(topics, payloads[start : start + BATCH], [0] * BATCH, received))
    return found


# ---- What it finds


def _checks(kinds: list[SignalKind]) -> KnownChecks:
    """The checks as delivered, with the period stated on each property: it is what a site has to say itself."""
    file = read_file(data_directory("ontologies") / "quality.ttl", vocabulary_graph("quality"))
    own = "<urn:every> a twin:CheckSet ; twin:expectedPeriod 60 ; twin:gapAfter 600 ."
    view = MemoryQuads([*brick_facts(), *file, *_turtle(own)])
    tree = Hierarchy(view)
    records = [_record(number, kind) for number, kind in enumerate(kinds)]
    checks = KnownChecks(lambda series: records[series], view, lambda: tree)
    return checks


def _turtle(text: str) -> list[Quad]:
    from twin.terms import RdfFormat, parse

    prefix = f"@prefix twin: <{TWIN}> .\n"
    return [Quad(q.subject, q.predicate, q.object, vocabulary_graph("quality"))
            for q in parse(prefix + text, format=RdfFormat.TURTLE)]  # fmt: skip


def _record(number: int, kind: SignalKind) -> PropertyRecord:
    cls = ClassRecord(BRICK[kind.cls].value, kind.cls, kind.cls, "brick")
    return PropertyRecord(f"urn:p:{number}", kind.name, "hq", None, "", (cls,), kind.kind, None,
                          UNIT[kind.unit].value, number, writable=kind.writable)  # fmt: skip


def _seeded(report: Report, seeds: list[int], of_each: int) -> None:
    found, planted, false, months = Counter[str](), Counter[str](), Counter[str](), 0
    spent = 0.0
    for seed in seeds:
        random = np.random.default_rng(seed)
        kinds = [kind for kind in KINDS for _ in range(of_each)]
        seconds = np.arange(0, 30 * DAY, STEP, dtype=np.float64)
        values = np.array([clean(kind.name, random, seconds) for kind in kinds])
        faults = [_plant(kind, random, values[row]) for row, kind in enumerate(kinds)]
        began = time.process_time()
        codes, missed = _run(kinds, values)
        spent += time.process_time() - began
        months += len(kinds)
        for row, kind in enumerate(kinds):
            flagged, gaps = codes[row], missed[row]
            excused = np.zeros(len(flagged), np.bool_)
            for fault, first, last in faults[row]:
                planted[fault] += 1
                found[fault] += bool(gaps[first : last + 15].any() if fault == "dropout" else
                                     (flagged[first : last + 1] & _TELLING[fault]).any())  # fmt: skip
                excused[first : last + 1 + _AFTER // STEP] = True
            wrong = (flagged != 0) & ~excused
            runs = int((wrong & ~np.concatenate([[False], wrong[:-1]])).sum())
            false[kind.name] += runs
    recall = sum(found.values()) / sum(planted.values())
    report.figure("seeded_faults", float(sum(planted.values())))
    report.figure("recall", recall, at_least=0.95)
    report.figure("false_flags_per_property_month", sum(false.values()) / months, at_most=1.0)
    for fault in sorted(planted):
        report.figure(f"recall_{fault}", found[fault] / planted[fault])
    worst, count = max(false.items(), key=lambda each: each[1])
    report.note(f"seeds {seeds}, drawn now; most false flags: {worst}, {count} in {months // len(KINDS)} months")
    report.note(f"{months} property-months judged in {spent:.1f} s of CPU")


_TELLING = {
    "spike": int(Quality.SPIKE | Quality.RATE | Quality.OUT_OF_RANGE),
    "jump": int(Quality.SPIKE | Quality.RATE | Quality.OUT_OF_RANGE),
    "range": int(Quality.OUT_OF_RANGE),
    "stuck": int(Quality.FLATLINE),
}


def _plant(kind: SignalKind, random: np.random.Generator, values: np.ndarray) -> list[tuple[str, int, int]]:
    """Puts each fault of the kind into a part of the month of its own; where each is, as first and last sample."""
    day = DAY // STEP
    planted = []
    wanted = [fault for fault in kind.faults if fault != "drift"]
    slots = random.permutation(5)[: len(wanted)]
    for fault, slot in zip(wanted, slots, strict=True):
        low, high = kind.faults[fault]
        size = random.uniform(low, high) * random.choice([-1, 1])
        first = int(slot * 6 * day + random.integers(day, 2 * day))
        if fault == "stuck":
            # On a working day at noon, when what can rest does not.
            first = int(slot * 6 * day + day)
            while ((first * STEP) // DAY) % 7 >= 5 or (first * STEP) % DAY != DAY // 2 or values[first] == 0:
                first += 1
            last = first + int(random.uniform(1.6, 3) * day)
            values[first : last + 1] = values[first]
        elif fault == "spike":
            last = first
            values[first] += size
        elif fault == "range":
            last = first + int(random.integers(0, 30))
            # Beyond whatever the instrument has said: a fault that stays among the usual values is none of the range.
            edge = np.nanmax(values) + abs(size) if low < 100 or size > 0 else np.nanmin(values) - abs(size)
            values[first : last + 1] = edge
        elif fault == "jump":
            last = first + int(random.integers(60, 360))
            values[first : last + 1] += size
        else:
            last = first + int(random.integers(30, 600))
            values[first : last + 1] = np.nan  # nothing comes
        planted.append((fault, first, last))
    return planted


def _run(kinds: list[SignalKind], values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The codes of every sample, and when a gap is told, [property, sample]."""
    checks, standing = _checks(kinds), Standing()
    codes = np.zeros(values.shape, np.uint16)
    missed = np.zeros(values.shape, np.bool_)
    every = np.arange(len(kinds), dtype=np.int32)
    checks.learn(every)
    gap = np.full(len(kinds), 600.0)
    for start in range(0, values.shape[1], MINUTES_AT_ONCE):
        minutes = np.arange(start, min(start + MINUTES_AT_ONCE, values.shape[1]))
        row, column = np.meshgrid(every, minutes, indexing="ij")
        there = ~np.isnan(values[row, column])
        row, column = row[there], column[there]
        order = np.lexsort((row, column))
        row, column = row[order].astype(np.int32), column[order]
        moment = (START + column.astype(np.int64) * STEP) * NANOSECONDS
        batch = ObservationBatch(row, moment, values[row, column], np.zeros(len(row), np.uint16), moment)
        now = int((START + (int(minutes[-1])) * STEP) * NANOSECONDS)
        judged = checks.check(batch, now)
        standing.apply(judged)
        codes[row, column] = judged.quality
        missed[:, minutes[-1]] = ages(standing.column("order", every), now) > gap
    return codes, missed


def _drift(report: Report, seeds: list[int], buildings: int) -> None:
    """Rooms side by side, in half of the cases one of them drifts by 3 to 5 K in three weeks."""
    found = planted = false = healthy = 0
    kind = KINDS[0]
    tolerance = _checks([kind]).settings_of(_record(0, kind)).drift or float("nan")
    for seed in seeds:
        random = np.random.default_rng(seed + 1)
        for _ in range(buildings):
            seconds = np.arange(0, 14 * DAY, STEP, dtype=np.float64)
            rooms = np.array([clean(kind.name, random, seconds) for _ in range(5)])
            drifting = random.random() < 0.5
            if drifting:
                rooms[0] += np.linspace(0, random.uniform(*kind.faults["drift"]) * random.choice([-1, 1]), len(seconds))
            hourly = rooms.reshape(5, 14 * HOURS_A_DAY, -1).mean(axis=2)
            for room in range(5):
                told = abs(drift_of(hourly[room], np.delete(hourly, room, axis=0))) > tolerance
                if room == 0 and drifting:
                    planted, found = planted + 1, found + told
                else:
                    healthy, false = healthy + 1, false + told
    report.figure("drift_recall", found / max(planted, 1), at_least=0.95)
    report.figure("drift_false_per_property_fortnight", false / healthy)


# ---- A series that people labelled


def _labelled(report: Report) -> None:
    if not LABELLED.exists():
        report.note(f"no labelled series: {LABELLED} is not there")
        return
    labels = json.loads((LABELLED / "labels.json").read_text())
    name, windows = next(iter(labels.items()))
    rows = list(csv.DictReader((LABELLED / Path(name).name).open()))
    times = np.array([_seconds(row["timestamp"]) for row in rows])
    values = np.array([float(row["value"]) for row in rows])
    wrong = np.zeros(len(times), np.bool_)
    for first, last in windows:
        wrong |= (times >= _seconds(first)) & (times <= _seconds(last))
    kind = SimpleNamespace(name="ambient", cls="Air_Temperature_Sensor", unit="DEG_F", kind="number", writable=False)
    checks = _checks([kind])
    moments = (times * NANOSECONDS).astype(np.int64)
    batch = ObservationBatch(np.zeros(len(times), np.int32), moments, values, np.zeros(len(times), np.uint16), moments)
    ours = checks.check(batch, int(moments[-1])).quality != 0
    score = np.abs(values - values.mean()) / values.std()
    for who, told in (("ours", ours), ("z_score", score > 3), ("always", np.ones(len(times), np.bool_))):
        hits = int((told & wrong).sum())
        report.figure(f"labelled_{who}_precision", hits / max(int(told.sum()), 1))
        report.figure(f"labelled_{who}_recall", hits / int(wrong.sum()))
        windows_found = sum(bool(told[(times >= _seconds(a)) & (times <= _seconds(b))].any()) for a, b in windows)
        report.figure(f"labelled_{who}_windows_found", float(windows_found))
    report.note(f"labelled: {len(times):,} hourly samples, {wrong.mean():.1%} labelled, {len(windows)} windows")


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


if __name__ == "__main__":
    sys.exit(main())
