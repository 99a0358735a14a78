"""The lineage of a value: where an observation came from, what was received, how it was read, how it was corrected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from twin.contracts import History
from twin.graph.twins.checks import StatedChecks
from twin.graph.twins.records import PropertyRecord
from twin.lineage.frames import Payload
from twin.lineage.keeping import RawKeeping
from twin.lineage.origins import UNKNOWN, Origin
from twin.observation import Block, ObservationBatch

_RECEIVED_WITHIN = 1_000_000  # ns: the history keeps receive times to the millisecond
_FAR = 2**62


@dataclass(frozen=True, slots=True)
class Version:
    """What was said of one moment at one time: the first, or a correction.  Times are ns UTC; ``value`` is NaN for a
    text or an array; ``origin`` is None when nobody wrote it down."""

    version: int
    time: int
    received: int
    value: float
    text: str | None
    block: Block | None
    quality: int
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class Lineage:
    """An observation of a property and everything that is known of how it came about.

    ``versions`` are oldest first, the last one being what stands.  ``payloads`` are what was received with it, nearest
    first, as long as they are kept - until ``kept_until`` (ns UTC) at the latest; of several that came in the same
    millisecond all are told.  ``checks`` is what its value is held against, ``stated`` by which node each.
    """

    record: PropertyRecord
    versions: tuple[Version, ...]
    payloads: tuple[Payload, ...] = ()
    kept_until: int | None = None
    checks: Mapping[str, float] = field(default_factory=dict)
    stated: Mapping[str, str] = field(default_factory=dict)

    @property
    def standing(self) -> Version:
        """What stands."""
        return self.versions[-1]


async def lineage_of(
    record: PropertyRecord,
    at: int | None,
    history: History,
    keeping: RawKeeping | None,
    checks: Callable[[PropertyRecord], StatedChecks] | None = None,
) -> Lineage | None:
    """The lineage of the newest observation of a property with a source time up to ``at`` (ns UTC; None: of all), or
    None when there is none."""
    found = await history.latest_before(record.series, _FAR if at is None else at + 1)
    if not len(found):
        return None
    time = int(found.time[-1])
    rows = await history.rows([record.series], time, time + 1, versions=True)
    versions = versions_of(rows if len(rows) else found, keeping)
    stated = checks(record) if checks is not None else StatedChecks()
    payloads, until = await _payloads(versions[-1], keeping)
    return Lineage(record, versions, payloads, until, stated.numbers, stated.by)


def versions_of(rows: ObservationBatch, keeping: RawKeeping | None) -> tuple[Version, ...]:
    """The versions in rows of one series and time, oldest first."""
    numbers = rows.origin if rows.origin is not None else np.zeros(len(rows), np.int32)
    return tuple(
        Version(
            row,
            int(rows.time[row]),
            int(rows.received[row]),
            float(rows.value[row]),
            rows.text.get(row),
            rows.blocks.get(row),
            int(rows.quality[row]),
            keeping.origins.find(int(numbers[row])) if keeping is not None and numbers[row] != UNKNOWN else None,
        )
        for row in range(len(rows))
    )


async def _payloads(version: Version, keeping: RawKeeping | None) -> tuple[tuple[Payload, ...], int | None]:
    origin = version.origin
    if keeping is None or origin is None or not origin.connection or not keeping.payloads.hours(origin.connection):
        return (), None
    found = await keeping.payloads.find(origin.connection, origin.address, version.received, within=_RECEIVED_WITHIN)
    return tuple(found), keeping.payloads.kept_until(origin.connection, version.received)
