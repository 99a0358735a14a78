"""Observations a second from a real mosquitto through the whole product - connector, codecs, checks, history, latest
table, subscribers - nothing lost.

Three limits on the same messages in the same run: paho as it comes, parsing with orjson and counting only, is that of
plain reading; mosquitto to a client in C that counts is that of bulk reading.  Publisher, broker, limits and ``twin
serve`` are processes of their own and take turns; medians are compared.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.parts.ingest_server import IngestServer, Line, publisher
from benchmarks.report import Report, median, options
from tests.mosquitto import Mosquitto
from tests.peers import ROOT, PeerUnavailable, find

TOPICS, MANY_TOPICS, MANY = 1000, 100, 20
PUBLISHED = {"paho": 57_700, "c": 138_000}
"""Messages a second of the limits, measured before on a quiet machine of this kind."""
LINES = (
    Line("bench", TOPICS, 1, {"qos": "0"}),
    Line("plain", TOPICS, 1, {"qos": "0", "reading": "plain"}),
    Line("many", MANY_TOPICS, MANY, {"qos": "0"}),
)
QUICK = {"paho": 100_000, "c": 150_000, "plain": 80_000, "bench": 200_000, "many": 20_000}
FULL = {"paho": 200_000, "c": 400_000, "plain": 200_000, "bench": 500_000, "many": 60_000}


def main() -> int:
    chosen = options(__doc__ or "")
    sizes, rounds = (QUICK, 2) if chosen.quick else (FULL, 3)
    report = Report("ingest")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        counter = _counter(folder, report)
        with Mosquitto(find("mosquitto"), folder) as broker:
            server = IngestServer(folder, broker.port, LINES)
            server.start()
            try:
                _measure(report, server, broker.port, counter, sizes, rounds)
            finally:
                server.kill()
    return report.finish()


def _measure(
    report: Report, server: IngestServer, port: int, counter: Path | None, sizes: dict[str, int], rounds: int
) -> None:
    rates: dict[str, list[float]] = {name: [] for name in ("paho", "c", *(line.name for line in LINES))}
    memory = []
    for line in LINES:  # once, so that every buffer has its size
        _through_the_server(report, server, port, line, sizes[line.name] // 4)
    for _ in range(rounds):
        rates["paho"].append(_limit([sys.executable, "-m", "benchmarks.parts.mqtt_subscriber"], port, sizes["paho"]))
        if counter is not None:
            rates["c"].append(_limit([str(counter)], port, sizes["c"]))
        for line in LINES:
            rates[line.name].append(_through_the_server(report, server, port, line, sizes[line.name]))
        memory.append(server.memory())
    report.limit("paho_counting_messages_per_second", median(rates["paho"]), published=PUBLISHED["paho"])
    plain, fast, many = (median(rates[line.name]) for line in (LINES[1], LINES[0], LINES[2]))
    report.figure("plain_messages_per_second", plain)
    report.figure("bulk_messages_per_second", fast)
    report.figure("points_per_second_20_a_message", many, at_least=400_000)
    report.ratio("plain_over_paho_counting", plain / median(rates["paho"]), at_least=0.7)
    if rates["c"]:
        report.limit("c_client_counting_messages_per_second", median(rates["c"]), published=PUBLISHED["c"])
        report.ratio("bulk_over_c_client_counting", fast / median(rates["c"]), at_least=0.65)
    report.figure("megabytes_after_the_first_round", memory[0])
    report.ratio("memory_last_over_first_round", memory[-1] / memory[0], at_most=1.1)


def _through_the_server(report: Report, server: IngestServer, port: int, line: Line, messages: int) -> float:
    """Observations a second from the first packet to the last commit."""
    before = server.committed()
    more = ("--prefix", line.name, "--points", str(line.points))
    with publisher(port, messages, line.topics, *more) as device:
        began = time.time()
        print("go", file=device.stdin, flush=True)
        found, until = server.wait_for(before + messages * line.points)
        if found - before != messages * line.points:
            report.fail(f"{line.name}: {messages * line.points:,} sent and {found - before:,} in the history")
    return (found - before) / (until - began)


def _limit(command: list[str], port: int, messages: int) -> float:
    """Messages a second of a client that only counts, from the first packet to the last message."""
    counting = subprocess.Popen([*command, str(port), str(messages)], stdout=subprocess.PIPE, text=True)
    assert counting.stdout is not None
    try:
        if counting.stdout.readline() != "ready\n":
            raise RuntimeError(f"{command} did not get ready")
        with publisher(port, messages, TOPICS, "--prefix", "limit") as device:
            began = time.time()
            print("go", file=device.stdin, flush=True)
            found = json.loads(counting.stdout.readline())
        return float(found["messages"] / (found["until"] - began))
    finally:
        counting.kill()
        counting.communicate()


def _counter(folder: Path, report: Report) -> Path | None:
    """The client in C, built; None when it cannot be, which is said."""
    program = folder / "mqtt_counter"
    source = ROOT / "benchmarks" / "parts" / "mqtt_counter.c"
    try:
        find("libmosquitto")
        subprocess.run(["gcc", "-O2", "-o", program, source, "-lmosquitto"], check=True, capture_output=True)
    except (PeerUnavailable, OSError, subprocess.CalledProcessError) as error:
        report.fail(f"without the limit of a client in C: {error}")
        return None
    return program


if __name__ == "__main__":
    sys.exit(main())
