"""The raw side of a server: what connections bring as it came, what they had to reject, and where values come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twin.clock import Clock
from twin.connector import SampleBatch
from twin.contracts import Rejected
from twin.lineage.origins import Origins
from twin.lineage.payloads import PayloadStore
from twin.lineage.rejects import RejectStore
from twin.settings import PayloadSettings


@dataclass(frozen=True, slots=True)
class RawKeeping:
    """The `twin.bindings.keeping.Keeping` of a server, with its parts."""

    origins: Origins
    payloads: PayloadStore
    rejects: RejectStore

    def keep(self, connection: str, batch: SampleBatch, now: int) -> None:
        """Keeps a batch as it came; never waits and never fails."""
        self.payloads.keep(connection, batch, now)

    async def reject(self, connection: str, rejected: Sequence[Rejected]) -> None:
        """Returns when the rejected payloads are on disk; raises `twin.errors.Unavailable` when they are not."""
        await self.rejects.reject(connection, rejected)

    async def close(self) -> None:
        """Writes what waits, and closes the files."""
        await self.payloads.close()
        await self.rejects.close()
        self.origins.close()


def open_keeping(origins: Path, payloads: Path, rejects: Path, settings: PayloadSettings, clock: Clock) -> RawKeeping:
    """The raw side over these files, as the settings say."""
    return RawKeeping(
        Origins(origins, clock),
        PayloadStore(
            payloads,
            clock,
            hours=settings.keep_hours,
            bytes=settings.bytes,
            of_connection=settings.by_connection(),
        ),
        RejectStore(rejects, clock, bytes=settings.rejected_bytes, days=settings.rejected_days),
    )
