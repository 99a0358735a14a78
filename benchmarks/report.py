"""What a benchmark found: a table for people, one line of JSON for machines, a file for later."""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
DOUBTFUL = 0.6
"""A limit below this part of the published figure means that the measurement is wrong, not that we are fast."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure or ratio must reach, in one direction."""

    at_least: float | None = None
    at_most: float | None = None

    def met(self, value: float) -> bool:
        """Whether the value is within."""
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    def __str__(self) -> str:
        return f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"


@dataclass(slots=True)
class Report:
    """Collects what was measured and says at the end whether it is enough.

    Names are words with their unit, e.g. ``stored_messages_per_second``.  Call `finish` last.
    """

    name: str
    figures: dict[str, float] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _published: dict[str, float] = field(default_factory=dict)

    def figure(self, name: str, value: float, *, at_least: float | None = None, at_most: float | None = None) -> None:
        """Our own figure, with a target if it has one."""
        self.figures[name] = value
        self._target(name, at_least, at_most)

    def limit(self, name: str, value: float, *, published: float | None = None) -> None:
        """What the limit or the peer reached in this run; ``published`` is what it is known to reach."""
        self.limits[name] = value
        if published is not None:
            self._published[name] = published

    def ratio(self, name: str, value: float, *, at_least: float | None = None, at_most: float | None = None) -> None:
        """Ours over the limit, in the direction that the name says."""
        self.ratios[name] = value
        self._target(name, at_least, at_most)

    def note(self, text: str) -> None:
        """Something for people only."""
        self.notes.append(text)

    def fail(self, why: str) -> None:
        """Something that no figure can make good, e.g. a lost message."""
        self.failures.append(why)

    def doubts(self) -> list[str]:
        """The limits that are so low that the measurement itself must be wrong."""
        return [
            f"{name} is {self.limits[name]:,.0f}, below {DOUBTFUL:g} x the known {known:,.0f}: "
            "the machine is busy or the measurement is wrong"
            for name, known in self._published.items()
            if self.limits[name] < DOUBTFUL * known
        ]

    @property
    def met(self) -> bool:
        """Whether every target is reached, nothing failed and no limit is doubtful."""
        values = {**self.figures, **self.ratios}
        reached = all(target.met(values[name]) for name, target in self.targets.items())
        return reached and not self.failures and not self.doubts()

    def finish(self) -> int:
        """Prints the table and, as the last line, the JSON; keeps the JSON; returns the exit code."""
        line = json.dumps(self.as_json(), separators=(", ", ": "))
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{self.name}.json").write_text(line + "\n")
        print("\n".join(self.table()))
        print(line, flush=True)
        return 0 if self.met else 1

    def as_json(self) -> dict[str, object]:
        """The six keys that every benchmark prints."""
        return {
            "name": self.name,
            "figures": _rounded(self.figures),
            "limits": _rounded(self.limits),
            "ratios": _rounded(self.ratios),
            "targets": {name: str(target) for name, target in self.targets.items()},
            "met": self.met,
        }

    def table(self) -> list[str]:
        """The lines for people."""
        rows = [("figure", name, value) for name, value in self.figures.items()]
        rows += [("limit", name, value) for name, value in self.limits.items()]
        rows += [("ratio", name, value) for name, value in self.ratios.items()]
        width = max((len(name) for _, name, _ in rows), default=0)
        lines = [f"{self.name}"]
        for kind, name, value in rows:
            target = self.targets.get(name)
            verdict = "" if target is None else f"  {'met' if target.met(value) else 'MISSED'} ({target})"
            lines.append(f"  {kind:<6}  {name:<{width}}  {_shown(value):>12}{verdict}")
        lines += [f"  {text}" for text in self.notes]
        lines += [f"  FAILED  {why}" for why in self.failures]
        lines += [f"  DOUBT   {why}" for why in self.doubts()]
        return lines

    def _target(self, name: str, at_least: float | None, at_most: float | None) -> None:
        if at_least is not None or at_most is not None:
            self.targets[name] = Target(at_least, at_most)


def options(description: str, arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options that every benchmark has: ``--quick``."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the same measurement on less data, within 45 s")
    return parser.parse_args(arguments)


def median(values: Sequence[float]) -> float:
    """The median; of an even number the mean of the middle two."""
    return statistics.median(values)


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.4g}") if abs(value) < 1000 else round(value) for name, value in values.items()}


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.3g}"
