"""Observations a second at QoS 1, acknowledged after the commit, beside the same client acknowledging on arrival; and
how long after a kill the first new observation is in the history.

``twin serve``, mosquitto and publisher are processes of their own; both ways take turns and their medians are compared.
Everything that was sent must be in the history at the end, once, whatever was killed meanwhile.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import duckdb

from benchmarks.parts.ingest_server import IngestServer, Line, publisher
from benchmarks.report import Report, median, options
from tests.mosquitto import Mosquitto
from tests.peers import find

TOPICS = 1000
STORED = Line("stored", TOPICS)
RECEIVED = Line("received", TOPICS, 1, {"acknowledge": "received"})
RATE = 3000
"""Messages a second under which the server is killed."""
PATIENCE = 60.0


def main() -> int:
    chosen = options(__doc__ or "")
    messages, rounds, kills = (40_000, 2, 2) if chosen.quick else (150_000, 3, 4)
    report = Report("durable_ingest")
    with tempfile.TemporaryDirectory() as name, Mosquitto(find("mosquitto"), Path(name)) as broker:
        server = IngestServer(Path(name), broker.port, (STORED, RECEIVED))
        server.start()
        sent = 0
        try:
            rates: dict[str, list[float]] = {STORED.name: [], RECEIVED.name: []}
            for number in range(rounds + 1):
                for line in (STORED, RECEIVED):
                    size = messages if number else messages // 4  # once, so that every buffer has its size
                    rate = _through_the_server(report, server, broker.port, line, size)
                    sent += size
                    if number:
                        rates[line.name].append(rate)
            seconds, killed = _recoveries(server, broker.port, kills)
            sent += killed
            _settled(server)
            server.process.stop()
        except BaseException:
            server.kill()
            raise
        _complete(report, server, sent)
    stored, received = median(rates[STORED.name]), median(rates[RECEIVED.name])
    report.figure("stored_messages_per_second", stored)
    report.limit("acknowledged_on_arrival_messages_per_second", received)
    report.ratio("stored_over_acknowledged_on_arrival", stored / received, at_least=0.8)
    report.figure("recovery_after_kill_seconds", max(seconds), at_most=5)
    return report.finish()


def _through_the_server(report: Report, server: IngestServer, port: int, line: Line, messages: int) -> float:
    """Observations a second from the first packet to the last commit."""
    before = server.committed()
    with publisher(port, messages, line.topics, "--prefix", line.name, "--qos", "1") as device:
        began = time.time()
        print("go", file=device.stdin, flush=True)
        found, until = server.wait_for(before + messages)
        if found - before != messages:
            report.fail(f"{line.name}: {messages:,} sent and {found - before:,} in the history")
        assert device.stdout is not None
        device.stdout.readline()
    return (found - before) / (until - began)


def _recoveries(server: IngestServer, port: int, kills: int) -> tuple[list[float], int]:
    """Seconds from each kill, with a new start at once, to the first observation in the history; and the messages sent
    meanwhile."""
    messages = RATE * 8 * kills
    seconds: list[float] = []
    with publisher(port, messages, TOPICS, "--prefix", STORED.name, "--qos", "1", "--rate", str(RATE)) as device:
        print("go", file=device.stdin, flush=True)
        for _ in range(kills):
            before = server.committed()
            while server.committed() == before:
                time.sleep(0.01)
            time.sleep(1)
            server.kill()
            killed = time.monotonic()
            server.process.start()
            while not server.committed():
                if time.monotonic() > killed + PATIENCE:
                    raise RuntimeError("the server did not come back")
                time.sleep(0.01)
            seconds.append(time.monotonic() - killed)
        assert device.stdout is not None
        device.stdout.readline()
    return seconds, messages


def _settled(server: IngestServer) -> None:
    last, since = -1, time.monotonic()
    while time.monotonic() < since + 2:
        if (found := server.committed()) != last:
            last, since = found, time.monotonic()
        time.sleep(0.1)


def _complete(report: Report, server: IngestServer, sent: int) -> None:
    with duckdb.connect(str(server.data / "history.duckdb"), read_only=True) as history:
        found = history.execute("SELECT count(*), count(DISTINCT (series, ms, nano)) FROM number").fetchone()
    if found != (sent, sent):
        report.fail(f"{sent:,} messages were acknowledged by the broker and the history has {found}")


if __name__ == "__main__":
    sys.exit(main())
