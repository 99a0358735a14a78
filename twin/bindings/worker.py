"""A worker: keeps one connection up, decodes what it brings, and hands it over in columns.

Nothing but plans, observation batches, writes and health crosses its boundary, so that it could as well be a process of
its own or a box at an edge site.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from time import perf_counter

from twin.bindings.deliveries import MOST_WAITING, Busy, Receipt, items_in, stored
from twin.bindings.first_heard import FirstHeard
from twin.bindings.health import ConnectionHealth, ConnectionLog, ConnectionState, Level, without_password
from twin.bindings.keeping import Keeping, KeepNothing
from twin.bindings.pauses import FIRST_PAUSE, pauses
from twin.bindings.plan import BoundProperty, ConnectionPlan
from twin.bindings.quarantine import Quarantine
from twin.bindings.table import Table, compile_table
from twin.clock import Clock
from twin.connector import (
    AddressBinding,
    ConnectionSettings,
    Connector,
    ConnectorError,
    Delivery,
    Remembered,
    SampleBatch,
)
from twin.contracts import Rejected
from twin.errors import InvalidInput, NotFound, TwinError, Unavailable
from twin.observation import ObservationBatch
from twin.stages import Stages
from twin.tracing import OFF, Tracing

logger = logging.getLogger(__name__)

Deliver = Callable[[ObservationBatch, Callable[[], None] | None], Awaitable[None]]
"""Takes a batch to where it is kept; returns when it is committed, and calls the acknowledgement after that."""
OnStatus = Callable[[ConnectionHealth], None]

CONNECT_WITHIN, DISCONNECT_WITHIN = 60.0, 10.0
"""Seconds after which connecting and disconnecting are given up; a connector's own, shorter limit has better words."""
FINISH_WITHIN = 5.0
"""Seconds that a batch on its way to the history gets when the worker stops."""
_STEADY = 10.0  # a connection that stood this many seconds starts over with the first pause


class Worker:
    """One connection.  `start` it, `update` it when bindings change, `stop` it; used from one event loop.

    A lost connection is tried again for ever, with pauses that double.  A batch that cannot be stored is offered again
    before the next one is read, so that memory stays bounded and the protocol can hold the sender back.
    """

    def __init__(
        self,
        plan: ConnectionPlan,
        connector: type[Connector],
        deliver: Deliver,
        on_status: OnStatus,
        clock: Clock,
        first_pause: float = FIRST_PAUSE,
        keeping: Keeping | None = None,
        identity: str = "",
        stages: Stages | None = None,
        tracing: Tracing = OFF,
    ) -> None:
        self._identity = identity
        self._connector_type = connector
        self._deliver = deliver
        self._on_status = on_status
        self._clock = clock
        self._first_pause = first_pause
        self._keeping = keeping if keeping is not None else KeepNothing()
        self._stages = stages if stages is not None else Stages()
        self._tracing = tracing
        self._log = ConnectionLog(plan.endpoint)
        self._quarantine = Quarantine()
        self._state: ConnectionState = "CONNECTING"
        self._since = clock.now()
        self._error = ""
        self._received = self._decoded = 0
        self._last_received: int | None = None
        self._connector: Connector | None = None
        self._task: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._delivering = False
        self._accepting = 0
        self._stale = False  # whether the addresses being read are not those of the table any more
        self._bound = asyncio.Event()
        self._subscribed: frozenset[str] = frozenset()
        self._first_heard = FirstHeard()
        self._table = Table((), (), documents=False)
        self._set_table(plan, ())

    # What the supervisor calls.

    def start(self) -> None:
        """Begins to connect."""
        self._task = asyncio.create_task(self._run(), name=f"connection {self.plan.id}")

    async def stop(self) -> None:
        """Disconnects; a batch on its way to the history gets a few seconds to arrive there."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        self._turn("STOPPED")

    async def forget(self) -> None:
        """Has the device forget a stopped connection that will not be made again, where it remembers and answers."""
        try:
            connector = self._connector_type(self._settings())
            if isinstance(connector, Remembered):
                async with asyncio.timeout(CONNECT_WITHIN):
                    await connector.forget()
        except Exception as error:  # the connection is gone either way; what is left behind is said
            logger.warning(
                "%s may still be remembered at %s: %s", self.plan.name, without_password(self.plan.endpoint), error
            )

    def update(self, plan: ConnectionPlan, keep: tuple[BoundProperty, ...] = ()) -> None:
        """Takes changed bindings of the same wire; ``keep`` are rows that are read on although they left the plan.

        The connection stays up.  It is subscribed anew only when an address is new; one that is gone is no longer
        decoded, and its subscription ends with the next new one.
        """
        if plan == self.plan and keep == self._kept:
            return
        self._set_table(plan, keep)
        if {each.address for each in self._table.addresses()} - self._subscribed:
            self._stale = True
            if self._reading is not None and not self._delivering:
                self._reading.cancel()
        self._on_status(self.health())

    async def write(self, property: str, value: float | str) -> None:
        """Returns when the device acknowledged the canonical value; raises `Unavailable` when the connection is not up,
        `InvalidInput` for a value that cannot be encoded, `twin.connector.WriteError` when the device refuses it."""
        codec = self._table.codec(property)
        if codec is None:
            fault = next((each for each in self._table.faults if each.property == property), None)
            if fault is not None:
                raise Unavailable(fault.message, remedy="Correct the binding.")
            raise NotFound(f"{property} is not bound in {self.plan.name}.")
        row = codec.row
        if row.write_address is None:
            raise Unavailable(
                f"The binding of {property} says where to read and not where to write.",
                remedy="Give it a write address.",
            )
        payload = codec.encode(value)
        connector = self._connector
        if connector is None:
            raise Unavailable(
                f"The connection {self.plan.name} is not up" + (f": {self._error}" if self._error else "."),
                remedy="Try again when it is connected.",
            )
        try:
            await connector.write(AddressBinding(row.binding, row.address, row.write_address), payload)
        except ConnectorError as error:
            raise Unavailable(f"The connection {self.plan.name} was lost: {error}", remedy="Try again.") from error

    async def accept(self, delivery: Delivery, time: int = 0) -> Receipt:
        """Returns when what a device sent is committed; ``time`` (ns UTC) is that of values without one of their own.

        Raises `twin.connector.DeliveryRefused`, `NotFound` for a connection that nothing can be sent to, `Busy`, and
        `Unavailable` when nothing is stored: then the device is to send it again.
        """
        items = items_in(delivery, self._connector_type, self._settings(), self.plan.name)
        if self._accepting >= MOST_WAITING:
            raise Busy(f"{self._accepting} deliveries to {self.plan.name} wait to be stored.", remedy="Send it again.")
        self._accepting += 1
        try:
            now = self._clock.now()
            done = await stored(self.plan.id, items, time, now, self._table, self._keeping, self._deliver)
        finally:
            self._accepting -= 1
        for each in done.rejected:
            self._quarantine.add(each.address, each.reason, each.payload, each.received)
        self._quarantine.taken()  # they are on disk already
        self._received += len(items)
        self._last_received = now
        self._decoded += len(done.observations)
        self._first_heard.tell(done.observations)
        return done.receipt

    def health(self) -> ConnectionHealth:
        """How the connection is doing now."""
        plan = self.plan
        return ConnectionHealth(
            id=plan.id,
            name=plan.name,
            protocol=plan.protocol,
            endpoint=without_password(plan.endpoint),
            state=self._state,
            since=self._since,
            error=self._error,
            bindings=len(plan.rows),
            received=self._received,
            decoded=self._decoded,
            rejected=self._quarantine.total,
            last_received=self._last_received,
            log=self._log.events(),
            rejections=self._quarantine.rejections(),
            series=tuple(row.series for row in plan.rows),
            time=self._clock.now(),
        )

    @property
    def connected(self) -> bool:
        """Whether the connection is up."""
        return self._state == "CONNECTED"

    async def first_samples(self, series: Collection[int]) -> None:
        """Returns when a value of each of these series that is not bad has been delivered, counted from now."""
        await self._first_heard.of(series)

    # Keeping the connection up.

    async def _run(self) -> None:
        waits = pauses(self._first_pause)
        while True:
            began = self._clock.monotonic()
            received = self._received
            try:
                await self._session()
            except ConnectorError as error:
                reason = str(error)
            except Exception as error:
                logger.exception("The connector of %s failed in a way that it should not.", self.plan.name)
                reason = f"The connector failed unexpectedly ({type(error).__name__}: {error})."
            if self._task is None:  # stopping: the connector answered the cancellation with an error of its own
                return
            if self._received > received or self._clock.monotonic() - began > _STEADY:
                waits = pauses(self._first_pause)
            pause = next(waits)
            self._turn("RETRYING", self._note("warning", reason))
            self._note("info", f"Trying again in {pause:.1f} s.")
            await asyncio.sleep(pause)

    async def _session(self) -> None:
        """Connects and reads until the connection is lost, which is an exception."""
        connector = self._connector_type(self._settings())
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                await connector.__aenter__()
        except TimeoutError:
            raise ConnectorError(f"{self.plan.endpoint} gave no answer within {CONNECT_WITHIN:g} s.") from None
        try:
            self._connector = connector
            self._note("info", f"Connected to {self.plan.endpoint}.")
            self._turn("CONNECTED")
            while True:
                await self._bound.wait()
                await self._subscription(connector)
        finally:
            self._connector = None
            self._subscribed = frozenset()
            await self._leave(connector)

    def _settings(self) -> ConnectionSettings:
        return ConnectionSettings(self.plan.id, self.plan.endpoint, self.plan.options, self._identity)

    async def _leave(self, connector: Connector) -> None:
        try:
            async with asyncio.timeout(DISCONNECT_WITHIN):
                await connector.__aexit__(None, None, None)
        except Exception as error:  # it is over anyway; why it ended matters more than how
            self._note("warning", f"Disconnecting failed ({type(error).__name__}: {error}).")

    async def _subscription(self, connector: Connector) -> None:
        """Reads the table's addresses until they change, or until an exception says that the connection is lost."""
        addresses = self._table.addresses()
        self._subscribed = frozenset(each.address for each in addresses)
        self._stale = False
        self._reading = reading = asyncio.create_task(self._read(connector.samples(addresses)))
        try:
            await asyncio.wait({reading})
        finally:
            self._reading = None
            if not reading.done():
                if self._delivering:
                    await asyncio.wait({reading}, timeout=FINISH_WITHIN)
                reading.cancel()
                await asyncio.wait({reading})
        if not reading.cancelled():
            reading.result()

    async def _read(self, samples: AsyncIterator[SampleBatch]) -> None:
        try:
            async for batch in samples:
                self._delivering = True
                try:
                    await self._take(batch)
                finally:
                    self._delivering = False
                if self._stale or self._task is None:
                    return
        finally:
            close = getattr(samples, "aclose", None)
            if close is not None:
                await close()
        raise ConnectorError("The connector ended without saying why.")

    # What happens to one batch.

    async def _take(self, batch: SampleBatch) -> None:
        if not self._tracing.on:
            await self._pass_on(batch)
            return
        with self._tracing.batch(self.plan.id, batch.addresses, batch.values):
            await self._pass_on(batch)

    async def _pass_on(self, batch: SampleBatch) -> None:
        began = perf_counter()
        now = self._clock.now()
        self._keeping.keep(self.plan.id, batch, now)
        observations = self._table.decode(batch, self._quarantine, now)
        decoding, converting = self._table.spent
        self._stages.decode.took(decoding, len(batch))
        self._stages.convert.took(converting, len(observations))
        self._tracing.stages(
            ("decode", began, began + decoding), ("convert", began + decoding, began + decoding + converting)
        )
        self._received += len(batch)
        self._last_received = now
        self._decoded += len(observations)
        if refused := self._quarantine.taken():
            await self._set_aside(refused)
        if len(observations):
            await self._hand_over(observations, batch)
            self._first_heard.tell(observations)
        else:
            self._acknowledge(batch)  # it can never be stored, and stands in the quarantine

    async def _set_aside(self, refused: list[Rejected]) -> None:
        """Returns when the refused payloads are on disk: then they may be acknowledged."""
        for pause in pauses(self._first_pause):
            try:
                await self._keeping.reject(self.plan.id, refused)
            except TwinError as error:
                self._error = self._note("error", f"{len(refused)} rejected payloads wait to be kept: {error}")
            else:
                return
            await asyncio.sleep(pause)

    async def _hand_over(self, observations: ObservationBatch, batch: SampleBatch) -> None:
        for pause in pauses(self._first_pause):
            try:
                await self._deliver(observations, lambda: self._acknowledge(batch))
            except InvalidInput as error:
                now = self._clock.now()
                self._quarantine.add("(batch)", str(error), None, now)
                self._note("error", f"{len(observations)} values can never be stored: {error}")
                columns = zip(batch.addresses, batch.values, batch.received, strict=True)
                await self._set_aside([Rejected(address, raw, at or now, str(error)) for address, raw, at in columns])
                self._acknowledge(batch)
                return
            except TwinError as error:
                self._error = self._note("error", f"{len(observations)} values wait to be stored: {error}")
            except Exception as error:
                logger.exception("Observations of %s could not be taken over.", self.plan.name)
                self._error = self._note("error", f"{len(observations)} values wait to be stored: {error!r}")
            else:
                self._error = ""
                return
            await asyncio.sleep(pause)

    def _acknowledge(self, batch: SampleBatch) -> None:
        if batch.acknowledge is not None:
            try:
                batch.acknowledge()
            except Exception as error:  # what is stored stays stored; the device will send it again
                self._note("warning", f"Samples could not be acknowledged: {error}")

    def _set_table(self, plan: ConnectionPlan, keep: tuple[BoundProperty, ...]) -> None:
        known = self._table.faults
        self.plan, self._kept = plan, keep
        self._table = compile_table((*plan.rows, *keep), self._connector_type.carries)
        for fault in self._table.faults:
            if fault not in known:
                self._note("error", fault.message)
        if self._table.addresses():
            self._bound.set()
        else:
            self._bound.clear()

    def _note(self, level: Level, message: str) -> str:
        return self._log.add(self._clock.now(), level, message)

    def _turn(self, state: ConnectionState, error: str = "") -> None:
        if state != self._state:
            self._state, self._since = state, self._clock.now()
        self._error = error
        self._on_status(self.health())
