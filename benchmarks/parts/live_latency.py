"""How long a reading takes from a device's message to whoever follows its property: in by MQTT, out by websocket."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from websockets.sync.client import ClientConnection, connect

from benchmarks.parts.mqtt_publisher import CONNECT, DISCONNECT, publish

_PATIENCE = 30.0
_TOPIC = b"probe/sensor"
_WIRED = """\
@prefix : <urn:twin:probe:> .
@prefix brick: <https://brickschema.org/schema/Brick#> .
@prefix quantitykind: <http://qudt.org/vocab/quantitykind/> .
@prefix qudt: <http://qudt.org/schema/qudt/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix twin: <urn:twin:vocabulary:core#> .
@prefix unit: <http://qudt.org/vocab/unit/> .
:unit a brick:Air_Handling_Unit ; rdfs:label "Unit" ; brick:hasPoint :unit:supply .
:unit:supply a brick:Supply_Air_Temperature_Sensor ; rdfs:label "Supply" ;
  qudt:hasQuantityKind quantitykind:Temperature ; qudt:hasUnit unit:DEG_C .
:connection:broker a twin:Connection ; rdfs:label "Broker" ; twin:protocol "mqtt" ; twin:endpoint "{endpoint}" .
<urn:twin:probe:unit:supply#binding> a twin:Binding ; twin:binds :unit:supply ; twin:connection :connection:broker ;
  twin:address "probe/sensor" ; twin:path "value" ; twin:timePath "ts" ; twin:sourceUnit unit:DEG_C .
"""
_FOLLOW = 'subscription { observations(properties: ["urn:twin:probe:unit:supply"]) { value } }'


def wire(folder: Path, endpoint: str) -> None:
    """Adds the probe and its connection to the data directory that a server is to run on."""
    model = folder / "probe.ttl"
    model.write_text(_WIRED.format(endpoint=endpoint))
    command = [
        sys.executable,
        "-m",
        "twin.cli",
        "import",
        str(model),
        "--site",
        "probe",
        "--data",
        str(folder / "data"),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Probe:
    """A device that is followed; each reading differs from the one before."""

    def __init__(self, device: socket.socket, follower: ClientConnection) -> None:
        self._device = device
        self._follower = follower
        self._number = 0

    def milliseconds(self) -> float:
        """From publishing a reading to seeing it; raises ``TimeoutError`` when it is never seen."""
        self._number += 1
        body = json.dumps({"ts": time.time(), "value": self._number}).encode()
        began = time.perf_counter()
        self._device.sendall(publish(_TOPIC, body))
        self._see(self._number, _PATIENCE)
        return 1000 * (time.perf_counter() - began)

    def find(self) -> None:
        """Returns when readings arrive: the server's connection is up and follows the topic."""
        until = time.monotonic() + _PATIENCE
        while True:
            self._number += 1
            self._device.sendall(publish(_TOPIC, json.dumps({"ts": time.time(), "value": self._number}).encode()))
            try:
                self._see(self._number, 0.5)
            except TimeoutError:
                if time.monotonic() > until:
                    raise
            else:
                return

    def _see(self, number: int, seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            said = json.loads(self._follower.recv(timeout=max(until - time.monotonic(), 0.001)))
            if said["type"] == "next" and said["payload"]["data"]["observations"]["value"] == number:
                return


@contextmanager
def probe(broker: int, server: int) -> Iterator[Probe]:
    """The probe of a server at a port, through the broker at another, once its readings arrive."""
    with (
        socket.create_connection(("127.0.0.1", broker)) as device,
        connect(f"ws://127.0.0.1:{server}/graphql", subprotocols=["graphql-transport-ws"]) as follower,
    ):
        device.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        device.sendall(CONNECT)
        assert device.recv(4) == b"\x20\x02\x00\x00", "the broker did not accept the device"
        follower.send(json.dumps({"type": "connection_init"}))
        assert json.loads(follower.recv(timeout=_PATIENCE))["type"] == "connection_ack"
        follower.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": _FOLLOW}}))
        found = Probe(device, follower)
        found.find()
        yield found
        device.sendall(DISCONNECT)
