"""Variables of a query bound before it is evaluated, in every group of it (SHACL, appendix A).

pyoxigraph's own substitution binds a variable where the whole query returns it, and not in groups within; so the
binding is written into the text, at the beginning of each group.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from twin.graph.shacl.triples import Term
from twin.graph.sparql.tokens import tokens_of
from twin.terms import BlankNode, Literal, NamedNode, Triple

__all__ = ["Functions", "prebound"]

Functions = dict[NamedNode, Callable[..., NamedNode | BlankNode | Literal | Triple | None]]

_GIVEN = "urn:twin:shacl:given:"


def prebound(query: str, bindings: Mapping[str, Term]) -> tuple[str, Functions]:
    """The text with the variables bound, and the functions that it needs (a blank node cannot be written down)."""
    if not bindings:
        return query, {}
    parts: list[str] = []
    functions: Functions = {}
    for name, term in bindings.items():
        if isinstance(term, BlankNode):
            iri = NamedNode(_GIVEN + name)
            functions[iri] = _constant(term)
            parts.append(f" BIND(<{iri.value}>() AS ?{name}) ")
        else:
            parts.append(f" VALUES ?{name} {{ {term} }} ")
    return "".join(parts).join(_pieces(query)), functions


def _constant(term: BlankNode) -> Callable[[], BlankNode]:
    return lambda: term


@lru_cache(maxsize=1024)
def _pieces(query: str) -> tuple[str, ...]:
    """The text in pieces, cut behind each brace that opens a group of patterns."""
    tokens = [token for token in tokens_of(query) if token.kind != "space"]
    cuts = [0]
    data = False  # between VALUES and the end of its variables
    for token, following in zip(tokens, [*tokens[1:], tokens[-1]], strict=True):
        if token.kind == "word" and token.text.upper() == "VALUES":
            data = True
        elif token.text == "{" and token.kind == "symbol":
            is_select = following.kind == "word" and following.text.upper() == "SELECT"
            if not data and not is_select:
                cuts.append(token.end)
            data = False
    return tuple(query[start:end] for start, end in zip(cuts, [*cuts[1:], len(query)], strict=True))
