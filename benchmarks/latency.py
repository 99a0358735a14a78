"""From publishing to the latest value and to a GraphQL subscriber, while the server takes 70 % of what it can sustain.

The sustained rate is measured first: the highest at which a steady stream is in the history as soon as it ends.  Then a
load at 70 % of it runs beside probes, whose values name the message: an application asks for the latest value of each
again and again until it sees it, another one subscribes to them.  Everything runs on this machine and its clock.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
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
PROBES_PER_SECOND = 10
SHARE = 0.7
STEPS = (1.0, 0.85, 0.7, 0.6, 0.5, 0.4, 0.3)
"""Parts of the rate at which a burst is taken that are tried as a steady stream."""
STEADY, BEHIND = 3.0, 0.3
"""Seconds of a steady stream, and how many later it must be in the history."""
DISTINCT = 97
"""Values of a probe before they repeat."""
SUBSCRIPTION = "subscription($properties: [ID!]!) { observations(properties: $properties) { id value } }"


class Probes:
    """What was published when, and when it was first seen; times are monotonic seconds."""

    def __init__(self) -> None:
        self.published: dict[tuple[int, int], float] = {}
        self.seen: dict[str, dict[tuple[int, int], float]] = {"latest": {}, "subscription": {}}

    def publish(self, port: int, seconds: float, value_of: Callable[[int], float | None]) -> None:
        """Publishes at QoS 1 for so many seconds, and looks for each value as the latest one until it is there."""
        client = Client(CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", port)
        client.loop_start()
        began = time.monotonic()
        for number in range(int(seconds * PROBES_PER_SECOND)):
            time.sleep(max(0.0, began + number / PROBES_PER_SECOND - time.monotonic()))
            topic, value = number % PROBES, number // PROBES % DISTINCT
            self.published[topic, value] = sent = time.monotonic()
            body = {"ts": time.time_ns() // 1_000_000, "value": value}
            client.publish(f"probe/{topic}", json.dumps(body), qos=1)
            while time.monotonic() < sent + 1:
                if value_of(topic) == value:
                    self.saw("latest", topic, value)
                    break
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
    burst, seconds = (150_000, 12.0) if chosen.quick else (500_000, 40.0)
    report = Report("latency")
    with tempfile.TemporaryDirectory() as name, Mosquitto(find("mosquitto"), Path(name)) as broker:
        server = IngestServer(Path(name), broker.port, (LOAD, PROBE))
        server.start()
        try:
            for size in (burst // 4, burst):
                found = _burst(server, broker.port, size)
            sustained = _sustained(server, broker.port, found)
            if not sustained:
                report.fail(f"not even {STEPS[-1]:.0%} of {found:,.0f} messages a second is taken as a steady stream")
                return report.finish()
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


def _sustained(server: IngestServer, port: int, burst: float) -> float:
    """Messages a second of the fastest steady stream that is in the history when it ends; 0 when none is."""
    for step in STEPS:
        rate = step * burst
        messages = int(rate * STEADY)
        before = server.committed()
        with publisher(port, messages, TOPICS, "--prefix", LOAD.name, "--rate", str(rate)) as device:
            began = time.time()
            print("go", file=device.stdin, flush=True)
            found, until = server.wait_for(before + messages)
        if found - before == messages and until - began < STEADY + BEHIND:
            return rate
    return 0.0


def _burst(server: IngestServer, port: int, messages: int) -> float:
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
            with GraphQL(server.process.url) as graphql:
                value_of = _latest(graphql, iris)
                publishing = asyncio.create_task(asyncio.to_thread(probes.publish, port, seconds, value_of))
                heard = 0
                while not publishing.done():
                    await asyncio.sleep(0.001)
                    heard = _hear(probes, followed.events, heard, iris)
                await asyncio.sleep(0.5)
                _hear(probes, followed.events, heard, iris)
                await publishing
    return probes


def _hear(probes: Probes, events: list[dict[str, Any]], heard: int, iris: list[str]) -> int:
    for event in events[heard:]:
        told = event["data"]["observations"]
        for each in told if isinstance(told, list) else [told]:
            probes.saw("subscription", iris.index(each["id"]), each["value"])
    return len(events)


def _latest(graphql: GraphQL, iris: list[str]) -> Callable[[int], float | None]:
    def value_of(topic: int) -> float | None:
        found: float | None = graphql.property(iris[topic], "value")["value"]
        return found

    return value_of


if __name__ == "__main__":
    sys.exit(main())
