"""A small building in three vocabularies, and a door to change it by."""

from __future__ import annotations

from twin.clock import ManualClock
from twin.contracts import Delta
from twin.flows.vocabularies import load_vocabularies
from twin.graph.change import ChangeDoor
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
from twin.graph.twins.reader import TwinReader
from twin.terms import NamedNode, Quad, RdfFormat, parse
from twin.vocab import bindings_graph, site_graph

PREFIXES = """
@prefix brick: <https://brickschema.org/schema/Brick#> .
@prefix saref: <https://saref.etsi.org/core/> .
@prefix s4bldg: <https://saref.etsi.org/saref4bldg/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix qudt: <http://qudt.org/schema/qudt/> .
@prefix unit: <http://qudt.org/vocab/unit/> .
@prefix quantitykind: <http://qudt.org/vocab/quantitykind/> .
@prefix twin: <urn:twin:vocabulary:core#> .
@prefix : <urn:twin:hq:> .
"""

HQ = """
:building a brick:Building ; rdfs:label "Headquarters" ; brick:hasPart :floor-1 .
:floor-1 a brick:Floor ; rdfs:label "Floor 1" .
:room-2 a brick:Room ; rdfs:label "Room 2" ; brick:isPartOf :floor-1 .
:room-10 a brick:Room ; rdfs:label "Room 10" ; brick:isPartOf :floor-1 .
:ahu-1 a brick:Air_Handling_Unit ; rdfs:label "AHU 1" ; brick:hasLocation :floor-1 ; brick:feeds :vav-1 ;
  brick:hasPoint <urn:twin:hq:ahu-1:sat> .
<urn:twin:hq:ahu-1:sat> a brick:Discharge_Air_Temperature_Sensor ; rdfs:label "Supply air temperature" ;
  qudt:hasQuantityKind quantitykind:Temperature ; qudt:hasUnit unit:DEG_C .
:vav-1 a brick:Variable_Air_Volume_Box ; rdfs:label "VAV 1" ; brick:hasLocation :room-2 .
<urn:twin:hq:vav-1:mode> a brick:Mode_Status ; rdfs:label "Mode" ; brick:isPointOf :vav-1 ; twin:valueKind "state" ;
  qudt:hasQuantityKind quantitykind:Dimensionless ; qudt:hasUnit unit:UNITLESS ; twin:states :modes .
:modes a twin:StateSet ; twin:state :modes-1, :modes-0 .
:modes-0 twin:index 0 ; twin:word "off" .
:modes-1 twin:index 1 ; twin:word "cooling" .
:wing a s4bldg:BuildingSpace ; rdfs:label "Wing" ; saref:hasProperty :wing-co2 .
:wing-co2 a saref:Property ; rdfs:label "CO2" ; twin:role "co2" ; twin:writable true ;
  twin:minimum 400 ; twin:maximum 2000 ; twin:freshness 300 ;
  qudt:hasQuantityKind quantitykind:DimensionlessRatio ; qudt:hasUnit unit:PPM .
"""

WIRING = """
:broker a twin:Connection ; rdfs:label "Vendor A" ; twin:protocol "mqtt" ; twin:endpoint "mqtt://127.0.0.1:1883" ;
  twin:option "qos=1" .
<urn:twin:hq:ahu-1:sat#binding> a twin:Binding ; twin:binds <urn:twin:hq:ahu-1:sat> ; twin:connection :broker ;
  twin:address "acme/ahu/1" ; twin:path "sat" ; twin:sourceUnit unit:DEG_F ; twin:scale 0.1 .
"""


def quads(text: str, graph: NamedNode | None = None) -> tuple[Quad, ...]:
    """The quads of a Turtle text with the usual prefixes, in the site's graph unless told otherwise."""
    target = graph or site_graph("hq")
    return tuple(
        Quad(quad.subject, quad.predicate, quad.object, target)
        for quad in parse(PREFIXES + text, format=RdfFormat.TURTLE)
    )


def add(text: str) -> Delta:
    """A change that adds the Turtle text to the site."""
    return Delta(added=quads(text))


class Building:
    """An in-memory server core: store, journal, door and read model."""

    def __init__(self) -> None:
        self.store = OxigraphStore()
        load_vocabularies(self.store, "1.5")
        self.journal = Journal()
        self.clock = ManualClock()
        self.door = ChangeDoor(self.store, self.journal, self.clock)
        self.twins = TwinReader(self.store, lambda: self.door.hierarchy, self.journal.known_series)
        self.door.before_announcing.append(self.twins.refresh)

    async def furnish(self) -> Building:
        """Moves the building in."""
        await self.door.commit(add(HQ), actor="test", reason="move in")
        await self.door.commit(Delta(added=quads(WIRING, bindings_graph("hq"))), actor="test", reason="wire")
        return self
