"""A violation of a shape: what a person needs to act on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["violation", "warning", "info"]
Source = Literal["twin", "user", "brick"]


@dataclass(frozen=True, slots=True)
class Violation:
    """One node that breaks one rule.  IRIs are text; ``path`` is a SPARQL path, empty for a rule of the node itself.

    ``rule`` and ``remedy`` are in words; ``value`` is what breaks the rule, empty when something is missing or too
    much, and then ``found`` says what stands there.  ``source`` is whose rule it is.
    """

    focus: str
    path: str
    component: str
    shape: str
    value: str
    severity: Severity
    rule: str
    remedy: str
    source: Source
    found: str = field(default="", compare=False)

    @property
    def identity(self) -> tuple[str, str, str, str, str]:
        """What makes it the same violation before and after a change."""
        return (self.focus, self.path, self.component, self.shape, self.value)

    def as_mapping(self) -> Mapping[str, str]:
        """The violation as plain JSON values, for reports."""
        return {
            "twin": self.focus,
            "rule": self.rule,
            "value": self.value or self.found,
            "path": self.path,
            "shape": self.shape,
            "severity": self.severity,
            "remedy": self.remedy,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a change does to the violations of a graph."""

    added: tuple[Violation, ...] = ()
    resolved: tuple[Violation, ...] = ()

    def of(self, severity: Severity) -> tuple[Violation, ...]:
        """The added violations of one severity."""
        return tuple(violation for violation in self.added if violation.severity == severity)
