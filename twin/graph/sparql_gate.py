"""What a SPARQL query asks for, and the limits it must keep, found from its words before any parser sees it.

Parsers of deeply nested text end their whole process; so nothing but this module reads a query in the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from twin.errors import InvalidInput
from twin.vocab import BRICK, LIVE, OWL, QUANTITYKIND, QUDT, RDF, RDFS, S4BLDG, SAREF, SKOS, SOSA, TWIN, UNIT, XSD

Form = Literal["SELECT", "ASK", "CONSTRUCT", "DESCRIBE"]
PREFIXES: Mapping[str, str] = {
    "brick": str(BRICK),
    "live": str(LIVE),
    "owl": str(OWL),
    "quantitykind": str(QUANTITYKIND),
    "qudt": str(QUDT),
    "rdf": str(RDF),
    "rdfs": str(RDFS),
    "s4bldg": str(S4BLDG),
    "saref": str(SAREF),
    "skos": str(SKOS),
    "sosa": str(SOSA),
    "twin": str(TWIN),
    "unit": str(UNIT),
    "xsd": str(XSD),
}
"""Prefixes that a query may use without declaring them; a declaration of its own wins."""
_UPDATES = frozenset({"INSERT", "DELETE", "LOAD", "CLEAR", "CREATE", "DROP", "COPY", "MOVE", "ADD", "WITH"})
_OPERATORS = frozenset(
    {"UNION", "OPTIONAL", "MINUS", "FILTER", "BIND", "AS", "EXISTS", "GRAPH", "LATERAL", "SELECT", "VALUES", "HAVING"}
    | {"IN", "||", "&&", "!", "!=", "=", "<", ">", "<=", ">=", "+", "-", "*", "/", "|", "^", "^^", ".", ";", "?"}
)
# Every loop is possessive or bounded: no text makes this quadratic.  A string that does not end is taken to the end of
# the line or text, where the parser stops too.
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]++|\#[^\r\n]*+)
    |(?P<iri><[^<>"{}|^`\\\x00-\x20]*+>)
    |(?P<text>\"{3}(?:"{0,2}(?:[^"\\]|\\.))*+(?:\"{3})?|'{3}(?:'{0,2}(?:[^'\\]|\\.))*+(?:'{3})?
        |"(?:[^"\\\r\n]|\\.)*+"?|'(?:[^'\\\r\n]|\\.)*+'?)
    |(?P<variable>[?$]\w++)
    |(?P<label>_:\w[\w\-]*+)
    |(?P<name>(?:[^\W\d_][\w.\-]{0,100}+)?:(?:[\w:%\-]|\\.|\.(?=[\w:%\-\\]))*+)
    |(?P<number>(?:\d++\.?\d*+|\.\d++)(?:[eE][+\-]?\d++)?)
    |(?P<language>@[A-Za-z]++(?:-[A-Za-z0-9]++)*+)
    |(?P<word>[^\W\d][\w\-]*+)
    |(?P<symbol><<|>>|\|\||&&|!=|<=|>=|\^\^|.)""",
    re.VERBOSE | re.DOTALL,
)


class QueryTooLarge(InvalidInput):
    """The text of the query is longer than it may be."""

    code = "too-large"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a query text may hold: its UTF-8 bytes, the depth of its brackets, and its operators (keywords that combine
    patterns, symbols that combine expressions and paths, and the ends of triples)."""

    text_bytes: int = 65_536
    nesting: int = 64
    operators: int = 500


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Question:
    """A query that may be parsed: its ``form``, the graphs it names by FROM and FROM NAMED, and whether it calls live
    functions."""

    text: str
    form: Form
    default_graphs: tuple[str, ...]
    named_graphs: tuple[str, ...]
    live: bool


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


def examine(text: str, limits: Limits = LIMITS) -> Question:
    """The question a query asks; raises `QueryTooLarge` or `InvalidInput` with the reason and what to do."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise InvalidInput("The query holds half of a surrogate pair.", remedy="Send it as UTF-8.") from error
    if size > limits.text_bytes:
        raise QueryTooLarge(
            f"The query is {size:,} bytes long; at most {limits.text_bytes:,} are taken.",
            remedy="Shorten it, for example by asking for a class instead of listing its members.",
        )
    tokens = list(_tokens(text))
    _within(text, tokens, limits)
    _unambiguous(text, tokens)
    _refuse_service(text, tokens)
    prefixes, start = _prologue(tokens)
    form = _form(tokens, start)
    default_graphs, named_graphs = _datasets(tokens, prefixes)
    live = any(token.text.startswith(f"<{LIVE}") for token in tokens if token.kind == "iri") or any(
        prefixes.get(token.text.partition(":")[0], "").startswith(str(LIVE)) for token in tokens if token.kind == "name"
    )
    return Question(text, form, default_graphs, named_graphs, live)


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "space":
            yield _Token(match.lastgroup or "symbol", match.group(), match.start())


def _within(text: str, tokens: list[_Token], limits: Limits) -> None:
    depth = operators = 0
    open_parentheses: list[bool] = []
    for token in tokens:
        if token.kind == "iri":
            # To the parser this may be a comparison without spaces around it: what it hides is counted.
            operators += token.text.count("(") + token.text.count("!")
        elif token.text in ("{", "(", "[", "<<"):
            depth += 1
            open_parentheses.append(token.text == "(")
            if depth > limits.nesting:
                raise InvalidInput(
                    f"The query nests brackets deeper than {limits.nesting} at {_place(text, token.position)}.",
                    remedy="Write it flatter: most groups inside a group can be joined to it.",
                )
        elif token.text in ("}", ")", "]", ">>"):
            depth = max(depth - 1, 0)
            if open_parentheses:
                open_parentheses.pop()
        elif token.kind in ("word", "symbol") and token.text.upper() in _OPERATORS:
            operators += 1
        elif token.text == "," and not (open_parentheses and open_parentheses[-1]):
            operators += 1  # an object list; the commas of arguments and of IN (...) cost nothing
        if operators > limits.operators:
            raise InvalidInput(
                f"The query has more than {limits.operators} operators at {_place(text, token.position)}.",
                remedy="Put alternatives into a VALUES block or an IN list, or ask several questions.",
            )


def _refuse_service(text: str, tokens: list[_Token]) -> None:
    # A parser needs no space around keywords: `trueSERVICE<...>`, `SERVICESILENT:a` and `SERVICE:a` all call out.
    for token in tokens:
        word = token.text.partition(":")[0] if token.kind == "name" else token.text if token.kind == "word" else ""
        if "SERVICE" in word.upper():
            raise InvalidInput(
                f"SERVICE at {_place(text, token.position)} is refused: queries do not leave this server.",
                remedy="Ask the other endpoint yourself and put its answer into a VALUES block; if it is a prefix, "
                "give it another name.",
            )


def _unambiguous(text: str, tokens: list[_Token]) -> None:
    """Returns when a parser, too, sees these texts where they are seen here, so that nothing hides in one."""
    comment_until = 0
    for token in tokens:
        end = token.position + len(token.text)
        if token.kind == "iri" and "'" in token.text:
            raise InvalidInput(
                f"The apostrophe in the IRI at {_place(text, token.position)} can be read in two ways.",
                remedy="Write %27 for it, or put spaces around < and > where they compare.",
            )
        if token.kind == "iri" and "#" in token.text:
            # After `?a<` this would be a comment to the end of the line.
            comment_until = text.find("\n", end) if "\n" in text[end:] else len(text)
        if token.kind == "text":
            quote = token.text[:3] if token.text[:3] in ('"""', "'''") else token.text[:1]
            if len(token.text) < 2 * len(quote) or not token.text.endswith(quote):
                raise InvalidInput(
                    f"The text that begins at {_place(text, token.position)} does not end.",
                    remedy="Close it with the same quotes that open it.",
                )
            if token.position < comment_until < end:
                raise InvalidInput(
                    f"The text that begins at {_place(text, token.position)} can be read in two ways.",
                    remedy="Begin a text of several lines on a line of its own.",
                )


def _prologue(tokens: list[_Token]) -> tuple[dict[str, str], int]:
    prefixes = dict(PREFIXES)
    at = 0
    while at < len(tokens) and tokens[at].kind == "word":
        word = tokens[at].text.upper()
        if word == "PREFIX" and at + 2 < len(tokens):
            prefixes[tokens[at + 1].text.rstrip(":")] = tokens[at + 2].text[1:-1]
            at += 3
        elif word in ("BASE", "VERSION"):
            at += 2
        else:
            break
    return prefixes, at


def _form(tokens: list[_Token], start: int) -> Form:
    if start >= len(tokens):
        raise InvalidInput("The query is empty.", remedy="Send a SELECT, ASK, CONSTRUCT or DESCRIBE query.")
    word = tokens[start].text.upper()
    if word == "SELECT" or word == "ASK" or word == "CONSTRUCT" or word == "DESCRIBE":
        return word  # type: ignore[return-value]  # it was compared with every form just now
    if word in _UPDATES:
        raise InvalidInput(
            f"This is an update ({word}), and this endpoint answers queries only.",
            remedy="Updates belong to /sparql/update, which a later version brings; until then use applyChange.",
        )
    raise InvalidInput(
        f"A query begins with SELECT, ASK, CONSTRUCT or DESCRIBE, not with {tokens[start].text[:40]!r}.",
        remedy="See whether the text is a SPARQL query, and whether a prefix line before it is complete.",
    )


def _datasets(tokens: list[_Token], prefixes: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    default_graphs: list[str] = []
    named_graphs: list[str] = []
    for at, token in enumerate(tokens):
        if token.kind != "word" or token.text.upper() != "FROM":
            continue
        following = tokens[at + 1 : at + 3]
        target = default_graphs
        if following and following[0].kind == "word" and following[0].text.upper() == "NAMED":
            following, target = following[1:], named_graphs
        if following:
            target.append(_iri(following[0], prefixes))
    return tuple(default_graphs), tuple(named_graphs)


def _iri(token: _Token, prefixes: Mapping[str, str]) -> str:
    iri = token.text[1:-1] if token.kind == "iri" else ""
    if token.kind == "name":
        prefix, _, local = token.text.partition(":")
        iri = prefixes.get(prefix, "") + re.sub(r"\\(.)", r"\1", local) if prefix in prefixes else ""
    if ":" not in iri:
        raise InvalidInput(
            f"FROM needs the absolute IRI of a graph, not {token.text[:60]!r}.",
            remedy="Write it out, e.g. FROM <urn:twin:site:office>.",
        )
    return iri


def _place(text: str, position: int) -> str:
    before = text[:position]
    return f"line {before.count(chr(10)) + 1}, column {position - before.rfind(chr(10))}"
