"""An import that defines classes puts right what stands of the other sites that use them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.bindings.fake import until
from tests.graph.building import Building, quads
from twin.contracts import Delta
from twin.flows.revalidation import Revalidation
from twin.graph.validation.gate import Gate, our_shapes
from twin.graph.validation.violations import ViolationStore
from twin.vocab import shapes_graph, site_graph, vocabulary_graph

POD = "<urn:twin:hq:pod> a <urn:pods#Pod> ."
TREE = """@prefix owl: <http://www.w3.org/2002/07/owl#> .
<urn:pods#Pod> a owl:Class ; rdfs:subClassOf <urn:pods#Cell> . <urn:pods#Cell> a owl:Class ;
  rdfs:subClassOf brick:Room ."""
SHAPE = """@prefix sh: <http://www.w3.org/ns/shacl#> .
<urn:pods#Serial> a sh:NodeShape ; sh:targetClass brick:Floor ; sh:message "A floor has a serial number." ;
  sh:property [ sh:path <urn:pods#serial> ; sh:minCount 1 ] ."""


async def test_other_sites_that_use_the_classes_of_an_import_are_validated_anew(tmp_path: Path) -> None:
    building = await Building().furnish()
    violations = ViolationStore(tmp_path / "violations.sqlite")
    revalidation = Revalidation(building.store, Gate(our_shapes()), violations, tmp_path)
    await building.door.commit(Delta(added=quads(POD)), actor="test", reason="a pod", validate=False)
    assert await revalidation.validate("hq") == 1
    assert [each.focus for each in violations.page("hq").items] == ["urn:twin:hq:pod"]
    building.store.bulk_load(quads(TREE, vocabulary_graph("pods")))
    building.store.bulk_load(quads("<urn:twin:pods:pod> a <urn:pods#Pod> .", site_graph("pods")))
    assert await revalidation.validate("pods") == 0
    assert list(violations.due()) == ["hq"]
    following = asyncio.create_task(revalidation.follow(building.door.changes))
    async with asyncio.timeout(60):
        while violations.due():
            await asyncio.sleep(0.05)
    following.cancel()
    assert violations.count("hq") == 0
    violations.close()


async def test_the_shapes_of_a_user_are_checked_on_the_whole_site(tmp_path: Path) -> None:
    building = await Building().furnish()
    violations = ViolationStore(tmp_path / "violations.sqlite")
    building.store.bulk_load(quads(SHAPE, shapes_graph("pods")))
    assert await Revalidation(building.store, Gate(our_shapes()), violations, tmp_path).validate("hq") == 1
    (found,) = violations.page("hq", source="user").items
    assert (found.focus, found.rule) == ("urn:twin:hq:floor-1", found.rule)
    violations.close()


async def test_a_site_that_an_import_marks_while_it_is_validated_does_not_wait_for_the_next_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    building, violations = Building(), ViolationStore(tmp_path / "violations.sqlite")
    revalidation = Revalidation(building.store, Gate(our_shapes()), violations, tmp_path)

    async def run(_self: Revalidation, site: str, _job: object = None, *, imported: bool) -> None:
        violations.not_due(site)

    monkeypatch.setattr(Revalidation, "_run", run)
    violations.mark_due(["pods"], "it was imported", revision=1)
    async with revalidation._locks["pods"]:  # as the import holds it that validates its own site
        following = asyncio.create_task(revalidation.follow(building.door.changes))
        await until(lambda: bool(revalidation._locks["pods"]._waiters))
        violations.mark_due(["hq"], "the import changed its classes", revision=1)
        violations.not_due("pods")
    await until(lambda: not violations.due())
    following.cancel()
    violations.close()
