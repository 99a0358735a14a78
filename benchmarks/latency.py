"""From publishing to the latest value and to a GraphQL subscriber, while the server takes 70 % of what it can sustain.

The sustained rate is measured first.  Then a load at 70 % of it runs beside probes, whose values name the message: an
application asks for their latest values 50 times a second (what it sees is late by up to 20 ms of its own), another
one subscribes to them.  Everything runs on this machine and its clock.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.parts.ingest_server import IngestServer, Line, publisher
from benchmarks.report import Report, options
from tests.graphql_client import GraphQL, following
from tests.mosquitto import Mosquitto
from tests.peers import find

TOPICS, PROBES = 1000, 20
LOAD = Line("bench", TOPICS, 1, {"qos": "0"})
PROBE = Line("probe", PROBES)
PROBES_PER_SECOND = 50
POLLS_PER_SECOND = 50
SHARE = 0.7
DISTINCT = 97
"""Values of a probe before they repeat."""
SUBSCRIPTION = "subscription($properties: [ID!]!) { observations(properties: $properties) { id value } }"


class Probes:
    """What was published when, and when it was first seen; times are monotonic seconds."""

    def __init__(self) -> None:
        self.published: dict[tuple[int, int], float] = {}
        self.seen: dict[str, dict[tuple[int, int], float]] = {"latest": {}, "subscription": {}}

    def publish(self, port: int, seconds: float) -> None:
        """Publishes at QoS 1 for so many seconds."""
        client = Client(CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", port)
        client.loop_start()
        began = time.monotonic()
        for number in range(int(seconds * PROBES_PER_SECOND)):
            time.sleep(max(0.0, began + number / PROBES_PER_SECOND - time.monotonic()))
            topic, value = number % PROBES, number // PROBES % DISTINCT
            self.published[topic, value] = time.monotonic()
            body = {"ts": time.time_ns() // 1_000_000, "value": value}
            client.publish(f"probe/{topic}", json.dumps(body), qos=1)
        client.disconnect()
        client.loop_stop()

    def saw(self, where: str, topic: int, value: float | None) -> None:
        """Notes that the value is seen now."""
        if value is not None:
            self.seen[where].setdefault((topic, int(value)), time.monotonic())

    def latencies(self, where: str) -> list[float]:
        """Milliseconds of every probe that was seen there; one that was overtaken before anybody looked is left out."""
        found = self.seen[where]
        return [(found[key] - sent) * 1000 for key, sent in self.published.items() if key in found]


def main() -> int:
    chosen = options(__doc__ or "")
    sustained_messages, seconds = (200_000, 12.0) if chosen.quick else (500_000, 30.0)
    report = Report("latency")
    with tempfile.TemporaryDirectory() as name, Mosquitto(find("mosquitto"), Path(name)) as broker:
        server = IngestServer(Path(name), broker.port, (LOAD, PROBE))
        server.start()
        try:
            for size in (sustained_messages // 4, sustained_messages):
                sustained = _sustained(server, broker.port, size)
            rate = SHARE * sustained
            probes = asyncio.run(_under_load(server, broker.port, rate, seconds))
        finally:
            server.kill()
    report.figure("sustained_messages_per_second", sustained)
    report.figure("load_messages_per_second", rate)
    for where, most in (("latest", 50), ("subscription", 100)):
        found = probes.latencies(where)
        share = len(found) / len(probes.published)
        if share < 0.9:
            report.fail(f"{where}: only {share:.0%} of the probes were seen")
        report.figure(f"{where}_p50_milliseconds", float(np.percentile(found, 50)))
        report.figure(f"{where}_p99_milliseconds", float(np.percentile(found, 99)), at_most=most)
    report.note(f"{len(probes.published)} probes in {seconds:g} s")
    return report.finish()


def _sustained(server: IngestServer, port: int, messages: int) -> float:
    before = server.committed()
    with publisher(port, messages, TOPICS, "--prefix", LOAD.name) as device:
        began = time.time()
        print("go", file=device.stdin, flush=True)
        found, until = server.wait_for(before + messages)
    return (found - before) / (until - began)


async def _under_load(server: IngestServer, port: int, rate: float, seconds: float) -> Probes:
    probes = Probes()
    iris = [f"urn:twin:bench:probe-{topic}-0" for topic in range(PROBES)]
    messages = int(rate * (seconds + 3))
    with publisher(port, messages, TOPICS, "--prefix", LOAD.name, "--rate", str(rate)) as device:
        async with following(server.process.url) as follower:
            followed = await follower.subscribe(SUBSCRIPTION, {"properties": iris})
            print("go", file=device.stdin, flush=True)
            await asyncio.sleep(2)
            over = threading.Event()
            polling = asyncio.create_task(asyncio.to_thread(_poll, server.process.url, iris, probes, over.is_set))
            publishing = asyncio.create_task(asyncio.to_thread(probes.publish, port, seconds))
            heard = 0
            while not publishing.done():
                await asyncio.sleep(0.001)
                heard = _hear(probes, followed.events, heard, iris)
            await asyncio.sleep(0.5)
            _hear(probes, followed.events, heard, iris)
            over.set()
            await asyncio.gather(polling, publishing)
    return probes


def _hear(probes: Probes, events: list[dict[str, Any]], heard: int, iris: list[str]) -> int:
    for event in events[heard:]:
        told = event["data"]["observations"]
        for each in told if isinstance(told, list) else [told]:
            probes.saw("subscription", iris.index(each["id"]), each["value"])
    return len(events)


def _poll(url: str, iris: list[str], probes: Probes, over: Callable[[], bool]) -> None:
    fields = " ".join(f'p{number}: property(id: "{iri}") {{ value }}' for number, iri in enumerate(iris))
    with GraphQL(url) as graphql:
        due = time.monotonic()
        while not over():
            told = graphql.ask("{ " + fields + " }")
            for number in range(len(iris)):
                probes.saw("latest", number, told[f"p{number}"]["value"])
            due = max(due + 1 / POLLS_PER_SECOND, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    sys.exit(main())
