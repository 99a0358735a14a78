"""A million triples brought in, against a bare Oxigraph bulk load of the same file: speed, and memory of the process.

``python -m benchmarks.import_graph [--quick] [--huge]``.  What follows from the triples and their validation are told
apart, because a bare load does neither; ``--huge`` adds ten million triples, end to end, without a target.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.parts.brick_model import write_model
from benchmarks.report import Report, median, options

TRIPLES, QUICK, HUGE = 1_000_000, 100_000, 10_000_000
PUBLISHED_LIMIT = 152_000
"""Triples a second of Oxigraph's bulk loader at a million (6.6 s), on a quiet machine of this kind."""


def main() -> int:
    huge = "--huge" in sys.argv
    chosen = options(__doc__ or "", [each for each in sys.argv[1:] if each != "--huge"])
    wanted, rounds = (QUICK, 2) if chosen.quick else (TRIPLES, 3)
    report = Report("import_graph")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / "tower.ttl"
        triples = write_model(model, wanted)
        bare, ours = [], []
        for number in range(rounds):
            bare.append(_run("bare", model, folder / f"bare-{number}"))
            ours.append(_run("unvalidated", model, folder / f"twin-{number}"))
            if bare[-1]["count"] != ours[-1]["count"]:
                report.fail(f"the bare store finds {bare[-1]['count']:,.0f} boxes, ours {ours[-1]['count']:,.0f}")
        loads = median([each["seconds"] for each in bare])
        whole = median([each["seconds"] for each in ours])
        derive = median([each["derive_seconds"] for each in ours])
        report.figure("triples", triples)
        report.figure("load_seconds", whole - derive)
        report.figure("closure_seconds", derive)
        if chosen.quick:
            report.note(
                "--quick says nothing of the targets, which are those of a million, and measures no validation."
            )
        else:
            validated = _run("twin", model, folder / "validated")
            report.figure("validate_seconds", validated["validate_seconds"])
            report.figure("violations", validated["violations"])
        report.limit("oxigraph_load_seconds", loads)
        report.limit("oxigraph_triples_per_second", triples / loads, published=PUBLISHED_LIMIT)
        report.limit("oxigraph_peak_mb", median([each["peak_mb"] for each in bare]))
        report.figure("peak_mb", median([each["peak_mb"] for each in ours]))
        report.note("What follows is loaded beside the rest; closure_seconds is what it took longer than that.")
        report.ratio("speed_of_load", loads / (whole - derive), at_least=None if chosen.quick else 0.5)
        report.ratio("speed_with_closure", loads / whole)
        memory = report.figures["peak_mb"] / report.limits["oxigraph_peak_mb"]
        report.ratio("memory_over_load", memory, at_most=None if chosen.quick else 1.5)
        if huge:
            _huge(report, folder)
    return report.finish()


def _huge(report: Report, folder: Path) -> None:
    model = folder / "city.ttl"
    report.figure("huge_triples", write_model(model, HUGE))
    try:
        found = _run("unvalidated", model, folder / "huge")
    except subprocess.CalledProcessError as error:
        report.note(f"{HUGE:,} triples: the process ended with status {error.returncode}.")
        return
    for step in ("seconds", "load_seconds", "derive_seconds", "peak_mb"):
        report.figure(f"huge_{step}", found[step])


def _run(kind: str, model: Path, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.parts.importing", kind, str(model), str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    sys.exit(main())
