"""Snapshots: whole or not there, kept by their use, and never trusted when they were touched."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.graph.building import quads
from tests.graph.past.world import World, state_of
from twin.graph.past.snapshots import least_useful

KILLED = """
import os, signal, sys
from pathlib import Path
from twin.graph.past import snapshots as module
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
directory, place = Path(sys.argv[1]), sys.argv[2]
store, journal = OxigraphStore(directory / "graph"), Journal(directory / "journal.sqlite")
kept = module.Snapshots(store, journal, directory / "snapshots", directory / "graph", keep=3, size=2**40)
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
if place == "copying":
    copy = store.copy
    store.copy = lambda target: (copy(target), die())[0]
elif place == "measuring":
    module._measured = die
else:
    Path.rename = die
kept.take()
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path / "world")
    yield world
    await world.stop()


async def grow(world: World, count: int) -> None:
    for _ in range(count):
        await world.change(added=quads(f":n{len(world.states)} a brick:AHU ."))


@pytest.mark.parametrize("place", ["copying", "measuring", "naming"])
async def test_a_server_killed_while_it_takes_a_snapshot_leaves_nothing_wrong(world: World, place: str) -> None:
    await grow(world, 3)
    await world.stop()
    command = [sys.executable, "-c", KILLED, str(world.directory), place]
    killed = await asyncio.create_subprocess_exec(*command)
    assert await killed.wait() == -signal.SIGKILL
    assert list((world.directory / "snapshots").iterdir()) != []
    world.start()
    assert world.snapshots.revisions == []
    assert list((world.directory / "snapshots").iterdir()) == []
    assert state_of(world.store) == world.states[-1]
    assert world.snapshots.take() == 3
    assert await world.read(1) == world.states[1]


@pytest.mark.parametrize("harm", ["a byte", "shorter", "gone", "no manifest", "another journal"])
async def test_a_snapshot_that_was_harmed_is_passed_over_for_the_next_nearest(world: World, harm: str) -> None:
    await grow(world, 4)
    world.snapshots.take()
    await grow(world, 4)
    world.snapshots.take()
    await grow(world, 30)
    harmed = world.directory / "snapshots" / f"{8:012d}"
    manifest = harmed / "snapshot.json"
    if harm == "another journal":
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "hash": "x"}))
    elif harm == "no manifest":
        manifest.unlink()
    else:
        [table, *_] = (harmed / "graph").glob("MANIFEST-*")
        content = table.read_bytes()
        table.unlink()
        if harm != "gone":
            table.write_bytes(bytes([content[0] ^ 1]) + content[1:] if harm == "a byte" else content[:-3])
    if harm in ("another journal", "no manifest"):  # seen when the server starts
        await world.stop()
        world.start()
    assert await world.read(7) == world.states[7]
    assert world.snapshots.revisions == [4]
    assert await world.read(5) == world.states[5]


async def test_the_past_is_reached_from_a_snapshot_when_that_is_nearer(world: World) -> None:
    await grow(world, 5)
    world.snapshots.take()
    await grow(world, 20)
    # What lies between now and the snapshot cannot be read: only from the snapshot is there a way.
    world.journal._database.execute("UPDATE changes SET added = x'00' WHERE revision > 8")
    assert await world.read(4) == world.states[4]
    assert await world.read(7) == world.states[7]


async def test_snapshots_are_kept_sparser_the_older_they_are(world: World) -> None:
    for _ in range(12):
        await grow(world, 1)
        world.snapshots.take()
    kept = world.snapshots.revisions
    assert len(kept) == 3
    assert kept[-1] == 12
    gaps = [after - before for before, after in itertools.pairwise(kept)]
    assert gaps == sorted(gaps, reverse=True)
    assert sorted(int(entry.name) for entry in (world.directory / "snapshots").iterdir()) == kept


async def test_snapshots_have_a_budget_of_bytes_and_the_newest_is_always_kept(world: World) -> None:
    await grow(world, 2)
    world.snapshots.take()
    await grow(world, 2)
    world.snapshots._size = 0
    world.snapshots.take()
    assert world.snapshots.revisions == [4]


def test_the_one_with_the_closest_neighbours_for_its_age_goes_first() -> None:
    assert least_useful([10, 20, 30, 40, 41, 42]) in (10, 20)
    assert least_useful([1, 2, 100, 110]) == 1
    assert least_useful([50, 100]) == 50


async def test_a_snapshot_is_one_of_a_revision_and_not_of_an_import_under_way(world: World) -> None:
    await grow(world, 1)
    assert world.snapshots.take() == 1
    assert world.snapshots.take() is None
    await grow(world, 1)
    world.store.hide([next(iter(quads(":x a :y ."))).graph_name])  # it is a named one
    assert world.snapshots.take() is None


async def test_a_snapshot_that_is_copied_stays_as_it_is(world: World) -> None:
    await grow(world, 3)
    world.snapshots.take()
    held = world.directory / "snapshots" / f"{3:012d}" / "graph"
    before = {file.name: (file.stat().st_size, os.stat(file).st_mtime_ns) for file in held.iterdir()}
    await grow(world, 3)
    world.journal._database.execute("UPDATE changes SET added = x'00' WHERE revision = 6")
    assert await world.read(2) == world.states[2]
    assert {file.name: (file.stat().st_size, os.stat(file).st_mtime_ns) for file in held.iterdir()} == before
