"""A building wired to two vendors' devices in memory, with everything between a device and its value."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.bindings.fake import CONNECTORS, Device, until
from tests.graph.building import Building, add, quads
from twin.bindings.supervisor import Supervisor
from twin.bus import Lost, Topic
from twin.clock import SystemClock
from twin.contracts import Delta
from twin.flows.actuate import Actuator
from twin.flows.bind import Wiring
from twin.flows.ingest import Ingest, availability
from twin.flows.rebind import Rebinding
from twin.observation import ObservationBatch
from twin.scope import Scope
from twin.telemetry.latest import LatestTable, Live
from twin.vocab import bindings_graph

ASSETS = """
:ahu a brick:Air_Handling_Unit ; rdfs:label "AHU" ; brick:hasPoint :sat, :setpoint, :mode, :fan, :note .
:sat a brick:Supply_Air_Temperature_Sensor ; rdfs:label "Supply air" ;
  qudt:hasQuantityKind quantitykind:Temperature ; qudt:hasUnit unit:DEG_C .
:setpoint a brick:Supply_Air_Temperature_Setpoint ; rdfs:label "Setpoint" ; twin:writable true ;
  twin:minimum 10 ; twin:maximum 35 ; qudt:hasQuantityKind quantitykind:Temperature ; qudt:hasUnit unit:DEG_C .
:mode a brick:Mode_Command ; rdfs:label "Mode" ; twin:writable true ; twin:valueKind "state" ; twin:states :modes .
:modes a twin:StateSet ; twin:state :modes-0, :modes-1 .
:modes-0 twin:index 0 ; twin:word "off" .
:modes-1 twin:index 1 ; twin:word "cooling" .
:fan a brick:On_Off_Command ; rdfs:label "Fan" ; twin:writable true ; twin:valueKind "boolean" .
:note a brick:Point ; rdfs:label "Note" ; twin:writable true ; twin:valueKind "text" .
"""
WIRING = """
:a a twin:Connection ; rdfs:label "Vendor A" ; twin:protocol "fake" ; twin:endpoint "fake://a" .
:b a twin:Connection ; rdfs:label "Vendor B" ; twin:protocol "nodes" ; twin:endpoint "fake://b" .
<urn:twin:hq:sat#binding> a twin:Binding ; twin:binds :sat ; twin:connection :a ;
  twin:address "acme/ahu" ; twin:path "temps.sat" ; twin:sourceUnit unit:DEG_F .
<urn:twin:hq:setpoint#binding> a twin:Binding ; twin:binds :setpoint ; twin:connection :a ;
  twin:address "acme/ahu" ; twin:path "sp" ; twin:sourceUnit unit:DEG_F ;
  twin:writeAddress "acme/ahu/set" ; twin:writePath "sp" .
<urn:twin:hq:mode#binding> a twin:Binding ; twin:binds :mode ; twin:connection :a ;
  twin:address "acme/ahu" ; twin:path "mode" ; twin:writeAddress "acme/ahu/set" ; twin:writePath "mode" ;
  twin:stateEntry <urn:twin:hq:mode#binding-state-0>, <urn:twin:hq:mode#binding-state-1> .
<urn:twin:hq:mode#binding-state-0> twin:code "COOL" ; twin:word "cooling" .
<urn:twin:hq:mode#binding-state-1> twin:code "STOP" ; twin:word "off" .
"""
SITE = "urn:twin:hq:"


class MemoryHistory:
    """A history of batches, that can be told to fail."""

    def __init__(self) -> None:
        self.batches: list[ObservationBatch] = []
        self.fault: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def append(self, batch: ObservationBatch) -> None:
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        self.batches.append(batch)


class Plant:
    """The devices, the flows and what they told."""

    def __init__(self) -> None:
        self.a, self.b = Device("fake://a"), Device("fake://b")
        self.clock = SystemClock()
        self.building = Building()
        self.door, self.twins = self.building.door, self.building.twins
        self.latest = LatestTable(self.clock)
        self.history = MemoryHistory()
        self.observations: Topic[ObservationBatch] = Topic()
        self.ingest = Ingest(self.latest, self.history, self.observations, self.clock)
        self.supervisor = Supervisor(
            CONNECTORS, self.ingest.deliver, availability(self.latest), self.clock, first_pause=0.005
        )
        self.wiring = Wiring(self.twins, self.supervisor, lambda: self.door.revision)
        self.actuator = Actuator(self.twins, self.supervisor, self.latest, self.observations, self.clock)
        self.rebinding = Rebinding(
            self.twins, self.door, self.supervisor, self.wiring, self.latest, self.observations, CONNECTORS, self.clock
        )
        self.state: dict[str, Any] = {"temps": {"sat": 68.0}, "sp": 68.0, "mode": "STOP"}

    def report(self, **changed: Any) -> None:
        """Vendor A publishes its state."""
        self.state.update(changed)
        self.a.send(("acme/ahu", json.dumps(self.state).encode()))

    def obey_at_a(self) -> None:
        """Vendor A does what it is told, and reports at once."""
        self.a.obey = lambda _device, _address, value: self.report(**json.loads(value))

    def live(self, name: str) -> Live:
        """What a property says now."""
        return self.latest.live(self.series(name), 60.0)

    def series(self, name: str) -> int:
        """The series of a property."""
        property = self.twins.property(Scope(), SITE + name)
        assert property is not None
        return property.series


@asynccontextmanager
async def running() -> AsyncIterator[Plant]:
    """The plant, furnished, wired and connected; everything ends with the context."""
    plant = Plant()
    await plant.door.commit(add(ASSETS), actor="test", reason="move in")
    wired = await plant.door.commit(Delta(added=quads(WIRING, bindings_graph("hq"))), actor="test", reason="wire")
    await plant.wiring.refresh(wired.token)
    following = asyncio.create_task(plant.wiring.follow(plant.door.changes))
    await until(lambda: plant.a.listens_to("acme/ahu") and plant.b.connections)
    try:
        yield plant
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await plant.actuator.close()
        await plant.supervisor.close()
        assert plant.a.connections == plant.b.connections == []


class Ear:
    """What was published on a topic since."""

    def __init__(self, topic: Topic[Any]) -> None:
        self.heard: list[Any] = []
        self._subscription = topic.subscribe(10_000)
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for message in self._subscription:
            assert not isinstance(message, Lost)
            self.heard.append(message)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
