"""Actuation: a requested write checked, sent, acknowledged and verified by reading back (`sosa:Actuation`)."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Literal, Protocol
from uuid import uuid4

import numpy as np

from twin.bindings.plan import BoundProperty
from twin.bindings.supervisor import Supervisor
from twin.bus import Lost, Subscription, Topic
from twin.clock import Clock
from twin.connector import WriteError
from twin.errors import Forbidden, NotFound, TwinError, Unavailable
from twin.flows.requests import Requested, canonical, shown, tolerance
from twin.graph.twins.records import PropertyRecord
from twin.observation import ObservationBatch
from twin.scope import Principal, Scope
from twin.telemetry.latest import LatestTable

logger = logging.getLogger(__name__)

CommandState = Literal["ACCEPTED", "SENT", "ACKNOWLEDGED", "VERIFIED", "EXPIRED", "FAILED"]
FINISHED = frozenset({"VERIFIED", "EXPIRED", "FAILED"})
"""The states after which nothing more happens to a command."""
KEPT = 1000
"""How many commands are remembered."""
UNCHANGED_AFTER = 2.0
"""Seconds without a contradicting sample after which a value that stood there before counts as read back."""
_MAY_COMMAND = frozenset({"operator", "engineer", "admin"})


@dataclass(frozen=True, slots=True)
class Command:
    """A requested write at one moment of its life.

    ``value`` and ``read_back`` are in the property's own unit, a state as its word.  Times are nanoseconds UTC.
    ``ACCEPTED`` it passed the checks, ``SENT`` it is on its way, ``ACKNOWLEDGED`` the device took it, ``VERIFIED`` the
    device reports the value; ``EXPIRED`` it did not in time, ``FAILED`` it was refused or replaced.
    """

    id: str
    property: str
    value: Requested
    state: CommandState
    requested_at: int
    updated_at: int
    actor: str
    message: str = ""
    read_back: Requested | None = None


class PropertyRecords(Protocol):
    """What is read of the graph here; `twin.graph.twins.reader.TwinReader` is one."""

    def property(self, scope: Scope, iri: str) -> PropertyRecord | None: ...


@dataclass(slots=True)
class _Turn:
    """The commands of one property: one at a time is sent, and a newer one takes the place of all before it."""

    sending: asyncio.Lock
    newest: str = ""
    replaced: asyncio.Event | None = None


class Actuator:
    """Where every command goes through.  ``commands`` tells each step of each command's life.

    Commands of one property never overlap at the device.  A newer one replaces those before it: one that was not sent
    yet never is, and one that waits to be read back stops waiting; both end as FAILED and say what replaced them.
    """

    def __init__(
        self,
        twins: PropertyRecords,
        supervisor: Supervisor,
        latest: LatestTable,
        observations: Topic[ObservationBatch],
        clock: Clock,
    ) -> None:
        self.commands: Topic[Command] = Topic()
        self._twins = twins
        self._supervisor = supervisor
        self._latest = latest
        self._observations = observations
        self._clock = clock
        self._known: OrderedDict[str, Command] = OrderedDict()
        self._turns: dict[str, _Turn] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    async def set_property(
        self,
        principal: Principal,
        property_iri: str,
        value: object,
        unit: str | None = None,
        timeout: float = 10.0,  # noqa: ASYNC109 - it is part of the command, which lives on when the caller leaves
        wait: bool = True,
        dry_run: bool = False,
    ) -> Command:
        """The command once it is verified, failed or expired after ``timeout`` seconds; ``wait=False``: as accepted.

        ``value`` is a number (in ``unit``, default the property's own), a boolean, a state's word or a text.  A caller
        that leaves does not take the command back.  Raises `NotFound`, `Forbidden` (no right to command, or a read-only
        property), `InvalidInput` (a value that the property cannot have) and `Unavailable` (it cannot be reached now);
        then nothing was sent.
        """
        property, requested, number = self._check(principal, property_iri, value, unit)
        row = self._reachable(property)
        now = self._clock.now()
        command = Command(uuid4().hex, property.iri, requested, "ACCEPTED", now, now, principal.name)
        if dry_run:
            return replace(command, message="Checked; nothing was sent.")
        self._tell(command)
        task = asyncio.create_task(self._carry_out(command.id, property, row, number, timeout))
        self._running[command.id] = task
        task.add_done_callback(lambda _: self._running.pop(command.id, None))
        if wait:
            await asyncio.wait({task})
        return self.find(command.id)

    def find(self, id: str) -> Command:
        """A command as it stands now; raises `NotFound` for one that never was or is no longer remembered."""
        command = self._known.get(id)
        if command is None:
            raise NotFound(
                f"There is no command {id!r}.", remedy=f"The last {KEPT} commands since the start are remembered."
            )
        return command

    async def close(self) -> None:
        """Ends the commands that are under way; they fail."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    # Before anything is sent.

    def _check(
        self, principal: Principal, iri: str, value: object, unit: str | None
    ) -> tuple[PropertyRecord, Requested, float | str]:
        if not principal.roles & _MAY_COMMAND:
            raise Forbidden(f"{principal.name} may not send commands.", remedy="Ask for the role operator.")
        property = self._twins.property(Scope(principal), iri)
        if property is None:
            raise NotFound(f"There is no property {iri}.", remedy="Look it up among the properties of its twin.")
        if not property.writable:
            raise Forbidden(
                f"{property.name} is read-only.",
                remedy="Command a property that is writable; ask for properties with writable: true.",
            )
        return property, *canonical(property, value, unit)

    def _reachable(self, property: PropertyRecord) -> BoundProperty:
        row = self._supervisor.bound(property.iri)
        if row is None:
            raise Unavailable(f"{property.name} is not bound to a device.", remedy="Give it a binding.")
        if row.write_address is None:
            raise Unavailable(
                f"The device behind {property.name} can be read but not written.",
                remedy="Give its binding a write address.",
            )
        connection = self._supervisor.connection_of(property.iri)
        if connection is None or connection.state != "CONNECTED":
            raise Unavailable(
                f"The device behind {property.name} cannot be reached now.",
                remedy="Try again when its connection is up.",
            )
        return row

    # The life of a command.

    async def _carry_out(
        self, id: str, property: PropertyRecord, row: BoundProperty, wanted: float | str, within: float
    ) -> None:
        try:
            async with asyncio.timeout(within):
                await self._send_and_verify(id, property, row, wanted)
        except TimeoutError:
            self._expire(self.find(id), property, within)
        except (WriteError, TwinError) as error:
            self._turn_to(id, "FAILED", str(error))
        except asyncio.CancelledError:
            self._turn_to(id, "FAILED", "The server stopped before the command was verified.")
            raise
        except Exception:
            logger.exception("Command %s failed in a way that it should not.", id)
            self._turn_to(id, "FAILED", "The command failed for a reason of our own; the server's log has it.")

    async def _send_and_verify(
        self, id: str, property: PropertyRecord, row: BoundProperty, wanted: float | str
    ) -> None:
        turn = self._turns.setdefault(property.iri, _Turn(asyncio.Lock()))
        if turn.replaced is not None:
            turn.replaced.set()
        turn.newest, turn.replaced = id, asyncio.Event()
        replaced = turn.replaced
        async with self._observations.subscribe() as subscription:
            async with turn.sending:
                if replaced.is_set():
                    self._replaced(id, turn, "before it was sent")
                    return
                sent = self._clock.now()
                stood_before = self._stands(property, row, wanted)
                self._turn_to(id, "SENT")
                await self._supervisor.write(property.iri, wanted)
                self._turn_to(id, "ACKNOWLEDGED")
            reading = asyncio.create_task(self._read_back(id, property, row, wanted, sent, stood_before, subscription))
            replacing = asyncio.create_task(replaced.wait())
            try:
                await asyncio.wait({reading, replacing}, return_when=asyncio.FIRST_COMPLETED)
                if reading.done():
                    self._turn_to(id, "VERIFIED", reading.result())
                else:
                    self._replaced(id, turn, "before it was read back")
            finally:
                reading.cancel()
                replacing.cancel()
                await asyncio.gather(reading, replacing, return_exceptions=True)

    async def _read_back(
        self,
        id: str,
        property: PropertyRecord,
        row: BoundProperty,
        wanted: float | str,
        sent: int,
        stood_before: bool,
        subscription: Subscription[ObservationBatch],
    ) -> str:
        """Returns a message when the value was seen; notes every other value seen on the way."""
        contradicted = not stood_before
        while True:
            try:
                async with asyncio.timeout(None if contradicted else UNCHANGED_AFTER):
                    batch = await anext(subscription)
                    while isinstance(batch, Lost) or (seen := _seen(batch, property.series, sent)) is None:
                        batch = await anext(subscription)
            except TimeoutError:
                # A device that reports changes only says nothing of a value that it has already.
                self._note_read_back(id, property, wanted)
                return "The device acknowledged it; the property had this value before."
            self._note_read_back(id, property, seen)
            if _equal(seen, wanted, property, row):
                return ""
            contradicted = True

    def _stands(self, property: PropertyRecord, row: BoundProperty, wanted: float | str) -> bool:
        live = self._latest.live(property.series, property.freshness)
        value = live.text if live.text is not None else live.value
        return value is not None and live.available and _equal(value, wanted, property, row)

    def _expire(self, command: Command, property: PropertyRecord, within: float) -> None:
        if command.state == "ACCEPTED":
            why = "it was not sent, because an earlier command was still on its way"
        elif command.state == "SENT":
            why = "the device did not acknowledge it, and may still carry it out"
        elif command.read_back is None:
            why = f"the device acknowledged it, but {property.name} was not reported since"
        else:
            why = f"the device acknowledged it, but {property.name} still reads {shown(property, command.read_back)}"
        self._turn_to(command.id, "EXPIRED", f"Not verified within {within:g} s: {why}.")

    def _replaced(self, id: str, turn: _Turn, when: str) -> None:
        self._turn_to(id, "FAILED", f"Replaced by command {turn.newest} {when}.")

    def _note_read_back(self, id: str, property: PropertyRecord, value: float | str) -> None:
        self._known[id] = replace(self.find(id), read_back=_worded(property, value))

    def _turn_to(self, id: str, state: CommandState, message: str = "") -> None:
        self._tell(replace(self.find(id), state=state, updated_at=self._clock.now(), message=message))

    def _tell(self, command: Command) -> None:
        self._known[command.id] = command
        if len(self._known) > KEPT:
            oldest = next((id for id, known in self._known.items() if known.state in FINISHED), None)
            if oldest is not None:
                del self._known[oldest]
        self.commands.publish(command)


def _seen(batch: ObservationBatch, series: int, since: int) -> float | str | None:
    """The last usable value of the series in the batch that was received since then."""
    rows = np.flatnonzero((batch.series == series) & (batch.received >= since) & (batch.quality & 0xFF00 == 0))
    if not len(rows):
        return None
    row = int(rows[-1])
    return batch.text.get(row, float(batch.value[row]))


def _equal(seen: float | str, wanted: float | str, property: PropertyRecord, row: BoundProperty) -> bool:
    if isinstance(seen, str) or isinstance(wanted, str):
        return seen == wanted
    return abs(seen - wanted) <= tolerance(property, row, wanted)


def _worded(property: PropertyRecord, value: float | str) -> Requested:
    if isinstance(value, str):
        return value
    if property.kind == "boolean":
        return value != 0
    if property.kind == "state" and value in range(len(property.states)):
        return property.states[int(value)]
    return value
