"""Binding: what the graph says of connections and bindings is made to run, and made to run anew when it changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from twin.bindings.plan import BoundProperty, ConnectionPlan
from twin.bindings.supervisor import Supervisor
from twin.bus import Lost, Topic
from twin.contracts import Revision
from twin.errors import DeadlineExceeded
from twin.graph.twins.records import BindingRecord, ConnectionRecord, PropertyRecord
from twin.lineage.origins import Origin, Origins
from twin.scope import Scope
from twin.vocab import BRICK, QUDT, RDF, SAREF, TWIN

logger = logging.getLogger(__name__)

_DECIDING = frozenset(
    (
        RDF.type, BRICK.hasUnit, QUDT.hasUnit, QUDT.unit, SAREF.isMeasuredIn, QUDT.hasQuantityKind, BRICK.hasQuantity,
        TWIN.hasProperty, TWIN.valueKind, TWIN.states, TWIN.state, TWIN["index"], TWIN.word, TWIN.minimum, TWIN.maximum,
    )
)  # fmt: skip
"""Predicates of a property, outside the bindings graphs, that a compiled binding depends on."""


_WITH_FILTERS = ("mqtt",)
"""Protocols in which one address can be read for many: the others read each."""


class WiringRecords(Protocol):
    """What is read of the graph here; `twin.graph.twins.reader.TwinReader` is one."""

    def property(self, scope: Scope, iri: str) -> PropertyRecord | None: ...
    def bindings(self, scope: Scope) -> list[BindingRecord]: ...
    def connections(self, scope: Scope) -> list[ConnectionRecord]: ...


def plans(twins: WiringRecords, scope: Scope) -> list[ConnectionPlan]:
    """What has to run: a plan a connection, with the bound properties that exist."""
    rows: dict[str, list[BoundProperty]] = {}
    for binding in twins.bindings(scope):
        property = twins.property(scope, binding.property)
        if property is not None:
            rows.setdefault(binding.connection, []).append(bound(property, binding))
    return [plan(connection, rows.get(connection.iri, ())) for connection in twins.connections(scope)]


def plan(connection: ConnectionRecord, rows: Iterable[BoundProperty]) -> ConnectionPlan:
    """The plan of one connection with these properties bound in it."""
    return ConnectionPlan(
        id=connection.iri,
        name=connection.name,
        protocol=connection.protocol,
        endpoint=connection.endpoint,
        options=connection.options,
        rows=tuple(rows if connection.protocol in _WITH_FILTERS else (replace(row, read_with=None) for row in rows)),
    )


def bound(property: PropertyRecord, binding: BindingRecord) -> BoundProperty:
    """A property with its binding, as a connection is told of it."""
    return BoundProperty(
        property=property.iri,
        series=property.series,
        binding=binding.iri,
        address=binding.address,
        kind=property.kind,
        unit=property.unit,
        quantity_kind=property.quantity_kind,
        states=property.states,
        minimum=property.minimum,
        maximum=property.maximum,
        write_address=binding.write_address,
        path=binding.path,
        time_path=binding.time_path,
        write_path=binding.write_path,
        source_unit=binding.source_unit,
        scale=binding.scale,
        offset=binding.offset,
        codes=binding.states,
        form=binding.form,
        read_with=binding.read_with,
    )


Numbered = dict[tuple[str, str], tuple[str, BoundProperty, BoundProperty]]
"""By binding and property: the connection, the row as it was planned, and the row with its number."""


def numbered(
    plans: Iterable[ConnectionPlan], origins: Origins, revision: int, known: Numbered | None = None
) -> list[ConnectionPlan]:
    """The plans with each binding's number in the register of origins; one that is new, or decodes another way than so
    far, gets a new number as of the revision.  ``known`` are the rows of the last time, kept up: most are as they were.
    """
    plans, known = list(plans), {} if known is None else known
    new = [
        (plan.id, row)
        for plan in plans
        for row in plan.rows
        if (was := known.get((row.binding, row.property))) is None or was[0] != plan.id or was[1] != row
    ]
    numbers = origins.numbers(binding_origin(connection, row, revision) for connection, row in new)
    for (connection, row), number in zip(new, numbers, strict=True):
        known[row.binding, row.property] = connection, row, replace(row, origin=number)
    return [replace(plan, rows=tuple(known[row.binding, row.property][2] for row in plan.rows)) for plan in plans]


def binding_origin(connection: str, row: BoundProperty, revision: int) -> Origin:
    """What a binding is to the register of origins."""
    return Origin("binding", row.binding, connection, row.address, row.codec_in_words(), revision)


def touches_wiring(revision: Revision) -> bool:
    """Whether a change may alter what has to run.  An import, whose quads do not travel with it, may."""
    delta = revision.delta
    return not delta or any(
        quad.graph_name.value.startswith("urn:twin:bindings:") or quad.predicate in _DECIDING  # type: ignore[union-attr]  # every quad is in a named graph
        for quads in (delta.removed, delta.added)
        for quad in quads
    )


class Wiring:
    """Keeps a supervisor as the graph says: `refresh` once at the start, then `follow` the changes.

    ``present`` gives the revision that reads see now; ``origins`` numbers the bindings, whose values carry the number.
    """

    def __init__(
        self,
        twins: WiringRecords,
        supervisor: Supervisor,
        present: Callable[[], int],
        scope: Scope | None = None,
        origins: Origins | None = None,
    ) -> None:
        self._twins = twins
        self._supervisor = supervisor
        self._present = present
        self._origins = origins
        self._numbered: Numbered = {}
        self._scope = scope if scope is not None else Scope()
        self._configuring = asyncio.Lock()
        self._moved = asyncio.Condition()
        self.in_force = -1
        """The newest revision whose bindings are what runs."""

    async def refresh(self, revision: int | None = None) -> None:
        """Returns when the bindings of an announced revision (default: the present one) are in force."""
        wanted = self._present() if revision is None else revision
        async with self._configuring:
            if self.in_force < wanted:
                wired = plans(self._twins, self._scope)
                if self._origins is not None:
                    wired = await asyncio.to_thread(numbered, wired, self._origins, wanted, self._numbered)
                await self._supervisor.configure(wired)
                await self._is_in_force(wanted)

    async def follow(self, changes: Topic[Revision]) -> None:
        """Puts every change into force, until it is cancelled."""
        missed = False
        async with changes.subscribe() as subscription:
            async for revision in subscription:
                if isinstance(revision, Lost):
                    missed = True  # the revisions that are left follow it
                elif missed or self.in_force < revision.token - 1 or touches_wiring(revision):
                    try:
                        await self.refresh(revision.token)
                        missed = False
                    except Exception:  # the next change tries again; the connections go on as they are
                        logger.exception("The bindings of revision %d could not be put into force.", revision.token)
                else:
                    await self._is_in_force(revision.token)

    async def wait_for(self, revision: int, within: float = 30.0) -> None:
        """Returns when the bindings of a revision are in force; raises `DeadlineExceeded` after ``within`` seconds."""
        try:
            async with asyncio.timeout(within), self._moved:
                await self._moved.wait_for(lambda: self.in_force >= revision)
        except TimeoutError:
            raise DeadlineExceeded(
                f"The bindings of revision {revision} are not in force after {within:g} s.",
                remedy="They will be; look at the connections to see what holds them up.",
            ) from None

    async def _is_in_force(self, revision: int) -> None:
        async with self._moved:
            self.in_force = max(self.in_force, revision)
            self._moved.notify_all()
