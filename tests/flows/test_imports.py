"""Bringing a building in: whole or not at all, each triple where it belongs, mistakes named by line and column."""

from __future__ import annotations

import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.graph.building import HQ, PREFIXES, WIRING, Building, quads
from twin.contracts import Delta
from twin.errors import InvalidInput, Unavailable
from twin.flows import imports
from twin.flows.exports import exported
from twin.flows.imports import Importer, Source, site_name_from
from twin.graph.recovery import recover
from twin.graph.twins.membership import Membership
from twin.jobs import Cancelled, Running
from twin.scope import Scope
from twin.terms import n_quads
from twin.vocab import bindings_graph, inferred_graph, models_graph, site_graph, vocabulary_graph

SCOPE = Scope()


class Bench:
    def __init__(self, directory: Path) -> None:
        self.building = Building()
        self.validated: list[str] = []
        self.raw = directory

        async def validate(site: str, _job: Running) -> int:
            self.validated.append(site)
            return 3

        twins = self.building.twins
        self.importer = Importer(
            self.building.door,
            directory,
            validate,
            lambda site: twins.counts(SCOPE, site),
            expect=twins.expect,
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
    wired = {quad.subject.value for quad in store.quads(None, None, None, bindings_graph("hq"))}
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
        (Source("hq.ttl", b"<<( " * 100_000), "hq.ttl, line 1, column 1"),
        (Source("hq.jsonld", b'{"@id":' * 100_000), "hq.jsonld, line 1, column"),
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


DEFINITIONS = """@prefix owl: <http://www.w3.org/2002/07/owl#> . @prefix sh: <http://www.w3.org/ns/shacl#> .
:Thermometer a owl:Class ; rdfs:subClassOf brick:Discharge_Air_Temperature_Sensor ,
  [ a owl:Restriction ; owl:onProperty :x ] .
:Shape a sh:NodeShape ; sh:property [ sh:path rdfs:label ; sh:minCount 1 ] .
:Alias owl:equivalentClass brick:AHU .
:t a :Thermometer ; brick:isPointOf :ahu-1 .
:odd a twin:Binding ; twin:stateEntry [ twin:code "1" ; twin:word "on" ] .
"""
GRAPHS = (site_graph, bindings_graph, models_graph, vocabulary_graph, inferred_graph)


def stated(bench: Bench, site: str) -> dict[str, set[str]]:
    """The triples of each graph of a site, nameless nodes under one name."""
    store = bench.building.store
    return {
        make.__name__: {
            re.sub(r"urn:twin:skolem:\w+", "urn:skolem", str(quad.triple))
            for quad in store.quads(None, None, None, make(site))
        }
        for make in GRAPHS
    }


def export(bench: Bench, site: str) -> Source:
    return Source("site.nq", n_quads(exported(bench.building.store, site, SCOPE)))


async def test_a_large_import_puts_everything_where_a_small_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "large").mkdir()
    small, large = Bench(tmp_path), Bench(tmp_path / "large")
    await small.importer.import_sources([turtle(HQ + WIRING + DEFINITIONS)], "hq", "ann")
    monkeypatch.setattr(imports, "_IN_BULK", 10)
    await large.importer.import_sources([turtle(HQ + WIRING + DEFINITIONS)], "hq", "ann")
    assert large.building.journal.artifact(1) is not None
    assert stated(large, "hq") == stated(small, "hq")
    everything = large.building.twins.twins(SCOPE, limit=100).items
    assert everything == small.building.twins.twins(SCOPE, limit=100).items
    for bench in (small, large):
        record = bench.building.twins.property(SCOPE, "urn:twin:hq:t")
        assert record is not None
        assert record.role == "supply_air_temperature"


@pytest.mark.parametrize("site", ["hq", "copy"])
async def test_what_was_exported_comes_in_again_the_same(tmp_path: Path, site: str) -> None:
    (tmp_path / "second").mkdir()
    first, second = Bench(tmp_path), Bench(tmp_path / "second")
    await first.importer.import_sources([turtle(HQ + WIRING + DEFINITIONS)], "hq", "ann")
    score = quads(
        ':score a twin:Score, twin:Property ; twin:role "score" . :ahu-1 twin:hasProperty :score .', models_graph("hq")
    )
    await first.building.door.commit(Delta(added=score), actor="twin", reason="a score")
    await second.importer.import_sources([export(first, "hq")], site, "ann")
    assert stated(second, site) == stated(first, "hq")
    assert second.building.twins.counts(SCOPE) == first.building.twins.counts(SCOPE)
    revision = second.building.door.revision
    again = await second.importer.import_sources([export(second, site)], site, "ann")
    assert again.revision == revision


async def test_derived_triples_in_a_file_are_not_taken_for_what_was_said(bench: Bench) -> None:
    await bench.importer.import_sources([turtle(HQ)], "hq", "ann")
    everything = Source(
        "all.nq", n_quads(q for make in GRAPHS for q in bench.building.store.quads(None, None, None, make("hq")))
    )
    await bench.importer.import_sources([everything], "copy", "ann")
    assert stated(bench, "copy")["site_graph"] == stated(bench, "hq")["site_graph"]


async def test_a_file_of_two_sites_is_refused_in_words(bench: Bench) -> None:
    for site in ("a", "b"):
        await bench.importer.import_sources([turtle(f":{site} a brick:Room .")], site, "ann")
    both = Source("both.nq", export(bench, "a").data + export(bench, "b").data)
    with pytest.raises(InvalidInput, match="holds the sites a, b"):
        await bench.importer.import_sources([both], "c", "ann")


@pytest.mark.parametrize("site", ["brick", "dtdl", "units"])
async def test_a_site_is_not_named_after_a_vocabulary(bench: Bench, site: str) -> None:
    with pytest.raises(InvalidInput, match="name of a vocabulary"):
        await bench.importer.import_sources([turtle(HQ)], site, "ann")


@pytest.mark.parametrize(
    "line",
    [b'<http://h:port/x> <urn:p> "a" .', b'<urn:a%zz> <urn:p> "a" .', b'<urn:a> <urn:p> "x"@toolongtagtoolong .',
     b'<http://a/%20#b#c> <urn:p> "x" .', b'<urn:a> <urn:p> "x"^^<nope> .'],
)  # fmt: skip
async def test_what_a_lenient_import_lets_in_can_be_replayed(bench: Bench, line: bytes) -> None:
    report = await bench.importer.import_sources([Source("old.nt", line)], "old", "ann", lenient=True)
    assert report.repair_count == 1
    fresh = Building()
    assert recover(fresh.store, bench.building.journal, bench.raw) == 1
    assert len(list(fresh.store.quads(None, None, None, site_graph("old")))) == 1


async def test_a_large_file_of_quoted_triples_does_not_end_the_process(bench: Bench) -> None:
    deep = Source(
        "deep.ttl", b"<urn:a> <urn:b> " + b"<<( <urn:a> <urn:b> " * 100_000 + b"1" + b" )>>" * 100_000 + b" ."
    )
    with pytest.raises(InvalidInput, match="nests deeper"):
        await bench.importer.import_sources([deep], "deep", "ann")


def pump() -> tuple[bytes, bytes]:
    interface = {
        "@context": "dtmi:dtdl:context;3", "@id": "dtmi:test:Pump;1", "@type": "Interface",
        "contents": [{"@type": "Telemetry", "name": "speed", "schema": "double"}],
    }  # fmt: skip
    twins = {"digitalTwins": [{"$dtId": "pump-1", "$metadata": {"$model": "dtmi:test:Pump;1"}}], "relationships": []}
    return json.dumps(interface).encode(), json.dumps({"digitalTwinsGraph": twins}).encode()


def packed(**files: bytes) -> bytes:
    with io.BytesIO() as data:
        with tarfile.open(fileobj=data, mode="w") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(name.replace("_", "."))
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return data.getvalue()


async def test_an_archive_brings_files_in_that_need_each_other(bench: Bench) -> None:
    interface, twins = pump()
    body = packed(twins_json=twins, pump_json=interface)
    report = await bench.importer.import_text(body, format="application/x-tar", site="plant", actor="ann")
    assert (report.twins, report.properties) == (1, 1)
    assert bench.building.door.find(1).reason == "import of twins.json, pump.json"


async def test_interfaces_travel_with_the_site_that_uses_them(tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    first, second = Bench(tmp_path), Bench(tmp_path / "second")
    interface, twins = pump()
    await first.importer.import_sources([Source("i.json", interface), Source("t.json", twins)], "plant", "ann")
    await second.importer.import_sources([export(first, "plant")], "plant", "ann")
    assert stated(second, "plant") == stated(first, "plant")
    assert second.building.twins.twins(SCOPE, family="equipment").total == 1


async def test_what_is_no_archive_is_told_in_words(bench: Bench) -> None:
    with pytest.raises(InvalidInput, match="no tar archive"):
        await bench.importer.import_text(b"x" * 600, format="application/x-tar", site="plant", actor="ann")


async def test_an_import_stands_when_it_could_not_be_judged(tmp_path: Path) -> None:
    async def late(_site: str, _job: Running) -> int:
        raise Unavailable("The check took too long.")

    building = Building()
    importer = Importer(building.door, tmp_path, late, lambda site: building.twins.counts(SCOPE, site))
    report = await importer.import_sources([turtle(HQ)], "hq", "ann")
    assert (report.twins, report.unjudged) == (7, "The check took too long.")


async def test_what_an_import_says_of_its_members_is_what_reading_them_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path)
    monkeypatch.setattr(imports, "_IN_BULK", 10)
    plain = HQ.replace("twin:states :modes", "").partition(":modes a")[0] + ":wing a s4bldg:BuildingSpace ."
    await bench.importer.import_sources([turtle(plain)], "hq", "ann")
    twins, store = bench.building.twins, bench.building.store
    anew = Membership(store, lambda: twins.sites(SCOPE))
    assert twins.counts(SCOPE, "hq") == anew.counts("hq")
    assert twins.twins(SCOPE, limit=100).items == anew.twins("hq")
    assert twins.properties(SCOPE, limit=100).items == anew.properties("hq")


@pytest.mark.parametrize("bulk", [True, False])
async def test_an_import_that_is_cancelled_leaves_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, bulk: bool
) -> None:
    jobs = bench.importer.jobs
    monkeypatch.setattr(imports, "_IN_BULK", 10 if bulk else 2**40)
    seen: list[str] = []
    tell = jobs.change

    def watched(id: str, **told: Any) -> None:
        tell(id, **told)
        if told.get("step") == "load":
            seen.append(jobs.cancel(id).state)

    monkeypatch.setattr(jobs, "change", watched)
    before = set(bench.building.store.quads())
    with pytest.raises(Cancelled):
        await bench.importer.import_sources([turtle(HQ)], "new", "ann")
    assert seen
    assert [job.state for job in jobs.listed()] == ["cancelled"]
    assert set(bench.building.store.quads()) == before
    monkeypatch.setattr(jobs, "change", tell)
    assert (await bench.importer.import_sources([turtle(HQ)], "new", "ann")).triples > 0
    assert jobs.listed()[0].result["site"] == "new"
