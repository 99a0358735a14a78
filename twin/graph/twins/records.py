"""The records of the read model: twins, properties, relationships and bindings, whichever vocabulary they speak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from twin.payload import AS_USUAL, PayloadForm

Kind = Literal["number", "boolean", "state", "text", "array"]


@dataclass(frozen=True, slots=True)
class ClassRecord:
    """A class of a vocabulary: ``vocabulary`` is ``brick``, ``saref``, ``dtdl`` or another pack's name."""

    iri: str
    name: str
    label: str
    vocabulary: str


@dataclass(frozen=True, slots=True)
class TwinRecord:
    """An individual of a site: equipment, a space, a system.  ``family`` is ``space``, ``equipment`` or ``other``."""

    iri: str
    name: str
    site: str
    classes: tuple[ClassRecord, ...]
    family: str
    place: str | None
    description: str = ""


@dataclass(frozen=True, slots=True)
class PropertyRecord:
    """A property of a twin.  ``role`` is its function whatever the vocabulary (``supply_air_temperature``);
    ``states`` are the words of a state property by index; ``minimum`` and ``maximum`` are in ``unit`` (a QUDT IRI).
    ``freshness`` is how many seconds a value stands for the present."""

    iri: str
    name: str
    site: str
    owner: str | None
    role: str
    classes: tuple[ClassRecord, ...]
    kind: Kind
    quantity_kind: str | None
    unit: str | None
    series: int
    writable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    states: tuple[str, ...] = ()
    freshness: float = 60.0


@dataclass(frozen=True, slots=True)
class RelationshipRecord:
    """An edge from the twin asked about: ``name`` and ``iri`` as asserted, ``direction``, and the other twin."""

    name: str
    iri: str
    direction: Literal["out", "in"]
    other: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an ordered list of IRIs: what follows is asked for by the last one."""

    items: Sequence[str]
    total: int
    has_next: bool


@dataclass(frozen=True, slots=True)
class BindingRecord:
    """Property <-> address in a connection, with its codec, as written in the graph (IRIs are text).
    ``states`` are pairs of raw code and state word; source value = raw * ``scale`` + ``offset`` in ``source_unit``.
    ``read_with`` is the topic filter that a template reads for all its properties."""

    iri: str
    property: str
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
    read_with: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectionRecord:
    """One configured instance of a connector; ``options`` are the protocol's own."""

    iri: str
    name: str
    site: str
    protocol: str
    endpoint: str
    options: Mapping[str, str]
