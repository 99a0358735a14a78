"""A plant room of many sensors behind one broker, served, with the broker and every value in a test's hands."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.graphql_client import GraphQL
from tests.mosquitto import Mosquitto
from tests.server_process import ServerProcess, twin

SENSORS = 300
PREFIXES = """
@prefix brick: <https://brickschema.org/schema/Brick#> .
@prefix qudt: <http://qudt.org/schema/qudt/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix twin: <urn:twin:vocabulary:core#> .
@prefix unit: <http://qudt.org/vocab/unit/> .
@prefix : <urn:twin:plant:> .
"""
PUMP, SUPPLY = "urn:twin:plant:pump:flow", "urn:twin:plant:boiler:supply"
CONFIGURATION = '[alerts]\ndelay = 0.5\nsettle = 0.5\nwebhooks = ["{url}"]\nwebhook_secret = "s"\n'


def model() -> str:
    """The plant room in Brick: a pump whose flow must not stand still, a boiler with a contract, and many sensors."""
    rooms = "".join(
        f':room a brick:Room . :sensor-{n} a brick:Water_Temperature_Sensor ; rdfs:label "Sensor {n}" ;'
        f" brick:isPointOf :tank ; qudt:hasUnit unit:DEG_C ; twin:freshness 3600 .\n"
        for n in range(SENSORS)
    )
    return (
        PREFIXES
        + rooms
        + """
:tank a brick:HVAC_Equipment ; rdfs:label "Tank" .
:pump a brick:Pump ; rdfs:label "Pump" ; brick:hasPoint <urn:twin:plant:pump:flow> .
<urn:twin:plant:pump:flow> a brick:Water_Flow_Sensor ; rdfs:label "Flow" ; qudt:hasUnit unit:L-PER-SEC ;
  twin:checkedBy :moving ; twin:freshness 3600 .
:moving a twin:CheckSet ; twin:flatlineAfter 2 .
:boiler a brick:Boiler ; rdfs:label "Boiler" ; brick:hasPoint <urn:twin:plant:boiler:supply> .
<urn:twin:plant:boiler:supply> a brick:Water_Temperature_Sensor ; rdfs:label "Supply" ; qudt:hasUnit unit:DEG_C ;
  twin:contract :promise ; twin:freshness 3600 .
:promise a twin:DataContract ; rdfs:label "Boiler data" ; twin:freshness 3 ; twin:maximum 90 ;
  twin:responsible "Boiler team" ; twin:severity "critical" .
"""
    )


def wiring(endpoint: str) -> str:
    """Every property bound to a topic of its own local name."""
    locals_ = [*(f"sensor-{n}" for n in range(SENSORS)), "pump:flow", "boiler:supply"]
    bindings = "".join(
        f"<urn:twin:plant:{name}#binding> a twin:Binding ; twin:binds <urn:twin:plant:{name}> ;"
        f' twin:connection :broker ; twin:address "plant/{name.replace(":", "/")}" ; twin:path "v" .\n'
        for name in locals_
    )
    return f'{PREFIXES}:broker a twin:Connection ; rdfs:label "Plant broker" ; twin:protocol "mqtt" ;' \
           f' twin:endpoint "{endpoint}" .\n{bindings}'  # fmt: skip


@dataclass
class PlantRoom:
    """The served room.  ``values`` are published a few times a second, by topic; those ``moving`` change each time."""

    server: ServerProcess
    graphql: GraphQL
    broker: Mosquitto
    values: dict[str, float] = field(default_factory=dict)
    moving: set[str] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)

    def publish(self) -> None:
        """Publishes the values until the room is left, whenever the broker is there."""
        client = paho.Client(CallbackAPIVersion.VERSION2)
        client.reconnect_delay_set(1, 1)
        client.connect("127.0.0.1", self.broker.port)
        client.loop_start()
        count = 0
        while not self._stop.wait(0.2):
            count += 1
            for name, value in list(self.values.items()):
                said = value + 0.01 * (count % 7) if name in self.moving else value
                client.publish(f"plant/{name}", json.dumps({"v": said}))
        client.disconnect()
        client.loop_stop()

    def leave(self) -> None:
        """Ends the publishing."""
        self._stop.set()


@contextmanager
def plant_room(directory: Path, mosquitto: Path, hook: str) -> Iterator[PlantRoom]:
    """The room in a new data directory, served, with a value of every sensor."""
    with Mosquitto(mosquitto, directory) as broker:
        (directory / "model.ttl").write_text(model())
        (directory / "wiring.ttl").write_text(wiring(broker.endpoint))
        (directory / "twin.toml").write_text(CONFIGURATION.format(url=hook))
        files = [directory / "model.ttl", directory / "wiring.ttl"]
        done = twin("import", *files, "--site", "plant", "--data", directory / "data")
        assert done.returncode == 0, done.stderr
        server = ServerProcess(
            "serve", directory / "data", directory / "output.txt", "--config", str(directory / "twin.toml")
        )
        with server, GraphQL(server.url) as graphql:
            room = PlantRoom(server, graphql, broker)
            room.values = {f"sensor-{n}": 40.0 + n / 100 for n in range(SENSORS)}
            room.values |= {"pump/flow": 3.0, "boiler/supply": 70.0}
            room.moving = set(room.values)
            publishing = threading.Thread(target=room.publish, daemon=True)
            publishing.start()
            try:
                yield room
            finally:
                room.leave()
                publishing.join(20)
