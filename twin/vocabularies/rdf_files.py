"""Reading RDF files that came from outside: strict, or lenient with a list of repairs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from twin.errors import InvalidInput
from twin.terms import BlankNode, DefaultGraph, Literal, NamedNode, Quad, RdfFormat, parse

FORMATS = {
    ".ttl": RdfFormat.TURTLE,
    ".turtle": RdfFormat.TURTLE,
    ".nt": RdfFormat.N_TRIPLES,
    ".nq": RdfFormat.N_QUADS,
    ".trig": RdfFormat.TRIG,
    ".jsonld": RdfFormat.JSON_LD,
    ".json": RdfFormat.JSON_LD,
    ".rdf": RdfFormat.RDF_XML,
    ".owl": RdfFormat.RDF_XML,
    ".xml": RdfFormat.RDF_XML,
}
"""The syntaxes read, by file suffix."""

MEDIA_TYPES = {
    "text/turtle": RdfFormat.TURTLE,
    "application/n-triples": RdfFormat.N_TRIPLES,
    "application/n-quads": RdfFormat.N_QUADS,
    "application/trig": RdfFormat.TRIG,
    "application/ld+json": RdfFormat.JSON_LD,
    "application/json": RdfFormat.JSON_LD,
    "application/rdf+xml": RdfFormat.RDF_XML,
}
"""The syntaxes read, by media type."""

BOM = b"\xef\xbb\xbf"
_ILLEGAL_IN_IRI = re.compile(r'[\x00-\x20<>"{}|\\^`]')
_NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:")
_MAXIMUM_REPAIRS_NAMED = 1000
_QUOTED_TRIPLES = 1000  # a hundred thousand nested ones exhaust the parser's stack and end the process


@dataclass(slots=True)
class Repairs:
    """What the lenient mode changed so that a file could be read: each repair in words, and how many there were."""

    listed: list[str] = field(default_factory=list)
    count: int = 0

    def note(self, text: str) -> None:
        """Adds a repair; the first thousand are kept in words."""
        self.count += 1
        if len(self.listed) < _MAXIMUM_REPAIRS_NAMED:
            self.listed.append(text)


def format_of(name: str) -> RdfFormat:
    """The syntax told by a file's suffix; raises `InvalidInput` naming those that are read."""
    suffix = Path(name).suffix.lower()
    if suffix not in FORMATS:
        raise InvalidInput(
            f"{name}: the suffix {suffix or '(none)'} says no RDF syntax.",
            remedy=f"Known suffixes: {', '.join(sorted(FORMATS))}.",
        )
    return FORMATS[suffix]


def read_rdf(data: bytes, syntax: RdfFormat, source: str, *, repairs: Repairs | None = None) -> Iterator[Quad]:
    """The quads of a file's bytes.  Strict without ``repairs``: the first mistake raises `InvalidInput` with line and
    column.  With ``repairs`` illegal IRI characters are percent-encoded and noted there."""
    if data.count(b"<<") > _QUOTED_TRIPLES:
        raise InvalidInput(
            f"{source} quotes more than {_QUOTED_TRIPLES} triples, which cannot be stored.",
            remedy="Say them with nodes of their own.",
        )
    try:
        text = data.removeprefix(BOM)
        quads = parse(text, format=syntax, base_iri=base_iri(source), lenient=repairs is not None)
        for quad in quads:
            yield quad if repairs is None else _repaired(quad, repairs)
    except (SyntaxError, ValueError) as error:
        raise unreadable(source, error) from error


def base_iri(source: str) -> str:
    """What relative IRIs of a file are relative to."""
    return f"urn:twin:file:{quote(Path(source).stem)}#"


def unreadable(source: str, error: Exception) -> InvalidInput:
    """What is wrong with a file that does not parse, with line and column when the parser knows them."""
    line = getattr(error, "lineno", None)
    column = getattr(error, "offset", None)
    where = f", line {line}, column {column}" if line else ""
    message = getattr(error, "msg", None) or str(error)
    remedy = "Mend that line and import again; nothing was stored."
    if "IRI" in message or "iri" in message:
        remedy = "Mend that IRI, or import with --lenient, which repairs illegal characters and lists every repair."
    return InvalidInput(f"{source}{where}: {message.strip().rstrip('.')}.", remedy=remedy, line=line, column=column)


def _repaired(quad: Quad, repairs: Repairs) -> Quad:
    subject, target, graph = quad.subject, quad.object, quad.graph_name
    if isinstance(subject, NamedNode):
        subject = _iri(subject, repairs)
    if isinstance(target, NamedNode):
        target = _iri(target, repairs)
    elif isinstance(target, Literal):
        target = _literal(target, repairs)
    if isinstance(graph, NamedNode):
        graph = _iri(graph, repairs)
    predicate = _iri(quad.predicate, repairs)
    if not isinstance(subject, NamedNode | BlankNode) or not isinstance(target, NamedNode | BlankNode | Literal):
        raise ValueError("quoted triples are not read")
    return Quad(subject, predicate, target, graph if isinstance(graph, NamedNode) else DefaultGraph())


def _iri(node: NamedNode, repairs: Repairs) -> NamedNode:
    value = node.value
    mended = _ILLEGAL_IN_IRI.sub(lambda found: "".join(f"%{byte:02X}" for byte in found.group().encode()), value)
    if not _SCHEME.match(mended):
        mended = f"urn:twin:relative:{mended}"
    try:
        legal = NamedNode(mended)
    except ValueError:  # a port that is no number, a second '#', '%' before what is no number, ...
        scheme, _, rest = mended.partition(":")
        legal = NamedNode(f"{scheme}:{quote(_NO_ESCAPE.sub('%25', rest), safe='/%')}")
    if legal.value != value:
        repairs.note(f"<{value}> is now <{legal.value}>")
    return legal


def _literal(literal: Literal, repairs: Repairs) -> Literal:
    if literal.language is None:
        datatype = _iri(literal.datatype, repairs)
        return literal if datatype.value == literal.datatype.value else Literal(literal.value, datatype=datatype)
    try:
        return Literal(literal.value, language=literal.language)
    except ValueError:
        repairs.note(f"{literal} has no language now")
        return Literal(literal.value)
