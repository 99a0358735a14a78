"""A data directory as a whole: what was acknowledged is there again, whatever was lost beside the journal."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.graph.building import HQ, PREFIXES, quads
from twin.clock import ManualClock
from twin.contracts import Delta
from twin.core import Core, open_core
from twin.directory import DataDirectory
from twin.errors import ConfigurationError
from twin.flows import imports, vocabularies
from twin.flows.imports import Source
from twin.graph.validation.gate import Judgement, Violation
from twin.scope import Scope
from twin.settings import Settings
from twin.terms import NamedNode
from twin.vocab import bindings_graph, inferred_graph, site_graph


@contextmanager
def opened(path: Path) -> Iterator[Core]:
    with DataDirectory(path) as directory:
        core = open_core(directory, Settings(), ManualClock())
        try:
            yield core
        finally:
            core.close()


def stated(core: Core, site: str) -> set[str]:
    graphs = (site_graph(site), inferred_graph(site), bindings_graph(site))
    return {str(quad) for graph in graphs for quad in core.store.quads(None, None, None, graph)}


async def fill(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site loaded in bulk, one change by change, and a change on top of each."""
    source = Source("hq.ttl", (PREFIXES + HQ).encode())
    with monkeypatch.context() as patch:
        patch.setattr(imports, "_IN_BULK", 10)
        await core.importer.import_sources([source], "hq", "ann")
    await core.importer.import_sources([Source("annex.ttl", (PREFIXES + ":r a brick:Room .").encode())], "annex", "ann")
    await core.door.commit(Delta(added=quads(':ahu-1 rdfs:comment "Big" .')), actor="ann", reason="a word")


async def test_a_store_that_was_lost_is_built_again_from_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as core:
        await fill(core, monkeypatch)
        before = {site: stated(core, site) for site in ("hq", "annex")}
        series = core.journal.known_series()
    shutil.rmtree(tmp_path / "graph")
    with opened(tmp_path) as core:
        assert core.replayed == 3
        assert {site: stated(core, site) for site in ("hq", "annex")} == before
        assert core.twins.sites(Scope()) == ["annex", "hq"]
        assert core.journal.known_series() == series
        assert core.twins.property(Scope(), "urn:twin:hq:ahu-1:sat") is not None


async def test_an_import_whose_file_was_changed_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as core:
        await fill(core, monkeypatch)
    shutil.rmtree(tmp_path / "graph")
    [artifact] = (tmp_path / "raw").iterdir()
    artifact.write_bytes(artifact.read_bytes() + b"# more\n")
    with pytest.raises(ConfigurationError, match="was changed"), opened(tmp_path):
        pass
    artifact.unlink()
    with pytest.raises(ConfigurationError, match="is missing"), opened(tmp_path):
        pass


async def test_a_store_ahead_of_its_journal_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as core:
        await fill(core, monkeypatch)
    (tmp_path / "journal.sqlite").unlink()
    with pytest.raises(ConfigurationError, match="at revision 3 and its journal only at 0"), opened(tmp_path):
        pass


def test_a_journal_that_is_none_is_told_in_words(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    (tmp_path / "journal.sqlite").write_bytes(b"not a database" * 1000)
    with pytest.raises(ConfigurationError, match=r"The journal .* cannot be read"), opened(tmp_path):
        pass


async def test_other_vocabularies_have_what_follows_derived_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as core:
        await fill(core, monkeypatch)
        before = stated(core, "hq")
    bare = tmp_path / "raw" / "crosswalk.ttl"
    bare.write_bytes(b"<urn:x> <urn:p> 1 .")
    files = [bare if path.stem == "crosswalk" else path for path in vocabularies.vocabulary_files()]
    with monkeypatch.context() as patch:
        patch.setattr(vocabularies, "vocabulary_files", lambda: files)
        with opened(tmp_path) as core:
            record = core.twins.property(Scope(), "urn:twin:hq:ahu-1:sat")
            assert record is not None
            assert record.role == "discharge_air_temperature"
            assert core.door.find(core.door.revision).actor == "twin"
    with opened(tmp_path) as core:
        assert stated(core, "hq") == before


async def test_a_violation_is_kept_at_the_site_that_has_it(tmp_path: Path) -> None:
    violation = Violation(
        "urn:twin:hq:p", "", "minCount", "shape", "", "warning", "It has no unit.", "Give it one.", "twin"
    )
    with opened(tmp_path) as core:
        two = Delta(added=quads(":p a brick:Point .") + quads(":r a brick:Room .", site_graph("annex")))
        committed = await core.door.commit(two, actor="ann", reason="two sites at once", validate=False)
        core.door.judged(committed, Judgement(added=(violation,)))
        assert (core.violations.count("hq"), core.violations.count("annex")) == (1, 0)
        tree = Delta(added=quads(":C rdfs:subClassOf brick:Point .", NamedNode("urn:twin:vocabulary:hq")))
        core.door.judged(replace(committed, delta=tree), Judgement(resolved=(violation,)))
        assert core.violations.count() == 0
