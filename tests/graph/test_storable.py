"""Wiring goes among the bindings, through whichever door it comes."""

from __future__ import annotations

from tests.graph.building import WIRING, Building, quads
from twin.contracts import Delta
from twin.graph.storable import is_wiring, placed
from twin.terms import NamedNode, Quad
from twin.vocab import TWIN, bindings_graph, site_graph

BINDING = NamedNode("urn:twin:hq:ahu-1:sat#binding")
STATES = """
:code twin:code "1" ; twin:word "on" . <urn:twin:hq:ahu-1:sat#binding> twin:stateEntry :code .
"""


def graphs(delta: Delta) -> set[object]:
    return {quad.graph_name for quad in delta.added}


async def test_connections_and_bindings_go_among_the_bindings_of_their_site() -> None:
    building = Building()
    delta = placed(building.store, Delta(added=quads(WIRING)))
    assert graphs(delta) == {bindings_graph("hq")}
    assert is_wiring(delta)
    assets = placed(building.store, Delta(added=quads(':ahu-1 a brick:AHU ; rdfs:label "AHU" .')))
    assert graphs(assets) == {site_graph("hq")}
    assert not is_wiring(assets)


async def test_what_is_said_of_a_binding_that_stands_goes_to_it() -> None:
    building = Building()
    await building.door.commit(Delta(added=quads(WIRING)), actor="ann", reason="wiring")
    assert graphs(placed(building.store, Delta(added=quads(STATES)))) == {bindings_graph("hq")}
    await building.door.commit(Delta(added=quads(STATES)), actor="ann", reason="states")
    more = placed(building.store, Delta(added=quads(':code rdfs:label "On" . :broker rdfs:comment "Vendor A" .')))
    assert graphs(more) == {bindings_graph("hq")}


async def test_a_fact_of_a_binding_is_taken_out_where_it_stands() -> None:
    building = Building()
    await building.door.commit(Delta(added=quads(WIRING)), actor="ann", reason="wiring")
    [path] = building.store.quads(BINDING, TWIN.path, None, None)
    assert path.graph_name == bindings_graph("hq")
    there = Quad(path.subject, path.predicate, path.object, site_graph("hq"))
    await building.door.commit(Delta(removed=(there,)), actor="ann", reason="no path")
    assert list(building.store.quads(BINDING, TWIN.path, None, None)) == []


async def test_a_fact_that_another_graph_of_the_site_holds_already_is_not_said_twice() -> None:
    building = Building()
    building.store.bulk_load(quads(WIRING))  # as older versions left it
    committed = await building.door.commit(Delta(added=quads(WIRING)), actor="ann", reason="again")
    assert not committed.delta
