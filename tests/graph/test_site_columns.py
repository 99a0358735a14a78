"""What follows from a whole site, column by column, is what follows from each of its properties."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.graph.building import PREFIXES, quads
from twin.flows.vocabularies import load_vocabularies
from twin.graph.derivation import Derivation
from twin.graph.hierarchy import Hierarchy
from twin.graph.oxigraph import OxigraphStore
from twin.graph.site_columns import SiteColumns, columns_of_quads, columns_of_store, derived_text, properties_of
from twin.terms import NamedNode, Quad, RdfFormat, parse
from twin.vocab import inferred_graph, models_graph, site_graph

_FACTS = [
    ":a a brick:AHU .", ":a a brick:VAV .", ":p a brick:Zone_Air_Temperature_Sensor .",
    ":p a brick:Damper_Position_Command .", ":p a twin:Property .", ":a brick:hasPoint :p .", ":q brick:isPointOf :a .",
    ":a twin:hasProperty :q .", ":b saref:hasProperty :q .", ":q saref:isPropertyOf :b .", ':q twin:role "speed" .',
    ":q a :Unheard .", ":r a saref:Property .", ':a rdfs:label "AHU, 1 <tab>\\t\\"quoted\\"" .',
    ':a brick:hasPoint "not a node" .',
]  # fmt: skip
_STORES: list[tuple[OxigraphStore, Derivation]] = []
HOME = site_graph("hq")


def _store() -> tuple[OxigraphStore, Derivation]:
    if not _STORES:
        store = OxigraphStore()
        load_vocabularies(store, "1.5")
        _STORES.append((store, Derivation(store, Hierarchy(store))))
    return _STORES[0]


def _derived(columns: SiteColumns, derivation: Derivation) -> set[Quad]:
    text = b"".join(derived_text(columns, properties_of(columns, derivation), derivation))
    return {
        Quad(quad.subject, quad.predicate, quad.object, inferred_graph("hq"))
        for quad in parse(text, format=RdfFormat.N_TRIPLES)
    }


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.sampled_from(_FACTS)), st.sets(st.sampled_from(_FACTS[:11])))
def test_columns_derive_what_each_property_derives(assets: set[str], models: set[str]) -> None:
    store, derivation = _store()
    store.drop([HOME, models_graph("hq")])
    store.bulk_load(quads("\n".join(assets), HOME))
    store.bulk_load(quads("\n".join(models), models_graph("hq")))
    nodes = [NamedNode(f"urn:twin:hq:{name}") for name in "abpqr"]
    expected = {quad for node in nodes for quad in derivation.derived(store, node, "hq")}
    assert _derived(columns_of_store(store, "hq"), derivation) == expected


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.sampled_from(_FACTS)))
def test_the_columns_of_a_text_are_those_of_the_store_it_is_loaded_into(facts: set[str]) -> None:
    store, derivation = _store()
    store.drop([HOME, models_graph("hq")])
    store.bulk_load(quads("\n".join(facts), HOME))
    columns = SiteColumns()
    columns_of_quads(parse(PREFIXES + "\n".join(facts), format=RdfFormat.TURTLE), columns)
    assert columns.plain
    assert _derived(columns, derivation) == _derived(columns_of_store(store, "hq"), derivation)


def test_what_needs_names_or_other_graphs_is_not_plain() -> None:
    for fact in (
        ":a brick:hasPoint [] .",
        "[] a brick:AHU .",
        ":C rdfs:subClassOf brick:AHU .",
        ":C a <http://www.w3.org/2002/07/owl#Class> .",
        ":b a twin:Binding .",
        ":r twin:roleClass brick:AHU .",
    ):
        columns = SiteColumns()
        columns_of_quads(parse(f"{PREFIXES} :first a brick:AHU . {fact}", format=RdfFormat.TURTLE), columns)
        assert not columns.plain, fact
