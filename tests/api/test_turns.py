"""Long answers are made in turns: the same answer, and every other request has its turn in between."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.server import AHU, SAT, Server
from twin.api.graphql import schema as admission
from twin.api.graphql import turns

EVERYTHING = """query($sat: ID!) {
  twins(first: 100) { nodes { id name properties(first: 50) { nodes { id name value } } } }
  again: twins(first: 2) { totalCount nodes { id properties(first: 1) { nodes { name } } } }
  missing: twin(id: "urn:twin:hq:nothing") { id name }
  property(id: $sat) { name value history(points: 10) { points { value } } }
}"""


async def test_an_answer_made_in_many_turns_is_the_answer_made_in_one(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.observe((SAT, 18.0))
    monkeypatch.setattr(turns, "SLICE", 1e9)
    whole = await server.ask(EVERYTHING, sat=SAT)
    assert "errors" not in whole, whole
    monkeypatch.setattr(turns, "SLICE", 0.0)
    assert await server.ask(EVERYTHING, sat=SAT) == whole
    assert any(node["id"] == AHU and node["properties"]["nodes"] for node in whole["data"]["twins"]["nodes"])


@pytest.mark.parametrize("seconds", [0.0, 1e9])
async def test_an_error_within_a_list_is_told_at_its_place(
    server: Server, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(turns, "SLICE", seconds)
    answer = await server.ask('{ properties(first: 3) { nodes { id value(unit: "KiloW") } } }')
    assert answer["errors"]
    paths = {tuple(error["path"][:3]) for error in answer["errors"]}
    assert paths <= {("properties", "nodes", index) for index in range(3)}
    assert {error["path"][3] for error in answer["errors"]} == {"value"}


async def test_others_have_their_turn_while_a_long_answer_is_made(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def rounds(seconds: float) -> int:
        monkeypatch.setattr(turns, "SLICE", seconds)
        asking = asyncio.create_task(server.ask(EVERYTHING, sat=SAT))
        count = 0
        while not asking.done():
            await asyncio.sleep(0)
            count += 1
        return count

    await rounds(1e9)  # what is made once is made now
    assert await rounds(0.0) > await rounds(1e9) + 20


async def test_a_long_document_is_judged_beside_the_event_loop(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    judged: list[bool] = []
    admit = admission.admit

    def watched(*parts: object) -> object:
        try:
            judged.append(asyncio.get_running_loop() is loop)
        except RuntimeError:
            judged.append(False)
        return admit(*parts)

    monkeypatch.setattr(admission, "admit", watched)
    monkeypatch.setattr(admission, "_admitted_before", watched)
    long = "{ " + " ".join(f"a{n}: revision" for n in range(50)) + " " * 1_000 + " }"
    for text, beside in (("{ revision }", False), (long, True)):
        judged.clear()
        assert "errors" not in await server.ask(text)
        assert judged == [not beside]
