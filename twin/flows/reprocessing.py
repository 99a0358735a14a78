"""Decoding again: the raw payloads of a chosen period through the bindings as they are now, first as a report.

What comes out is compared with what the history says.  Rows that are the same stay; the others become new versions
whose origin says that they were decoded again, by which binding and codec; nothing is ever taken away.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from twin.bindings.plan import BoundProperty, ConnectionPlan
from twin.bindings.plugins import connector_for
from twin.bindings.quarantine import Quarantine
from twin.bindings.table import Table, compile_table
from twin.clock import Clock
from twin.connector import Connector, SampleBatch
from twin.contracts import History
from twin.errors import InvalidInput, NotFound
from twin.jobs import Running
from twin.lineage.keeping import RawKeeping
from twin.lineage.origins import Origin
from twin.lineage.rejects import Kept
from twin.observation import Block, ObservationBatch
from twin.telemetry.latest import LatestTable

EXAMPLES = 50
"""Differences that are told one by one."""
_AT_ONCE = 20_000  # rows that are compared together
_PAGE = 500
_BAD = 0xFF00
Said = float | str | Block | None


@dataclass(frozen=True, slots=True)
class Choice:
    """What is decoded again: payloads of a connection received in ``start <= received < end`` (ns UTC), for some of the
    properties bound there or, without any, for all."""

    connection: str
    start: int
    end: int
    properties: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that comes out otherwise: ``before`` is what the history says (None: nothing)."""

    property: str
    time: int
    before: Said
    after: Said


@dataclass(slots=True)
class PropertyDifference:
    """How one property comes out: values that are the same, that are new, that differ, and by how much at most."""

    property: str
    same: int = 0
    new: int = 0
    changed: int = 0
    largest: float = 0.0


@dataclass(slots=True)
class ReprocessReport:
    """What decoding again comes to.

    ``payloads`` were read and ``rejected`` of them are refused again, by reason; ``rescued`` were rejected when they
    came and are decoded now.  ``unmatched`` are values of these properties in the stretch of time that nothing decodes
    to now: they stay.  ``replaced`` were written (0 in a dry run).
    """

    payloads: int = 0
    values: int = 0
    same: int = 0
    new: int = 0
    changed: int = 0
    unmatched: int = 0
    rejected: int = 0
    rescued: int = 0
    replaced: int = 0
    dry_run: bool = True
    reasons: dict[str, int] = field(default_factory=dict)
    by_property: list[PropertyDifference] = field(default_factory=list)
    examples: list[Difference] = field(default_factory=list)

    @property
    def message(self) -> str:
        """What it comes to, in a sentence."""
        told = f"{self.payloads} payloads give {self.values} values: {self.same} as they are, {self.changed} otherwise"
        told += f", {self.new} that were not there"
        told += f"; {self.rejected} payloads are rejected" if self.rejected else ""
        return f"{told}. {'Nothing was changed.' if self.dry_run else f'{self.replaced} were written.'}"


class Reprocessing:
    """Decodes again what a server keeps.  ``plans`` gives the connections as the graph has them now, ``flags`` the
    quality codes that a value's checks add to it (by series)."""

    def __init__(
        self,
        plans: Callable[[], list[ConnectionPlan]],
        revision: Callable[[], int],
        connectors: Mapping[str, type[Connector]],
        keeping: RawKeeping,
        history: History,
        latest: LatestTable,
        clock: Clock,
        flags: Callable[[ObservationBatch], ObservationBatch] = lambda batch: batch,
    ) -> None:
        self._plans = plans
        self._revision = revision
        self._connectors = connectors
        self._keeping = keeping
        self._history = history
        self._latest = latest
        self._clock = clock
        self._flags = flags

    async def run(self, choice: Choice, job: Running, *, dry_run: bool = True) -> ReprocessReport:
        """The report; without ``dry_run`` what differs is written, too.

        Raises `NotFound` for a connection or property that is not there, `InvalidInput` for a period that cannot be,
        what the history raises, and `twin.jobs.Cancelled`: what was written by then stands, and doing it again goes on.
        """
        plan, rows = self._chosen(choice)
        carries = connector_for(plan.protocol, self._connectors).carries
        if not dry_run:
            rows = await asyncio.to_thread(self._numbered, plan, rows)
        table = compile_table(rows, carries)
        if table.faults:
            raise InvalidInput(table.faults[0].message, remedy="Correct the binding, then decode again.")
        work = _Work(table, rows, ReprocessReport(dry_run=dry_run))
        rejected = await self._rejected(choice)
        await self._decode_rejected(work, rejected, dry_run)
        known = {(each.rejected.address, each.rejected.received) for each in rejected}
        async for batch in self._payloads(choice, known):
            job.tell("decode", max(0, int(batch.received[0]) - choice.start), choice.end - choice.start)
            work.report.payloads += len(batch)
            quarantine = Quarantine()
            work.waiting.append(table.decode(batch, quarantine, self._clock.now()))
            work.refused(quarantine)
            if work.size() >= _AT_ONCE:
                await self._compare(work, dry_run)
        await self._compare(work, dry_run)
        return await self._ended(work)

    def _chosen(self, choice: Choice) -> tuple[ConnectionPlan, list[BoundProperty]]:
        if choice.start >= choice.end:
            raise InvalidInput("The period ends before it begins.", remedy="Give a from earlier than to.")
        plan = next((plan for plan in self._plans() if plan.id == choice.connection), None)
        if plan is None:
            raise NotFound(f"There is no connection {choice.connection!r}.", remedy="See GraphQL's connections.")
        rows = [row for row in plan.rows if not choice.properties or row.property in choice.properties]
        missing = set(choice.properties) - {row.property for row in rows}
        if missing:
            raise NotFound(f"{min(missing)} is not bound in {plan.name}.", remedy="Choose properties of its bindings.")
        if not rows:
            raise InvalidInput(f"Nothing is bound in {plan.name}.", remedy="Bind a property first.")
        return plan, rows

    def _numbered(self, plan: ConnectionPlan, rows: Sequence[BoundProperty]) -> list[BoundProperty]:
        revision = self._revision()
        numbers = self._keeping.origins.numbers(
            Origin("reprocessing", row.binding, plan.id, row.address, row.codec_in_words(), revision) for row in rows
        )
        for number in numbers:
            self._history.replaces(number)
        return [replace(row, origin=number) for row, number in zip(rows, numbers, strict=True)]

    async def _rejected(self, choice: Choice) -> list[Kept]:
        found: list[Kept] = []
        while page := await self._keeping.rejects.since(
            choice.connection, choice.start, choice.end, found[-1].id if found else 0, _PAGE
        ):
            found.extend(page)
        return found

    async def _decode_rejected(self, work: _Work, rejected: Sequence[Kept], dry_run: bool) -> None:
        """Those that decode whole now are forgotten when their values are written."""
        rescued: list[int] = []
        for each in rejected:
            one = each.rejected
            quarantine = Quarantine()
            batch = SampleBatch([one.address], [one.payload], [0], [one.received])
            found = work.table.decode(batch, quarantine, self._clock.now())
            work.report.payloads += 1
            work.refused(quarantine)
            if len(found):
                work.waiting.append(found)
                if not quarantine.total:
                    rescued.append(each.id)
        work.report.rescued = len(rescued)
        await self._compare(work, dry_run)
        if not dry_run:
            await self._keeping.rejects.forget(rescued)

    async def _payloads(self, choice: Choice, known: set[tuple[str, int]]) -> AsyncIterator[SampleBatch]:
        async for batch in self._keeping.payloads.batches(choice.connection, choice.start, choice.end):
            keys = zip(batch.addresses, batch.received.tolist(), strict=True)
            kept = [row for row, key in enumerate(keys) if key not in known] if known else range(len(batch))
            samples = batch.samples()
            if len(kept) == len(batch):
                yield samples
            elif kept:
                yield SampleBatch(
                    [samples.addresses[row] for row in kept],
                    [samples.values[row] for row in kept],
                    [samples.times[row] for row in kept],
                    [samples.received[row] for row in kept],
                    None if samples.qualities is None else [samples.qualities[row] for row in kept],
                )

    async def _compare(self, work: _Work, dry_run: bool) -> None:
        batch = ObservationBatch.joined([*work.waiting, ObservationBatch.of([])])
        work.waiting = []
        if not len(batch):
            return
        series = sorted(set(batch.series.tolist()))
        first, last = int(batch.time.min()), int(batch.time.max())
        standing = await self._history.rows(series, first, last + 1)
        different = await asyncio.to_thread(work.compared, self._flags(batch), standing)
        if not dry_run and len(different):
            await self._history.append(different)
            self._latest.apply(different)
            work.report.replaced += len(different)

    async def _ended(self, work: _Work) -> ReprocessReport:
        report = work.report
        report.by_property = [work.told[row.series] for row in work.rows.values() if row.series in work.told]
        report.reasons = dict(work.reasons.most_common(50))
        if work.first is not None and work.last is not None:
            found = await self._history.windows(
                sorted(work.told), work.first, work.last + 1, points=1, aggregate="count"
            )
            standing = sum(int(window.count.sum()) for window in found.values())
            matched = report.same + report.changed + (0 if report.dry_run else report.new)
            report.unmatched = max(0, standing - matched)
        return report


class _Work:
    """What is known while it goes on."""

    def __init__(self, table: Table, rows: Sequence[BoundProperty], report: ReprocessReport) -> None:
        self.table = table
        self.rows = {row.series: row for row in rows}
        self.report = report
        self.waiting: list[ObservationBatch] = []
        self.told: dict[int, PropertyDifference] = {}
        self.reasons: Counter[str] = Counter()
        self.first: int | None = None
        self.last: int | None = None

    def size(self) -> int:
        """Rows that wait to be compared."""
        return sum(map(len, self.waiting))

    def refused(self, quarantine: Quarantine) -> None:
        """Counts what was refused again."""
        self.report.rejected += len(quarantine.taken())
        for each in quarantine.rejections():
            self.reasons[each.reason] += each.count

    def compared(self, batch: ObservationBatch, standing: ObservationBatch) -> ObservationBatch:
        """The rows that differ from what stands, each value once: of several of one moment the last."""
        place = {key: row for row, key in enumerate(zip(standing.series.tolist(), standing.time.tolist(), strict=True))}
        last = {key: row for row, key in enumerate(zip(batch.series.tolist(), batch.time.tolist(), strict=True))}
        report, different = self.report, []
        for (series, time), row in last.items():
            known, after = place.get((series, time)), said(batch, row)
            told = self.told.setdefault(series, PropertyDifference(self.rows[series].property))
            report.values += 1
            before = None if known is None else said(standing, known)
            if known is not None and same(before, after):
                report.same += 1
                told.same += 1
                continue
            different.append(row)
            if known is None:
                report.new += 1
                told.new += 1
            else:
                report.changed += 1
                told.changed += 1
                if isinstance(before, float) and isinstance(after, float):
                    told.largest = max(told.largest, abs(after - before))
            if len(report.examples) < EXAMPLES:
                report.examples.append(Difference(told.property, time, before, after))
        times = batch.time
        self.first = int(times.min()) if self.first is None else min(self.first, int(times.min()))
        self.last = int(times.max()) if self.last is None else max(self.last, int(times.max()))
        return batch.take(np.array(different, np.intp))


def said(batch: ObservationBatch, row: int) -> Said:
    """What a row says: an array, a text, a number, or None when it is bad or says nothing."""
    if row in batch.blocks:
        return batch.blocks[row]
    if row in batch.text:
        return batch.text[row]
    value = float(batch.value[row])
    return None if math.isnan(value) or int(batch.quality[row]) & _BAD else value


def same(before: Said, after: Said) -> bool:
    """Whether two values are the same, as far as a double can tell."""
    if isinstance(before, float) and isinstance(after, float):
        return before == after or math.isclose(before, after, rel_tol=1e-12, abs_tol=0.0)
    return before == after


__all__ = ["Choice", "Difference", "PropertyDifference", "ReprocessReport", "Reprocessing"]
