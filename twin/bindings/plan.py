"""What a worker is told: one connection and the properties bound in it, as plain values that could cross a process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["number", "boolean", "state", "text"]
Carries = Literal["documents", "scalars"]


@dataclass(frozen=True, slots=True)
class BoundProperty:
    """A property, its series, and the binding that feeds it.

    ``unit``, ``source_unit`` and ``quantity_kind`` are QUDT IRIs (``source_unit`` None: the property's own unit).
    ``states`` are the words of a state property by index; ``codes`` are pairs of raw code and word.
    Source value = raw * ``scale`` + ``offset`` in ``source_unit``; ``minimum`` and ``maximum`` are in ``unit``.
    """

    property: str
    series: int
    binding: str
    address: str
    kind: Kind = "number"
    unit: str | None = None
    quantity_kind: str | None = None
    states: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    write_address: str | None = None
    path: str | None = None
    time_path: str | None = None
    write_path: str | None = None
    source_unit: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    codes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ConnectionPlan:
    """One connection and the properties bound in it; equal plans mean that nothing has to be done."""

    id: str
    name: str
    protocol: str
    endpoint: str
    options: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[BoundProperty, ...] = ()

    def same_wire(self, other: ConnectionPlan) -> bool:
        """Whether both speak to the same device in the same way, whatever is bound there."""
        mine = (self.protocol, self.endpoint, dict(self.options))
        return mine == (other.protocol, other.endpoint, dict(other.options))
