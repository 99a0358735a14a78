"""Paths into documents: what can be written, and what is found."""

from __future__ import annotations

import pytest

from twin.bindings.paths import Step, Where, getter, nested, parse_path
from twin.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("sat", ("sat",)),
        ("temps.sat", ("temps", "sat")),
        ("$.temps.sat", ("temps", "sat")),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ("[2]", (2,)),
        ("$[2][10]", (2, 10)),
        ('a["key.with.dots"].b', ("a", "key.with.dots", "b")),
        ("a['x']", ("a", "x")),
        ("Temp °C.now", ("Temp °C", "now")),
        ("$", ("$",)),
        ("samples[*].v", ("samples", None, "v")),
        ("e[n=temp].v", ("e", Where("n", "temp"), "v")),
    ],
)
def test_a_path_is_names_and_positions(text: str, steps: tuple[Step, ...]) -> None:
    assert parse_path(text) == steps


@pytest.mark.parametrize("text", ["", ".", "a.", "a..b", "a[", "a[x]", "a[-1]", "a]b", "$.", "a[0]b", "a" + ".b" * 40])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_path(text)


@pytest.mark.parametrize(
    ("path", "document", "found"),
    [
        ("a", {"a": 1}, 1),
        ("a.b", {"a": {"b": None}}, None),
        ("a.b.c", {"a": {"b": {"c": 3}}}, 3),
        ("a[1].b", {"a": [0, {"b": 4}]}, 4),
        ("[0]", [5], 5),
    ],
)
def test_a_value_is_found_at_its_path(path: str, document: object, found: object) -> None:
    assert getter(parse_path(path))(document) == found


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("a", {"b": 1}), ("a", [1]), ("a", "a"), ("a", None), ("a.b", {"a": 1}), ("a.b", {"a": "b"}),
        ("a[0]", {"a": "text"}), ("a[0]", {"a": {"0": 1}}), ("a[3]", {"a": [1]}), ("[0].x", "text"),
    ],
)  # fmt: skip
def test_a_document_without_the_path_raises_and_never_guesses(path: str, document: object) -> None:
    with pytest.raises((LookupError, TypeError)):
        getter(parse_path(path))(document)


def test_a_value_is_written_into_objects_along_its_path() -> None:
    assert nested(("command", "setpoint"), 21.5) == {"command": {"setpoint": 21.5}}
