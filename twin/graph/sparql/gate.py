"""What a SPARQL query asks for, and the limits it must keep, found from its words before any parser sees it.

Parsers of deeply nested text end their whole process; so nothing but this module reads a query in the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from twin.errors import InvalidInput
from twin.graph.sparql.glance import form_at_a_glance
from twin.graph.sparql.tokens import Token, place, tokens_of
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
_LIVE = str(LIVE)
_UPDATES = frozenset({"INSERT", "DELETE", "LOAD", "CLEAR", "CREATE", "DROP", "COPY", "MOVE", "ADD", "WITH"})
_OPERATORS = frozenset(
    {"UNION", "OPTIONAL", "MINUS", "FILTER", "BIND", "AS", "EXISTS", "GRAPH", "LATERAL", "SELECT", "VALUES", "HAVING"}
    | {"IN", "||", "&&", "!", "!=", "=", "<", ">", "<=", ">=", "+", "-", "*", "/", "|", "^", "^^", ".", ";", "?"}
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


def examine(text: str, limits: Limits = LIMITS) -> Question:
    """The question a query asks; raises `QueryTooLarge` or `InvalidInput` with the reason and what to do."""
    plain = form_at_a_glance(text, limits.text_bytes, limits.nesting, limits.operators)
    if plain is not None:
        return Question(text, plain, (), (), live=False)  # type: ignore[arg-type]  # it is one of the forms
    return examined(text, limits)


def examined(text: str, limits: Limits) -> Question:
    """As `examine`, word by word."""
    tokens = words_of(text, limits)
    within(text, tokens, limits)
    prefixes, _, start = prologue(tokens)
    form = _form(tokens, start)
    default_graphs, named_graphs = _datasets(tokens, prefixes)
    return Question(text, form, default_graphs, named_graphs, calls_live(tokens, prefixes))


def words_of(text: str, limits: Limits, what: str = "query") -> list[Token]:
    """The words of a text that is not too long, means the same to every parser and calls nobody; raises
    `QueryTooLarge` or `InvalidInput`."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise InvalidInput(f"The {what} holds half of a surrogate pair.", remedy="Send it as UTF-8.") from error
    if size > limits.text_bytes:
        raise QueryTooLarge(
            f"The {what} is {size:,} bytes long; at most {limits.text_bytes:,} are taken.",
            remedy="Shorten it, for example by asking for a class instead of listing its members."
            if what == "query"
            else "Send it in several parts, or import a file.",
        )
    tokens = list(tokens_of(text))
    _unambiguous(text, tokens)
    _refuse_service(text, tokens)
    return tokens


def calls_live(tokens: list[Token], prefixes: Mapping[str, str]) -> bool:
    """Whether a live function is named among the words."""
    for token in tokens:
        if token.kind == "name" and prefixes.get(token.text.partition(":")[0], "").startswith(_LIVE):
            return True
        if token.kind == "iri" and token.text.startswith("<" + _LIVE):
            return True
    return False


def within(text: str, tokens: Iterable[Token], limits: Limits, what: str = "query") -> None:
    """Returns when brackets and operators keep their limits; raises `InvalidInput` with the place otherwise."""
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
                    f"The {what} nests brackets deeper than {limits.nesting} at {place(text, token.position)}.",
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
                f"The {what} has more than {limits.operators} operators at {place(text, token.position)}.",
                remedy="Put alternatives into a VALUES block or an IN list, or ask several questions.",
            )


def _refuse_service(text: str, tokens: list[Token]) -> None:
    # A parser needs no space around keywords: `trueSERVICE<...>`, `SERVICESILENT:a` and `SERVICE:a` all call out.
    for token in tokens:
        word = token.text.partition(":")[0] if token.kind == "name" else token.text if token.kind == "word" else ""
        if "SERVICE" in word.upper():
            raise InvalidInput(
                f"SERVICE at {place(text, token.position)} is refused: queries do not leave this server.",
                remedy="Ask the other endpoint yourself and put its answer into a VALUES block; if it is a prefix, "
                "give it another name.",
            )


def _unambiguous(text: str, tokens: list[Token]) -> None:
    """Returns when a parser, too, sees these texts where they are seen here, so that nothing hides in one."""
    comment_until = 0
    for token in tokens:
        end = token.end
        if token.kind == "iri" and "'" in token.text:
            raise InvalidInput(
                f"The apostrophe in the IRI at {place(text, token.position)} can be read in two ways.",
                remedy="Write %27 for it, or put spaces around < and > where they compare.",
            )
        if token.kind == "iri" and "#" in token.text and end > comment_until:
            # After `?a<` this would be a comment to the end of the line.
            line_end = text.find("\n", end)
            comment_until = line_end if line_end >= 0 else len(text)
        if token.kind == "text":
            quote = token.text[:3] if token.text[:3] in ('"""', "'''") else token.text[:1]
            if len(token.text) < 2 * len(quote) or not token.text.endswith(quote):
                raise InvalidInput(
                    f"The text that begins at {place(text, token.position)} does not end.",
                    remedy="Close it with the same quotes that open it.",
                )
            if token.position < comment_until < end:
                raise InvalidInput(
                    f"The text that begins at {place(text, token.position)} can be read in two ways.",
                    remedy="Begin a text of several lines on a line of its own.",
                )


def prologue(
    tokens: list[Token], at: int = 0, prefixes: Mapping[str, str] = PREFIXES, base: str = ""
) -> tuple[dict[str, str], str, int]:
    """The prefixes and the base (as it is written) in effect after the declarations, and the word that follows them."""
    declared = dict(prefixes)
    while at < len(tokens) and tokens[at].kind == "word":
        word = tokens[at].text.upper()
        if word == "PREFIX" and at + 2 < len(tokens):
            declared[tokens[at + 1].text.rstrip(":")] = tokens[at + 2].text[1:-1]
            at += 3
        elif word in ("BASE", "VERSION") and at + 1 < len(tokens):
            base = tokens[at + 1].text if word == "BASE" else base
            at += 2
        else:
            break
    return declared, base, at


def _form(tokens: list[Token], start: int) -> Form:
    if start >= len(tokens):
        raise InvalidInput("The query is empty.", remedy="Send a SELECT, ASK, CONSTRUCT or DESCRIBE query.")
    word = tokens[start].text.upper()
    if word == "SELECT" or word == "ASK" or word == "CONSTRUCT" or word == "DESCRIBE":
        return word  # type: ignore[return-value]  # it was compared with every form just now
    if word in _UPDATES:
        raise InvalidInput(
            f"This is an update ({word}), and this endpoint answers queries only.",
            remedy="Send it to /sparql/update.",
        )
    raise InvalidInput(
        f"A query begins with SELECT, ASK, CONSTRUCT or DESCRIBE, not with {tokens[start].text[:40]!r}.",
        remedy="See whether the text is a SPARQL query, and whether a prefix line before it is complete.",
    )


def _datasets(tokens: list[Token], prefixes: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
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
            target.append(iri_of(following[0], prefixes, "FROM"))
    return tuple(default_graphs), tuple(named_graphs)


def iri_of(token: Token, prefixes: Mapping[str, str], word: str) -> str:
    """The absolute IRI of a graph that follows ``word``; raises `InvalidInput` for anything else."""
    iri = token.text[1:-1] if token.kind == "iri" else ""
    if token.kind == "name":
        prefix, _, local = token.text.partition(":")
        iri = prefixes.get(prefix, "") + re.sub(r"\\(.)", r"\1", local) if prefix in prefixes else ""
    if ":" not in iri:
        raise InvalidInput(
            f"{word} needs the absolute IRI of a graph, not {token.text[:60]!r}.",
            remedy=f"Write it out, e.g. {word} <urn:twin:site:office>.",
        )
    return iri
