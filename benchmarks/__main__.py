"""Runs every benchmark, each in a process of its own, and sums up: ``python -m benchmarks [--quick]``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.report import options

SUPPORT = {"__init__", "__main__", "report"}


def names() -> list[str]:
    """The benchmarks there are."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in SUPPORT)


def main() -> int:
    chosen = options("Runs every benchmark.")
    results: dict[str, str] = {}
    for name in names():
        command = [sys.executable, "-m", f"benchmarks.{name}", *(["--quick"] if chosen.quick else [])]
        print(f"--- {name}", flush=True)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            last = ""
            for line in process.stdout:
                print(line, end="", flush=True)
                last = line
        results[name] = _verdict(last, process.returncode)
    print("--- all")
    for name, verdict in results.items():
        print(f"  {name:<12} {verdict}")
    return 0 if all(verdict == "met" for verdict in results.values()) else 1


def _verdict(last: str, code: int) -> str:
    try:
        return "met" if json.loads(last)["met"] else "MISSED"
    except (ValueError, KeyError, TypeError):
        return f"did not finish (exit code {code})"


if __name__ == "__main__":
    sys.exit(main())
