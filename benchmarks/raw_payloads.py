"""What keeping raw payloads costs: decode to committed history, with payloads kept and without, in turns.

The limit is the same pipeline that keeps none.  Messages are 200 bytes of JSON with one point each.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import Report, median, options
from twin.bindings.plan import BoundProperty
from twin.bindings.quarantine import Quarantine
from twin.bindings.table import compile_table
from twin.bus import Topic
from twin.clock import SystemClock
from twin.connector import SampleBatch
from twin.flows.ingest import Ingest
from twin.lineage.payloads import PayloadStore
from twin.telemetry.duckdb import DuckDBHistory
from twin.telemetry.latest import LatestTable

POINTS = 1_000
TOGETHER = 1_500


def messages(batches: int, began: int) -> list[SampleBatch]:
    """Batches as the MQTT connector brings them."""
    found = []
    for number in range(batches):
        payloads = [
            b'{"value": %.3f, "ts": %d, "id": "point-%06d", "unit": "DEG_C", "pad": "%s"}'
            % (20 + ((number + row) * 7919 % 1000) / 100, began // 1_000_000 + number, row % POINTS, b"x" * 110)
            for row in range(TOGETHER)
        ]
        received = began + number * 1_000_000
        topics = [f"site/ahu/{row % POINTS}/state" for row in range(TOGETHER)]
        found.append(SampleBatch(topics, payloads, [0] * TOGETHER, [received] * TOGETHER))
    return found


async def passed(batches: int, keep: bool) -> tuple[float, float, PayloadStore]:
    """Messages a second and processor seconds, from raw batches to the committed history."""
    clock = SystemClock()
    rows = [
        BoundProperty(f"urn:p{n}", n + 1, f"urn:p{n}#b", f"site/ahu/{n}/state", path="value", time_path="ts")
        for n in range(POINTS)
    ]
    table, quarantine = compile_table(rows, "documents"), Quarantine()
    with tempfile.TemporaryDirectory() as directory:
        history = await DuckDBHistory(Path(directory) / "history.duckdb", threads=1).open()
        ingest = Ingest(LatestTable(clock), history, Topic(), clock)
        store = PayloadStore(Path(directory) / "payloads", clock, hours=1, bytes=1 << 33)
        taken = messages(batches, clock.now() - 3600 * 10**9)
        began, cpu = time.perf_counter(), time.process_time()
        for batch in taken:
            if keep:
                store.keep("urn:c", batch, clock.now())
            await ingest.deliver(table.decode(batch, quarantine, clock.now()))
        await store.flush()
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        await store.close()
        await history.close()
    return batches * TOGETHER / took, cpu, store


def main() -> int:
    """Runs both in turns and reports the medians."""
    chosen = options(__doc__ or "")
    batches, rounds = (150, 3) if chosen.quick else (400, 5)
    asyncio.run(passed(30, True))  # whatever is slow the first time
    kept, none = [], []
    for _ in range(rounds):
        none.append(asyncio.run(passed(batches, False)))
        kept.append(asyncio.run(passed(batches, True)))
    store = kept[-1][2]
    report = Report("raw_payloads")
    report.figure("messages_per_second", median([rate for rate, _, _ in kept]))
    report.limit("messages_per_second_keeping_none", median([rate for rate, _, _ in none]))
    ratios = [with_them[0] / without[0] for with_them, without in zip(kept, none, strict=True)]
    report.ratio("kept_over_none", median(ratios), at_least=0.9)
    cpu = [
        (with_them[1] - without[1]) / (batches * TOGETHER) * 1e6 for with_them, without in zip(kept, none, strict=True)
    ]
    report.figure("microseconds_of_processor_per_message", median(cpu))
    report.figure("bytes_on_disk_per_message", store.counts.written_bytes / (batches * TOGETHER))
    report.figure("dropped", store.counts.dropped, at_most=0)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
