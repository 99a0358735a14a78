"""A plant whose every message counts: a device, mosquitto, a proxy, and the server as people run it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb
import httpx
from paho.mqtt import publish

from tests.durability.proxy import Proxy
from tests.graphql_client import GraphQL
from tests.mosquitto import Mosquitto
from tests.peers import peer
from tests.server_process import ServerProcess, eventually, twin

SERIES = 10
PERSISTENT = "persistence true\npersistence_location {directory}/\nautosave_interval 3600\n"
_POINT = """
<urn:twin:plant:p{n}> a brick:Temperature_Sensor ; qudt:hasUnit unit:DEG_C ; twin:freshness 1000000 .
<urn:twin:plant:p{n}#binding> a twin:Binding ; twin:binds <urn:twin:plant:p{n}> ;
  twin:connection <urn:twin:plant:broker> ; twin:address "plant/{n}" ; twin:path "v" ; twin:timePath "t" .
"""
_GRAPH = """
@prefix brick: <https://brickschema.org/schema/Brick#> .
@prefix qudt: <http://qudt.org/schema/qudt/> .
@prefix twin: <urn:twin:vocabulary:core#> .
@prefix unit: <http://qudt.org/vocab/unit/> .
<urn:twin:plant:boiler> a brick:Boiler ; brick:hasPoint {points} .
<urn:twin:plant:broker> a twin:Connection ; twin:protocol "mqtt" ; twin:endpoint "mqtt://127.0.0.1:{port}" ;
  twin:option "keepalive=2"{options} .
"""


def graph(port: int, options: dict[str, str]) -> str:
    points = ", ".join(f"<urn:twin:plant:p{n}>" for n in range(SERIES))
    more = "".join(f', "{name}={value}"' for name, value in options.items())
    return _GRAPH.format(points=points, port=port, options=more) + "".join(_POINT.format(n=n) for n in range(SERIES))


class Plant:
    """What runs, and what is known of it."""

    def __init__(self, directory: Path, broker: Mosquitto, proxy: Proxy, start: int) -> None:
        self.data = directory / "data"
        self.broker = broker
        self.proxy = proxy
        self.start = start
        self._directory = directory
        self.server = ServerProcess("serve", self.data, directory / "output.txt")

    def connected(self) -> bool:
        """Whether the server's connection stands."""
        return self.metric("twin_connection_up") == 1

    def subscribed(self) -> bool:
        """Whether what is published reaches the server: it is told what can never be stored, and counts it."""
        if not self.connected():
            return False
        publish.single("plant/0", b"nothing", qos=1, port=self.broker.port)
        return bool(self.metric("twin_connection_rejected_total"))

    def metric(self, name: str) -> float | None:
        """A number of the server's ``/metrics``; None while it does not answer or does not know it."""
        try:
            text = httpx.get(self.server.url + "metrics", timeout=20).text
        except httpx.HTTPError:
            return None
        found = [line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(name + "{")]
        return float(found[0]) if found else None

    def started(self) -> None:
        """Returns when a new server process answers."""
        self.server = ServerProcess("serve", self.data, self._directory / "output.txt")
        self.server.start()

    def seen(self) -> int:
        """How many observations GraphQL counts in the history."""
        count = 'history(from: "2020-01-01T00:00:00Z", to: "2040-01-01T00:00:00Z", points: 1, aggregate: COUNT)'
        fields = "".join(f'p{n}: property(id: "urn:twin:plant:p{n}") {{ {count} {{ points {{ count }} }} }} '
                         for n in range(SERIES))  # fmt: skip
        with GraphQL(self.server.url) as graphql:
            told = graphql.ask("{ " + fields + "}")
        return sum(int(point["count"]) for each in told.values() for point in each["history"]["points"])

    def kept(self) -> list[int]:
        """The numbers of the messages that are in the history's file, each as often as it is there; ends the server."""
        self.server.stop()
        with duckdb.connect(str(self.data / "history.duckdb"), read_only=True) as history:
            rows = history.execute("SELECT value, ms * 1000000 + nano FROM number").fetchall()
        numbers = sorted(int(value) for value, _ in rows)
        assert all(time == (self.start + int(value)) * 1_000_000 for value, time in rows)
        return numbers

    def everything_arrived(self, messages: int, seconds: float = 90) -> None:
        """Asserts that every message is in the history once; ends the server."""
        eventually(lambda: self.seen() >= messages, f"{messages} messages in the history", seconds, 0.2)
        kept = self.kept()
        assert (len(kept), len(set(kept)), kept[-1] + 1) == (messages, messages, messages)


@contextmanager
def plant(directory: Path, **options: str) -> Iterator[Plant]:
    """A plant whose server is connected and subscribed; nothing is published yet."""
    with ExitStack() as stack:
        persistent = PERSISTENT.format(directory=directory)
        broker = stack.enter_context(Mosquitto(peer("mosquitto"), directory, configuration=persistent))
        proxy = stack.enter_context(Proxy(broker.port))
        wiring = directory / "plant.ttl"
        wiring.write_text(graph(proxy.port, options))
        found = Plant(directory, broker, proxy, int(time.time() * 1000) - 3_600_000)
        done = twin("import", wiring, "--site", "plant", "--data", found.data)
        assert done.returncode == 0, done.stderr
        found.started()
        try:
            eventually(found.subscribed, "the subscriptions at the broker")
            yield found
        finally:
            found.server.kill()
