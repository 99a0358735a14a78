"""Paths: what they lead to is what SPARQL says of their text, and their inverses lead back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import QuerySolutions, Store

from tests.graph.shacl.generators import NODES, PREDICATES, graphs
from twin.graph.memory import MemoryStore
from twin.graph.shacl.paths import (
    Alternative,
    Inverse,
    Path,
    Predicate,
    Repeat,
    Sequence,
    follow,
    inverse,
    path_text,
    predicates,
)
from twin.graph.shacl.triples import MemoryTriples
from twin.terms import Quad

paths: st.SearchStrategy[Path] = st.recursive(
    st.sampled_from(PREDICATES).map(Predicate),
    lambda inner: st.one_of(
        inner.map(Inverse),
        st.lists(inner, min_size=2, max_size=3).map(lambda steps: Sequence(tuple(steps))),
        st.lists(inner, min_size=2, max_size=3).map(lambda each: Alternative(tuple(each))),
        st.builds(Repeat, inner, st.just(0), st.booleans()),
        st.builds(Repeat, inner, st.just(1), st.just(True)),
    ),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(graphs, paths)
def test_a_path_leads_where_sparql_says_its_text_leads(data: list[Quad], path: Path) -> None:
    store = Store()
    store.extend(data)
    memory = MemoryTriples((quad.subject, quad.predicate, quad.object) for quad in data)
    for node in (node for node in NODES if any(node in (quad.subject, quad.object) for quad in data)):
        rows = store.query(f"SELECT DISTINCT ?value WHERE {{ {node} {path_text(path)} ?value }}")
        assert isinstance(rows, QuerySolutions)
        expected = {row["value"] for row in rows}
        assert set(follow(MemoryStore(data), path, [node])) == expected
        assert set(follow(memory, path, [node])) == expected


@settings(max_examples=200, deadline=None)
@given(graphs, paths)
def test_the_inverse_of_a_path_leads_back(data: list[Quad], path: Path) -> None:
    view = MemoryStore(data)
    nodes = dict.fromkeys([*NODES, *(quad.subject for quad in data), *(quad.object for quad in data)])
    forth = {(start, end) for start in nodes for end in follow(view, path, [start])}
    back = {(start, end) for end in nodes for start in follow(view, inverse(path), [end])}
    assert forth == back


@given(paths)
def test_a_path_steps_over_the_predicates_of_its_text(path: Path) -> None:
    assert {str(iri) for iri in predicates(path)} == {str(iri) for iri in PREDICATES if str(iri) in path_text(path)}
