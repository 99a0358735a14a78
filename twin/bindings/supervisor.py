"""The supervisor: runs what the plans say, routes writes by property, and tells how every connection is doing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from uuid import uuid4

from twin.bindings.deliveries import Receipt
from twin.bindings.health import ConnectionEvent, ConnectionHealth, without_password
from twin.bindings.keeping import Keeping
from twin.bindings.pauses import FIRST_PAUSE
from twin.bindings.plan import BoundProperty, ConnectionPlan
from twin.bindings.plugins import connector_for
from twin.bindings.worker import Deliver, OnStatus, Worker
from twin.clock import Clock
from twin.connector import Connector, Delivery
from twin.errors import InvalidInput, NotFound, Unavailable
from twin.stages import Stages
from twin.tracing import OFF, Tracing

__all__ = ["Deliver", "OnStatus", "Supervisor"]

HANDOVER = 5.0
"""Seconds that the old connection of a property is still read while the new one has not spoken."""
_IDENTITY = ("client_id", "session")
"""Options that say who we are to a device, which only one connection at a time may."""


class Supervisor:
    """All connections of a server.  Used from one event loop; `close` it at the end.

    ``deliver`` takes what was decoded; ``on_status`` is told whenever a connection's state or bindings change;
    ``keeping`` keeps raw payloads, the rejected ones before they are acknowledged; ``identity`` names the
    server towards devices that remember it, and without one it passes by.
    ``keeping`` keeps raw payloads, the rejected ones before they are acknowledged; ``stages`` counts what passes, and
    ``tracing`` follows some of it.
    """

    def __init__(
        self,
        connectors: Mapping[str, type[Connector]],
        deliver: Deliver,
        on_status: OnStatus,
        clock: Clock,
        *,
        handover: float = HANDOVER,
        first_pause: float = FIRST_PAUSE,
        keeping: Keeping | None = None,
        identity: str = "",
        stages: Stages | None = None,
        tracing: Tracing = OFF,
    ) -> None:
        self._connectors = connectors
        self._deliver = deliver
        self._on_status = on_status
        self._clock = clock
        self._handover = handover
        self._first_pause = first_pause
        self._keeping = keeping
        self._identity = identity
        self._stages = stages
        self._tracing = tracing
        self._workers: dict[str, Worker] = {}
        self._forgetting: set[asyncio.Task[None]] = set()
        self._unable: dict[str, ConnectionHealth] = {}
        self._routes: dict[str, tuple[str, BoundProperty]] = {}
        self._configuring = asyncio.Lock()

    async def configure(self, plans: Sequence[ConnectionPlan]) -> None:
        """Makes the running connections be what the plans say, and touches only what differs.

        From the first moment, writes go where the plans say.  A property that moves to another connection is read in
        both until the new one has spoken, for a few seconds at most, so that no sample is missed.
        """
        async with self._configuring:
            wanted = {plan.id: plan for plan in _each_property_once(plans)}
            moved = self._moved(wanted)
            self._routes = {row.property: (plan.id, row) for plan in wanted.values() for row in plan.rows}
            self._unable = {id: health for id, health in self._unable.items() if id in wanted}
            gone = [worker for id, worker in self._workers.items() if id not in wanted]
            changed = [
                worker for id, worker in self._workers.items() if id in wanted and not worker.plan.same_wire(wanted[id])
            ]
            for plan in wanted.values():
                worker = self._workers.get(plan.id)
                if worker is None:
                    self._start(plan)
                elif worker not in changed:
                    worker.update(plan, moved.get(plan.id, ()))
            for worker in changed:
                await worker.stop()
                self._start(wanted[worker.plan.id])
            await self._handed_over(moved)
            for id in moved:
                if id in wanted and id in self._workers:
                    self._workers[id].update(wanted[id])
            for worker in gone:
                # Told to be unavailable is only what no other connection reads now.
                rows = tuple(row for row in worker.plan.rows if row.property not in self._routes)
                worker.update(replace(worker.plan, rows=rows))
                await worker.stop()
                del self._workers[worker.plan.id]
                forgetting = asyncio.create_task(worker.forget())
                self._forgetting.add(forgetting)
                forgetting.add_done_callback(self._forgetting.discard)

    async def write(self, property: str, value: float | str) -> None:
        """Returns when the device acknowledged the canonical value (a boolean 0 or 1, a state its index or word).

        Raises `NotFound` for a property without binding, `Unavailable`, `InvalidInput`, and
        `twin.connector.WriteError` when the device refuses.
        """
        await self._worker_of(property).write(property, value)

    async def accept(self, connection: str, delivery: Delivery, time: int = 0) -> Receipt:
        """Takes what a device sent to a connection; see `Worker.accept`."""
        worker = self._workers.get(connection)
        if worker is None:
            unable = self._unable.get(connection)
            if unable is not None:
                raise Unavailable(unable.error)
            raise NotFound(f"There is no connection {connection}.")
        return await worker.accept(delivery, time)

    def bound(self, property: str) -> BoundProperty | None:
        """The binding that is in force for a property, or None."""
        route = self._routes.get(property)
        return route[1] if route is not None else None

    def connection_of(self, property: str) -> ConnectionHealth | None:
        """The connection that a property is bound in, or None."""
        route = self._routes.get(property)
        return self.find(route[0]) if route is not None else None

    def find(self, connection: str) -> ConnectionHealth | None:
        """How one connection is doing, or None when there is no such connection."""
        worker = self._workers.get(connection)
        return worker.health() if worker is not None else self._unable.get(connection)

    def health(self) -> list[ConnectionHealth]:
        """How every connection is doing, by name."""
        found = [*(worker.health() for worker in self._workers.values()), *self._unable.values()]
        return sorted(found, key=lambda health: (health.name, health.id))

    @asynccontextmanager
    async def beside(self, plan: ConnectionPlan, deliver: Deliver) -> AsyncIterator[Worker]:
        """A worker that runs beside the others for as long as the context lasts, under an identity of its own.

        What it decodes goes to ``deliver`` alone; no write and no status passes through it.  Raises `InvalidInput` for
        an unknown protocol.
        """
        connector = connector_for(plan.protocol, self._connectors)
        options = {key: value for key, value in plan.options.items() if key not in _IDENTITY}
        own = replace(plan, id=f"{plan.id}:beside-{uuid4().hex[:8]}", options=options)
        worker = Worker(own, connector, deliver, lambda _health: None, self._clock, self._first_pause)
        worker.start()
        try:
            yield worker
        finally:
            await worker.stop()

    async def close(self) -> None:
        """Ends every connection."""
        async with self._configuring:
            self._routes = {}
            await asyncio.gather(*(worker.stop() for worker in self._workers.values()))
            self._workers = {}
            await asyncio.gather(*self._forgetting)

    def _start(self, plan: ConnectionPlan) -> None:
        try:
            connector = connector_for(plan.protocol, self._connectors)
        except InvalidInput as error:
            self._unable[plan.id] = self._cannot(plan, str(error))
            self._workers.pop(plan.id, None)
            self._on_status(self._unable[plan.id])
            return
        self._unable.pop(plan.id, None)
        identity = sha256(f"{self._identity} {plan.id}".encode()).hexdigest() if self._identity else ""
        worker = Worker(
            plan,
            connector,
            self._deliver,
            self._on_status,
            self._clock,
            self._first_pause,
            self._keeping,
            identity,
            self._stages,
            self._tracing,
        )
        self._workers[plan.id] = worker
        worker.start()

    def _cannot(self, plan: ConnectionPlan, why: str) -> ConnectionHealth:
        now = self._clock.now()
        return ConnectionHealth(
            id=plan.id,
            name=plan.name,
            protocol=plan.protocol,
            endpoint=without_password(plan.endpoint),
            state="STOPPED",
            since=now,
            error=why,
            bindings=len(plan.rows),
            log=(ConnectionEvent(now, "error", why),),
            series=tuple(row.series for row in plan.rows),
            time=now,
        )

    def _worker_of(self, property: str) -> Worker:
        route = self._routes.get(property)
        if route is None:
            raise NotFound(f"{property} is not bound to any connection.", remedy="Give it a binding.")
        worker = self._workers.get(route[0])
        if worker is None:
            raise Unavailable(self._unable[route[0]].error)
        return worker

    def _moved(self, wanted: Mapping[str, ConnectionPlan]) -> dict[str, tuple[BoundProperty, ...]]:
        """The rows that each connection loses to another one, while it goes on itself."""
        target = {row.property: plan.id for plan in wanted.values() for row in plan.rows}
        moved: dict[str, tuple[BoundProperty, ...]] = {}
        for id, worker in self._workers.items():
            rows = tuple(row for row in worker.plan.rows if target.get(row.property, id) != id)
            if rows and worker.connected:
                moved[id] = rows
        return moved

    async def _handed_over(self, moved: Mapping[str, tuple[BoundProperty, ...]]) -> None:
        """Returns when every moved property has spoken in its new connection, or when that takes too long."""
        awaited: dict[str, set[int]] = {}
        for rows in moved.values():
            for row in rows:
                awaited.setdefault(self._routes[row.property][0], set()).add(row.series)
        waiting = [
            asyncio.ensure_future(self._workers[id].first_samples(series))
            for id, series in awaited.items()
            if id in self._workers
        ]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=self._handover)
            for task in late:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)


def _each_property_once(plans: Sequence[ConnectionPlan]) -> list[ConnectionPlan]:
    """The plans without rows of a property that an earlier plan or row has: two bindings would tell two values."""
    taken: set[str] = set()
    result = []
    for plan in plans:
        rows = []
        for row in plan.rows:
            if row.property not in taken:
                taken.add(row.property)
                rows.append(row)
        result.append(plan if len(rows) == len(plan.rows) else replace(plan, rows=tuple(rows)))
    return result
