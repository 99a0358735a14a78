"""The syntaxes of RDF over REST, and the prefixes they are written with."""

from __future__ import annotations

from collections.abc import Mapping

from twin.terms import RdfFormat
from twin.vocab import BRICK, QUANTITYKIND, QUDT, RDF, RDFS, S4BLDG, SAREF, TWIN, UNIT, XSD

PREFIXES = {
    "brick": str(BRICK),
    "qudt": str(QUDT),
    "quantitykind": str(QUANTITYKIND),
    "rdf": str(RDF),
    "rdfs": str(RDFS),
    "s4bldg": str(S4BLDG),
    "saref": str(SAREF),
    "twin": str(TWIN),
    "unit": str(UNIT),
    "xsd": str(XSD),
}
TWIN_SYNTAXES = {
    "application/ld+json": RdfFormat.JSON_LD,
    "text/turtle": RdfFormat.TURTLE,
    "application/n-triples": RdfFormat.N_TRIPLES,
}
EXPORT_SYNTAXES = {"nquads": RdfFormat.N_QUADS, "turtle": RdfFormat.TURTLE, "trig": RdfFormat.TRIG}


def negotiated(accept: str, syntaxes: Mapping[str, RdfFormat]) -> RdfFormat:
    """The first syntax that is accepted; the first there is when none is."""
    for entry in accept.split(","):
        kind = entry.partition(";")[0].strip().lower()
        if kind in syntaxes:
            return syntaxes[kind]
    return next(iter(syntaxes.values()))
