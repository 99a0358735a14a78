"""What one request may ask for."""

from __future__ import annotations

from contextlib import suppress

import pytest
from graphql import parse
from hypothesis import given
from hypothesis import strategies as st

from tests.api.server import Server
from twin.api.graphql.limits import Limits, check_document, check_text
from twin.errors import InvalidInput


def bomb(steps: int) -> str:
    """A document whose fragments double its fields at each step."""
    fragments = "".join(
        f"fragment f{step} on Twin {{ ...f{step + 1} ... on Twin {{ ...f{step + 1} }} }} " for step in range(steps)
    )
    return f'{{ twin(id: "x") {{ ...f0 }} }} {fragments} fragment f{steps} on Twin {{ id name }}'


@pytest.mark.parametrize(
    ("document", "limit"),
    [
        ("{ a }" + " " * 70_000, "document_characters"),
        ("{" * 70 + "a" + "}" * 70, "nesting"),
        ("{ twins(where: " + "[" * 70 + "]" * 70 + ") { totalCount } }", "nesting"),
        ("{ twin(id: 1) { " + "place { " * 13 + "id" + " }" * 13 + " } }", "depth"),
        ("{ " + " ".join(f"a{n}: revision" for n in range(61)) + " }", "aliases"),
        (bomb(11), "fields"),
        ("{ ...a0 } " + " ".join(f"fragment a{n} on Query {{ ...a{n + 1} }}" for n in range(80)), "nesting"),
        (" ".join(f"fragment a{n} on Query {{ ...a{n + 1} }}" for n in range(80, 0, -1)) + " { ...a1 }", "nesting"),
    ],
)
async def test_a_document_beyond_a_limit_is_told_which(server: Server, document: str, limit: str) -> None:
    error = await server.error(document)
    assert (error["extensions"]["code"], error["extensions"]["limit"]) == ("invalid-input", limit)
    assert error["extensions"]["remedy"]


async def test_too_many_words_are_refused_before_they_are_read(server: Server) -> None:
    error = await server.error("{ " + "revision " * 5_000 + "}")
    assert "4000" in error["message"]


async def test_a_fragment_in_a_circle_is_named(server: Server) -> None:
    answer = await server.ask("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }")
    assert answer["errors"][0]["message"].startswith("Cannot spread fragment 'a' within itself")


async def test_one_answer_lists_only_so_many_objects(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limits, "of", lambda _settings: Limits(objects=10))
    assert len((await server.data("{ twins { nodes { id } edges { cursor } } }"))["twins"]["nodes"]) == 7
    error = await server.error("{ a: twins { nodes { id } } b: twins { nodes { id } } }")
    assert error["message"] == "The answer would list more than 10 objects."


async def test_what_editors_send_to_learn_the_schema_is_admitted(server: Server) -> None:
    from graphql import build_client_schema, get_introspection_query

    data = await server.data(get_introspection_query())
    assert "Twin" in build_client_schema(data).type_map


async def test_an_unknown_field_is_answered_with_a_near_name(server: Server) -> None:
    error = await server.error("{ twins { nodes { nam } } }")
    assert error["message"] == "Cannot query field 'nam' on type 'Twin'. Did you mean 'name'?"
    assert error["extensions"]["code"] == "invalid-input"


def test_brackets_in_strings_and_comments_are_not_counted() -> None:
    text = '{ twin(id: "' + "{" * 100 + '") { id } # ' + "{" * 100 + "\n }"
    check_text(text, Limits())
    block = '{ twin(id: """' + "{" * 100 + ' " \\""" """) { id } }'
    check_text(block, Limits())


@given(st.integers(0, 30), st.integers(1, 40))
def test_depth_is_counted_alike_with_and_without_fragments(depth: int, limit: int) -> None:
    plain = "{ a " + "b { " * depth + "c" + " }" * depth + " }"
    chain = "{ a ...f0 } " + "".join(f"fragment f{n} on X {{ b {{ ...f{n + 1} }} }} " for n in range(depth))
    spread = chain + f"fragment f{depth} on X {{ c }}"
    verdicts = []
    for text in (plain, spread):
        try:
            check_document(parse(text), Limits(depth=limit, nesting=200))
            verdicts.append(True)
        except InvalidInput as refused:
            verdicts.append(refused.details["limit"])
    assert verdicts == [True if depth + 1 <= limit else "depth"] * 2


@given(st.text(alphabet='{}[]()"\\#\n a', max_size=60))
def test_any_text_is_either_admitted_or_refused_in_words(text: str) -> None:
    with suppress(InvalidInput):
        check_text(text, Limits(nesting=5))
