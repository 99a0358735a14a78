"""What SPARQL in a shape may say: it is within the limits of every query, parses, and keeps SHACL's rules of variables
that are bound before (SHACL, 5.2.1 and appendix A)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyoxigraph import Store

from twin.errors import InvalidInput
from twin.graph.shacl.shape_graph import IllFormed
from twin.graph.sparql.gate import examine

__all__ = ["check_query"]

_SHOWN = 200  # characters of a parser's words
_OPTIONAL = frozenset(("shapesGraph", "currentShape"))
_REFUSED = {
    "MinusGraphPattern": ("MINUS", "Write FILTER NOT EXISTS in its place."),
    "InlineData": ("VALUES", "Write FILTER (?x IN (...)) in its place."),
    "ServiceGraphPattern": ("SERVICE", "Ask for what is in the graph."),
}


def check_query(text: str, *, is_ask: bool, bound: frozenset[str]) -> None:
    """Returns when the text can be evaluated with these variables bound before; raises `IllFormed` otherwise."""
    try:
        form = examine(text).form
        Store().query(text)
    except (InvalidInput, SyntaxError, OSError) as error:
        message = error.message if isinstance(error, InvalidInput) else str(error)
        if "Prefix not found" in message:
            message = "a prefix in it is not declared"
        words = " ".join(message.split()).rstrip(".")[:_SHOWN]
        raise IllFormed(f"has a SPARQL text that cannot be read: {words}", "Correct the text.") from None
    if form != ("ASK" if is_ask else "SELECT"):
        raise IllFormed(f"has a {form} where it says it has a {'ASK' if is_ask else 'SELECT'}", "Correct the text.")
    from twin.graph.shacl.query_parsing import parsed  # rdflib takes a moment to load: only for shapes with SPARQL

    tree = parsed(text)
    if tree is None or not bound:
        return  # a target has nothing bound before, and may say all that SPARQL can
    if not is_ask and not _projects(tree, "this"):
        raise IllFormed("has a SELECT that does not return $this", "Begin it with SELECT $this.")
    for part in _parts(tree):
        if part.name in _REFUSED:
            what, remedy = _REFUSED[part.name]
            raise IllFormed(f"uses {what}, which SHACL does not allow with variables bound before", remedy)
        assigned = str(part.var) if part.name == "Bind" else ""
        if part.name in ("SelectQuery", "SubSelect"):
            named = (str(each.evar) for each in part.projection or () if each.evar is not None)
            assigned = next((name for name in named if name in bound), "")
        if assigned in bound:
            raise IllFormed(f"gives a value to ${assigned}, which is bound before", "Use another variable.")
        if part.name == "SubSelect":
            missing = sorted(name for name in bound - _OPTIONAL if not _projects(part, name))
            if missing:
                raise IllFormed(f"has a subquery that does not return ${missing[0]}", "Add it to the inner SELECT.")
    if tree.valuesClause:
        raise IllFormed(
            "uses VALUES, which SHACL does not allow with variables bound before", _REFUSED["InlineData"][1]
        )


def _projects(select: Any, name: str) -> bool:
    if not select.projection:  # SELECT *: what its patterns bind
        return any(str(each) == name for part in _parts(select.where) for each in _bound_by(part))
    return any(str(each.var) == name for each in select.projection if each.var is not None)


def _bound_by(part: Any) -> Iterator[Any]:
    if part.name == "TriplesBlock":
        yield from (term for block in part.triples for term in block)
    elif part.name == "Bind":
        yield part.var
    elif part.name == "SubSelect":
        yield from (each.var for each in part.projection or () if each.var is not None)


def _parts(tree: Any) -> Iterator[Any]:
    """Every part of a parse tree that has a name."""
    ahead = [tree]
    while ahead:
        here = ahead.pop()
        if isinstance(here, dict):
            if hasattr(here, "name"):
                yield here
            ahead.extend(here.values())
        elif isinstance(here, list | tuple) or type(here).__name__ in ("plist", "ParseResults"):
            ahead.extend(here)
