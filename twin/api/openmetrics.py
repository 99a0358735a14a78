"""The OpenMetrics 1.0 text of a set of figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

MEDIA_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Buckets:
    """How often something took how long: ``counts`` of those up to each of ``bounds``, and of the longer ones as the
    last; not cumulated.  ``sum`` is of all of them."""

    bounds: Sequence[float]
    counts: Sequence[int]
    sum: float


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure: ``kind`` is ``counter``, ``gauge``, ``info`` or ``histogram``, whose figure is its ``buckets``;
    ``name`` has neither suffix nor unit of the text."""

    name: str
    kind: str
    help: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    buckets: Buckets | None = None


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
        for each in members:
            if each.buckets is not None:
                lines.extend(_histogram(name, each.labels, each.buckets))
            else:
                lines.append(f"{name}{_SUFFIX[kind]}{_labels(each.labels)} {_number(each.value)}")
    return "\n".join([*lines, "# EOF", ""])


def _histogram(name: str, labels: Mapping[str, str], buckets: Buckets) -> Iterator[str]:
    total = 0
    for bound, count in zip((*buckets.bounds, math.inf), buckets.counts, strict=True):
        total += count
        yield f"{name}_bucket{_labels({**labels, 'le': _number(bound)})} {total}"
    yield f"{name}_count{_labels(labels)} {total}"
    yield f"{name}_sum{_labels(labels)} {_number(buckets.sum)}"


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
