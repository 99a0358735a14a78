"""RDF Patch: rows that add (``A``) and delete (``D``) triples or quads, as `application/rdf-patch` carries them.

The text form of https://afs.github.io/rdf-delta/rdf-patch.html: one transaction of rows, prefixes by ``PA``, headers
by ``H``.  Blank nodes cannot be named from outside: every stored node has an IRI.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from twin.errors import InvalidInput

MEDIA_TYPE = "application/rdf-patch"
_TERM = re.compile(
    r"""\s*(?:
      (?P<iri><[^\x00-\x20<>"{}|^`]*>)
    | (?P<literal>"(?:[^"\\\n\r]|\\.)*"
        (?:@[A-Za-z]+(?:-[A-Za-z0-9]+)*|\^\^(?:<[^\x00-\x20<>"{}|^`]*>|[\w.-]*:[\w.%-]*))?)
    | (?P<name>[A-Za-z][\w.-]*:[\w.%:-]*|:[\w.%:-]*)
    | (?P<blank>_:\S+)
    | (?P<end>\.)\s*(?:\#.*)?$
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Patch:
    """What a patch adds and deletes, as N-Quads text."""

    added: str
    removed: str


def parsed_patch(text: str) -> Patch:
    """The patch of a text; raises `InvalidInput` with the line that is wrong."""
    prefixes: dict[str, str] = {}
    rows: dict[str, list[str]] = {"A": [], "D": []}
    transactions = 0
    for number, line in enumerate(text.splitlines(), 1):
        code, _, rest = line.strip().partition(" ")
        code = code.rstrip(".") or code
        if not code or code.startswith("#"):
            continue
        if code in rows:
            rows[code].append(_row(rest, prefixes, number))
        elif code == "PA":
            name, iri = _prefix(rest, number)
            prefixes[name] = iri
        elif code == "PD":
            prefixes.pop(rest.strip().rstrip(" .").strip('"').rstrip(":"), None)
        elif code == "TX":
            transactions += 1
        elif code not in ("TC", "H"):
            what = "takes itself back" if code == "TA" else f"has a row {code[:20]!r}"
            raise _wrong(number, f"The patch {what}", "Use the rows H, TX, PA, PD, A, D and TC.")
        if transactions > 1:
            raise _wrong(number, "The patch has a second transaction", "Send one transaction in each request.")
    return Patch("\n".join(rows["A"]), "\n".join(rows["D"]))


def _row(rest: str, prefixes: dict[str, str], number: int) -> str:
    terms: list[str] = []
    at = 0
    while (match := _TERM.match(rest, at)) is not None:
        at = match.end()
        kind, term = match.lastgroup, match[0].strip()
        if kind == "end":
            if len(terms) not in (3, 4):
                break
            return " ".join(terms) + " ."
        if kind == "blank":
            raise _wrong(number, f"The row names the blank node {term[:40]}", "Use the IRI that the node was given.")
        terms.append(_expanded(term, prefixes, number))
    raise _wrong(number, "The row is not three or four terms and a point", "Write A <s> <p> <o> . with full terms.")


def _expanded(term: str, prefixes: dict[str, str], number: int) -> str:
    if term.startswith("<"):
        return term
    if term.startswith('"'):
        text, separator, kind = term.rpartition("^^")
        return f"{text}^^{_expanded(kind, prefixes, number)}" if separator and text.endswith('"') else term
    prefix, _, local = term.partition(":")
    if prefix not in prefixes:
        raise _wrong(number, f"The prefix {prefix + ':'!r} is not declared", "Declare it in a row PA before.")
    return f"<{prefixes[prefix]}{local}>"


def _prefix(rest: str, number: int) -> tuple[str, str]:
    match = re.fullmatch(r'\s*"?([\w.-]*):?"?\s+<([^\x00-\x20<>"{}|^`]{0,256})>\s*\.\s*', rest)
    if match is None:
        raise _wrong(number, "The row PA is not a prefix and an IRI", 'Write PA "name" <IRI> .')
    return match[1], match[2]


def _wrong(number: int, what: str, remedy: str) -> InvalidInput:
    return InvalidInput(f"Line {number}: {what}.", remedy=remedy, line=number)
