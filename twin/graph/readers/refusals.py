"""What a reader could not do, said so that a person can mend it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from twin.errors import Forbidden, InvalidInput, NotFound, TwinError, Unavailable

_CAUSES = {
    "Prefix not found": ("its prefix is not declared", "Declare the prefix, or write the IRI out."),
    "IRI parsing failed": (
        "this is no absolute IRI",
        "Write a whole IRI without spaces, e.g. <urn:twin:office:ahu-1>.",
    ),
    "contains a variable that is unbound": (
        "a variable is selected that is not in GROUP BY",
        "Add it to GROUP BY, or aggregate it.",
    ),
    "Duplicated variable name": ("a variable is selected twice", "Give one of the two another name."),
    "SELECT * is not authorized": ("SELECT * does not go with aggregates", "Name the variables that you want."),
}
_MISSING = "See what is missing or too much there, and whether every prefix is declared."


def refusal(failure: Mapping[str, str], text: str, what: str = "query") -> TwinError:
    """The error for a failure that a reader reported on this text."""
    kind, message, remedy = failure["kind"], failure["message"], failure.get("remedy", "")
    if kind == "syntax":
        number, _, said = message.partition("|") if what == "update" else ("", "", message)
        where, advice = _place(said, text, 1 if what == "update" else 0)
        which = f" in operation {number}" if number else ""
        return InvalidInput(f"The {what} cannot be parsed{which} {where}.", remedy=remedy or advice)
    if kind in ("rows", "bytes"):
        return InvalidInput(message, remedy="Add a LIMIT, ask for fewer variables, or export the graph instead.")
    if kind == "function":
        return InvalidInput(message, remedy="Use functions of SPARQL 1.1, xsd: casts and live: functions only.")
    if kind in ("invalid",):
        return InvalidInput(message, remedy=remedy)
    if kind in ("protected", "forbidden"):
        return Forbidden(message, remedy=remedy)
    if kind == "missing":
        return NotFound(message, remedy=remedy)
    return Unavailable(f"The {what} could not be answered: {message}", remedy="Try again, or ask it another way.")


def _place(message: str, text: str, before: int) -> tuple[str, str]:
    """Where and near what a parser stopped, and what to do about it; it was given so many lines ``before`` the text."""
    query = re.match(r"error at (\d+):(\d+): expected (.*)", message, re.DOTALL)
    if query is not None:
        line, column, expected = int(query[1]) - before, int(query[2]), query[3]
    else:
        rdf = re.match(
            r"Parser error at line (\d+) (?:between columns|column) (\d+)[^:]*: (.*?)(?: \(line \d+\))?$", message
        )
        if rdf is None:
            return f"({message[:200].rstrip('.')})", _MISSING
        line, column, expected = int(rdf[1]) - before, int(rdf[2]), rdf[3]
        return f"at line {line}: {expected[:200].rstrip('.')}", _MISSING
    lines = text.splitlines()
    near = lines[line - 1][column - 1 :].strip()[:30] if line <= len(lines) else ""
    where = f"at line {line}, column {column}, {f'near {near!r}' if near else 'where it ends'}"
    for sign, (cause, remedy) in _CAUSES.items():
        if sign in expected:
            return f"{where}: {cause}", remedy
    plain = re.fullmatch(r"(?:one of )?(?:[A-Z]+|\"[^\"]{1,4}\")(?:, (?:[A-Z]+|\"[^\"]{1,4}\"))*", expected)
    return (f"{where}: {expected} is expected" if plain and len(expected) <= 40 else where), _MISSING
