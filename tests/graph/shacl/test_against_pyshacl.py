"""Random graphs and shapes: our engine finds what pyshacl finds."""

from __future__ import annotations

import logging

import pytest
from hypothesis import HealthCheck, event, given, settings

from tests.graph.shacl.generators import graphs, quads_of, shape_texts
from tests.graph.shacl.reports import ours, pyshacls
from twin.terms import Quad

pytestmark = pytest.mark.filterwarnings("ignore")
_CHECKS = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)


def _compare(data: list[Quad], text: str) -> None:
    logging.getLogger("rdflib.term").setLevel(logging.CRITICAL)
    shapes = quads_of(text)
    theirs = pyshacls(shapes, data)
    if theirs is None:
        event("pyshacl refuses the shapes")
        return
    found = ours(shapes, data)
    assert found is not None
    assert set(found) == set(theirs)
    event(f"results: {min(len(found), 3)}")
    again = ours(shapes, data, in_store=True)
    assert again is not None
    assert set(again) == set(found)


@settings(max_examples=150, deadline=None, suppress_health_check=_CHECKS)
@given(graphs, shape_texts)
def test_a_graph_breaks_what_pyshacl_says_it_breaks(data: list[Quad], text: str) -> None:
    _compare(data, text)


@pytest.mark.long
@pytest.mark.timeout(3600)
@settings(max_examples=5000, deadline=None, suppress_health_check=_CHECKS)
@given(graphs, shape_texts)
def test_many_more_graphs_break_what_pyshacl_says_they_break(data: list[Quad], text: str) -> None:
    _compare(data, text)
