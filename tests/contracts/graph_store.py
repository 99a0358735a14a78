"""What every graph store promises; a test module for an implementation inherits `GraphStoreContract`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from twin.contracts import Delta, GraphStore
from twin.scope import Principal, Scope
from twin.terms import Literal, NamedNode, Quad
from twin.vocab import bindings_graph, site_graph

A, B, P = NamedNode("urn:a"), NamedNode("urn:b"), NamedNode("urn:p")
ONE, TWO = site_graph("one"), site_graph("two")


def quad(value: str, graph: NamedNode = ONE) -> Quad:
    return Quad(A, P, Literal(value), graph)


def spelling(number: Literal) -> Literal:
    """A number as stores may write it: -1.0E0 is -1."""
    return Literal("-1", datatype=number.datatype) if number.value == "-1.0E0" else number


class GraphStoreContract:
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[GraphStore]:
        raise NotImplementedError

    def test_a_new_store_is_at_revision_zero_and_empty(self, store: GraphStore) -> None:
        assert store.revision() == 0
        assert list(store.quads(A, None, None, None)) == []

    def test_a_change_is_read_back_with_its_revision(self, store: GraphStore) -> None:
        store.apply(Delta(added=(quad("x"), quad("y", TWO))), 1)
        assert store.revision() == 1
        assert set(store.quads(A, P, None, None)) == {quad("x"), quad("y", TWO)}
        assert list(store.quads(A, P, None, TWO)) == [quad("y", TWO)]

    def test_removing_and_adding_together_replaces(self, store: GraphStore) -> None:
        store.apply(Delta(added=(quad("x"),)), 1)
        store.apply(Delta(removed=(quad("x"),), added=(quad("y"),)), 2)
        assert list(store.quads(A, P, None, None)) == [quad("y")]

    @pytest.mark.parametrize("text", ['say "hi"', "line\nbreak", "back\\slash", "tab\t", "{ } . ;", "汉字", "\u00e9"])
    def test_any_text_survives_unchanged(self, store: GraphStore, text: str) -> None:
        store.apply(Delta(added=(quad(text),)), 1)
        assert [found.object for found in store.quads(A, P, None, None)] == [Literal(text)]

    def test_a_number_is_found_and_no_other_number_with_it(self, store: GraphStore) -> None:
        xsd = "http://www.w3.org/2001/XMLSchema#"
        numbers = [
            Literal(text, datatype=NamedNode(xsd + kind))
            for kind, texts in (
                ("integer", ("-2", "-1", "0", "7")),
                ("decimal", ("-1.5", "1.5")),
                ("double", ("-1.0E0",)),
            )
            for text in texts
        ]
        store.apply(Delta(added=tuple(Quad(A, P, each, ONE) for each in numbers)), 1)
        for each in numbers:
            for graph in (None, ONE):
                found = [str(quad.object) for quad in store.quads(None, None, each, graph)]
                assert found == [str(spelling(each))], (each, graph)

    def test_a_select_sees_the_union_of_the_scope_and_no_more(self, store: GraphStore) -> None:
        store.apply(Delta(added=(quad("x"), quad("y", TWO), quad("z", bindings_graph("one")))), 1)
        text = "SELECT ?v ?p { ?s ?p ?v } ORDER BY ?v"

        def seen(scope: Scope | None) -> list[str]:
            return [str(row["v"].value) for row in store.select(text, scope, p=P)]

        viewer = Principal("viewer", frozenset({"viewer"}))
        assert seen(Scope()) == ["x", "y", "z"]
        assert seen(Scope(sites=frozenset({"one"}))) == ["x", "z"]
        assert seen(Scope(viewer)) == ["x", "y"]

    def test_no_reader_ever_sees_half_a_change(self, store: GraphStore) -> None:
        store.apply(Delta(added=(quad("0"), quad("0", TWO))), 1)
        torn: list[list[str]] = []
        done = threading.Event()

        def read() -> None:
            text = "SELECT ?x ?y { GRAPH <urn:twin:site:one> { ?s ?p ?x } GRAPH <urn:twin:site:two> { ?s ?p ?y } }"
            while not done.is_set():
                torn.extend([str(row["x"]), str(row["y"])] for row in store.select(text) if row["x"] != row["y"])

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(1, 200):
            old, new = str(number - 1), str(number)
            store.apply(Delta((quad(old), quad(old, TWO)), (quad(new), quad(new, TWO))), number + 1)
        done.set()
        reader.join()
        assert torn == []

    def test_a_checkpoint_is_an_independent_copy_at_its_revision(self, store: GraphStore, tmp_path: Path) -> None:
        store.apply(Delta(added=(quad("x"),)), 1)
        assert store.checkpoint(tmp_path / "copy") == 1
        store.apply(Delta(added=(quad("y"),)), 2)
        assert self.read_copy(tmp_path / "copy") == {quad("x")}

    def read_copy(self, directory: Path) -> set[Quad]:
        raise NotImplementedError
