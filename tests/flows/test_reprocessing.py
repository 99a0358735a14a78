"""Decoding again: a report first, then new versions that say where they come from; nothing is taken away."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.bindings.fake import CONNECTORS
from twin.bindings.plan import BoundProperty, ConnectionPlan
from twin.bindings.quarantine import Quarantine
from twin.bindings.table import compile_table
from twin.clock import NANOSECONDS, ManualClock
from twin.connector import SampleBatch
from twin.errors import InvalidInput, NotFound
from twin.flows.bind import numbered
from twin.flows.reprocessing import Choice, Reprocessing, ReprocessReport
from twin.jobs import Cancelled, Jobs
from twin.lineage.keeping import RawKeeping, open_keeping
from twin.settings import PayloadSettings
from twin.telemetry.duckdb import DuckDBHistory
from twin.telemetry.latest import LatestTable

BROKER = "urn:twin:hq:broker"
START = ManualClock().now()


class Site:
    """A connection whose binding changes, what it brought, and what was kept of it."""

    def __init__(self, keeping: RawKeeping, history: DuckDBHistory, clock: ManualClock) -> None:
        self.keeping, self.history, self.clock = keeping, history, clock
        self.latest = LatestTable(clock)
        self.jobs = Jobs(clock)
        self.revision = 1
        self.bind(path="t")
        self.reprocessing = Reprocessing(
            lambda: [self.plan], lambda: self.revision, CONNECTORS, keeping, history, self.latest, clock
        )

    def bind(self, **codec: Any) -> None:
        """The binding from now on."""
        self.revision += 1
        row = BoundProperty("urn:p", 1, "urn:p#binding", "a", **codec)
        other = BoundProperty("urn:q", 2, "urn:q#binding", "a", path="h")
        self.plan = ConnectionPlan(BROKER, "Broker", "fake", "fake://a", {}, (row, other))

    async def receive(self, *payloads: bytes) -> None:
        """Payloads come, a second apart, as a worker takes them."""
        (plan,) = numbered([self.plan], self.keeping.origins, self.revision)
        table = compile_table(plan.rows, "documents")
        for payload in payloads:
            self.clock.advance(1)
            now, quarantine = self.clock.now(), Quarantine()
            batch = SampleBatch(["a"], [payload], [0], [now])
            self.keeping.keep(BROKER, batch, now)
            found = table.decode(batch, quarantine, now)
            await self.keeping.reject(BROKER, quarantine.taken())
            await self.history.append(found)
            self.latest.apply(found)

    async def again(self, *, dry_run: bool = True, **choice: Any) -> ReprocessReport:
        """Decodes everything again."""
        chosen = {"start": 0, "end": self.clock.now() + 1} | choice
        with self.jobs.run("reprocessing", "again") as job:
            return await self.reprocessing.run(Choice(BROKER, **chosen), job, dry_run=dry_run)

    async def values(self, series: int = 1) -> list[float]:
        """What stands."""
        return (await self.history.rows([series], 0, 2**62)).value.tolist()


@asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[Site]:
    clock = ManualClock()
    history = await DuckDBHistory(directory / "history.duckdb").open()
    keeping = open_keeping(
        directory / "origins.sqlite", directory / "payloads", directory / "rejects.sqlite", PayloadSettings(), clock
    )
    try:
        yield Site(keeping, history, clock)
    finally:
        await keeping.close()
        await history.close()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with opened(tmp_path) as site:
        yield site


def said(value: float) -> bytes:
    return json.dumps({"t": value, "h": 50}).encode()


async def test_a_dry_run_tells_what_would_differ_and_changes_nothing(site: Site) -> None:
    await site.receive(said(200), said(210), said(0))
    site.bind(path="t", scale=0.1)
    report = await site.again()
    assert (report.payloads, report.values, report.same, report.changed, report.new) == (3, 6, 4, 2, 0)
    assert report.replaced == 0
    told = {each.property: (each.same, each.changed, each.largest) for each in report.by_property}
    assert told == {"urn:p": (1, 2, 189.0), "urn:q": (3, 0, 0.0)}
    assert [(each.before, each.after) for each in report.examples] == [(200.0, 20.0), (210.0, 21.0)]
    assert report.message.endswith("Nothing was changed.")
    assert await site.values() == [200.0, 210.0, 0.0]


async def test_what_differs_becomes_a_new_version_with_its_lineage(site: Site) -> None:
    await site.receive(said(200), said(210))
    site.bind(path="t", scale=0.1)
    report = await site.again(dry_run=False)
    assert (report.changed, report.replaced) == (2, 2)
    assert await site.values() == [20.0, 21.0]
    versions = await site.history.rows([1], 0, 2**62, versions=True)
    assert versions.value.tolist() == [200.0, 20.0, 210.0, 21.0]
    assert versions.origin is not None
    origins = [site.keeping.origins.find(number) for number in versions.origin.tolist()]
    assert [origin.kind for origin in origins if origin] == ["binding", "reprocessing"] * 2
    assert origins[1] is not None
    assert (origins[1].subject, origins[1].revision) == ("urn:p#binding", site.revision)
    assert "scale: 0.1" in origins[1].codec
    assert site.latest.live(1, 1e9).value == 21.0
    repeated = await site.again(dry_run=False)
    assert (repeated.same, repeated.replaced) == (4, 0)


async def test_a_correction_can_be_taken_back_by_decoding_again(site: Site) -> None:
    await site.receive(said(200))
    for codec, value in (({"scale": 0.1}, 20.0), ({}, 200.0), ({"scale": 0.1}, 20.0)):
        site.bind(path="t", **codec)
        await site.again(dry_run=False)
        assert await site.values() == [value]
    assert len(await site.history.rows([1], 0, 2**62, versions=True)) == 4


async def test_rejected_payloads_are_decoded_once_the_binding_is_right(site: Site) -> None:
    await site.receive(b'{"temp": 20, "h": 50}', b"{", said(21))
    assert (await site.keeping.rejects.count(BROKER)).payloads == 2
    site.bind(path="temp")
    dry = await site.again(start=0, end=site.clock.now())  # the last one has no "temp", and is left out
    assert (dry.payloads, dry.rescued, dry.rejected, dry.new) == (2, 1, 1, 1)
    assert (await site.keeping.rejects.count(BROKER)).payloads == 2
    done = await site.again(dry_run=False, start=0, end=site.clock.now())
    assert (done.rescued, done.replaced) == (1, 1)
    assert await site.values() == [20.0, 21.0]
    left = await site.keeping.rejects.page(BROKER, 10)
    assert [each.rejected.payload for each in left] == [b"{"]
    assert dict(done.reasons) == {"no JSON": 1}


async def test_rejected_payloads_are_decoded_although_raw_ones_are_not_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as site:
        site.keeping.payloads._hours = 0
        await site.receive(b'{"temp": 20}')
        site.bind(path="temp")
        assert (await site.again(dry_run=False)).rescued == 0  # one of its two bindings refuses it still
        assert await site.values() == [20.0]


async def test_a_period_and_some_properties_are_chosen(site: Site) -> None:
    await site.receive(said(200), said(210), said(220))
    site.bind(path="t", scale=0.1)
    report = await site.again(
        dry_run=False, start=START + 2 * NANOSECONDS, end=START + 3 * NANOSECONDS, properties=("urn:p",)
    )
    assert (report.payloads, report.values, report.replaced) == (1, 1, 1)
    assert await site.values() == [200.0, 21.0, 220.0]


async def test_values_that_nothing_decodes_to_any_more_stay_and_are_counted(site: Site) -> None:
    await site.receive(b'{"t": 20, "h": 50, "at": 1760000000}', b'{"t": 21, "h": 50, "at": 1760000060}')
    site.bind(path="t", time_path="at")
    await site.receive(b'{"t": 22, "h": 50, "at": 1760000120}')
    site.plan = replace(site.plan, rows=site.plan.rows[:1])
    report = await site.again(dry_run=False)
    assert (report.new, report.same) == (2, 1)
    assert sorted(await site.values()) == [20.0, 20.0, 21.0, 21.0, 22.0]


@pytest.mark.parametrize(
    ("choice", "kind"),
    [
        ({"start": 5, "end": 5}, InvalidInput),
        ({"properties": ("urn:nobody",)}, NotFound),
    ],
)
async def test_what_cannot_be_decoded_again_is_told(site: Site, choice: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        await site.again(**choice)


async def test_a_binding_that_cannot_work_is_told_before_anything_is_read(site: Site) -> None:
    site.bind(path="t", scale=0.0)
    with pytest.raises(InvalidInput, match="scale"):
        await site.again()


async def test_it_is_a_job_that_can_be_cancelled(site: Site) -> None:
    await site.receive(said(200))
    site.bind(path="t", scale=0.1)
    job = site.jobs.begin("reprocessing", "again")
    site.jobs.cancel(job.id)
    with pytest.raises(Cancelled):
        await site.reprocessing.run(Choice(BROKER, 0, site.clock.now() + 1), job, dry_run=False)
    assert await site.values() == [200.0]
