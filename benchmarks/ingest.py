"""Single-point JSON messages a second from a real mosquitto to the latest table and DuckDB, nothing lost.

The limit is paho as it comes, parsing with orjson and counting only, on the same messages in the same run.  Publisher,
broker and subscriber are processes of their own; limit and ours take turns, and their medians are compared.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import Report, median, options
from tests.mosquitto import Mosquitto
from tests.peers import find

TOPICS = 1000
PUBLISHED_LIMIT = 57_700
"""Messages a second of the limit, measured before on a quiet machine of this kind."""
PATIENCE = 120
STAGES = ("connector", "decoded")


def main() -> int:
    chosen = options(__doc__ or "")
    messages, rounds = (100_000, 2) if chosen.quick else (300_000, 3)
    report = Report("ingest")
    with tempfile.TemporaryDirectory() as folder, Mosquitto(find("mosquitto"), Path(folder)) as broker:
        rates: dict[str, list[float]] = {"limit": [], "stored": []}
        publisher: list[float] = []
        for number in range(rounds):
            for stage in rates:
                found, sending = _run(stage, broker.port, messages, Path(folder) / f"{stage}-{number}")
                rates[stage].append(found["messages"] / found["seconds"])
                publisher.append(messages / sending)
                if found["messages"] != messages:
                    report.fail(f"{stage}: {messages:,} sent and {found['messages']:,.0f} there")
                if stage == "stored" and found["shown"] != TOPICS:
                    report.fail(f"{TOPICS:,} properties were sent and {found['shown']:,.0f} have a value")
                if stage == "stored":
                    report.figure("messages_per_commit", messages / found["batches"])
        for stage in STAGES:
            found, _ = _run(stage, broker.port, messages, Path(folder) / stage)
            report.figure(f"{stage}_messages_per_second", found["messages"] / found["seconds"])
        report.figure("stored_messages_per_second", median(rates["stored"]))
        report.figure("publisher_messages_per_second", median(publisher))
        report.limit("paho_counting_messages_per_second", median(rates["limit"]), published=PUBLISHED_LIMIT)
    if median(publisher) < 1.2 * median(rates["limit"]):
        report.fail("the publisher is hardly faster than the limit, which is then none")
    report.ratio("stored_over_limit", median(rates["stored"]) / median(rates["limit"]), at_least=0.5)
    return report.finish()


def _run(stage: str, port: int, messages: int, folder: Path) -> tuple[dict[str, float], float]:
    """What the subscriber found, with the ``seconds`` from the first packet to the last message done, and the seconds
    that the publisher took."""
    folder.mkdir()
    module = "benchmarks.parts.mqtt_subscriber"
    subscriber = _start(module, stage, str(port), str(messages), str(TOPICS), str(folder))
    publisher = _start("benchmarks.parts.mqtt_publisher", str(port), str(messages), str(TOPICS))
    try:
        for process in (subscriber, publisher):
            if _line(process) != "ready\n":
                raise RuntimeError(f"{process.args} did not get ready")
        began = time.time()
        print("go", file=publisher.stdin, flush=True)
        sending = json.loads(_line(publisher))["seconds"]
        found = json.loads(_line(subscriber))
        return {**found, "seconds": found["until"] - began}, sending
    finally:
        for process in (subscriber, publisher):
            process.kill()
            process.communicate()


def _start(module: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


if __name__ == "__main__":
    sys.exit(main())
