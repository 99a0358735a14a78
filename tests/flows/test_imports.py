"""Bringing a building in: whole or not at all, each triple where it belongs, mistakes named by line and column."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.graph.building import HQ, PREFIXES, WIRING, Building
from twin.errors import InvalidInput
from twin.flows import imports
from twin.flows.imports import Importer, Source, site_name_from
from twin.graph.recovery import recover
from twin.scope import Scope
from twin.vocab import bindings_graph, inferred_graph, site_graph, vocabulary_graph

SCOPE = Scope()


class Bench:
    def __init__(self, directory: Path) -> None:
        self.building = Building()
        self.validated: list[str] = []
        self.raw = directory

        async def validate(site: str) -> int:
            self.validated.append(site)
            return 3

        self.importer = Importer(
            self.building.door, directory, validate, lambda site: self.building.twins.counts(SCOPE, site)
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def turtle(text: str, name: str = "hq.ttl") -> Source:
    return Source(name, (PREFIXES + text).encode())


async def test_a_building_comes_in_with_a_report(bench: Bench) -> None:
    report = await bench.importer.import_sources([turtle(HQ)], "hq", "ann")
    assert (report.site, report.revision, report.twins, report.properties, report.violations) == ("hq", 1, 7, 3, 3)
    assert bench.validated == ["hq"]
    assert set(report.seconds) == {"parse", "load", "validate"}
    assert bench.building.door.find(1).reason == "import of hq.ttl"


@pytest.mark.parametrize("suffix", [".nt", ".nq", ".jsonld", ".rdf"])
async def test_every_syntax_says_the_same(bench: Bench, suffix: str) -> None:
    from twin.terms import RdfFormat, parse, serialize
    from twin.vocabularies.rdf_files import format_of

    triples = [quad.triple for quad in parse(PREFIXES + HQ, format=RdfFormat.TURTLE)]
    text = serialize(triples, format=format_of("x" + suffix))
    assert text is not None
    report = await bench.importer.import_sources([Source("hq" + suffix, text)], "hq", "ann")
    assert (report.twins, report.properties, report.triples) == (7, 3, len(triples))


async def test_connections_and_bindings_go_to_the_graph_with_its_own_permission(bench: Bench) -> None:
    await bench.importer.import_sources([turtle(HQ + WIRING)], "hq", "ann")
    store = bench.building.store
    wired = {quad.subject.value for quad in store.quads(None, None, None, bindings_graph("hq"))}  # type: ignore[union-attr]
    assert wired == {"urn:twin:hq:broker", "urn:twin:hq:ahu-1:sat#binding"}
    assert bench.building.twins.binding(SCOPE, "urn:twin:hq:ahu-1:sat") is not None


async def test_class_definitions_go_to_a_vocabulary(bench: Bench) -> None:
    definition = """@prefix owl: <http://www.w3.org/2002/07/owl#> .
        :Robot a owl:Class ; rdfs:subClassOf brick:Equipment . :r2 a :Robot ."""
    await bench.importer.import_sources([turtle(definition)], "hq", "ann")
    store = bench.building.store
    assert len(list(store.quads(None, None, None, vocabulary_graph("hq")))) == 2
    assert len(list(store.quads(None, None, None, site_graph("hq")))) == 1
    assert bench.building.twins.twins(SCOPE, type="brick:Equipment").items == ["urn:twin:hq:r2"]


async def test_a_mistake_is_named_by_line_and_column_and_nothing_is_stored(bench: Bench) -> None:
    with pytest.raises(InvalidInput, match=r"hq.ttl, line 2, column \d+") as caught:
        await bench.importer.import_sources(
            [Source("hq.ttl", b"<urn:a> <urn:b> 1 .\n<urn:a> <urn:b 2 .\n")], "hq", "ann"
        )
    assert caught.value.details["line"] == 2
    assert bench.building.twins.sites(SCOPE) == []
    assert bench.building.journal.revision() == 0


async def test_illegal_iris_are_refused_or_repaired_with_every_repair_listed(bench: Bench) -> None:
    source = Source("old.nt", b'<urn:a b> <urn:p> <urn:c|d> .\n<urn:ok> <urn:p> "x" .\n')
    with pytest.raises(InvalidInput, match="lenient"):
        await bench.importer.import_sources([source], "old", "ann")
    report = await bench.importer.import_sources([source], "old", "ann", lenient=True)
    assert set(report.repairs) == {"<urn:a b> is now <urn:a%20b>", "<urn:c|d> is now <urn:c%7Cd>"}
    assert report.repair_count == 2
    subjects = {str(quad.subject) for quad in bench.building.store.quads(None, None, None, site_graph("old"))}
    assert subjects == {"<urn:a%20b>", "<urn:ok>"}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (Source("hq.ttl", b""), "not one triple"),
        (Source("hq.doc", b"x"), "suffix .doc says no RDF syntax"),
        (Source("hq.json", b"{]"), "it is not JSON"),
        (Source("hq.rdf", b"<rdf"), "hq.rdf"),
        (Source("hq.ttl", b"<<( " * 100_000), "quotes more than 1000 triples"),
    ],
)
async def test_what_cannot_be_read_is_told_in_words(bench: Bench, source: Source, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await bench.importer.import_sources([source], "hq", "ann")
    assert said in str(caught.value)


@pytest.mark.parametrize("site", ["", "No Spaces", "UPPER", "a:b", "x" * 64])
async def test_a_site_needs_a_usable_id(bench: Bench, site: str) -> None:
    with pytest.raises(InvalidInput, match="is no site id"):
        await bench.importer.import_sources([turtle(HQ)], site, "ann")


def test_a_site_is_named_after_its_file() -> None:
    assert [site_name_from(Path(name)) for name in ("Soda Hall.ttl", "bldg1.ttl", "__.ttl")] == [
        "soda-hall", "bldg1", "site",
    ]  # fmt: skip


async def test_a_large_import_is_published_in_one_revision_and_survives_the_loss_of_the_store(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "_IN_BULK", 10)
    report = await bench.importer.import_sources([turtle(HQ + WIRING)], "hq", "ann")
    assert (report.revision, report.twins, report.properties) == (1, 7, 3)
    assert bench.building.journal.artifact(1) is not None
    fresh = Building()

    assert recover(fresh.store, bench.building.journal, bench.raw) == 1
    for graph in (site_graph("hq"), bindings_graph("hq"), inferred_graph("hq")):
        assert set(fresh.store.quads(None, None, None, graph)) == set(
            bench.building.store.quads(None, None, None, graph)
        )


async def test_an_import_that_was_cut_off_leaves_nothing_behind(bench: Bench) -> None:
    building = bench.building
    graph = site_graph("half")
    building.journal.begin_import("digest", [graph.value])
    from twin.terms import Literal, NamedNode, Quad

    building.store.bulk_load([Quad(NamedNode("urn:a"), NamedNode("urn:p"), Literal("x"), graph)])
    recover(building.store, building.journal, bench.raw)
    assert list(building.store.quads(None, None, None, graph)) == []
    assert building.journal.unfinished_imports() == []


async def test_importing_into_a_present_site_adds_to_it(bench: Bench) -> None:
    await bench.importer.import_sources([turtle(HQ)], "hq", "ann")
    report = await bench.importer.import_sources([turtle(':vav-2 a brick:VAV ; rdfs:label "VAV 2" .')], "hq", "ann")
    assert (report.revision, report.twins) == (2, 8)


async def test_a_digital_twins_graph_and_its_interface_come_in_together(bench: Bench) -> None:
    interface = {
        "@context": "dtmi:dtdl:context;3", "@id": "dtmi:test:Pump;1", "@type": "Interface", "displayName": "Pump",
        "contents": [{"@type": "Telemetry", "name": "speed", "schema": "double"}],
    }  # fmt: skip
    graph = {"digitalTwins": [{"$dtId": "pump-1", "$metadata": {"$model": "dtmi:test:Pump;1"}}], "relationships": []}
    sources = [
        Source("pump.json", json.dumps(interface).encode()), Source("pump.twin.json", json.dumps(graph).encode()),
    ]  # fmt: skip
    report = await bench.importer.import_sources(sources, "plant", "ann")
    assert (report.twins, report.properties) == (1, 1)
    record = bench.building.twins.property(SCOPE, "urn:twin:plant:pump-1:speed")
    assert record is not None
    assert (record.owner, record.role) == ("urn:twin:plant:pump-1", "speed")
