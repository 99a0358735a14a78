"""The past: for every revision the state that it had, whatever is nearest to it, and across restarts."""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.graph.building import quads
from tests.graph.past.world import World, state_of, told
from twin.errors import InvalidInput, NotFound
from twin.graph.hierarchy import Hierarchy
from twin.graph.journal_rows import TooOld
from twin.graph.past.differences import Net, lines_between, way
from twin.graph.past.pinned import Past
from twin.graph.twins.reader import TwinReader
from twin.scope import Scope
from twin.terms import Quad, parse_n_quads
from twin.vocab import bindings_graph

NODES = [f":n{number}" for number in range(6)]
STATEMENTS = [
    statement
    for node in NODES
    for statement in (
        f"{node} a brick:AHU .",
        f'{node} rdfs:label "{node} one" .',
        f'{node} rdfs:label "two {node}" .',
        f"{node} brick:feeds :n0 .",
        f"{node} brick:isPartOf :n1 .",
        f"{node} brick:hasPoint <urn:twin:hq:point{node[2:]}> .",
        f"<urn:twin:hq:point{node[2:]}> a brick:Sensor ; twin:freshness {node[2:]}0 .",
    )
] + ["brick:AHU rdfs:subClassOf brick:Equipment ."]
BINDING = '<urn:b> a twin:Binding ; twin:binds <urn:twin:hq:point1> ; twin:connection <urn:c> ; twin:address "a" .'
POOL: list[tuple[Quad, ...]] = [quads(statement) for statement in STATEMENTS]
POOL.append(quads(BINDING, bindings_graph("hq")))
DEPOT = """:d a brick:Building ; rdfs:label "Depot" ; brick:hasPoint :p . :p a brick:Sensor .
<urn:twin:hq:n2> rdfs:label "a name by another site" . <urn:twin:hq:n3> a brick:AHU ; rdfs:label "shared" ."""
PREFIXES = "@prefix brick: <https://brickschema.org/schema/Brick#> . @prefix : <urn:twin:depot:> .\n" + (
    "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path / "world")
    yield world
    await world.stop()


async def act(world: World, step: str, chosen: list[int]) -> None:
    if step == "change":
        some = [quad for place in chosen for quad in POOL[place % len(POOL)]]
        present = state_of(world.store)
        await world.change(
            tuple(quad for quad in some if quad in present), tuple(quad for quad in some if quad not in present)
        )
    elif step == "snapshot":
        world.snapshots.take()
    elif step == "restart":
        await world.stop()
        world.start()
    elif step == "import" and not any("depot" in str(quad.graph_name) for quad in state_of(world.store)):
        await world.bring("depot", PREFIXES + DEPOT)
    elif step == "clear":
        graphs = {quad for quad in state_of(world.store) if "depot" in str(quad.graph_name)}
        await world.change(tuple(quad for quad in graphs if "inferred" not in str(quad.graph_name)))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["change"] * 6 + ["snapshot", "snapshot", "restart", "import", "clear"]),
        st.lists(st.integers(0, len(POOL) - 1), min_size=1, max_size=4),
    ),
    min_size=2,
    max_size=14,
)


async def check_every_past(directory: Path, steps: list[tuple[str, list[int]]], seed: int) -> None:
    world = World(directory)
    try:
        for step, chosen in steps:
            await act(world, step, chosen)
        order = list(range(len(world.states)))
        random.Random(seed).shuffle(order)  # noqa: S311 - a test's order
        for revision in order:
            assert await world.read(revision) == world.states[revision]
            past = await world.pasts.pin(revision)
            assert past.store.revision() == revision
            moved = await past.twins()
            assert told(moved) == told(reader_anew(world, past))
        for start, end in itertools.pairwise(order):
            assert await arrived(world, start, end) == world.states[end]
        assert world.journal.broken_link() is None
    finally:
        await world.stop()


def reader_anew(world: World, past: Past) -> TwinReader:
    hierarchy = Hierarchy(past.store)
    return TwinReader(past.store, lambda: hierarchy, world.journal.known_series)


async def arrived(world: World, start: int, end: int) -> frozenset[Quad]:
    """The state of one revision after the way to another, taken on sets."""
    state = set(world.states[start])
    for step in way(world.journal, start, end):
        if not isinstance(step, Net):
            before, after = world.states[step.revision - 1], world.states[step.revision]
            state |= after - before  # what an import brings is its files'
            continue
        state = {quad for quad in state if str(quad.graph_name).encode() not in step.cleared}
        removed, added = (set(parse_n_quads(b"\n".join(lines))) for lines in (step.removed, step.added))
        assert removed <= state
        assert not added & state
        state = (state - removed) | added
    return frozenset(state)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, seed=st.integers(0, 2**16))
def test_every_revision_is_told_as_it_was(tmp_path_factory: pytest.TempPathFactory, steps, seed) -> None:
    asyncio.run(check_every_past(tmp_path_factory.mktemp("world") / "w", steps, seed))


@pytest.mark.long
@settings(max_examples=300, deadline=None)
@given(steps=STEPS, seed=st.integers(0, 2**16))
def test_every_revision_of_many_histories_is_told_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, steps, seed
) -> None:
    asyncio.run(check_every_past(tmp_path_factory.mktemp("world") / "w", steps, seed))


async def test_before_and_after_a_large_import_both_are_told(world: World) -> None:
    await world.change(added=quads(':n1 a brick:AHU ; rdfs:label "one" .'))
    await world.bring("depot", PREFIXES + DEPOT)
    await world.change(added=quads(":n2 a brick:AHU ."))
    for revision in (1, 2, 3, 0):
        assert await world.read(revision) == world.states[revision]
    before, after = await world.pasts.pin(1), await world.pasts.pin(2)
    assert (await before.twins()).sites(Scope()) == ["hq"]
    assert (await after.twins()).sites(Scope()) == ["depot", "hq"]
    assert (await after.twins()).properties(Scope(), site="depot").items == ["urn:twin:depot:p"]
    lines = await lines_between(world.pasts, world.journal, 1, 3, 1000)
    assert set(parse_n_quads(b"\n".join(lines.added))) == world.states[3] - world.states[1]
    assert lines.removed == []
    with pytest.raises(InvalidInput, match="at most 2 are told"):
        await lines_between(world.pasts, world.journal, 1, 3, 2)


async def test_an_import_is_taken_on_the_way_forward_from_a_snapshot(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.change(added=quads(":n1 a brick:AHU ."))
    world.snapshots.take()
    await world.bring("depot", PREFIXES + DEPOT)
    for number in range(8):
        await world.change(added=quads(f":m{number} a brick:AHU ."))
    assert [type(step).__name__ for step in way(world.journal, 1, 4)] == ["Loading", "Net"]
    monkeypatch.setattr("twin.graph.past.pinned._LOADING", 1)  # so that the snapshot is nearer
    world.journal._database.execute("UPDATE changes SET added = x'00' WHERE revision = 9")  # no way back from now
    for revision in (3, 2):
        assert await world.read(revision) == world.states[revision]


async def test_many_ask_for_one_revision_and_it_is_built_once(world: World) -> None:
    for number in range(5):
        await world.change(added=quads(f":n{number} a brick:AHU ."))
    pinned = await asyncio.gather(*(world.pasts.pin(2) for _ in range(8)))
    assert len({id(past) for past in pinned}) == 1
    assert len(list((world.directory / "past").iterdir())) == 1


async def test_few_revisions_are_kept_and_one_in_use_outlasts_that(world: World) -> None:
    for number in range(6):
        await world.change(added=quads(f":n{number} a brick:AHU ."))
    held = await world.pasts.pin(1)
    for revision in (2, 3, 4, 5):
        await world.pasts.pin(revision)
    assert state_of(held.store) == world.states[1]
    assert held.files.exists()
    files = held.files
    del held
    world.clock.advance(1000)
    world.pasts.let_go()
    await asyncio.sleep(0)
    gc.collect()
    assert not files.exists()
    assert list((world.directory / "past").iterdir()) == []


async def test_a_change_while_a_revision_is_built_does_not_get_into_it(world: World) -> None:
    for number in range(5):
        await world.change(added=quads(f":n{number} a brick:AHU ."))

    async def go_on() -> None:
        for number in range(20):
            await world.change(added=quads(f":later{number} a brick:AHU ."))

    past, _ = await asyncio.gather(world.pasts.pin(4), go_on())
    assert state_of(past.store) == world.states[4]
    assert (await past.twins()).counts(Scope()) == (4, 0)


async def test_moments_are_revisions_and_times_that_were(world: World) -> None:
    start = world.clock.now()
    for number in range(3):
        await world.change(added=quads(f":n{number} a brick:AHU ."))
    assert world.pasts.at_time(start).revision == 0
    assert world.pasts.at_time(start + 2_500_000_000).revision == 2
    assert world.pasts.at_revision(2).time == start + 2_000_000_000
    with pytest.raises(InvalidInput, match="has not come yet"):
        world.pasts.at_time(world.clock.now() + 1)
    with pytest.raises(NotFound, match="does not exist yet; the newest is 3"):
        world.pasts.at_revision(4)
    world.journal.trim(2)
    with pytest.raises(TooOld, match="the oldest is 2"):
        world.pasts.at_revision(1)
    with pytest.raises(TooOld, match="the oldest is 2"):
        world.pasts.at_time(start)
    assert await world.read(2) == world.states[2]
