from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from twin.clock import ManualClock
from twin.contracts import Delta, Revision
from twin.graph.bulk import derived_anew, graphs_of
from twin.graph.change import ChangeDoor
from twin.graph.derivation import Derivation
from twin.graph.hierarchy import Hierarchy
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
from twin.jobs import Cancelled
from twin.terms import Literal, NamedNode, Quad
from twin.vocab import BRICK, OWL, RDF, RDFS, SAREF, TWIN, inferred_graph, site_graph, vocabulary_graph

SITES = ("hq", "annex")
CLASSES = [*(NamedNode(f"urn:x:C{number}") for number in range(4)), BRICK.Point]
NODES = [NamedNode(f"urn:x:i{number}") for number in range(4)]
ROLES = [NamedNode(f"urn:x:role{number}") for number in range(2)]
WORDS = [Quad(role, TWIN.word, Literal(f"word {role.value[-1]}"), vocabulary_graph("roles")) for role in ROLES]


@st.composite
def statements(draw: st.DrawFn) -> Quad:
    site = site_graph(draw(st.sampled_from(SITES)))
    kind = draw(st.sampled_from(["type", "type", "owns", "role", "tree", "tree", "role class"]))
    if kind == "type":
        return Quad(draw(st.sampled_from(NODES)), RDF.type, draw(st.sampled_from([*CLASSES, TWIN.Property])), site)
    if kind == "owns":
        predicate = draw(st.sampled_from([BRICK.hasPoint, BRICK.isPointOf, SAREF.hasProperty, TWIN.hasProperty]))
        return Quad(draw(st.sampled_from(NODES)), predicate, draw(st.sampled_from(NODES)), site)
    if kind == "role":
        return Quad(draw(st.sampled_from(NODES)), TWIN.role, Literal("own"), site)
    vocabulary = vocabulary_graph(draw(st.sampled_from(SITES)))
    if kind == "tree":
        said = draw(st.sampled_from([RDFS.subClassOf, RDFS.subClassOf, OWL.equivalentClass]))
        return Quad(draw(st.sampled_from(CLASSES)), said, draw(st.sampled_from(CLASSES)), vocabulary)
    return Quad(draw(st.sampled_from(ROLES)), TWIN.roleClass, draw(st.sampled_from(CLASSES)), vocabulary)


class World:
    def __init__(self, directory: Path) -> None:
        self.store = OxigraphStore()
        self.journal = Journal(directory / "journal.sqlite")
        self.store.bulk_load(WORDS)
        self.door = ChangeDoor(self.store, self.journal, ManualClock())

    async def commit(self, *added: Quad, removed: tuple[Quad, ...] = ()) -> Revision:
        return await self.door.commit(Delta(removed, added), actor="test", reason="because")

    def missing(self) -> Delta:
        """What a full recomputation would still change."""
        return derived_anew(self.store, SITES, Derivation(self.store, Hierarchy(self.store)))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(statements(), min_size=1, max_size=4), min_size=1, max_size=8))
def test_what_follows_after_any_edits_is_what_follows_from_all_that_is_stated(script: list[list[Quad]]) -> None:
    async def play() -> None:
        with TemporaryDirectory() as name:
            world = World(Path(name))
            stated: dict[Quad, None] = {}
            for edits in script:
                # An edit takes back what is stated and states what is not.
                removed = tuple(quad for quad in dict.fromkeys(edits) if quad in stated)
                added = [quad for quad in dict.fromkeys(edits) if quad not in stated]
                await world.commit(*added, removed=removed)
                stated = {quad: None for quad in (*stated, *added) if quad not in removed}
                assert world.missing() == Delta()
            world.journal.close()

    asyncio.run(play())


async def test_classes_that_an_import_brings_are_followed_in_the_other_sites_too(tmp_path: Path) -> None:
    world = World(tmp_path)
    meter = NamedNode("urn:x:C0")
    await world.commit(Quad(NODES[0], RDF.type, meter, site_graph("hq")))
    assert not list(world.store.quads(None, None, None, inferred_graph("hq")))
    announced: list[int] = []
    world.door.before_announcing.append(lambda revision: announced.append(revision.token))

    def load() -> str:
        world.store.bulk_load([Quad(meter, RDFS.subClassOf, BRICK.Point, vocabulary_graph("annex"))])
        return ""

    published = await world.door.publish_import(graphs_of("annex"), load, actor="ann", reason="import of classes")
    assert Quad(NODES[0], RDF.type, TWIN.Property, inferred_graph("hq")) in set(world.store.quads(NODES[0]))
    assert world.missing() == Delta()
    assert announced == [published.token, published.token + 1]
    assert world.door.find(published.token + 1).reason == "what follows from the import of classes"
    world.journal.close()


async def test_an_edit_of_the_class_tree_tells_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    points = [NamedNode(f"urn:x:point{number}") for number in range(1200)]
    await world.commit(*(Quad(point, RDF.type, CLASSES[0], site_graph("hq")) for point in points))
    seen: list[tuple[int, int]] = []
    jobs = world.door.jobs
    tell = jobs.change

    def watched(id: str, **told: Any) -> None:
        tell(id, **told)
        seen.append((told.get("done", 0), told.get("total", 0)))

    monkeypatch.setattr(jobs, "change", watched)  # to see every step
    assert jobs.listed() == []
    await world.commit(Quad(CLASSES[0], RDFS.subClassOf, BRICK.Point, vocabulary_graph("hq")))
    [job] = jobs.listed()
    assert (job.kind, job.state, job.what) == ("retyping", "done", "because")
    assert job.ended is not None
    assert seen[-1] == (1200, 1200)
    assert len(seen) > 3
    assert seen == sorted(seen)
    assert world.missing() == Delta()
    world.journal.close()


async def test_an_edit_of_the_class_tree_that_is_cancelled_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    points = [NamedNode(f"urn:x:point{number}") for number in range(1200)]
    await world.commit(*(Quad(point, RDF.type, CLASSES[0], site_graph("hq")) for point in points))
    before, revision, jobs = set(world.store.quads()), world.door.revision, world.door.jobs
    tell = jobs.change

    def cancelled(id: str, **told: Any) -> None:
        tell(id, **told)
        if told.get("done", 0) > 200:
            jobs.cancel(id)

    monkeypatch.setattr(jobs, "change", cancelled)
    edit = Quad(CLASSES[0], RDFS.subClassOf, BRICK.Point, vocabulary_graph("hq"))
    with pytest.raises(Cancelled):
        await world.commit(edit)
    assert [job.state for job in jobs.listed()] == ["cancelled"]
    assert (set(world.store.quads()), world.door.revision) == (before, revision)
    monkeypatch.undo()
    await world.commit(edit)
    assert world.missing() == Delta()
    world.journal.close()


async def test_an_edit_of_the_class_tree_that_changes_nothing_derives_nothing_anew(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.commit(Quad(CLASSES[0], RDFS.subClassOf, BRICK.Point, vocabulary_graph("hq")))
    points = (NamedNode(f"urn:x:point{number}") for number in range(1200))
    await world.commit(*(Quad(point, RDF.type, CLASSES[0], site_graph("hq")) for point in points))
    committed = await world.commit(Quad(CLASSES[0], RDFS.subClassOf, CLASSES[1], vocabulary_graph("hq")))
    assert len(committed.delta.added) == 1
    assert world.door.jobs.listed() == []
    world.journal.close()


async def test_an_owner_that_is_given_one_more_class_keeps_its_properties(tmp_path: Path) -> None:
    world = World(tmp_path)
    owned = Quad(NODES[0], TWIN.hasProperty, NODES[1], inferred_graph("hq"))
    await world.commit(Quad(NODES[0], BRICK.hasPoint, NODES[1], site_graph("hq")))
    await world.commit(Quad(NODES[0], RDF.type, BRICK.Air_Handling_Unit, site_graph("hq")))
    assert owned in set(world.store.quads(NODES[0]))
    world.journal.close()
