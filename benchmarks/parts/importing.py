"""Loads a model and asks it something: ``python -m benchmarks.parts.importing bare|twin MODEL FOLDER``.

Prints one JSON object: ``seconds`` from the file to the first answer, ``count`` of the answer, and, for ``twin``,
``validate``, the seconds among them that went into the report of violations.
"""

from __future__ import annotations

import asyncio
import json
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


async def twin(model: Path, folder: Path) -> dict[str, float]:
    """The server's import into a data directory that has its vocabularies, as it has after its first start."""
    from twin.clock import SystemClock
    from twin.core import open_core
    from twin.directory import DataDirectory
    from twin.flows.imports import Source
    from twin.scope import Scope
    from twin.settings import Settings

    with DataDirectory(folder / "data") as directory:
        core = open_core(directory, Settings(), SystemClock())
        try:
            began = time.perf_counter()
            report = await core.importer.import_sources([Source.of(model)], "tower", "benchmark")
            (row,) = core.store.select(QUESTION, Scope())
            seconds = time.perf_counter() - began
        finally:
            core.close()
    steps = {f"{name}_seconds": value for name, value in report.seconds.items()}
    return {"seconds": seconds, "count": int(row["count"].value), "violations": report.violations, **steps}


def main() -> None:
    kind, model, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    folder.mkdir()
    found = bare(model, folder) if kind == "bare" else asyncio.run(twin(model, folder))
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
