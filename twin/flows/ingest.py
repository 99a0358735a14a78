"""Ingest: what connections decoded is checked, committed, shown and told, in that order, and then acknowledged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from twin.bindings.health import ConnectionHealth
from twin.bus import Topic
from twin.clock import Clock
from twin.flows.spooling import Appends
from twin.observation import ObservationBatch
from twin.stages import Stages
from twin.telemetry.latest import LatestTable
from twin.tracing import OFF, Tracing

Check = Callable[[ObservationBatch, int], ObservationBatch]
"""Adds quality codes to a batch, given the present time (ns UTC)."""

_REFUSED = 64  # batches that are remembered as judged, of those that the history did not take


@dataclass(slots=True)
class IngestCounts:
    """What passed since the start.

    ``refused`` are batches that the history did not take, ``waiting`` those on their way to it now; ``history_seconds``
    is the time spent in commits, ``error`` why the last batch was refused (empty when one was taken since).
    """

    batches: int = 0
    observations: int = 0
    uncertain_or_bad: int = 0
    refused: int = 0
    waiting: int = 0
    history_seconds: float = 0.0
    error: str = ""


class Ingest:
    """The road of every observation, from a connection or from a model.

    A value is shown only after it is on disk - in the history, or in the spool while the history takes none: what
    somebody has seen is never lost, whenever the server stops.  The price is that no new value is shown while neither
    takes any; connections then offer their batch again and hold their devices back.  ``stages`` tells how long each
    step takes; ``committed`` are told of each batch before the subscribers are.
    """

    def __init__(
        self,
        latest: LatestTable,
        history: Appends,
        observations: Topic[ObservationBatch],
        clock: Clock,
        check: Check = lambda batch, _now: batch,
        tracing: Tracing = OFF,
    ) -> None:
        self.counts = IngestCounts()
        self.stages = Stages()
        self._latest = latest
        self._history = history
        self._observations = observations
        self._clock = clock
        self._check = check
        self._tracing = tracing
        self.committed: list[Callable[[ObservationBatch], None]] = []
        self._refused: dict[int, tuple[ObservationBatch, ObservationBatch]] = {}

    async def deliver(self, batch: ObservationBatch, acknowledge: Callable[[], None] | None = None) -> None:
        """Returns when the batch is committed and shown; batches may be delivered at the same time.

        Raises what the history raises; the batch is then neither committed nor shown, and was not acknowledged.
        """
        counts = self.counts
        stages, rows = self.stages, len(batch)
        entered = perf_counter()
        # A batch that was refused is offered again: it was judged already, and the checks remember what they judged.
        offered, checked = self._refused.pop(id(batch), (batch, None))
        if checked is None or offered is not batch:
            checked = self._check(batch, self._clock.now())
        began = perf_counter()
        stages.check.took(began - entered, rows)
        counts.waiting += 1
        try:
            await self._history.append(checked)
        except Exception as error:
            counts.refused += 1
            counts.error = str(error)
            self._refused[id(batch)] = (batch, checked)  # the batch is kept, so that its id stays its own
            while len(self._refused) > _REFUSED:
                del self._refused[next(iter(self._refused))]
            raise
        finally:
            counts.waiting -= 1
            committed = perf_counter()
            counts.history_seconds += committed - began
        stages.commit.took(committed - began, rows)
        counts.error = ""
        counts.batches += 1
        counts.observations += len(checked)
        counts.uncertain_or_bad += int((checked.quality != 0).sum())
        self._latest.apply(checked)
        for take in self.committed:
            take(checked)
        shown = perf_counter()
        stages.latest.took(shown - committed, rows)
        self._observations.publish(checked)
        told = perf_counter()
        stages.subscribers.took(told - shown, rows)
        tracing = self._tracing
        if tracing.on:
            tracing.observed(checked.series)
            tracing.stages(
                ("check", entered, began),
                ("commit", began, committed),
                ("latest", committed, shown),
                ("subscribers", shown, told),
            )
        if acknowledge is not None:
            acknowledge()


def availability(latest: LatestTable) -> Callable[[ConnectionHealth], None]:
    """A listener for connection states: a lost connection's properties are unavailable from the moment it was lost, one
    bound to it while it is lost from that moment on; each is available again with its first sample after that."""
    lost: dict[str, set[int]] = {}

    def heed(health: ConnectionHealth) -> None:
        if health.state in ("RETRYING", "STOPPED"):
            known = lost.get(health.id)
            latest.mark_unavailable(set(health.series) - (known or set()), health.time if known else health.since)
            lost[health.id] = set(health.series)
        elif health.state == "CONNECTED" and lost.pop(health.id, None) is not None:
            latest.mark_available(health.series)

    return heed
