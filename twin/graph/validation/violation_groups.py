"""Violations put in order: by the rule that is broken, or by the twin that breaks it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from twin.graph.violation import Violation

__all__ = ["by_shape", "by_twin"]


def by_shape(violations: Iterable[Violation]) -> dict[str, list[Violation]]:
    """The violations of each shape, by its IRI: the rule that is broken most comes first."""
    return _grouped(violations, lambda violation: violation.shape)


def by_twin(violations: Iterable[Violation]) -> dict[str, list[Violation]]:
    """The violations by each node, by its IRI: the one that breaks most comes first."""
    return _grouped(violations, lambda violation: violation.focus)


def _grouped(violations: Iterable[Violation], key: Callable[[Violation], str]) -> dict[str, list[Violation]]:
    found: defaultdict[str, list[Violation]] = defaultdict(list)
    for violation in violations:
        found[key(violation)].append(violation)
    ordered = sorted(found.items(), key=lambda group: (-len(group[1]), group[0]))
    return {name: sorted(group, key=lambda violation: violation.identity) for name, group in ordered}
