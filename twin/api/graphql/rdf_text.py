"""The quads of a change given as text: Turtle, N-Triples or N-Quads, with line and column where it is wrong."""

from __future__ import annotations

from twin.errors import InvalidInput
from twin.terms import BlankNode, DefaultGraph, Quad, RdfFormat, Triple, parse
from twin.vocab import bindings_graph, site_graph
from twin.vocabularies.sandbox import has_long_name

_QUOTED_TRIPLES = 64  # many nested ones exhaust the parser's stack, and none can be stored anyway


def quads_of(argument: str, text: str, site: str) -> tuple[Quad, ...]:
    """The quads of one argument of a change, those outside any graph put among the site's assets.

    Raises `InvalidInput`: with ``line`` and ``column`` for text that is no RDF, and for a graph that is not the
    site's own.
    """
    if text.count("<<") > _QUOTED_TRIPLES:
        raise InvalidInput(f"{argument} quotes triples inside each other.", remedy="Say it with a node of its own.")
    if has_long_name(text.encode()):  # as a prefix, it would multiply the text
        raise InvalidInput(
            f"{argument} has an IRI of more than 256 characters.", remedy="Shorten it, or import it as a file."
        )
    home, wiring = site_graph(site), bindings_graph(site)
    placed: list[Quad] = []
    for quad in _parsed(argument, text):
        graph = quad.graph_name
        if isinstance(graph, DefaultGraph):
            quad = Quad(quad.subject, quad.predicate, quad.object, home)
        elif graph not in (home, wiring):
            raise InvalidInput(
                f"{argument} names the graph {graph}, which is not part of the site {site!r}.",
                remedy=f"Leave the graph out, or use <{home.value}> or <{wiring.value}>.",
            )
        if isinstance(quad.object, Triple) or isinstance(quad.subject, Triple):
            raise InvalidInput(f"{argument} quotes a triple.", remedy="Say it with a node of its own.")
        placed.append(quad)
    return tuple(placed)


def names_only(argument: str, quads: tuple[Quad, ...]) -> None:
    """Returns when no quad has a blank node; raises `InvalidInput` otherwise (nobody knows which node is meant)."""
    for quad in quads:
        if isinstance(quad.subject, BlankNode) or isinstance(quad.object, BlankNode):
            raise InvalidInput(
                f"{argument} names a blank node, and nobody can tell which stored node that is.",
                remedy="Every node was given an IRI when it was stored; use that.",
            )


def _parsed(argument: str, text: str) -> list[Quad]:
    try:
        return list(parse(text, format=RdfFormat.TURTLE))
    except (SyntaxError, ValueError) as turtle:
        # N-Quads is the one of the three that Turtle does not include.
        try:
            return list(parse(text, format=RdfFormat.N_QUADS))
        except (SyntaxError, ValueError) as n_quads:
            raise _unreadable(argument, turtle, n_quads) from turtle


def _unreadable(argument: str, turtle: Exception, n_quads: Exception) -> InvalidInput:
    # Whichever parser came further is the one the text was meant for.
    error = n_quads if _place(n_quads) > _place(turtle) else turtle
    line, column = _place(error)
    where = f", line {line}, column {column}" if line else ""
    message = str(getattr(error, "msg", None) or error).strip()
    said = message.partition(": ")[2] if message.startswith("Parser error at") else message
    return InvalidInput(
        f"{argument}{where}: {said.rstrip('.')}.",
        remedy="Mend that line and send the change again; nothing was applied.",
        argument=argument,
        line=line or None,
        column=column or None,
    )


def _place(error: Exception) -> tuple[int, int]:
    return getattr(error, "lineno", None) or 0, getattr(error, "offset", None) or 0
