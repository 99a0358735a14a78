"""Takes what the publisher sends, up to a stage of our road or as the limit does.

``python -m benchmarks.parts.mqtt_subscriber STAGE PORT MESSAGES TOPICS FOLDER``: prints ``ready`` when subscribed, and
at the end one JSON object: ``messages`` it has, ``until`` when the last one was done (seconds since the epoch), ``cpu``
seconds.  Stages: ``limit`` (paho as it comes, orjson, counting only), ``connector`` (batches out of our connector),
``decoded`` (through the worker into columns), ``stored`` (checked, committed to DuckDB, in the latest table).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

QUIET = 3.0
"""Seconds without a message after which the rest is taken as lost."""


def limit(port: int, messages: int) -> dict[str, float]:
    """Paho as its documentation shows it, with the payload parsed and counted."""
    import orjson
    from paho.mqtt.client import Client, MQTTMessage
    from paho.mqtt.enums import CallbackAPIVersion

    count = 0
    until = 0.0

    def take(client: Client, data: object, message: MQTTMessage) -> None:
        nonlocal count, until
        orjson.loads(message.payload)
        count += 1
        if count == messages:
            until = time.time()
            client.disconnect()

    client = Client(CallbackAPIVersion.VERSION2)
    client.on_message = take
    client.on_subscribe = lambda *_: print("ready", flush=True)
    client.connect("127.0.0.1", port)
    client.subscribe("bench/+", qos=0)
    client.loop_forever()
    return {"messages": count, "until": until}


async def connector_only(port: int, messages: int, topics: int) -> dict[str, float]:
    """Our connector, its batches counted."""
    from connectors.mqtt.connector import MqttConnector
    from twin.connector import AddressBinding, ConnectionSettings

    count = 0
    settings = ConnectionSettings("bench", f"mqtt://127.0.0.1:{port}", {"qos": "0"})
    async with MqttConnector(settings) as connector:
        samples = connector.samples([AddressBinding(str(i), f"bench/{i}") for i in range(topics)])
        first = asyncio.ensure_future(anext(samples))
        await asyncio.sleep(0.5)  # nothing tells when a subscription stands
        print("ready", flush=True)
        count += len(await first)
        while count < messages:
            count += len(await asyncio.wait_for(anext(samples), QUIET))
        return {"messages": count, "until": time.time()}


async def through_the_server(stage: str, port: int, messages: int, topics: int, folder: Path) -> dict[str, float]:
    """The server's own parts, put together as it does."""
    from connectors.mqtt.connector import MqttConnector
    from twin.bindings.health import ConnectionHealth
    from twin.bindings.supervisor import Supervisor
    from twin.bindings.table import BoundProperty, ConnectionPlan
    from twin.bus import Topic
    from twin.clock import SystemClock
    from twin.flows.ingest import Ingest
    from twin.observation import ObservationBatch
    from twin.telemetry.duckdb import DuckDBHistory
    from twin.telemetry.latest import LatestTable
    from twin.telemetry.quality import Ranges, check

    clock = SystemClock()
    latest = LatestTable(clock)
    history = await DuckDBHistory(folder / "history.duckdb").open()
    ranges = Ranges.of(dict.fromkeys(range(topics), (0.0, 100.0)))
    ingest = Ingest(latest, history, Topic(), clock, lambda batch, now: check(batch, ranges, now))
    count, until, moved = 0, 0.0, asyncio.Event()

    async def deliver(batch: ObservationBatch, acknowledge: Callable[[], None] | None) -> None:
        nonlocal count, until
        if stage == "stored":
            await ingest.deliver(batch, acknowledge)
        elif acknowledge is not None:
            acknowledge()
        count, until = count + len(batch), time.time()
        moved.set()

    rows = tuple(
        BoundProperty(
            property=f"urn:twin:bench:{series}",
            series=series,
            binding=f"urn:twin:bench:{series}#binding",
            address=f"bench/{series}",
            unit="http://qudt.org/vocab/unit/DEG_C",
            path="value",
            time_path="ts",
        )
        for series in range(topics)
    )
    connected = asyncio.Event()

    def heed(health: ConnectionHealth) -> None:
        if health.state == "CONNECTED":
            connected.set()

    supervisor = Supervisor({"mqtt": MqttConnector}, deliver, heed, clock)
    plan = ConnectionPlan("bench", "bench", "mqtt", f"mqtt://127.0.0.1:{port}", {"qos": "0"}, rows)
    await supervisor.configure([plan])
    await connected.wait()
    await asyncio.sleep(0.5)  # nothing tells when a subscription stands
    print("ready", flush=True)
    await moved.wait()
    while count < messages:
        moved.clear()
        try:
            await asyncio.wait_for(moved.wait(), QUIET)
        except TimeoutError:
            break  # the rest was lost, which the count says
    health = supervisor.health()[0]
    await supervisor.close()
    await history.close()
    found: dict[str, float] = {"messages": count, "until": until, "rejected": health.rejected}
    if stage == "stored":
        found["messages"] = await _kept(folder / "history.duckdb", topics)
        found["batches"] = ingest.counts.batches
        found["shown"] = sum(latest.live(series, 3600).available for series in range(topics))
    return found


async def _kept(file: Path, topics: int) -> int:
    """How many observations are in the history's file when it is opened anew."""
    from twin.telemetry.duckdb import DuckDBHistory

    history = await DuckDBHistory(file).open()
    try:
        windows = await history.windows(range(topics), 0, 2 * time.time_ns())
    finally:
        await history.close()
    return sum(len(window) for window in windows.values())


def main() -> None:
    stage, (port, messages, topics), folder = sys.argv[1], map(int, sys.argv[2:5]), Path(sys.argv[5])
    if stage == "limit":
        found = limit(port, messages)
    elif stage == "connector":
        found = asyncio.run(connector_only(port, messages, topics))
    else:
        found = asyncio.run(through_the_server(stage, port, messages, topics, folder))
    print(json.dumps({**found, "cpu": time.process_time()}), flush=True)


if __name__ == "__main__":
    main()
