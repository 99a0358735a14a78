"""Binding templates: one statement, a binding for every property that its pattern fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.graph.building import Building, quads
from twin.contracts import Delta
from twin.graph.twins.records import BindingRecord
from twin.graph.twins.templates import template_of
from twin.scope import Scope
from twin.vocab import bindings_graph

PATTERN, ADDRESS = "urn:twin:hq:room-{room}:{what}", "acme/floor-{room}/+/{what}"


def template(pattern: str = PATTERN, address: str = ADDRESS, **more: str) -> BindingRecord:
    return BindingRecord("urn:t", pattern, "urn:c", address, path="v", **more)


def test_a_property_that_the_pattern_fits_is_bound_at_an_address_of_its_own() -> None:
    found = template_of(template(write_address="acme/{room}/{what}/set"))
    assert found is not None
    bound = found.bound("urn:twin:hq:room-101:temperature")
    assert bound is not None
    assert (bound.iri, bound.property) == (
        "urn:twin:hq:room-101:temperature#binding",
        "urn:twin:hq:room-101:temperature",
    )
    assert (bound.address, bound.write_address) == ("acme/floor-101/+/temperature", "acme/101/temperature/set")
    assert (bound.path, bound.connection, bound.read_with) == ("v", "urn:c", "acme/+/+/+")


@pytest.mark.parametrize(
    "iri", ["urn:twin:hq:room-:temp", "urn:twin:hq:hall-1:temp", "urn:twin:hq:room-1/2:t", "urn:twin:hq:room-+:t"]
)
def test_a_property_that_it_does_not_fit_is_not(iri: str) -> None:
    found = template_of(template())
    assert found is not None
    assert found.bound(iri) is None


def test_a_capture_that_stands_twice_says_the_same_in_both_places() -> None:
    found = template_of(template("urn:{1}:{1}-temp", "{1}/status"))
    assert found is not None
    assert found.bound("urn:a:a-temp") is not None
    assert found.bound("urn:a:b-temp") is None


@pytest.mark.parametrize(("pattern", "address"), [("urn:p", "a"), ("urn:{a}", "x/{b}"), ("urn:{a}:{b}", "x/{a}")])
def test_captures_that_do_not_fit_make_no_template(pattern: str, address: str) -> None:
    assert template_of(template(pattern, address)) is None


@given(st.from_regex(r"[a-z0-9.-]{1,8}", fullmatch=True), st.from_regex(r"[a-z]{1,8}", fullmatch=True))
def test_what_was_filled_in_is_found_again(room: str, what: str) -> None:
    found = template_of(template("urn:twin:hq:room-{room}:{what}", "x/{room}/{what}"))
    assert found is not None
    bound = found.bound(f"urn:twin:hq:room-{room}:{what}")
    assert bound is not None
    assert bound.address == f"x/{room}/{what}"


async def test_the_building_reads_templates_where_a_property_has_no_binding_of_its_own() -> None:
    building = await Building().furnish()
    everything = Scope()
    unbound = [
        iri for iri in building.twins.properties(everything, limit=1000).items if not building.twins.is_bound(iri)
    ]
    before = building.twins.bindings(everything)
    prefix = "urn:twin:hq:"
    wanted = [iri for iri in unbound if iri.startswith(prefix)]
    assert len(wanted) == 2
    connection = before[0].connection
    text = (
        f"<urn:twin:hq:template> a twin:BindingTemplate ; twin:connection <{connection}> ; "
        f'twin:bindsEach "{prefix}{{point}}" ; twin:address "acme/{{point}}" .'
    )
    await building.door.commit(Delta(added=quads(text, bindings_graph("hq"))), actor="test", reason="template")
    after = {record.property: record for record in building.twins.bindings(everything)}
    assert {record.property: record for record in before}.items() <= after.items()
    for iri in wanted:
        assert after[iri].address == f"acme/{iri.removeprefix(prefix)}"
        assert building.twins.binding(everything, iri) == after[iri]
        assert building.twins.is_bound(iri)
        assert building.twins.connection_of(iri) == connection
    assert set(wanted) <= building.twins.bound_by_template(everything)
