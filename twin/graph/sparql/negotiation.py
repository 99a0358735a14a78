"""Which serialisation an answer takes: content negotiation (RFC 9110, 12.5.1) over SPARQL's and RDF's formats."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from twin.errors import InvalidInput
from twin.graph.sparql.gate import Form


class NotAcceptable(InvalidInput):
    """None of the formats that the client takes can carry the answer."""

    code = "not-acceptable"


@dataclass(frozen=True, slots=True)
class Format:
    """A serialisation: its short ``name``, and the media types that ask for it, the proper one first."""

    name: str
    media_types: tuple[str, ...]


ROWS = (
    Format("json", ("application/sparql-results+json", "application/json")),
    Format("xml", ("application/sparql-results+xml", "application/xml", "text/xml")),
    Format("csv", ("text/csv",)),
    Format("tsv", ("text/tab-separated-values",)),
)
"""What a SELECT or ASK can be answered in, the preferred first."""
TRIPLES = (
    Format("turtle", ("text/turtle", "application/x-turtle")),
    Format("json-ld", ("application/ld+json", "application/json")),
    Format("n-triples", ("application/n-triples", "text/plain")),
    Format("n-quads", ("application/n-quads",)),
    Format("rdf-xml", ("application/rdf+xml",)),
)
"""What a CONSTRUCT or DESCRIBE can be answered in, the preferred first."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The format chosen, and the media type that the client asked for it by."""

    name: str
    media_type: str


def choose(form: Form, accept: str = "*/*") -> Choice:
    """The format that an ``Accept`` header prefers for an answer of this form; raises `NotAcceptable`.

    The highest quality wins, then the order of `ROWS` and `TRIPLES`; of ranges that match a type the most specific
    decides.  An empty header accepts everything.
    """
    article = "An" if form == "ASK" else "A"
    return negotiate(ROWS if form in ("SELECT", "ASK") else TRIPLES, accept, f"{article} {form} query")


@lru_cache(256)
def negotiate(formats: tuple[Format, ...], accept: str, what: str) -> Choice:
    """The one of the formats that an ``Accept`` header prefers for ``what``; raises `NotAcceptable`."""
    ranges = _ranges(accept)
    # Proper media types come before aliases, so that */* never chooses an alias.
    offers = [(kind, one) for one in formats for kind in one.media_types[:1]]
    offers += [(kind, one) for one in formats for kind in one.media_types[1:]]
    best: tuple[float, Choice] | None = None
    for media_type, one in offers:
        quality = _quality(media_type, ranges)
        if quality > 0 and (best is None or quality > best[0]):
            best = quality, Choice(one.name, media_type)
    if best is None:
        offered = ", ".join(one.media_types[0] for one in formats)
        raise NotAcceptable(f"{what} cannot be answered as {accept[:100]!r}.", remedy=f"Accept one of {offered}.")
    return best[1]


def _ranges(accept: str) -> list[tuple[str, float]]:
    ranges = []
    for part in accept.split(","):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if not media_range:
            continue
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                try:
                    quality = min(max(float(value), 0.0), 1.0)
                except ValueError:
                    quality = 0.0
        ranges.append(("*/*" if media_range == "*" else media_range, quality))
    return ranges or [("*/*", 1.0)]


def _quality(media_type: str, ranges: list[tuple[str, float]]) -> float:
    kind = media_type.partition("/")[0]
    for wanted in (media_type, f"{kind}/*", "*/*"):
        qualities = [quality for media_range, quality in ranges if media_range == wanted]
        if qualities:
            return max(qualities)
    return 0.0
