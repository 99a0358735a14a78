"""A damaged or short store is noticed, told in words, and made anew from the journal."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.durability.test_backups import furnished
from tests.durability.writer import NODE, SITE, TWINS
from tests.server_process import twin
from twin.clock import SystemClock
from twin.contracts import Delta
from twin.core import open_core
from twin.directory import DataDirectory
from twin.flows import imports
from twin.graph.oxigraph import OxigraphStore
from twin.safekeeping import run_repair, run_verify
from twin.settings import Settings
from twin.terms import NamedNode, Quad
from twin.vocab import RDF, TWIN, inferred_graph, site_graph


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that is in order, not to be changed."""
    data = tmp_path_factory.mktemp("whole") / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(imports, "_IN_BULK", 10)
        asyncio.run(furnished(data))
    return data


@pytest.fixture
def data(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "data"))


def _largest(graph: Path) -> Path:
    return max(graph.glob("*.sst"), key=lambda path: path.stat().st_size)


def _scribble(path: Path, start: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(os.urandom(200_000)[: max(100, path.stat().st_size - start)])


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _without_logs(graph: Path) -> None:
    for path in graph.glob("*.log"):
        path.unlink()


_DAMAGE: dict[str, Callable[[Path], object]] = {
    "a table deleted": lambda graph: _largest(graph).unlink(),
    "a table cut": lambda graph: _cut(_largest(graph)),
    "a table scribbled over": lambda graph: _scribble(_largest(graph), 50_000),
    "the manifest deleted": lambda graph: next(graph.glob("MANIFEST*")).unlink(),
    "the manifest scribbled over": lambda graph: _scribble(next(graph.glob("MANIFEST*")), 50),
    "CURRENT scribbled over": lambda graph: (graph / "CURRENT").write_bytes(os.urandom(40)),
    "a file in its place": lambda graph: (shutil.rmtree(graph), graph.write_bytes(b"nothing")),
}
_SURVIVED: dict[str, Callable[[Path], object]] = {
    "the log cut": lambda graph: [_cut(path) for path in graph.glob("*.log")],
    "the log deleted": _without_logs,
    "everything deleted": lambda graph: [path.unlink() for path in graph.iterdir()],
}
"""After these the next start replays what is missing by itself."""


def _stands(data: Path) -> bool:
    with DataDirectory(data) as directory:
        core = open_core(directory, Settings(), SystemClock())
        try:
            return (
                core.door.revision == 2
                and len(list(core.store.quads(NamedNode(f"{NODE}0"), None, None, SITE))) == 2
                and core.store.count(site_graph("s0")) == 4 * TWINS
                and core.store.count(inferred_graph("s0")) == 3 * TWINS
            )
        finally:
            core.close()


@pytest.mark.parametrize("damage", _DAMAGE)
def test_a_damaged_store_is_made_anew_and_kept_beside(
    data: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _DAMAGE[damage](data / "graph")
    assert run_repair(data) == 0
    said = capsys.readouterr().out
    assert "damaged" in said
    assert "The store was made anew from the journal; it holds revision 2." in said
    assert len(list(data.glob("graph.damaged-*"))) == 1
    assert _stands(data)


@pytest.mark.parametrize("damage", _SURVIVED)
def test_what_a_start_can_mend_it_mends(data: Path, damage: str) -> None:
    _SURVIVED[damage](data / "graph")
    assert _stands(data)


def test_opening_a_damaged_store_names_the_repair(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _largest(data / "graph").unlink()
    opened = twin("export", "--data", data)
    assert opened.returncode == 1
    assert "is damaged" in opened.stderr
    assert f"twin repair --data {data}" in opened.stderr
    assert "Traceback" not in opened.stderr
    assert run_verify(data) == 1
    assert f"twin repair --data {data}" in capsys.readouterr().err


def test_a_store_that_says_something_else_than_the_journal_is_noticed(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_verify(data) == 0
    store = OxigraphStore(data / "graph")
    node, gone = NamedNode(f"{NODE}0"), NamedNode("urn:twin:s:p0-1")
    added = Quad(node, RDF.type, NamedNode("urn:smuggled"), SITE)
    derived = Quad(gone, RDF.type, TWIN.Property, inferred_graph("s0"))
    store.apply(Delta((derived,), (added,)), 2)
    store.close()
    del store
    capsys.readouterr()
    assert run_verify(data) == 1
    said = capsys.readouterr().err
    assert "The graph urn:twin:site:hq is not what the journal says: 0 triples are missing, 1 are too many." in said
    assert "The graph urn:twin:inferred:s0 is not what the journal says: 1 triples are missing, 0 are too many." in said
    assert "1 derived triples are missing" in said
    assert run_repair(data) == 0
    assert _stands(data)


def test_a_journal_that_lost_its_files_is_not_repaired_but_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    next((data / "raw").iterdir()).unlink()
    assert run_verify(data) == 1
    assert "is missing" in capsys.readouterr().err
    model = data / "models" / f"{'0' * 64}.onnx"
    model.write_bytes(b"not what its name says")
    history = data / "history.duckdb"
    _scribble(history, 4096)
    assert run_verify(data) == 1
    said = capsys.readouterr().err
    assert f"The model file {model} was changed." in said
    assert "history" in said
    assert twin("repair", "--data", data).returncode == 1
    assert list(data.glob("graph.*")) == []


def test_a_directory_that_is_not_there_or_in_use_cannot_be_examined(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_verify(tmp_path / "nothing") == 2
    with DataDirectory(data):
        assert run_verify(data) == 2
        assert run_repair(data) == 2
    assert "in use" in capsys.readouterr().err
