"""What a worker hands over to be kept beside its observations: raw payloads, and those that it had to reject."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twin.connector import SampleBatch
from twin.contracts import Rejected


class Keeping(Protocol):
    """Where raw payloads are kept."""

    def keep(self, connection: str, batch: SampleBatch, now: int) -> None:
        """Keeps a batch as it came; never waits and never fails.  ``now`` (ns UTC) is the receive time of samples
        that have none."""
        ...

    async def reject(self, connection: str, rejected: Sequence[Rejected]) -> None:
        """Returns when the rejected payloads are on disk; raises `twin.errors.Unavailable` when they are not."""
        ...


class KeepNothing:
    """A `Keeping` for connections whose payloads nobody will ask for, such as those of a trial."""

    def keep(self, connection: str, batch: SampleBatch, now: int) -> None:
        """Forgets the batch."""

    async def reject(self, connection: str, rejected: Sequence[Rejected]) -> None:
        """Forgets the payloads."""
