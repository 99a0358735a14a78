"""Finding connectors by protocol among the installed packages (entry points in the group ``twin.connectors``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points

from twin.connector import Connector
from twin.errors import InvalidInput

GROUP = "twin.connectors"


class InstalledConnectors(Mapping[str, type[Connector]]):
    """The connectors installed, by protocol.  One is imported when it is first asked for: many are heavy."""

    def __init__(self) -> None:
        self._found: dict[str, EntryPoint] = {point.name: point for point in entry_points(group=GROUP)}
        self._loaded: dict[str, type[Connector]] = {}

    def __getitem__(self, protocol: str) -> type[Connector]:
        if protocol not in self._loaded:
            point = self._found[protocol]
            try:
                self._loaded[protocol] = point.load()
            except Exception as error:  # whatever a foreign package raises at import, the server goes on without it
                raise InvalidInput(
                    f"The connector for {protocol!r} ({point.value}) cannot be loaded: {error}.",
                    remedy="Install what it needs, or remove the package that brings it.",
                ) from error
        return self._loaded[protocol]

    def __contains__(self, protocol: object) -> bool:
        return protocol in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._found))

    def __len__(self) -> int:
        return len(self._found)


def connector_for(protocol: str, connectors: Mapping[str, type[Connector]]) -> type[Connector]:
    """The connector that speaks a protocol; raises `twin.errors.InvalidInput` that names the protocols there are."""
    if protocol in connectors:
        return connectors[protocol]
    known = sorted(connectors)
    near = get_close_matches(protocol, known, n=1)
    raise InvalidInput(
        f"No connector speaks {protocol!r}.",
        remedy=(f"Did you mean {near[0]!r}? " if near else "")
        + (f"Installed are: {', '.join(known)}." if known else "No connector is installed."),
        protocol=protocol,
        known=known,
    )
