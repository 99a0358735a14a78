"""Snapshots as they fall due, and the journal trimmed behind them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.graph.building import quads
from tests.graph.past.world import World
from twin.flows.snapshotting import Snapshotting
from twin.graph.journal_rows import TooOld
from twin.settings import RevisionSettings


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path / "world")
    yield world
    await world.stop()


async def grow(world: World, count: int) -> None:
    for _ in range(count):
        await world.change(added=quads(f":n{len(world.states)} a brick:AHU ."))


async def test_snapshots_are_taken_as_the_graph_changes_and_history_is_trimmed_behind_them(world: World) -> None:
    settings = RevisionSettings(snapshot_every=3, snapshot_hours=1e6, keep=2)
    tending = Snapshotting(world.snapshots, world.journal, world.clock, settings, pause=0.01)
    following = asyncio.create_task(tending.follow(world.door.changes))
    try:
        async with asyncio.timeout(20):
            await grow(world, 6)
            while world.snapshots.newest() < 6:
                await asyncio.sleep(0.01)
            await grow(world, 3)
            while world.snapshots.newest() < 9 or world.journal.oldest < 6:
                await asyncio.sleep(0.01)
    finally:
        following.cancel()
    assert world.journal.oldest == 6
    assert world.journal.broken_link() is None
    assert await world.read(6) == world.states[6]
    with pytest.raises(TooOld):
        world.pasts.at_revision(5)


async def test_a_snapshot_is_due_by_time_as_well(world: World) -> None:
    settings = RevisionSettings(snapshot_every=0, snapshot_hours=2.0)
    tending = Snapshotting(world.snapshots, world.journal, world.clock, settings)
    tending.tend()
    await grow(world, 2)
    tending.tend()
    assert world.snapshots.revisions == []
    world.clock.advance(2 * 3600)
    tending.tend()
    assert world.snapshots.revisions == [2]
    world.clock.advance(9 * 3600)
    tending.tend()  # nothing was changed since
    assert world.snapshots.revisions == [2]


async def test_without_a_limit_nothing_is_trimmed(world: World) -> None:
    await grow(world, 4)
    Snapshotting(world.snapshots, world.journal, world.clock, RevisionSettings(snapshot_every=1)).tend()
    assert world.snapshots.revisions == [4]
    assert world.journal.oldest == 0
