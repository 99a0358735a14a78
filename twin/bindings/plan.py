"""What a worker is told: one connection and the properties bound in it, as plain values that could cross a process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

from twin.payload import AS_USUAL, PayloadForm

Kind = Literal["number", "boolean", "state", "text", "array"]
Carries = Literal["documents", "scalars"]


@dataclass(frozen=True, slots=True)
class BoundProperty:
    """A property, its series, and the binding that feeds it.

    ``unit``, ``source_unit`` and ``quantity_kind`` are QUDT IRIs (``source_unit`` None: the property's own unit).
    ``states`` are the words of a state property by index; ``codes`` are pairs of raw code and word.
    Source value = raw * ``scale`` + ``offset`` in ``source_unit``; ``minimum`` and ``maximum`` are in ``unit``.
    ``origin`` is the binding's number in the register of origins (0: it has none).  ``read_with`` is a topic filter
    that is read in place of the address, for it and others (None: the address itself).
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
    form: PayloadForm = AS_USUAL
    origin: int = 0
    read_with: str | None = None

    def codec_in_words(self) -> str:
        """How raw values are decoded, e.g. ``kind: number; path: temps.sat; source_unit: ...DEG_F``: equal words mean
        an equal codec."""
        told = {name: getattr(self, name) for name in _CODEC}
        # What is as usual is not told, so that a field that bindings come to have does not make all of them new.
        return "; ".join(
            f"{name}: {_said(value)}" for name, value in told.items() if name == "kind" or value != _DEFAULT[name]
        )


_NOT_CODEC = ("property", "series", "binding", "address", "write_address", "write_path", "origin", "read_with")
_CODEC = tuple(entry.name for entry in fields(BoundProperty) if entry.name not in _NOT_CODEC)
_DEFAULT = {entry.name: entry.default for entry in fields(BoundProperty)}
_QUDT = "http://qudt.org/vocab/"


def _said(value: object) -> str:
    if isinstance(value, PayloadForm):
        stated = ((entry.name, getattr(value, entry.name)) for entry in fields(value))
        return ", ".join(f"{name}={_said(each)}" for name, each in stated if each is not None)
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, tuple):
        return ", ".join("=".join(map(str, each)) if isinstance(each, tuple) else str(each) for each in value)
    return str(value).removeprefix(_QUDT)


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
