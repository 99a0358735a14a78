"""Patterns of shapes: XPath's, matched in linear time or refused in words."""

from __future__ import annotations

import pytest

from tests.graph.shacl.generators import PREFIXES, quads_of
from twin.errors import InvalidInput
from twin.graph.shacl.reading import read_shapes
from twin.graph.shacl.regex import matcher


@pytest.mark.parametrize(
    ("pattern", "flags", "text", "holds"),
    [
        ("b+", "", "abbc", True),
        ("^b", "", "abc", False),
        ("^ABC$", "i", "abc", True),
        ("a.c", "", "a\nc", False),
        ("a.c", "s", "a\nc", True),
        ("^b$", "m", "a\nb\nc", True),
        ("^b$", "", "a\nb\nc", False),
        ("a b [ c]", "x", "ab ", True),
        ("a+b", "q", "xa+by", True),
        ("a+b", "q", "aab", False),
        (r"^\w+$", "", "año_1", True),
        (r"^\d$", "", "٣", True),
        (r"^[\w.-]+$", "", "é.x-1", True),
        (r"^\S+$", "", "a b", False),
        (r"^[\S]+$", "", "ab—", True),
        (r"^[^\s]+$", "", "a b", False),
        (r"[\s\S]", "", "\n", True),
        (r"^[\D]$", "", "4", False),
        (r"^[\W]$", "", "-", True),
        (r"\i\c*", "", "x-1", True),
        (r"^\.\[\]$", "", ".[]", True),
        ("a$", "", "a\n", False),
    ],
)
def test_a_pattern_means_what_xpath_says(pattern: str, flags: str, text: str, holds: bool) -> None:
    assert matcher(pattern, flags)(text) is holds


@pytest.mark.timeout(20)
@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)+$", "^(a|a?)+$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_no_text_makes_a_pattern_take_long(pattern: str) -> None:
    assert matcher(pattern)("a" * 50_000 + "!") is False


@pytest.mark.parametrize(
    ("pattern", "flags"), [(r"(a)\1", ""), ("(?=a)b", ""), ("(a{1000}){1000}", ""), ("(", ""), ("a", "z")]
)
def test_what_cannot_be_bounded_is_refused_in_words(pattern: str, flags: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        matcher(pattern, flags)
    assert refused.value.remedy


def test_a_class_of_characters_less_another_is_refused() -> None:
    with pytest.raises(InvalidInput, match="takes one class"):
        matcher("[a-z-[aeiou]]")


def test_a_shape_with_such_a_pattern_is_a_problem_when_it_is_read() -> None:
    shapes = read_shapes(
        quads_of(PREFIXES + r'ex:S a sh:NodeShape ; sh:targetNode ex:a ; sh:pattern "(a)\\1" ; sh:nodeKind sh:IRI .')
    )
    assert [problem.words.startswith("The shape urn:ex:S has a pattern") for problem in shapes.problems] == [True]
    assert len(shapes.targeted[0].constraints) == 1
