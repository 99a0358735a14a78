"""Twelve questions of an analyst, written naively, beside the best formulation by hand: the same service, in turns.

A Brick model of a million triples, on disk; every text asks for another floor or is new otherwise, so that nothing is
remembered of it.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

from benchmarks.parts.analyst_questions import PREFIXES, QUESTIONS, Question
from benchmarks.parts.brick_model import write_model
from benchmarks.report import Report, median, options
from twin.clock import SystemClock
from twin.contracts import Delta
from twin.core import Core, open_core
from twin.directory import DataDirectory
from twin.errors import DeadlineExceeded
from twin.flows.imports import Importer, Source
from twin.graph.readers.service import SparqlService
from twin.scope import Scope
from twin.settings import Settings, SparqlSettings
from twin.terms import NamedNode, Quad
from twin.vocab import BRICK, RDF, site_graph

TRIPLES = 1_000_000
_NEVER = 60.0  # seconds that stand for a formulation which did not finish
_EDITS = 200
_ENOUGH, _MOST = 1.0, 40  # seconds after which a question that takes little is asked no more, and how often at most


def main() -> int:
    chosen = options(__doc__ or "")
    report = Report("analyst")
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(_measured(report, Path(name), 100_000 if chosen.quick else TRIPLES, 5 if chosen.quick else 7))
    return report.finish()


async def _measured(report: Report, folder: Path, wanted: int, rounds: int) -> None:
    model = folder / "tower.ttl"
    report.figure("triples", write_model(model, wanted))
    with DataDirectory(folder / "data") as directory:
        core = open_core(directory, Settings(), SystemClock())
        service = SparqlService(
            core.store, core.door.changes, _Silent(), directory.checkpoints, SparqlSettings(readers=1, deadline=8.0)
        )
        try:
            importer = Importer(core.door, directory.raw, _unjudged, lambda _site: (0, 0), Settings().imports)
            await importer.import_sources([Source.of(model)], "tower", "benchmark")
            await service.start()
            for question in QUESTIONS:
                await _compare(report, service, question, rounds)
            await _edits(report, core, service)
        finally:
            await service.close()
            core.close()


async def _compare(report: Report, service: SparqlService, question: Question, rounds: int) -> None:
    naive: list[float] = []
    by_hand: dict[str, list[float]] = {text: [] for text in question.by_hand}
    rows: dict[str, int | None] = {}
    began = time.perf_counter()
    for number in range(_MOST):  # the first of each is not counted: the figures of the store are read then
        if number > rounds and time.perf_counter() - began > _ENOUGH:
            break
        seconds, rows[question.naive] = await _ask(service, question.naive, number, entailment=True)
        naive.append(seconds)
        for text, measured in by_hand.items():
            if not measured or measured[-1] < _NEVER:
                seconds, rows[text] = await _ask(service, text, number, entailment=False)
                measured.append(seconds)
    found = set(rows.values()) - {None}
    if len(found) > 1:
        report.fail(f"{question.name}: the formulations give {sorted(found, key=str)} rows")
    best = min(median(measured[1:] or measured) for measured in by_hand.values())
    report.figure(f"{question.name}_ms", 1000 * median(naive[1:]))
    report.limit(f"{question.name}_by_hand_ms", 1000 * best)
    report.ratio(f"{question.name}_over_best", median(naive[1:]) / best, at_most=2)
    report.note(f"{question.name}: {rows[question.naive]} rows, the first time {1000 * naive[0]:,.1f} ms")


async def _ask(service: SparqlService, text: str, number: int, *, entailment: bool) -> tuple[float, int | None]:
    varied = f"{PREFIXES}{text.replace('-7', f'-{7 + number}')} # {number}"
    began = time.perf_counter()
    try:
        answer = await service.query(varied, Scope(), "text/csv", entailment=entailment)
        await answer.read()
    except DeadlineExceeded:
        return _NEVER, None
    return time.perf_counter() - began, answer.rows


async def _edits(report: Report, core: Core, service: SparqlService) -> None:
    """What deriving what follows costs an edit of one individual, and that the next answer holds it."""
    graph = site_graph("tower")
    seconds: list[float] = []
    for number in range(_EDITS):
        point = NamedNode(f"urn:bench:tower:extra-{number}")
        box = NamedNode(f"urn:bench:tower:vav-7-{number % 40}")
        added = Delta(
            added=(
                Quad(point, RDF.type, BRICK.Zone_Air_Temperature_Sensor, graph),
                Quad(point, BRICK.isPointOf, box, graph),
            )
        )
        began = time.perf_counter()
        core.door.derivation.extend(core.store, added)
        seconds.append(time.perf_counter() - began)
        if number == 0:
            await core.door.commit(added, actor="benchmark", reason="one more", validate=False)
            answer = await service.query(f"{PREFIXES} ASK {{ {box} brick:hasPoint {point} }}", accept="text/csv")
            if b"true" not in await answer.read():
                report.fail("an edit was not in the answer after it")
    report.figure("closure_of_an_edit_ms", 1000 * median(seconds), at_most=1)


async def _unjudged(_site: str, _job: object) -> int:
    return 0  # what breaks a rule is no part of these questions


class _Silent:
    """No live values: these questions ask for none."""

    def view(self, _scope: Scope) -> SimpleNamespace:
        return SimpleNamespace()


if __name__ == "__main__":
    sys.exit(main())
