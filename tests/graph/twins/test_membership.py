"""Membership: kept up change by change, it is what reading everything anew would give."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.graph.building import Building, quads
from twin.contracts import Delta
from twin.graph.oxigraph import OxigraphStore
from twin.graph.twins.membership import Membership, natural
from twin.scope import Scope
from twin.vocab import site_graph

_FACTS = [
    ":a a brick:AHU .", ':a rdfs:label "Unit 10" .', ':a rdfs:label "Unit 2" .', ":b a brick:VAV .",
    ":a brick:hasPoint :b .",
    ":b a brick:Zone_Air_Temperature_Sensor .", ':b rdfs:label "Unit 3" .', ":c a twin:StateSet .", ":c a brick:Room .",
]  # fmt: skip
_SITES = ("hq", "annex")
_KEPT: list[Building] = []


def _building() -> Building:
    if not _KEPT:
        _KEPT.append(Building())
    return _KEPT[0]


def _said(members: Membership) -> dict[str, object]:
    listed = {site: (members.twins(site), members.properties(site), members.counts(site)) for site in _SITES}
    iris = [f"urn:twin:hq:{name}" for name in "abc"]
    return {**listed, "homes": [members.home(iri) for iri in iris], "shared": members.shared}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(_SITES), st.sampled_from(_FACTS)), max_size=15))
def test_what_changes_left_is_what_reading_anew_gives(edits: list[tuple[bool, str, str]]) -> None:
    building = _building()
    door, store = building.door, building.store

    async def play() -> None:
        present = tuple(quad for site in _SITES for quad in store.quads(None, None, None, site_graph(site)))
        await door.commit(Delta(removed=present), actor="test", reason="start over")
        kept = Membership(store, lambda: building.twins.sites(Scope()))
        for adds, site, fact in edits:
            _said(kept)  # so that the orders are there, to be kept up
            fact_quads = quads(fact, site_graph(site))
            delta = Delta(added=fact_quads) if adds else Delta(removed=fact_quads)
            kept.update((await door.commit(delta, actor="test", reason="edit")).delta)
            assert _said(kept) == _said(Membership(store, lambda: building.twins.sites(Scope())))

    asyncio.run(play())


def test_numbers_in_names_count_as_numbers() -> None:
    assert sorted(["VAV 10", "VAV 2", "vav 1", "AHU"], key=natural) == ["AHU", "vav 1", "VAV 2", "VAV 10"]


def test_a_site_that_comes_whole_or_goes_is_seen_as_if_all_were_read_anew() -> None:
    store, sites = OxigraphStore(), ["hq"]
    store.bulk_load(quads("".join(_FACTS), site_graph("hq")))
    kept = Membership(store, lambda: sites)
    _said(kept)
    store.bulk_load(quads(':a a brick:AHU ; rdfs:label "Aaa" . :c a brick:Room .', site_graph("annex")))
    sites.insert(0, "annex")
    kept.rebuild()
    assert _said(kept) == _said(Membership(store, lambda: sites))
    assert kept.shared["urn:twin:hq:a"] == ("annex", "hq")
    store.drop([site_graph("hq")])
    sites.remove("hq")
    kept.rebuild()
    assert _said(kept) == _said(Membership(store, lambda: sites))
