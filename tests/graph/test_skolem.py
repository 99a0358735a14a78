"""Blank nodes get the same name at every import of one file, whatever the parser called them."""

from __future__ import annotations

from tests.graph.building import quads
from twin.graph.skolem import named
from twin.terms import Quad

AREAS = """
:a brick:area [ brick:value 40 ; brick:hasUnit unit:M2 ] .
:b brick:area [ brick:value 40 ; brick:hasUnit unit:M2 ] .
"""


def test_one_text_gives_one_set_of_names() -> None:
    assert set(named(quads(AREAS), "hq")) == set(named(quads(AREAS), "hq"))


def test_nodes_of_two_owners_stay_two_and_sites_share_none() -> None:
    assert len({quad.subject for quad in named(quads(AREAS), "hq")}) == 4
    subjects = [{quad.subject.value for quad in named(quads(AREAS), site)} for site in ("hq", "lab")]
    assert subjects[0] & subjects[1] == {"urn:twin:hq:a", "urn:twin:hq:b"}


def test_nodes_that_point_in_a_circle_get_names_too() -> None:
    circle = "_:x rdfs:seeAlso _:y . _:y rdfs:seeAlso _:x . :a brick:area _:x ."
    assert set(named(quads(circle), "hq")) == set(named(quads(circle), "hq"))


def names(text: str) -> set[Quad]:
    return set(named(quads(text), "hq"))


def test_nodes_that_say_the_same_in_the_same_place_stay_as_many_as_they_are() -> None:
    sensor = "[ a brick:Temperature_Sensor ; brick:area [ brick:value 1 ] ]"
    text = f":a brick:hasPoint {sensor}, {sensor}, {sensor} ."
    assert len(names(text)) == 12
    assert names(text) == names(text)


def test_the_order_of_a_file_does_not_matter() -> None:
    sensor = "_:{0} a brick:Temperature_Sensor ; brick:area _:{0}a . _:{0}a brick:value 1 ."
    owner = ":a brick:hasPoint _:x , _:y ."
    one, two = sensor.format("x"), sensor.format("y")
    assert names(one + two + owner) == names(owner + two + one)


def test_a_long_list_and_a_tangle_of_nodes_are_named_in_little_time() -> None:
    listed = ":a brick:area (" + " ".join(str(number) for number in range(3000)) + ") ."
    tangle = " ".join(
        f"_:n{number} brick:feeds _:n{number + 1} ; rdfs:seeAlso _:n{number + 1} ." for number in range(60)
    )
    assert len(names(listed)) == 6001
    assert len(names(tangle)) == 120
    same = ":a brick:hasPoint " + ", ".join("[ a brick:Point ]" for _ in range(2000)) + " ."
    assert len(names(same)) == 4000


def test_a_name_does_not_depend_on_the_rest_of_the_file() -> None:
    sensor = "[ a brick:Temperature_Sensor ; brick:area [ brick:value 1 ] ]"
    small, large = (
        f":a brick:hasPoint {sensor} .",
        f":a brick:hasPoint {sensor}, {sensor} . :b brick:hasPoint {sensor} .",
    )
    assert names(small) < names(large)


def test_a_circle_of_equal_nodes_is_told_apart() -> None:
    circle = "_:x rdfs:seeAlso _:y . _:y rdfs:seeAlso _:z . _:z rdfs:seeAlso _:x ."
    assert len({quad.subject for quad in names(circle)}) == 3
    assert names(circle) == names(circle)
