"""A server's surfaces over a small building in memory: graph and latest table are real, devices and models are not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import uvicorn

from tests.graph.building import Building, add
from twin.api import Services, create
from twin.bindings.health import ConnectionEvent, ConnectionHealth
from twin.bindings.quarantine import Rejection
from twin.bus import Topic
from twin.clock import ManualClock
from twin.contracts import PLAIN, Reading, Window
from twin.errors import NotFound
from twin.flows.actuate import Command
from twin.flows.ingest import Ingest
from twin.flows.rebind import BindingSpec, SwapResult
from twin.flows.vocabularies import load_vocabularies
from twin.graph.change import ChangeDoor
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
from twin.graph.past.pinned import Pasts
from twin.graph.past.snapshots import Snapshots
from twin.graph.twins.reader import TwinReader
from twin.graph.validation.violations import ViolationStore
from twin.observation import ObservationBatch
from twin.scope import LOCAL, Principal, Scope
from twin.serving import Socket
from twin.telemetry.latest import LatestTable
from twin.terms import Quad

AHU = "urn:twin:hq:ahu-1"
SAT = "urn:twin:hq:ahu-1:sat"
FAN = "urn:twin:hq:ahu-1:fan"
NOTE = "urn:twin:hq:ahu-1:note"
MODE = "urn:twin:hq:vav-1:mode"
CO2 = "urn:twin:hq:wing-co2"
BROKER = "urn:twin:hq:broker"
VIEWER = Principal("viewer", frozenset({"viewer"}))

MORE = """
:ahu-1 brick:hasPoint <urn:twin:hq:ahu-1:fan>, <urn:twin:hq:ahu-1:note> .
<urn:twin:hq:ahu-1:fan> a brick:Fan_On_Off_Status ; rdfs:label "Fan" ; twin:valueKind "boolean" ; twin:writable true ;
  qudt:hasQuantityKind quantitykind:Dimensionless ; qudt:hasUnit unit:UNITLESS .
<urn:twin:hq:ahu-1:note> a brick:Status ; rdfs:label "Note" ; twin:valueKind "text" ;
  qudt:hasQuantityKind quantitykind:Dimensionless ; qudt:hasUnit unit:UNITLESS .
"""


@cache
def vocabularies() -> tuple[Quad, ...]:
    """Every vocabulary, read once for all tests of a process."""
    store = OxigraphStore()
    load_vocabularies(store, "1.5")
    return tuple(store.quads())


class Headquarters(Building):
    """The small building over vocabularies that were read before; with a directory its past can be asked for."""

    def __init__(self, directory: Path | None = None) -> None:
        self.store = OxigraphStore(directory / "graph" if directory is not None else None)
        self.store.bulk_load(vocabularies())
        self.journal = Journal()
        self.clock = ManualClock()
        self.door = ChangeDoor(self.store, self.journal, self.clock)
        self.twins = TwinReader(self.store, lambda: self.door.hierarchy, self.journal.known_series)
        self.door.before_announcing.append(self.twins.refresh)


class MemoryHistory:
    """A history in memory.  ``reads`` notes which series were read together."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[int, tuple[float, int, str | None]]] = {}
        self.reads: list[list[int]] = []
        self.failure: Exception | None = None

    async def append(self, batch: ObservationBatch) -> None:
        for row in range(len(batch)):
            series = self.rows.setdefault(int(batch.series[row]), {})
            series[int(batch.time[row])] = (float(batch.value[row]), int(batch.quality[row]), batch.text.get(row))

    async def latest_at(self, series: Sequence[int], time: int) -> ObservationBatch:
        rows, texts = [], {}
        for each in dict.fromkeys(series):
            known = [(at, row) for at, row in sorted(self.rows.get(each, {}).items()) if at <= time]
            usable = [(at, row) for at, row in known if not row[1] & 0xFF00]
            for at, (value, quality, text) in dict.fromkeys([*known[-1:], *usable[-1:]]):
                if text is not None:
                    texts[len(rows)] = text
                rows.append((each, at, value, quality, at))
        return ObservationBatch.of(rows, texts)

    async def window(self, series: int, start: int, end: int, **how: Any) -> Window:
        return (await self.windows([series], start, end, **how))[series]

    async def windows(
        self,
        series: Sequence[int],
        start: int,
        end: int,
        *,
        interval: int | None = None,
        points: int | None = None,
        aggregate: str = "mean",
        reading: Reading = PLAIN,
    ) -> Mapping[int, Window]:
        await asyncio.sleep(0)
        self.reads.append(list(series))
        if self.failure is not None:
            raise self.failure
        length = interval or (-(-(end - start) // points) if points else 1)
        return {each: self._buckets(each, start, end, length, aggregate) for each in series}

    def _buckets(self, series: int, start: int, end: int, length: int, aggregate: str) -> Window:
        buckets: dict[int, list[tuple[float, int, str | None]]] = {}
        for time, row in sorted(self.rows.get(series, {}).items()):
            if start <= time < end:
                buckets.setdefault(time // length * length, []).append(row)
        pick = {"mean": np.mean, "min": np.min, "max": np.max, "sum": np.sum, "count": len,
                "first": lambda values: values[0], "last": lambda values: values[-1]}[aggregate]  # fmt: skip
        values = {time: [row[0] for row in rows] for time, rows in buckets.items()}
        texts = [rows[-1][2] for rows in buckets.values()]
        return Window(
            np.array(list(buckets), np.int64),
            np.array([pick(each) for each in values.values()], np.float64),
            np.array([min(each) for each in values.values()], np.float64),
            np.array([max(each) for each in values.values()], np.float64),
            np.array([len(each) for each in values.values()], np.int64),
            np.array([rows[-1][1] for rows in buckets.values()], np.uint16),
            [text or "" for text in texts] if any(text is not None for text in texts) else None,
        )


class Devices:
    """Stands in for the supervisor, the actuator and the rebinding: notes what was asked of them."""

    def __init__(self, building: Building) -> None:
        self.building = building
        self.commands: Topic[Command] = Topic()
        self.known: dict[str, Command] = {}
        self.asked: list[tuple[Any, ...]] = []
        self.failure: Exception | None = None

    def health(self) -> list[ConnectionHealth]:
        series = self.building.twins.property(Scope(), SAT)
        assert series is not None
        return [
            ConnectionHealth(
                BROKER, "Vendor A", "mqtt", "mqtt://127.0.0.1:1883", "CONNECTED", self.building.clock.now(),
                bindings=1, received=7, decoded=5, rejected=2, last_received=self.building.clock.now(),
                log=(ConnectionEvent(self.building.clock.now(), "info", "Connected."),),
                rejections=(Rejection(self.building.clock.now(), "acme/ahu/1", "It is no JSON.", "{", 2),),
                series=(series.series,),
            )
        ]  # fmt: skip

    async def set_property(
        self, principal: Principal, property_iri: str, value: Any, unit: str | None = None, **how: Any
    ) -> Command:
        self.asked.append((principal.name, property_iri, value, unit, how))
        if self.failure is not None:
            raise self.failure
        now = self.building.clock.now()
        command = Command("c-1", property_iri, value, "ACCEPTED", now, now, principal.name)
        self.commands.publish(command)
        self.known["c-1"] = replace(command, state="VERIFIED", read_back=value)
        self.commands.publish(self.known["c-1"])
        return self.known["c-1"]

    def find(self, id: str) -> Command:
        if id not in self.known:
            raise NotFound(f"There is no command {id!r}.")
        return self.known[id]

    async def swap(self, principal: Principal, property_iri: str, to: BindingSpec, **how: Any) -> SwapResult:
        self.asked.append((principal.name, property_iri, to, how))
        return SwapResult(property_iri, revision=None if how["dry_run"] else 9)

    async def rollback(self, principal: Principal, revision: int, expected_revision: int | None = None) -> Any:
        self.asked.append((principal.name, revision, expected_revision))
        found = self.building.door.find(revision)
        return await self.building.door.commit(found.delta.inverse(), actor=principal.name, reason="take back")


class Capabilities:
    """No capabilities."""

    def capabilities(self) -> list[Any]:
        return []

    def for_twin(self, iri: str) -> list[Any]:
        return []

    def twins(self, capability: str) -> list[Any]:
        return []


@dataclass
class Server:
    """The surfaces, and what a test moves them with."""

    building: Building
    latest: LatestTable
    history: MemoryHistory
    devices: Devices
    observations: Topic[ObservationBatch]
    services: Services
    principal: list[Principal] = field(default_factory=lambda: [LOCAL])

    @property
    def clock(self) -> Any:
        return self.building.clock

    def close(self) -> None:
        """Closes the graph and its journal: each holds every vocabulary, and a run makes hundreds of them."""
        self.building.store.close()
        self.building.journal.close()

    def series(self, iri: str) -> int:
        record = self.building.twins.property(Scope(), iri)
        assert record is not None
        return record.series

    async def observe(self, *rows: tuple[str, float | str], at: int | None = None, quality: int = 0) -> None:
        """Delivers (property, value) pairs as one batch that carries the present time, or ``at``."""
        time = self.clock.now() if at is None else at
        numbers = [
            (self.series(iri), time, float("nan") if isinstance(value, str) else float(value), quality, time)
            for iri, value in rows
        ]
        texts = {index: value for index, (_, value) in enumerate(rows) if isinstance(value, str)}
        await self.services.ingest.deliver(ObservationBatch.of(numbers, texts))

    def client(self, **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(create(self.services), raise_app_exceptions=True)
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=headers)

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer of a GraphQL request."""
        async with self.client() as client:
            response = await client.post("/graphql", json={"query": query, "variables": variables})
            answer: dict[str, Any] = response.json()
            return answer

    async def data(self, query: str, **variables: Any) -> Any:
        """The data of a GraphQL request that must succeed."""
        answer = await self.ask(query, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    async def error(self, query: str, **variables: Any) -> dict[str, Any]:
        """The only error of a GraphQL request that must fail."""
        answer = await self.ask(query, **variables)
        assert len(answer.get("errors", [])) == 1, answer
        error: dict[str, Any] = answer["errors"][0]
        return error

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """The server on a free port, which it gives."""
        config = uvicorn.Config(create(self.services), host="127.0.0.1", port=0, log_level="warning", ws=Socket)
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None
        task = asyncio.create_task(server.serve())
        try:
            async with asyncio.timeout(20):
                while not server.started:
                    await asyncio.sleep(0.01)
            yield server.servers[0].sockets[0].getsockname()[1]
        finally:
            server.should_exit = True
            await task


def pasts_of(building: Building, directory: Path) -> Pasts:
    """The past of a building on disk."""
    snapshots = Snapshots(building.store, building.journal, directory / "snapshots", None, keep=3, size=2**40)
    return Pasts(
        building.store,
        building.journal,
        building.twins,
        snapshots,
        directory / "past",
        directory / "raw",
        building.clock,
    )


async def start(more: str = "", directory: Path | None = None, **changes: Any) -> Server:
    """A furnished server; ``more`` Turtle is added to its site, ``changes`` replace services.  With a ``directory`` its
    past can be asked for; close its ``pasts`` at the end."""
    building = await Headquarters(directory).furnish()
    await building.door.commit(add(MORE + more), actor="test", reason="more points")
    latest = LatestTable(building.clock)
    history = MemoryHistory()
    observations: Topic[ObservationBatch] = Topic()
    devices = Devices(building)
    principals = [LOCAL]
    given: dict[str, Any] = {
        "clock": building.clock,
        "store": building.store,
        "door": building.door,
        "twins": building.twins,
        "violations": ViolationStore(Path(":memory:")),
        "validation": SimpleNamespace(state=lambda _site: None),
        "latest": latest,
        "history": history,
        "observations": observations,
        "ingest": Ingest(latest, history, observations, building.clock),
        "supervisor": devices,
        "actuator": devices,
        "rebinding": devices,
        "predictor": Capabilities(),
        "importer": SimpleNamespace(),
        "jobs": building.door.jobs,
        "principal_of": lambda _connection: principals[0],
        "pasts": None if directory is None else pasts_of(building, directory),
        **changes,
    }
    services = Services(**given)
    return Server(building, latest, history, devices, observations, services, principals)
