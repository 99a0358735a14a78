"""Blank nodes get the same name at every import of one file, whatever the parser called them."""

from __future__ import annotations

from tests.graph.building import quads
from twin.graph.skolem import named

AREAS = """
:a brick:area [ brick:value 40 ; brick:hasUnit unit:M2 ] .
:b brick:area [ brick:value 40 ; brick:hasUnit unit:M2 ] .
"""


def test_one_text_gives_one_set_of_names() -> None:
    assert set(named(quads(AREAS), "hq")) == set(named(quads(AREAS), "hq"))


def test_nodes_of_two_owners_stay_two_and_sites_share_none() -> None:
    assert len({quad.subject for quad in named(quads(AREAS), "hq")}) == 4
    subjects = [{quad.subject.value for quad in named(quads(AREAS), site)} for site in ("hq", "lab")]  # type: ignore[union-attr]
    assert subjects[0] & subjects[1] == {"urn:twin:hq:a", "urn:twin:hq:b"}


def test_nodes_that_point_in_a_circle_get_names_too() -> None:
    circle = "_:x rdfs:seeAlso _:y . _:y rdfs:seeAlso _:x . :a brick:area _:x ."
    assert set(named(quads(circle), "hq")) == set(named(quads(circle), "hq"))
