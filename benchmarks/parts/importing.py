"""Loads a model and asks it something: ``python -m benchmarks.parts.importing bare|twin|unvalidated MODEL FOLDER``.

Prints one JSON object: ``seconds`` from the file to the first answer, ``count`` of the answer, ``peak_mb``, the most
memory that the process held, and, for ``twin``, the seconds among them that went into each step.  ``unvalidated`` is
``twin`` without the report of violations.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

QUESTION = """
PREFIX brick: <https://brickschema.org/schema/Brick#>
SELECT (COUNT(?box) AS ?count) WHERE { ?box a brick:VAV ; brick:feeds ?room . ?room a brick:Room }
"""


def bare(model: Path, folder: Path) -> dict[str, float]:
    """Oxigraph's own bulk loader into a store on disk, and nothing else."""
    from pyoxigraph import QuerySolutions, RdfFormat, Store

    began = time.perf_counter()
    store = Store(str(folder / "store"))
    store.bulk_load(path=str(model), format=RdfFormat.TURTLE)
    answer = store.query(QUESTION)
    assert isinstance(answer, QuerySolutions)
    count = next(answer)[0]
    return {"seconds": time.perf_counter() - began, "count": int(count.value)}


async def twin(model: Path, folder: Path, *, validated: bool = True) -> dict[str, float]:
    """The server's import into a data directory that has its vocabularies, as it has after its first start."""
    from twin.clock import SystemClock
    from twin.core import open_core
    from twin.directory import DataDirectory
    from twin.flows.imports import Importer, Source
    from twin.scope import Scope
    from twin.settings import Settings

    with DataDirectory(folder / "data") as directory:
        core = open_core(directory, Settings(), SystemClock())
        try:
            importer = (
                core.importer
                if validated
                else Importer(core.door, directory.raw, _nothing, lambda _site: (0, 0), None, core.twins.expect)
            )
            began = time.perf_counter()
            report = await importer.import_sources([Source.of(model)], "tower", "benchmark")
            (row,) = core.store.select(QUESTION, Scope())
            seconds = time.perf_counter() - began
        finally:
            core.close()
    steps = {f"{name}_seconds": value for name, value in report.seconds.items()}
    return {"seconds": seconds, "count": int(row["count"].value), "violations": report.violations, **steps}


async def _nothing(_site: str, _job: object) -> int:
    return 0


def main() -> None:
    kind, model, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    folder.mkdir()
    found = bare(model, folder) if kind == "bare" else asyncio.run(twin(model, folder, validated=kind == "twin"))
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
