"""Rebinding: moving a property from one vendor's device to another's in one revision, and taking changes back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from twin.bindings.codec import compile_codec
from twin.bindings.plugins import connector_for
from twin.bindings.supervisor import Supervisor
from twin.bindings.swap import EquivalenceReport
from twin.bus import Topic
from twin.clock import Clock
from twin.connector import AddressError, Connector
from twin.contracts import Delta, Revision
from twin.errors import Conflict, Forbidden, InvalidInput, NotFound
from twin.flows.beside import Comparison
from twin.flows.bind import Wiring, bound, plan
from twin.graph.change import ChangeDoor
from twin.graph.twins.reader import TwinReader
from twin.graph.twins.records import BindingRecord, ConnectionRecord, PropertyRecord
from twin.graph.twins.wiring import binding_quads
from twin.observation import ObservationBatch
from twin.payload import AS_USUAL, PayloadForm
from twin.scope import Principal, Scope
from twin.telemetry.latest import LatestTable
from twin.terms import NamedNode, Quad
from twin.units import unit
from twin.vocab import TWIN

LONGEST_OBSERVATION = 300.0
"""Seconds that both sides may be run beside each other."""
_INFERRED = "urn:twin:inferred:"
_PAGE = 500


@dataclass(frozen=True, slots=True)
class BindingSpec:
    """Where a property is to be read and written from now on; the fields mean what they mean in a binding.

    ``connection`` is an IRI, ``source_unit`` a QUDT name or IRI, ``states`` are pairs of raw code and state word.
    """

    connection: str
    address: str
    write_address: str | None = None
    path: str | None = None
    time_path: str | None = None
    write_path: str | None = None
    source_unit: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    states: tuple[tuple[str, str], ...] = ()
    form: PayloadForm = AS_USUAL


@dataclass(frozen=True, slots=True)
class SwapResult:
    """What a swap did: the ``revision`` that holds it, or the ``report`` of a dry run, which changed nothing."""

    property: str
    revision: int | None = None
    report: EquivalenceReport | None = None


class Rebinding:
    """Vendor swaps and roll-backs.  Both return when what they changed is in force."""

    def __init__(
        self,
        twins: TwinReader,
        door: ChangeDoor,
        supervisor: Supervisor,
        wiring: Wiring,
        latest: LatestTable,
        observations: Topic[ObservationBatch],
        connectors: Mapping[str, type[Connector]],
        clock: Clock,
    ) -> None:
        self._twins = twins
        self._door = door
        self._wiring = wiring
        self._connectors = connectors
        self._comparison = Comparison(supervisor, latest, observations, clock)
        self._swapping = asyncio.Lock()

    async def swap(
        self,
        principal: Principal,
        property_iri: str,
        to: BindingSpec,
        expected_revision: int | None = None,
        dry_run: bool = False,
        observe: float = 5.0,
    ) -> SwapResult:
        """The result once the property is read and commanded through the new binding alone; with ``dry_run`` the report
        on both sides after they ran beside each other for ``observe`` seconds.

        The new side is connected before the old one is left, so that at most one sample is missed.  Raises `Forbidden`,
        `NotFound`, `InvalidInput` (a binding that cannot work), `ShapeViolation` and `Conflict`; then nothing was
        changed.
        """
        _may_wire(principal)
        property, connection, record = self._wanted(principal, property_iri, to)
        reason = f"Bind {property.name} to {connection.name}"
        if not dry_run:
            async with self._swapping:
                delta = self._delta(property, record)
                committed = await self._door.commit(
                    delta,
                    actor=principal.name,
                    reason=reason,
                    expected_revision=expected_revision,
                    about=(property.owner or property.iri,),
                )
                await self._wiring.refresh(committed.token)
            return SwapResult(property.iri, revision=committed.token)
        if not 0 < observe <= LONGEST_OBSERVATION:
            raise InvalidInput(
                f"Both sides cannot be observed for {observe:g} s.",
                remedy=f"Give more than 0 and at most {LONGEST_OBSERVATION:g} s.",
            )
        await self._door.commit(
            self._delta(property, record),
            actor=principal.name,
            reason=reason,
            expected_revision=expected_revision,
            about=(property.owner or property.iri,),
            dry_run=True,
        )
        candidate = plan(connection, [bound(property, record)])
        return SwapResult(property.iri, report=await self._comparison.run(property, candidate, observe))

    async def rollback(self, principal: Principal, revision: int, expected_revision: int | None = None) -> Revision:
        """The new revision that takes an earlier one back, in force.

        Raises `Forbidden`, `NotFound`, `Conflict` when a later change touched the same quads, `InvalidInput` for an
        import, and `ShapeViolation` when the graph would not be valid without the change.
        """
        _may_wire(principal)
        async with self._swapping:
            found = self._door.find(revision)
            asserted = _asserted(found.delta)
            if not asserted:
                raise InvalidInput(
                    f"Revision {revision} cannot be taken back: it is an import, which is not kept quad by quad.",
                    remedy="Remove what it brought with a change of its own.",
                )
            self._refuse_touched(found, asserted)
            committed = await self._door.commit(
                asserted.inverse(),
                actor=principal.name,
                reason=f"Take back revision {revision} ({found.reason})",
                expected_revision=expected_revision,
            )
            await self._wiring.refresh(committed.token)
        return committed

    def _wanted(
        self, principal: Principal, iri: str, to: BindingSpec
    ) -> tuple[PropertyRecord, ConnectionRecord, BindingRecord]:
        scope = Scope(principal)
        property = self._twins.property(scope, iri)
        if property is None:
            raise NotFound(f"There is no property {iri}.", remedy="Look it up among the properties of its twin.")
        known = {connection.iri: connection for connection in self._twins.connections(scope)}
        connection = known.get(to.connection)
        if connection is None:
            raise InvalidInput(
                f"There is no connection {to.connection}.",
                remedy=f"Connections are: {', '.join(sorted(known))}." if known else "Add a connection first.",
            )
        present = self._twins.binding(scope, iri)
        record = BindingRecord(
            iri=present.iri if present is not None else f"{iri}#binding",
            property=iri,
            connection=connection.iri,
            address=to.address,
            write_address=to.write_address,
            path=to.path,
            time_path=to.time_path,
            write_path=to.write_path,
            source_unit=unit(to.source_unit).iri if to.source_unit else None,
            scale=to.scale,
            offset=to.offset,
            states=to.states,
            form=to.form,
        )
        connector = connector_for(connection.protocol, self._connectors)
        try:
            connector.check_address(record.address)
            if record.write_address is not None:
                connector.check_address(record.write_address)
        except AddressError as error:
            raise InvalidInput(str(error), remedy="Correct the address.") from error
        compile_codec(bound(property, record), connector.carries)
        return property, connection, record

    def _delta(self, property: PropertyRecord, record: BindingRecord) -> Delta:
        """From every binding that the property has to the one it shall have."""
        wanted = dict.fromkeys(binding_quads(record, property.site))
        standing: dict[Quad, None] = {}
        store = self._door.store
        for binds in store.quads(None, TWIN.binds, NamedNode(property.iri), None):
            if isinstance(binds.subject, NamedNode):
                for quad in store.quads(binds.subject, None, None, None):
                    standing[quad] = None
                    if quad.predicate == TWIN.stateEntry and isinstance(quad.object, NamedNode):
                        standing.update(dict.fromkeys(store.quads(quad.object, None, None, None)))
        return Delta(
            removed=tuple(quad for quad in standing if quad not in wanted),
            added=tuple(quad for quad in wanted if quad not in standing),
        )

    def _refuse_touched(self, found: Revision, asserted: Delta) -> None:
        ours = {*asserted.removed, *asserted.added}
        after = found.token
        while later := self._door.since(after, _PAGE):
            for change in later:
                if ours.intersection((*change.delta.removed, *change.delta.added)):
                    raise Conflict(
                        f"Revision {found.token} cannot be taken back: revision {change.token} "
                        f"({change.actor}: {change.reason}) changed the same statements since.",
                        remedy=f"Take back revision {change.token} first, or make a change of your own.",
                        revision=change.token,
                    )
            after = later[-1].token


def _may_wire(principal: Principal) -> None:
    if not principal.may_see_bindings():
        raise Forbidden(f"{principal.name} may not change bindings.", remedy="Ask for the role engineer.")


def _asserted(delta: Delta) -> Delta:
    """The delta without what was derived, which is derived anew."""

    def keep(quads: tuple[Quad, ...]) -> tuple[Quad, ...]:
        return tuple(
            quad
            for quad in quads
            if isinstance(quad.graph_name, NamedNode) and not quad.graph_name.value.startswith(_INFERRED)
        )

    return Delta(keep(delta.removed), keep(delta.added))
