"""The OpenMetrics 1.0 text of a set of figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MEDIA_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure: ``kind`` is ``counter``, ``gauge`` or ``info``; ``name`` has neither suffix nor unit of the text."""

    name: str
    kind: str
    help: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


_SUFFIX = {"counter": "_total", "gauge": "", "info": "_info"}


def exposition(measures: Iterable[Measure]) -> str:
    """The measures as text, those of one name together, ending with ``# EOF``."""
    families: dict[str, list[Measure]] = {}
    for measure in measures:
        families.setdefault(measure.name, []).append(measure)
    lines = []
    for name, members in families.items():
        kind = members[0].kind
        lines.append(f"# TYPE {name} {kind}")
        lines.append(f"# HELP {name} {_escaped(members[0].help)}")
        lines.extend(f"{name}{_SUFFIX[kind]}{_labels(each.labels)} {_number(each.value)}" for each in members)
    return "\n".join([*lines, "# EOF", ""])


def _labels(labels: Mapping[str, str]) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{inside}}}" if inside else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(int(value)) if float(value).is_integer() else repr(float(value))
