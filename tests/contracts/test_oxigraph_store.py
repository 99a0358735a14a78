"""Oxigraph on disk keeps the graph store's promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.graph_store import ONE, A, GraphStoreContract, quad
from twin.contracts import Delta
from twin.graph.oxigraph import OxigraphStore
from twin.terms import Quad


class TestOxigraphOnDisk(GraphStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[OxigraphStore]:
        store = OxigraphStore(tmp_path / "graph")
        yield store
        store.close()

    def read_copy(self, directory: Path) -> set[Quad]:
        return set(OxigraphStore(directory).quads(A, None, None, None))

    def test_what_was_applied_is_there_after_reopening(self, tmp_path: Path) -> None:
        store = OxigraphStore(tmp_path / "again")
        store.apply(Delta(added=(quad("x"),)), 7)
        store.close()
        reopened = OxigraphStore(tmp_path / "again")
        assert (reopened.revision(), list(reopened.quads(A, None, None, None))) == (7, [quad("x")])

    def test_graphs_being_loaded_are_in_no_scope_until_they_are_published(self, store: OxigraphStore) -> None:
        store.hide([ONE])
        store.bulk_load([quad("x")])
        text = "SELECT ?v { ?s ?p ?v }"
        assert store.select(text) == []
        assert ONE not in store.graphs()
        store.publish([ONE], 1)
        assert len(store.select("SELECT ?v { <urn:a> ?p ?v }")) == 1
        assert store.graphs() == [ONE]
