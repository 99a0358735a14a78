"""A process that changes, imports and records until it is killed: ``python -m tests.durability.writer DATA``.

It tells what it finds when it opens the directory (``found``), and each thing after it was acknowledged (``done``), a
JSON object a line.  Change *i* adds two triples about node *i*, import *i* a site of its own, row *i* a value.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from twin.clock import SystemClock
from twin.contracts import Delta
from twin.core import Core, open_core
from twin.directory import DataDirectory
from twin.flows import imports
from twin.flows.imports import Importer, Source
from twin.observation import ObservationBatch
from twin.scope import Scope
from twin.settings import Settings
from twin.telemetry.duckdb import DuckDBHistory
from twin.terms import Literal, NamedNode, Quad
from twin.vocab import BRICK, RDF, RDFS, site_graph

SITE, NODE = site_graph("hq"), "urn:twin:hq:node-"
TWINS = 60
"""Boxes of an imported site, each with a point; four triples each, and three that follow."""


def change(number: int) -> Delta:
    node = NamedNode(f"{NODE}{number}")
    return Delta(added=(Quad(node, RDF.type, BRICK.AHU, SITE), Quad(node, RDFS.label, Literal(f"Unit {number}"), SITE)))


def building(number: int) -> Source:
    prefixes = "@prefix brick: <https://brickschema.org/schema/Brick#> . @prefix : <urn:twin:s:> .\n"
    boxes = (
        f":b{number}-{box} a brick:VAV ; brick:hasPoint :p{number}-{box} .\n"
        f':p{number}-{box} a brick:Damper_Position_Sensor ; <http://www.w3.org/2000/01/rdf-schema#label> "damper" .\n'
        for box in range(TWINS)
    )
    return Source(f"s{number}.ttl", (prefixes + "".join(boxes)).encode())


def rows(number: int) -> ObservationBatch:
    return ObservationBatch.of([(1, number * 10**9, float(number), 0, number * 10**9)])


def found(core: Core, history: list[int]) -> dict[str, Any]:
    """What stands: the triples of each change, the twins, properties and triples of each import, the rows."""
    changes = Counter(
        int(quad.subject.value.removeprefix(NODE))
        for quad in core.store.quads(None, None, None, SITE)
        if isinstance(quad.subject, NamedNode)
    )
    sites = [site for site in core.twins.sites(Scope()) if site != "hq"]
    imported = {site: [*core.twins.counts(Scope(), site), core.store.count(site_graph(site))] for site in sites}
    return {"found": {"changes": dict(changes), "imports": imported, "rows": history, "revision": core.door.revision}}


def say(fields: dict[str, Any]) -> None:
    print(json.dumps(fields), flush=True)


async def no_violations(_site: str, _job: object) -> int:
    return 0


async def main(data: Path) -> None:
    imports._IN_BULK = 10  # so that small files go the way of large ones
    with DataDirectory(data) as directory:
        core = open_core(directory, Settings(), SystemClock())
        importer = Importer(core.door, directory.raw, no_violations, lambda site: core.twins.counts(Scope(), site))
        history = await DuckDBHistory(directory.history).open()
        core.journal.series(["urn:twin:hq:value"])
        kept = await history.window(1, 0, 2**62)
        said = found(core, [int(value) for value in kept.value])
        say(said)
        number = max([int(one) for one in said["found"]["changes"]], default=-1) + 1
        while True:
            await core.door.commit(change(number), actor="test", reason=f"change {number}", validate=False)
            say({"done": ["change", number]})
            await history.append(rows(number))
            say({"done": ["row", number]})
            if number % 5 == 0 and f"s{number}" not in said["found"]["imports"]:
                await importer.import_sources([building(number)], f"s{number}", "test")
                say({"done": ["import", number]})
            number += 1


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
