"""IRIs by name: the vocabularies Twin speaks, and the IRIs it mints.

Every IRI constant of the product stands here; a module never spells one out.
"""

from __future__ import annotations

from urllib.parse import quote

from twin.terms import NamedNode

__all__ = [
    "BRICK",
    "LIVE",
    "OWL",
    "QUANTITYKIND",
    "QUDT",
    "RDF",
    "RDFS",
    "REC",
    "S4BLDG",
    "SAREF",
    "SH",
    "SKOS",
    "SOSA",
    "TWIN",
    "UNIT",
    "XSD",
    "Namespace",
    "bindings_graph",
    "inferred_graph",
    "minted",
    "models_graph",
    "shapes_graph",
    "site_graph",
    "site_of_any_graph",
    "site_of_graph",
    "validation_graph",
    "vocabulary_graph",
]  # fmt: skip


class Namespace:
    """An IRI prefix: ``BRICK["AHU"]`` or ``BRICK.AHU`` is the named node of a term in it, ``str(BRICK)`` the prefix.

    It is no ``str``, whose methods would hide terms such as ``index`` and ``title``.  A term asked for as an attribute
    is kept, for hot paths name hundreds.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def __getitem__(self, name: str) -> NamedNode:
        return NamedNode(self._prefix + name)

    def __getattr__(self, name: str) -> NamedNode:
        if name.startswith("__"):
            raise AttributeError(name)
        node = self.__dict__[name] = NamedNode(self._prefix + name)
        return node

    def __str__(self) -> str:
        return self._prefix


RDF = Namespace("http://www.w3.org/1999/02/22-rdf-syntax-ns#")
RDFS = Namespace("http://www.w3.org/2000/01/rdf-schema#")
OWL = Namespace("http://www.w3.org/2002/07/owl#")
XSD = Namespace("http://www.w3.org/2001/XMLSchema#")
SH = Namespace("http://www.w3.org/ns/shacl#")
SKOS = Namespace("http://www.w3.org/2004/02/skos/core#")
SOSA = Namespace("http://www.w3.org/ns/sosa/")
QUDT = Namespace("http://qudt.org/schema/qudt/")
UNIT = Namespace("http://qudt.org/vocab/unit/")
QUANTITYKIND = Namespace("http://qudt.org/vocab/quantitykind/")
BRICK = Namespace("https://brickschema.org/schema/Brick#")
REC = Namespace("https://w3id.org/rec#")
SAREF = Namespace("https://saref.etsi.org/core/")
S4BLDG = Namespace("https://saref.etsi.org/saref4bldg/")
TWIN = Namespace("urn:twin:vocabulary:core#")
LIVE = Namespace("urn:twin:live:")


def site_graph(site: str) -> NamedNode:
    """The graph of a site's assets: the unit of partition and of coarse access."""
    return NamedNode(f"urn:twin:site:{site}")


def site_of_graph(graph: NamedNode) -> str | None:
    """The site whose asset graph this is, or None for any other graph."""
    prefix = "urn:twin:site:"
    return graph.value[len(prefix) :] if graph.value.startswith(prefix) else None


def site_of_any_graph(graph: NamedNode) -> str | None:
    """The site whose assets, bindings, models or inferences stand in this graph, or None."""
    kind, _, site = graph.value.removeprefix("urn:twin:").partition(":")
    return site if kind in ("site", "bindings", "inferred", "models", "validation") and site else None


def bindings_graph(site: str) -> NamedNode:
    """The graph of a site's connections and bindings (its own permission)."""
    return NamedNode(f"urn:twin:bindings:{site}")


def inferred_graph(site: str) -> NamedNode:
    """The graph of what follows from a site's assertions; outside the validated view."""
    return NamedNode(f"urn:twin:inferred:{site}")


def models_graph(site: str) -> NamedNode:
    """The graph of a site's model deployments."""
    return NamedNode(f"urn:twin:models:{site}")


def validation_graph(site: str) -> NamedNode:
    """The graph of what the validation of a site found."""
    return NamedNode(f"urn:twin:validation:{site}")


def vocabulary_graph(name: str) -> NamedNode:
    """The graph of a vocabulary's classes and properties."""
    return NamedNode(f"urn:twin:vocabulary:{name}")


def shapes_graph(name: str) -> NamedNode:
    """The graph of one set of SHACL shapes."""
    return NamedNode(f"urn:twin:shapes:{name}")


def minted(site: str, *local: str) -> NamedNode:
    """The IRI Twin gives to a thing of a site that brings none: ``urn:twin:<site>:<local>[:<local>...]``."""
    return NamedNode(":".join(["urn", "twin", site, *(quote(part, safe="-._~;@!$&'()*+,=/") for part in local)]))
