"""A large Brick model in a store behind the door, and twelve kinds of change of up to 65 triples to it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.parts.brick_model import POINTS, PREFIXES, ROOMS, write_model
from twin.clock import SystemClock
from twin.contracts import Delta
from twin.flows.imports import Importer, Source
from twin.flows.vocabularies import load_vocabularies
from twin.graph.change import ChangeDoor
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
from twin.graph.validation.gate import Gate, our_shapes
from twin.terms import Literal, NamedNode, Quad, RdfFormat, parse, read_file
from twin.vocab import BRICK, RDF, RDFS, bindings_graph, site_graph
from twin.vocabularies.brick import brick_file

SITE = "tower"
_GRAPH = site_graph(SITE)
_NAMES = "urn:bench:tower:"
_MORE = PREFIXES + "@prefix twin: <urn:twin:vocabulary:core#> .\n"
WIRED = 200
"""Properties that are bound before the changes begin."""


class Tower:
    """The store, its door and two gates: one with our shapes alone, one with Brick's on top."""

    def __init__(self, store: OxigraphStore, door: ChangeDoor, triples: int) -> None:
        self.store = store
        self.door = door
        self.triples = triples
        self.floors = sum(1 for _ in store.quads(None, RDF.type, BRICK.Floor, _GRAPH))
        self.ours = Gate(our_shapes())
        self.with_brick = Gate(our_shapes(), ontology=partial(read_file, brick_file()))
        self.chance = random.Random(7)  # noqa: S311  # repeatable, not secret

    def delta(self, kind: str) -> Delta:
        """A change of one kind at some place of the building, with what follows from it."""
        change = KINDS[kind](self)
        return self.door.derivation.extend(self.store, change)

    def place(self) -> tuple[int, int]:
        """Some floor and some room of it."""
        return self.chance.randrange(self.floors), self.chance.randrange(ROOMS)

    def about(self, name: str) -> tuple[Quad, ...]:
        """What the site says of a thing and of what points at it."""
        node = NamedNode(_NAMES + name)
        found = [*self.store.quads(node, None, None, _GRAPH), *self.store.quads(None, None, node, _GRAPH)]
        return tuple(dict.fromkeys(found))


@contextmanager
def tower(folder: Path, triples: int) -> Iterator[Tower]:
    """A store of at least that many triples, some of its properties bound."""
    model = folder / "tower.ttl"
    count = write_model(model, triples)
    (folder / "raw").mkdir()
    store = OxigraphStore(folder / "graph")
    load_vocabularies(store, "1.5")
    journal = Journal(folder / "journal.sqlite")
    clock = SystemClock()
    door = ChangeDoor(store, journal, clock)

    async def unjudged(_site: str, _job: object) -> int:
        return 0

    importer = Importer(door, folder / "raw", unjudged, lambda _site: (0, 0))
    asyncio.run(importer.import_sources([Source.of(model)], SITE, "benchmark"))
    model.unlink()
    wires = ':broker a twin:Connection ; twin:protocol "mqtt" ; twin:endpoint "mqtt://127.0.0.1:1883" .\n' + "".join(
        f":vav-0-{number // 5}-{POINTS[number % 5][0]}-b a twin:Binding ; twin:connection :broker ; "
        f'twin:binds :vav-0-{number // 5}-{POINTS[number % 5][0]} ; twin:address "tower/{number}" .\n'
        for number in range(WIRED)
    )
    asyncio.run(door.commit(Delta(added=_quads(wires, wiring=True)), actor="benchmark", reason="wiring"))
    try:
        yield Tower(store, door, count)
    finally:
        store.close()
        journal.close()


def _quads(text: str, *, wiring: bool = False) -> tuple[Quad, ...]:
    graph = bindings_graph(SITE) if wiring else _GRAPH
    found = parse((_MORE + text).encode(), format=RdfFormat.TURTLE)
    return tuple(Quad(quad.subject, quad.predicate, quad.object, graph) for quad in found)


def _renamed(tower: Tower) -> Delta:
    floor, room = tower.place()
    old = tuple(tower.store.quads(NamedNode(f"{_NAMES}vav-{floor}-{room}"), RDFS.label, None, _GRAPH))
    return Delta(old, tuple(Quad(quad.subject, quad.predicate, Literal("renamed"), _GRAPH) for quad in old))


def _point_added(tower: Tower) -> Delta:
    floor, room = tower.place()
    box = f":vav-{floor}-{room}"
    return Delta(
        added=_quads(
            f'{box} brick:hasPoint {box}-co2 . {box}-co2 a brick:CO2_Sensor ; rdfs:label "CO2" ; '
            "qudt:hasQuantityKind quantitykind:DimensionlessRatio ; qudt:hasUnit unit:PPM ."
        )
    )


def _box_added(tower: Tower) -> Delta:
    floor, room = tower.place()
    box = f":vav-{floor}-{room}-second"
    text = f'{box} a brick:VAV ; rdfs:label "second" ; brick:hasLocation :room-{floor}-{room} .'
    text += f" :ahu-{floor} brick:feeds {box} ."
    for point, kind, quantity, unit in (*POINTS, *((f"{p}-2", *rest) for p, *rest in POINTS[:4])):
        text += f' {box} brick:hasPoint {box}-{point} . {box}-{point} a brick:{kind} ; rdfs:label "{point}" ; '
        text += f"qudt:hasQuantityKind quantitykind:{quantity} ; qudt:hasUnit unit:{unit} ."
    return Delta(added=_quads(text))


def _box_removed(tower: Tower) -> Delta:
    floor, room = tower.place()
    names = [f"vav-{floor}-{room}", *(f"vav-{floor}-{room}-{point}" for point, *_ in POINTS)]
    gone = dict.fromkeys(quad for name in names for quad in tower.about(name))
    wired = [NamedNode(f"{_NAMES}{name}-b") for name in names]
    gone.update((q, None) for node in wired for q in tower.store.quads(node, None, None, bindings_graph(SITE)))
    return Delta(removed=tuple(gone))


def _unit_changed(tower: Tower) -> Delta:
    floor, room = tower.place()
    node = f":vav-{floor}-{room}-zone-temperature"
    return Delta(_quads(f"{node} qudt:hasUnit unit:DEG_C ."), _quads(f"{node} qudt:hasUnit unit:K ."))


def _room_moved(tower: Tower) -> Delta:
    floor, room = tower.place()
    other = (floor + 1) % tower.floors
    place = f":room-{floor}-{room}"
    return Delta(_quads(f"{place} brick:isPartOf :floor-{floor} ."), _quads(f"{place} brick:isPartOf :floor-{other} ."))


def _box_moved(tower: Tower) -> Delta:
    floor, room = tower.place()
    box, other = f":vav-{floor}-{room}", (room + 1) % ROOMS
    said = "{box} brick:hasLocation :room-{floor}-{room} ; brick:feeds :room-{floor}-{room} ."
    return Delta(
        _quads(said.format(box=box, floor=floor, room=room)), _quads(said.format(box=box, floor=floor, room=other))
    )


def _point_retyped(tower: Tower) -> Delta:
    floor, room = tower.place()
    node = f":vav-{floor}-{room}-zone-temperature"
    return Delta(
        _quads(f"{node} a brick:Zone_Air_Temperature_Sensor ."), _quads(f"{node} a brick:Air_Temperature_Sensor .")
    )


def _handler_retyped(tower: Tower) -> Delta:
    floor, _ = tower.place()
    node = f":ahu-{floor}"  # forty boxes are fed by it
    return Delta(_quads(f"{node} a brick:Air_Handling_Unit ."), _quads(f"{node} a brick:Rooftop_Unit ."))


def _floor_added(tower: Tower) -> Delta:
    number = tower.floors + tower.chance.randrange(1000)  # the building has every floor as a part
    return Delta(added=_quads(f':floor-{number} a brick:Floor ; rdfs:label "new" ; brick:isPartOf :building .'))


def _states_given(tower: Tower) -> Delta:
    floor, room = tower.place()
    node = f":vav-{floor}-{room}-mode"
    return Delta(
        added=_quads(
            f':vav-{floor}-{room} brick:hasPoint {node} . {node} a brick:Mode_Status ; rdfs:label "Mode" ; '
            "qudt:hasQuantityKind quantitykind:Dimensionless ; qudt:hasUnit unit:UNITLESS ; "
            f'twin:valueKind "state" ; twin:states {node}-s . '
            f"{node}-s a twin:StateSet ; twin:state {node}-0 , {node}-1 . "
            f'{node}-0 twin:index 0 ; twin:word "off" . {node}-1 twin:index 1 ; twin:word "on" .'
        )
    )


def _rewired(tower: Tower) -> Delta:
    number = tower.chance.randrange(WIRED)
    node = f":vav-0-{number // 5}-{POINTS[number % 5][0]}-b"
    return Delta(
        _quads(f'{node} twin:address "tower/{number}" .', wiring=True),
        _quads(f'{node} twin:address "north/{number}" .', wiring=True),
    )


KINDS: Mapping[str, Callable[[Tower], Delta]] = {
    "a label": _renamed,
    "a point added": _point_added,
    "a box with twelve points added": _box_added,
    "a box with its points removed": _box_removed,
    "a unit": _unit_changed,
    "a room moved": _room_moved,
    "a box moved": _box_moved,
    "a point retyped": _point_retyped,
    "an air handler retyped": _handler_retyped,
    "a floor added": _floor_added,
    "a state with its words added": _states_given,
    "a binding's address": _rewired,
}
