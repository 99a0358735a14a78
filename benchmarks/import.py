"""A Brick model of 100,000 triples to the first answer, beside Oxigraph loading the same file and nothing else.

Each in a process of its own, taking turns; validation is told apart, because a bare load does none.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.parts.brick_model import write_model
from benchmarks.report import Report, median, options

TRIPLES = 100_000
PUBLISHED_LIMIT = 190_000
"""Triples a second that Oxigraph's bulk loader took before, on a quiet machine of this kind."""


def main() -> int:
    chosen = options(__doc__ or "")
    # The smaller model is still large enough to go the way of large imports.
    rounds, wanted = (2, 30_000) if chosen.quick else (3, TRIPLES)
    report = Report("import")
    loads: list[float] = []
    imports: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / "tower.ttl"
        triples = write_model(model, wanted)
        for number in range(rounds):
            limit = _run("bare", model, folder / f"bare-{number}")
            ours = _run("twin", model, folder / f"twin-{number}")
            if limit["count"] != ours["count"]:
                report.fail(f"the bare store finds {limit['count']:,.0f} boxes and ours {ours['count']:,.0f}")
            loads.append(limit["seconds"])
            imports.append(ours)
        command = None if chosen.quick else _command(model, folder / "by-command")
    seconds = median([each["seconds"] - each["validate_seconds"] for each in imports])
    report.figure("triples", triples)
    report.figure("import_seconds", seconds)
    for step in ("load", "derive", "validate"):
        report.figure(f"{step}_seconds", median([each[f"{step}_seconds"] for each in imports]))
    report.figure("violations", imports[0]["violations"])
    if command is not None:
        report.figure("command_seconds", command)
    report.limit("oxigraph_load_seconds", median(loads))
    report.limit("oxigraph_triples_per_second", triples / median(loads), published=PUBLISHED_LIMIT)
    report.ratio("import_over_load", seconds / median(loads), at_most=3)
    return report.finish()


def _run(kind: str, model: Path, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.parts.importing", kind, str(model), str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _command(model: Path, folder: Path) -> float:
    """Seconds of ``twin import`` as a person runs it the first time: with the start of Python and the validation."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "twin.cli", "import", str(model), "--data", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
