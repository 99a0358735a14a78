"""The saved queries: every file runs on the living building and has something to say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.graphql_client import GraphQL
from twin.data import data_directory

FILES = sorted(data_directory("queries").iterdir())
MAY_BE_EMPTY = {"unavailable-properties"}
"""Queries whose best answer is none."""
LOWERED = {"warm-rooms": ("22.0", "0.0")}
"""Limits that a cool evening stays under, and lower ones: the building lives, and its nights are part of it."""


def title(file: Path) -> str:
    return file.read_text("utf-8").splitlines()[0]


def leaves(value: Any) -> Iterator[Any]:
    match value:
        case dict():
            for each in value.values():
                yield from leaves(each)
        case list():
            for each in value:
                yield from leaves(each)
        case _:
            yield value


def test_there_are_queries_in_both_languages_and_nothing_else() -> None:
    assert {file.suffix for file in FILES} == {".rq", ".graphql"}
    assert [file.name for file in FILES if not title(file).startswith("# ")] == []


@pytest.mark.parametrize("file", [each for each in FILES if each.suffix == ".graphql"], ids=lambda file: file.stem)
def test_a_saved_graphql_query_answers_without_errors(demo: GraphQL, file: Path) -> None:
    answer = demo.answer(file.read_text("utf-8"))
    assert "errors" not in answer, answer["errors"]
    assert any(value not in (None, "", 0) for value in leaves(answer["data"]))


@pytest.mark.parametrize("file", [each for each in FILES if each.suffix == ".rq"], ids=lambda file: file.stem)
def test_a_saved_sparql_query_answers_with_rows(demo: GraphQL, file: Path) -> None:
    text = file.read_text("utf-8")
    limit, lower = LOWERED.get(file.stem, ("", ""))
    assert limit in text
    rows = demo.sparql(text.replace(limit, lower) if limit else text)
    assert rows or file.stem in MAY_BE_EMPTY
    selected = text.partition("SELECT")[2].partition("WHERE")[0]
    assert all(f"?{name}" in selected for row in rows for name in row)


def test_the_explorer_is_given_every_file_with_its_title(demo: GraphQL) -> None:
    saved = demo.ask("{ savedQueries { name title language text } }")["savedQueries"]
    assert {each["name"] for each in saved} == {file.stem for file in FILES}
    for each in saved:
        suffix = {"graphql": ".graphql", "sparql": ".rq"}[each["language"]]
        file = next(file for file in FILES if (file.stem, file.suffix) == (each["name"], suffix))
        assert each["text"] == file.read_text("utf-8")
        assert each["title"]
        assert each["title"] in title(file)
