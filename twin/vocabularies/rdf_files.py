"""Reading RDF files that came from outside: strict, or lenient with a list of repairs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from twin.errors import InvalidInput
from twin.settings import ImportSettings
from twin.terms import BlankNode, DefaultGraph, Literal, NamedNode, Quad, RdfFormat, parse
from twin.vocabularies.file_kinds import looks_like, name_of

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
LONGEST_IRI = 8_192
"""Characters of an IRI; what is longer is data in the wrong place."""
_ILLEGAL_IN_IRI = re.compile(r'[\x00-\x20<>"{}|\\^`]')
_NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:")
_POSITION = re.compile(r"^Parser error (?:at|between) line \d+.*?: ", re.DOTALL)


@dataclass(slots=True)
class Repairs:
    """What the lenient mode changed so that a file could be read: every repair in words, one that was made at several
    places once, and at how many places there was something to repair."""

    counted: dict[str, int] = field(default_factory=dict)

    def note(self, text: str, times: int = 1) -> None:
        """Adds a repair."""
        self.counted[text] = self.counted.get(text, 0) + times

    @property
    def count(self) -> int:
        """At how many places something was repaired."""
        return sum(self.counted.values())

    @property
    def listed(self) -> list[str]:
        """Every repair in words, in the order of the file."""
        return [f"{text} ({times} times)" if times > 1 else text for text, times in self.counted.items()]


class Unfit(ValueError):
    """A value or a name that cannot be stored; ``needle`` is how it begins, to find it in the text."""

    def __init__(self, message: str, needle: str, remedy: str = "") -> None:
        super().__init__(message)
        self.needle = needle
        self.remedy = remedy


def format_of(name: str) -> RdfFormat:
    """The syntax told by a file's suffix; raises `InvalidInput` naming those that are read."""
    suffix = Path(name).suffix.lower()
    if suffix not in FORMATS:
        raise InvalidInput(
            f"{name}: the suffix {suffix or '(none)'} says no RDF syntax.",
            remedy=f"Known suffixes: {', '.join(sorted(FORMATS))}.",
        )
    return FORMATS[suffix]


def read_rdf(
    data: bytes,
    syntax: RdfFormat,
    source: str,
    *,
    repairs: Repairs | None = None,
    limits: ImportSettings | None = None,
) -> Iterator[Quad]:
    """The quads of a file's bytes.  Strict without ``repairs``: the first mistake raises `InvalidInput` with line and
    column.  With ``repairs`` illegal IRI characters are percent-encoded and noted there.

    Only for text that cannot hurt the process: see `twin.vocabularies.sandbox`.
    """
    text = data.removeprefix(BOM)
    try:
        quads: Iterable[Quad] = parse(text, format=syntax, base_iri=base_iri(source), lenient=repairs is not None)
        if repairs is not None:
            quads = (repaired(quad, repairs) for quad in quads)
        yield from within(quads, limits or ImportSettings()) if len(text) > LONGEST_IRI else quads
    except (SyntaxError, ValueError, MemoryError) as error:
        raise unreadable(source, error, text, syntax) from error


def within(quads: Iterable[Quad], limits: ImportSettings) -> Iterator[Quad]:
    """The quads; raises `Unfit` at the first value or name that is longer than what is stored."""
    sure = limits.literal_bytes // 4  # characters that fit however they are encoded
    for quad in quads:
        target = quad.object
        if isinstance(target, Literal):
            value = target.value
            if len(value) > sure and (size := len(value.encode())) > limits.literal_bytes:
                raise Unfit(
                    f"the value of {quad.predicate} has {size:,} bytes; at most {limits.literal_bytes:,} are stored",
                    value,
                    "Keep it in a file elsewhere and store its address, or raise literal_bytes under [imports].",
                )
        for node in (quad.subject, quad.predicate, target):
            if isinstance(node, NamedNode) and len(node.value) > LONGEST_IRI:
                raise Unfit(
                    f"the IRI <{node.value[:80]}...> has {len(node.value):,} characters, and {LONGEST_IRI:,} at most",
                    node.value,
                    "Give it a shorter name; a prefix may be what makes it long.",
                )
        yield quad


def has_scheme(iri: str) -> bool:
    """Whether an IRI is absolute."""
    return _SCHEME.match(iri) is not None


def base_iri(source: str) -> str:
    """What relative IRIs of a file are relative to."""
    return f"urn:twin:file:{quote(Path(source).stem)}#"


def unreadable(source: str, error: BaseException, text: bytes = b"", syntax: RdfFormat | None = None) -> InvalidInput:
    """What is wrong with a file that does not parse, with line and column where they can be known.

    ``text`` and ``syntax``, where they are given, serve to see that it is a file of another kind.
    """
    if isinstance(error, InvalidInput):
        return error
    line, column = getattr(error, "lineno", None), getattr(error, "offset", None)
    message = _POSITION.sub("", getattr(error, "msg", None) or str(error)).strip().rstrip(".")
    remedy = "Mend that line and import again; nothing was stored."
    if isinstance(error, MemoryError):
        message = "one value or name in it has more than 16 MiB, or is never closed"
        remedy = "Close it with its quotation mark, or keep it elsewhere; nothing was stored."
    elif "IRI" in message or "iri" in message:
        remedy = "Mend that IRI, or import with --lenient, which repairs illegal characters and lists every repair."
    if isinstance(error, Unfit):
        line, column = place_of(text, error.needle)
        remedy = error.remedy or remedy
    if text and syntax is not None and (kind := looks_like(text, syntax)):
        message = f"{message}; it looks like {kind} and is read as {name_of(syntax)}, as its name or media type says"
        remedy = (
            f"Import it under the name of what it is: {kind}."
            if kind != "a web page"
            else ("Download the file itself; what was saved is a page about it, or one that asks to log in.")
        )
    where = f", line {line}, column {column}" if line else ""
    return InvalidInput(f"{source}{where}: {message}.", remedy=remedy, line=line, column=column)


def place_of(text: bytes, needle: str) -> tuple[int | None, int | None]:
    """Line and column (from 1) where a text is found to begin; None where it is written with escapes."""
    for length in (60, 20, 8):
        found = text.find(needle[:length].encode("utf-8", "replace"))
        if found >= 0:
            start = text.rfind(b"\n", 0, found) + 1
            return text.count(b"\n", 0, found) + 1, len(text[start:found].decode("utf-8", "replace")) + 1
    return None, None


def repaired(quad: Quad, repairs: Repairs) -> Quad:
    """The quad with legal IRIs and language tags; raises ``ValueError`` for a quoted triple."""
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
