"""Everything that answers for the past of one server: snapshots, pinned revisions, and SPARQL over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from twin.bus import Topic
from twin.clock import Clock
from twin.directory import DataDirectory
from twin.flows.live_values import Windows
from twin.flows.losses import Losses, nothing_lost
from twin.flows.past_values import PastLiveValues
from twin.flows.snapshotting import Snapshotting
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
from twin.graph.past.pinned import Past, Pasts
from twin.graph.past.snapshots import Snapshots
from twin.graph.past.sparql import PastServices
from twin.graph.readers.service import SparqlService
from twin.graph.twins.reader import TwinReader
from twin.settings import Settings


class TimeTravel:
    """The past of a server over an entered data directory: ``pasts`` pins revisions, ``services`` answers SPARQL over
    them, ``snapshotting`` is to be run while the server runs and tells ``forget`` the oldest revision that is kept."""

    def __init__(
        self,
        store: OxigraphStore,
        journal: Journal,
        twins: TwinReader,
        history: Windows,
        directory: DataDirectory,
        settings: Settings,
        clock: Clock,
        forget: Callable[[int], object] = lambda _oldest: None,
        losses: Losses = nothing_lost,
    ) -> None:
        chosen = settings.revisions
        self._history = history
        self._losses = losses
        self._settings = replace(settings.sparql, readers=1)
        self.snapshots = Snapshots(
            store,
            journal,
            directory.snapshots,
            directory.graph,
            keep=max(1, chosen.snapshots),
            size=chosen.snapshot_bytes,
        )
        self.pasts = Pasts(
            store,
            journal,
            twins,
            self.snapshots,
            directory.past / "stores",
            directory.raw,
            clock,
            most=chosen.pinned,
            idle=chosen.pinned_seconds,
            size=chosen.pinned_bytes,
        )
        self.services = PastServices(
            self.pasts,
            self._service,
            directory.past / "readers",
            clock,
            most=chosen.pinned,
            idle=chosen.pinned_seconds,
        )
        self.snapshotting = Snapshotting(self.snapshots, journal, clock, chosen, forget)

    async def _service(self, past: Past, directory: Path) -> SparqlService:
        live = PastLiveValues(past, self._history, self._losses)
        return SparqlService(past.store, Topic(), live, directory, self._settings)

    async def close(self) -> None:
        """Ends the readers of the past and lets go of what was pinned."""
        await self.services.close()
        await self.pasts.close()
