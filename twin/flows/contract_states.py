"""Whether data contracts are met: which clauses are breached, and since when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from twin.clock import NANOSECONDS, Clock
from twin.contracts import Revision
from twin.graph.overlay import QuadView
from twin.graph.twins.checks import CHECK_TERMS
from twin.graph.twins.contracts import CONTRACT_TERMS, ContractRecord, read_contract
from twin.graph.twins.records import PropertyRecord
from twin.telemetry.latest import NEVER
from twin.telemetry.quality_standing import Standing
from twin.terms import NamedNode
from twin.vocab import BRICK, QUDT, RDF, RDFS, SAREF, TWIN

_DECIDING = CHECK_TERMS | CONTRACT_TERMS | {
    QUDT.hasUnit, BRICK.hasUnit, SAREF.isMeasuredIn, QUDT.unit, TWIN.binds, RDF.type, RDFS.label
}  # fmt: skip
_SLOW, _FAST = 1.5, 0.5
"""How much longer or shorter than promised the usual interval of samples may be, as a factor."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause that is breached: ``name`` is ``freshness``, ``range``, ``unit``, ``period`` or ``schemaVersion``;
    ``since`` is ns UTC."""

    name: str
    since: int
    message: str


@dataclass(frozen=True, slots=True)
class ContractState:
    """A property's contract and the clauses of it that are breached now; none: it is met."""

    record: PropertyRecord
    contract: ContractRecord
    breached: tuple[Clause, ...]

    @property
    def met(self) -> bool:
        """Whether every clause is kept."""
        return not self.breached

    @property
    def since(self) -> int | None:
        """Since when it is breached, ns UTC."""
        return min((clause.since for clause in self.breached), default=None)


class Contracts:
    """The data contracts of the graph and their states, worked out when they are asked for.

    ``property_of`` gives the property of an IRI, whichever scope it is in.
    """

    def __init__(
        self, view: QuadView, property_of: Callable[[str], PropertyRecord | None], standing: Standing, clock: Clock
    ) -> None:
        self._view = view
        self._property_of = property_of
        self._standing = standing
        self._clock = clock
        self._known: dict[str, tuple[PropertyRecord, ContractRecord]] | None = None
        self._began: dict[tuple[str, str], int] = {}
        self._noticed: dict[str, int] = {}

    def forget(self, revision: Revision) -> None:
        """Reads the contracts anew after a change that may have moved one."""
        delta = revision.delta
        if not delta or any(quad.predicate in _DECIDING for quad in (*delta.removed, *delta.added)):
            self._known = None

    def states(self) -> Iterator[ContractState]:
        """The state of every contract now."""
        if self._known is None:
            self._known = dict(self._read())
        for record, contract in self._known.values():
            yield self._state(record, contract)

    def state(self, record: PropertyRecord) -> ContractState | None:
        """The state of a property's contract now; None when it has none."""
        if self._known is None:
            self._known = dict(self._read())
        known = self._known.get(record.iri)
        return None if known is None else self._state(*known)

    def _read(self) -> Iterator[tuple[str, tuple[PropertyRecord, ContractRecord]]]:
        now = self._clock.now()
        for quad in self._view.quads(None, TWIN.contract, None, None):
            record = self._property_of(quad.subject.value) if isinstance(quad.subject, NamedNode) else None
            contract = read_contract(self._view, record) if record is not None else None
            if record is not None and contract is not None:
                self._noticed.setdefault(record.iri, now)
                yield record.iri, (record, contract)

    def _state(self, record: PropertyRecord, contract: ContractRecord) -> ContractState:
        now = self._clock.now()
        which = np.array([record.series])
        order = int(self._standing.column("order", which)[0])
        value = float(self._standing.column("value", which)[0])
        interval = float(self._standing.column("interval", which)[0])
        found: list[Clause] = []

        def breach(name: str, message: str, since: int) -> None:
            found.append(Clause(name, self._began.setdefault((record.iri, name), since), message))

        if contract.freshness is not None:
            last = order if order != NEVER else self._noticed.get(record.iri, now)
            if (due := last + int(contract.freshness * NANOSECONDS)) < now:
                breach("freshness", f"no value for more than {contract.freshness:g} s", due)
        low, high = contract.minimum, contract.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            said = " to ".join("any" if each is None else f"{each:g}" for each in (low, high))
            breach("range", f"the value is outside of {said}", order)
        if contract.unit is not None and record.unit != contract.unit:
            breach("unit", f"the unit is {_local(record.unit)} and not {_local(contract.unit)}", now)
        period = contract.period
        if period is not None and (interval < period * _FAST or interval > period * _SLOW):  # not known: neither
            breach("period", f"samples do not come every {period:g} s", now)
        if contract.schema_version is not None and contract.delivered_version not in (None, contract.schema_version):
            message = f"the schema version is {contract.delivered_version} and not {contract.schema_version}"
            breach("schemaVersion", message, now)
        names = {clause.name for clause in found}
        for key in [key for key in self._began if key[0] == record.iri and key[1] not in names]:
            del self._began[key]
        return ContractState(record, contract, tuple(found))


def _local(iri: str | None) -> str:
    return "none" if iri is None else iri.rpartition("/")[2]
