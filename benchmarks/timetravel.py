"""Asking as of 10,000 revisions ago on a graph of a million triples: the first answer, and those that follow.

Nothing but the present is near: there is no snapshot.  The same questions are asked of the present in the same run,
in turns.  What the journal costs is seen in the first answers as of 100 and 1,000 revisions ago.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.parts.brick_model import ROOMS, write_model
from benchmarks.report import Report, median, options
from twin.api.as_of import services_as_of
from twin.api.services import Services
from twin.clock import SystemClock
from twin.contracts import Delta
from twin.core import Core, open_core
from twin.directory import DataDirectory
from twin.flows.imports import Source
from twin.flows.live_values import LiveValues
from twin.flows.time_travel import TimeTravel
from twin.graph.oxigraph import OxigraphStore
from twin.graph.past.pinned import Past, Pasts
from twin.graph.readers.service import SparqlService
from twin.graph.twins.reader import TwinReader
from twin.graph.validation.gate import Judgement
from twin.scope import Scope
from twin.settings import RevisionSettings, Settings
from twin.telemetry.duckdb import DuckDBHistory
from twin.telemetry.latest import LatestTable
from twin.terms import Literal, NamedNode, Quad
from twin.vocab import BRICK, RDF, RDFS, site_graph

BACK = 10_000
"""Revisions."""
LODGE = 1
"""The revision before the import."""
SETTINGS = Settings(revisions=RevisionSettings(snapshot_every=0, snapshot_hours=1e6))


class NoRules:
    """A gate that lets everything through: what is measured comes after it."""

    def judge(self, store: object, delta: Delta) -> Judgement:
        """Nothing is wrong."""
        return Judgement(added=(), resolved=())


async def rename(core: Core, boxes: list[str], changes: int, chance: random.Random) -> None:
    """So many changes, each of one box's name."""
    names = {box: next(iter(core.store.quads(NamedNode(box), RDFS.label, None, None))) for box in boxes}
    for number in range(changes):
        box = chance.choice(boxes)
        new = Quad(NamedNode(box), RDFS.label, Literal(f"name {number}"), site_graph("tower"))
        await core.door.commit(Delta((names[box],), (new,)), actor="bench", reason="rename")
        names[box] = new


def question(box: str) -> str:
    """What a box feeds and how its points are called; the text is another for each box."""
    return f"""PREFIX brick: <https://brickschema.org/schema/Brick#>
        SELECT ?room ?point ?name {{ <{box}> brick:feeds ?room ; brick:hasPoint ?point .
        ?point <{RDFS.label.value}> ?name }}"""


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Seconds of one piece of work."""
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def run(report: Report, triples: int, back: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder, DataDirectory(Path(folder) / "data") as directory:
        model = Path(folder) / "tower.ttl"
        written = write_model(model, triples)
        clock, chance = SystemClock(), random.Random(7)  # noqa: S311 - the same boxes every time
        core = open_core(directory, SETTINGS, clock)
        core.door._gate = NoRules()
        core.importer._validate = _nothing  # the report of violations is not asked for
        lodge = (Quad(NamedNode("urn:bench:lodge"), RDF.type, BRICK.Building, site_graph("lodge")),)
        await core.door.commit(Delta(added=lodge), actor="bench", reason="before the import")
        await core.importer.import_sources([Source.of(model)], "tower", "bench")
        floors = written // (ROOMS * 40)
        boxes = [f"urn:bench:tower:vav-{floor}-{room}" for floor in range(floors) for room in range(ROOMS)]
        boxes = [box for box in boxes if core.twins.twin(Scope(), box) is not None]
        origin = {box: core.twins.twin(Scope(), box).name for box in boxes}
        core.twins.twins(Scope(), limit=1)  # the list by name stands ready, as on a server in use
        began = time.perf_counter()
        await rename(core, boxes, back, chance)
        report.note(f"{written:,} triples; {back:,} changes at {back / (time.perf_counter() - began):,.0f} a second")
        history = await DuckDBHistory(directory.history).open()
        travel = TimeTravel(core.store, core.journal, core.twins, history, directory, SETTINGS, clock)
        live = LiveValues(core.twins, LatestTable(clock), history, clock)
        sparql = SparqlService(
            core.store, core.door.changes, live, directory.checkpoints, SETTINGS.sparql, lambda: travel.services
        )
        await sparql.start()
        try:
            await measure(report, core, travel, sparql, boxes, origin, back, rounds, chance)
            annex = Path(folder) / "annex.ttl"
            annex.write_text(model.read_text().replace("urn:bench:tower:", "urn:bench:annex:"))
            await core.importer.import_sources([Source.of(annex)], "annex", "bench")
            core.twins.twins(Scope(), limit=1)
            await rename(core, boxes, 100, chance)
            await beyond_imports(report, core, travel, sparql, boxes[0])
        finally:
            await sparql.close()
            await travel.close()
            await history.close()
            core.close()


async def measure(
    report: Report,
    core: Core,
    travel: TimeTravel,
    sparql: SparqlService,
    boxes: list[str],
    origin: dict[str, str],
    back: int,
    rounds: int,
    chance: random.Random,
) -> None:
    now = core.door.revision
    services: Services = _Services(travel.pasts, core.store, core.twins)  # what reads need of them

    async def query(scope: Scope, box: str) -> None:
        await (await sparql.query(question(box), scope, "application/sparql-results+json")).read()

    async def twins(scope: Scope, box: str, at: str | None) -> str:
        parts, scope = await services_as_of(services, scope, at)
        page = parts.twins.twins(scope, limit=50)
        for iri in page.items:
            parts.twins.twin(scope, iri)
        record = parts.twins.twin(scope, box)
        return record.name if record is not None else ""

    present = Scope()
    for steps in sorted({back // 100, back // 10, back}):
        then = replace(present, revision=now - steps, time=core.journal.time_of(now - steps))
        box = chance.choice(boxes)
        sparql_first = await timed(lambda then=then, box=box: query(then, box))
        beside = str(now - steps + 1)  # which nobody has asked for before
        twins_first = await timed(lambda box=box, at=beside: twins(present, box, at))
        bound = 2.0 if steps == back else None
        report.figure(f"first_sparql_answer_{steps}_back_s", sparql_first, at_most=bound)
        report.figure(f"first_page_of_twins_{steps}_back_s", twins_first, at_most=bound)
    at = now - back
    then = replace(present, revision=at, time=core.journal.time_of(at))
    asked = chance.sample(boxes, 40)
    for box in asked:  # what was asked for lately is remembered, in the past as in the present
        for scope, moment in ((present, None), (then, str(at))):
            await query(scope, box)
            await twins(present, box, moment)
    found: dict[str, list[float]] = {"sparql_now": [], "sparql_past": [], "twins_now": [], "twins_past": []}
    for _ in range(rounds):
        box = chance.choice(asked)
        found["sparql_now"].append(await timed(lambda box=box: query(present, box)))
        found["sparql_past"].append(await timed(lambda box=box: query(then, box)))
        found["twins_now"].append(await timed(lambda box=box: twins(present, box, None)))
        found["twins_past"].append(await timed(lambda box=box: twins(present, box, str(at))))
    wrong = [box for box in chance.sample(boxes, 50) if await twins(present, box, str(at)) != origin[box]]
    if wrong:
        report.fail(f"{len(wrong)} of 50 boxes have another name as of {back:,} revisions ago than they had")
    for kind in ("sparql", "twins"):
        past, current = median(found[f"{kind}_past"]), median(found[f"{kind}_now"])
        report.figure(f"following_{kind}_ms", past * 1000)
        report.limit(f"present_{kind}_ms", current * 1000)
        report.ratio(f"{kind}_past_over_present", past / current, at_most=1.3)


async def beyond_imports(report: Report, core: Core, travel: TimeTravel, sparql: SparqlService, box: str) -> None:
    """The first answers as of before and after an import of a million triples, which another one came after."""
    services: Services = _Services(travel.pasts, core.store, core.twins)  # what reads need of them
    for place, revision, there in (("before", LODGE, False), ("far_after", LODGE + 50, True)):

        async def page(at: str = str(revision), there: bool = there) -> None:
            parts, scope = await services_as_of(services, Scope(), at)
            parts.twins.twins(scope, limit=50)
            record = parts.twins.twin(scope, box)
            if (record is not None) != there:
                report.fail(f"as of revision {at} the box is {record}")

        then = Scope(revision=revision, time=core.journal.time_of(revision))

        async def query(then: Scope = then) -> None:
            await (await sparql.query(question(box), then, "application/sparql-results+json")).read()

        report.figure(f"first_page_of_twins_{place}_an_import_s", await timed(page), at_most=2.0)
        report.figure(f"first_sparql_answer_{place}_an_import_s", await timed(query), at_most=2.0)


@dataclass(frozen=True)
class _Services:
    """The part of the services that reads use."""

    pasts: Pasts
    store: OxigraphStore
    twins: TwinReader
    past: Past | None = None


async def _nothing(_site: str, _job: object) -> int:
    return 0


def main() -> int:
    chosen = options(__doc__ or "")
    triples, back, rounds = (100_000, 1_000, 100) if chosen.quick else (1_000_000, BACK, 500)
    report = Report("timetravel")
    asyncio.run(run(report, triples, back, rounds))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
