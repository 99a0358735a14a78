"""A printed answer against a real one: what is said to vary by its shape, everything else to the letter."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_SECONDS = re.compile(r"\b\d+\.\d\d s\b")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


NOTHING: frozenset[str] = frozenset()


def differences(
    language: str, printed: str, real: str, varies: frozenset[str] = NOTHING, near: Mapping[str, float] | None = None
) -> list[str]:
    """Where the two differ, each in words; nothing when the printed answer still holds."""
    if language == "json":
        return list(_in_json(json.loads(printed), json.loads(real), varies, near or {}, "answer", None))
    if language == "csv":
        return list(_in_csv(printed, real, varies))
    return _in_text(printed, real)


def _in_json(
    printed: Any, real: Any, varies: frozenset[str], near: Mapping[str, float], where: str, slack: float | None
) -> Iterator[str]:
    if isinstance(printed, dict) and isinstance(real, dict):
        if printed.keys() != real.keys():
            yield f"{where} has {', '.join(real)}, printed are {', '.join(printed)}"
            return
        for key, value in printed.items():
            inner = math.inf if key in varies else near.get(key, slack)
            yield from _in_json(value, real[key], varies, near, f"{where}.{key}", inner)
    elif isinstance(printed, list) and isinstance(real, list):
        if len(printed) != len(real):
            yield f"{where} has {len(real)} items, printed are {len(printed)}"
            return
        for number, pair in enumerate(zip(printed, real, strict=True)):
            yield from _in_json(*pair, varies, near, f"{where}[{number}]", slack)
    elif _is_number(printed) and _is_number(real):
        if abs(printed - real) > (slack or 0):
            yield f"{where} is {real!r}, printed is {printed!r}"
    elif slack and isinstance(printed, str) and isinstance(real, str):
        if bool(_TIME.fullmatch(printed)) != bool(_TIME.fullmatch(real)):
            yield f"{where} is {real!r}, printed is {printed!r}, of which one is a time"
    elif printed != real:
        yield f"{where} is {real!r}, printed is {printed!r}"


def _in_csv(printed: str, real: str, varies: frozenset[str]) -> Iterator[str]:
    ours, theirs = (list(csv.reader(io.StringIO(text.strip()))) for text in (printed, real))
    if ours[:1] != theirs[:1] or len(ours) != len(theirs):
        yield f"the answer is {theirs[:1]} and {len(theirs)} lines, printed are {ours[:1]} and {len(ours)} lines"
        return
    for number, (mine, found) in enumerate(zip(ours[1:], theirs[1:], strict=True), 1):
        for name, a, b in zip(ours[0], mine, found, strict=True):
            same = bool(_NUMBER.fullmatch(a)) == bool(_NUMBER.fullmatch(b)) if name in varies else a == b
            if not same:
                yield f"row {number}: {name} is {b!r}, printed is {a!r}"


def _in_text(printed: str, real: str) -> list[str]:
    a, b = (_SECONDS.sub("N s", text).strip().splitlines() for text in (printed, real))
    return [] if a == b else ["\n".join(["it says", *b, "and printed is", *a])]


def pairs(printed: Any, real: Any, name: str) -> Iterator[tuple[str, str]]:
    """What stands under a key on both sides, wherever it is."""
    if isinstance(printed, dict) and isinstance(real, dict):
        for key in printed.keys() & real.keys():
            if key == name and isinstance(printed[key], str) and isinstance(real[key], str):
                yield printed[key], real[key]
            yield from pairs(printed[key], real[key], name)
    elif isinstance(printed, list) and isinstance(real, list):
        for mine, found in zip(printed, real, strict=False):
            yield from pairs(mine, found, name)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
