"""Reading one twin, and one class, from the graph, in whichever vocabulary they are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal as Word

from twin.graph.derivation import local_name
from twin.graph.hierarchy import EQUIPMENT_ROOTS, SPACE_ROOTS, Hierarchy
from twin.graph.overlay import QuadView
from twin.graph.twins.membership import name_of
from twin.graph.twins.records import ClassRecord, TwinRecord
from twin.terms import Literal, NamedNode
from twin.vocab import BRICK, OWL, RDF, RDFS, REC, S4BLDG, SAREF, TWIN

_VOCABULARIES = (
    (str(BRICK), "brick"),
    (str(SAREF), "saref"),
    (str(S4BLDG), "saref"),
    (str(REC), "rec"),
    ("dtmi:", "dtdl"),
    (str(TWIN), "twin"),
)
"""How the IRIs of a vocabulary begin, and what it is called; the first that fits."""


def read_twin(
    view: QuadView,
    iri: str,
    site: str,
    place: str | None,
    hierarchy: Hierarchy,
    class_record: Callable[[NamedNode], ClassRecord],
) -> TwinRecord:
    """The record of a twin of a site, as the view tells it; ``place`` is the twin that it is in."""
    node = NamedNode(iri)
    classes = [
        quad.object
        for quad in view.quads(node, RDF.type, None, None)
        if isinstance(quad.object, NamedNode) and quad.object != OWL.NamedIndividual
    ]
    if hierarchy.is_any(classes, SPACE_ROOTS):
        family: Word["space", "equipment", "other"] = "space"
    else:
        family = "equipment" if hierarchy.is_any(classes, EQUIPMENT_ROOTS) else "other"
    description = ""
    for quad in view.quads(node, RDFS.comment, None, None):
        description = quad.object.value if isinstance(quad.object, Literal) else ""
    return TwinRecord(
        iri,
        name_of(view, node),
        site,
        tuple(class_record(cls) for cls in sorted(set(classes), key=lambda cls: cls.value)),
        family,
        place,
        description,
    )


def read_class(view: QuadView, cls: NamedNode) -> ClassRecord:
    """A class by its IRI: its name, its label in words, and the vocabulary that it is of."""
    iri = cls.value
    vocabulary = next((name for start, name in _VOCABULARIES if iri.startswith(start)), "other")
    name = local_name(iri)
    label = name_of(view, cls)
    return ClassRecord(iri, name, label if label != name else name.replace("_", " "), vocabulary)
