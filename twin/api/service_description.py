"""The description of the SPARQL service for machines (SPARQL 1.1 Service Description)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from twin.graph.readers.live_functions import FUNCTIONS
from twin.graph.sparql.negotiation import ROWS, TRIPLES
from twin.terms import BlankNode, Literal, NamedNode, RdfFormat, Triple, serialize
from twin.vocab import LIVE, RDF, RDFS, Namespace

_SD = Namespace("http://www.w3.org/ns/sparql-service-description#")
_FORMATS = Namespace("http://www.w3.org/ns/formats/")
_VOID = Namespace("http://rdfs.org/ns/void#")
_NAMES = {
    "json": "SPARQL_Results_JSON",
    "xml": "SPARQL_Results_XML",
    "csv": "SPARQL_Results_CSV",
    "tsv": "SPARQL_Results_TSV",
    "turtle": "Turtle",
    "json-ld": "JSON-LD",
    "n-triples": "N-Triples",
    "n-quads": "N-Quads",
    "rdf-xml": "RDF_XML",
}
_SYNTAX = {
    "turtle": RdfFormat.TURTLE,
    "json-ld": RdfFormat.JSON_LD,
    "n-triples": RdfFormat.N_TRIPLES,
    "n-quads": RdfFormat.N_QUADS,
    "rdf-xml": RdfFormat.RDF_XML,
}


def describe(address: str, graphs: Iterable[str], syntax: str) -> bytes:
    """What answers at ``address`` over these named graphs, in a format of `twin.graph.sparql.negotiation.TRIPLES`."""
    prefixes = {"sd": str(_SD), "void": str(_VOID), "live": str(LIVE), "rdfs": str(RDFS)}
    return serialize(_triples(address, graphs), format=_SYNTAX[syntax], prefixes=prefixes) or b""


def _triples(address: str, graphs: Iterable[str]) -> Iterator[Triple]:
    root = address.rstrip("/").removesuffix("/sparql")
    query = _service("query", root + "/sparql", _SD.SPARQL11Query)
    update = _service("update", root + "/sparql/update", _SD.SPARQL11Update)
    yield from query
    yield from update
    service, dataset = BlankNode("query"), BlankNode("dataset")
    for form in (*ROWS, *TRIPLES):
        yield Triple(service, _SD.resultFormat, _FORMATS[_NAMES[form.name]])
    for name in FUNCTIONS:
        yield Triple(service, _SD.extensionFunction, LIVE[name])
        yield Triple(LIVE[name], RDF.type, _SD.Function)
    for each in (service, BlankNode("update")):
        yield Triple(each, _SD.feature, _SD.UnionDefaultGraph)
        yield Triple(each, _SD.defaultDataset, dataset)
    yield Triple(dataset, RDF.type, _SD.Dataset)
    yield Triple(dataset, _SD.defaultGraph, BlankNode("default"))
    yield Triple(BlankNode("default"), RDF.type, _SD.Graph)
    yield Triple(BlankNode("default"), RDFS.comment, Literal("the union of all graphs that you may see", language="en"))
    for number, graph in enumerate(graphs):
        named, content = BlankNode(f"named{number}"), BlankNode(f"graph{number}")
        yield Triple(dataset, _SD.namedGraph, named)
        yield Triple(named, RDF.type, _SD.NamedGraph)
        yield Triple(named, _SD.name, NamedNode(graph))
        yield Triple(named, _SD.graph, content)
        yield Triple(content, RDF.type, _SD.Graph)


def _service(name: str, endpoint: str, language: NamedNode) -> Iterator[Triple]:
    service = BlankNode(name)
    yield Triple(service, RDF.type, _SD.Service)
    yield Triple(service, _SD.endpoint, NamedNode(endpoint))
    yield Triple(service, _SD.supportedLanguage, language)
