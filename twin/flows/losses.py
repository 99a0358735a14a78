"""When the connections behind properties were lost: what a value of the past needs to be told beside its sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from twin.bindings.health import ConnectionHealth
from twin.graph.twins.reader import TwinReader
from twin.telemetry.outages import Outages

__all__ = ["Losses", "losses_of", "nothing_lost", "recorded"]

Losses = Callable[[TwinReader, Iterable[str], int], Mapping[str, int]]
"""For each of the properties (IRIs), bound as a reader says, whose connection was ever lost up to a moment, the last
time that it was (ns UTC)."""


def losses_of(outages: Outages) -> Losses:
    """Tells the losses that were recorded."""

    def lost(twins: TwinReader, properties: Iterable[str], at: int) -> Mapping[str, int]:
        connections = {iri: connection for iri in properties if (connection := twins.connection_of(iri)) is not None}
        since = outages.lost_at(connections.values(), at)
        return {iri: since[connection] for iri, connection in connections.items() if connection in since}

    return lost


def nothing_lost(_twins: TwinReader, _properties: Iterable[str], _at: int) -> Mapping[str, int]:
    """Where losses are not recorded."""
    return {}


def recorded(outages: Outages, heed: Callable[[ConnectionHealth], None]) -> Callable[[ConnectionHealth], None]:
    """A listener for connection states that records them and hands them on."""

    def listen(health: ConnectionHealth) -> None:
        outages.note(health.id, health.state, health.since, health.error)
        heed(health)

    return listen
