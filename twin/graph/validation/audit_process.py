"""The process of an audit: triples in, what Brick's shapes find, as JSON lines.  See `twin.graph.validation.audit`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twin.graph.child import Answer, serve

_DEPRECATED = re.compile(r"has type <(?P<old>[^>]+)> which was deprecated in version (?P<version>[^ ]+?)\. ")
_REPLACED = re.compile(r"also be of type <(?P<new>[^>]+)>")
_FOUND = re.compile(r", found \d+$")
_DATATYPES = re.compile(r"must satisfy `test\(datatype\([^)]+\)\)(?: or test\(datatype\([^)]+\)\))*`")
_DEPRECATION = "https://brickschema.org/schema/BrickShape#DeprecationRuleForInstances"


def work(fed: bytes, answer: Callable[[Answer], None]) -> None:
    """Answers with the fields of one violation after another."""
    import shifty  # a Rust engine; rdflib is not needed for this way into it

    result = shifty.validate_algebra(fed or b"# nothing\n", Path(sys.argv[-2]))
    for violation in result.violations:
        for reason in violation.reasons:
            answer(fields_of(violation, reason))


def fields_of(violation: Any, reason: Any) -> Answer:
    """The fields of a `twin.graph.violation.Violation`; the rule is the same for every node that breaks it."""
    focus, value = plain(violation.focus_node), plain(reason.value)
    shape = violation.shape_name or ""
    words = reason.author_message or reason.message
    remedy = "Correct the value, or give it the class that the rule asks for."
    found = ""
    deprecated = _DEPRECATED.search(words) if shape == _DEPRECATION else None
    if deprecated is not None:
        value = deprecated["old"]
        rule = "A class that is used is not deprecated."
        replaced = _REPLACED.search(words)
        remedy = (
            f"Use {replaced['new']} instead." if replaced else f"It was deprecated in Brick {deprecated['version']}."
        )
    else:
        words = simpler(_FOUND.sub("", words).replace(f"<{focus}>", "the node"))
        path = reason.path if reason.path and not reason.author_message and reason.path not in words else ""
        rule = sentence(f"{path}: {words}" if path else words)
        if reason.observed_count is not None:
            found = f"{reason.observed_count} value{'' if reason.observed_count == 1 else 's'}"
            remedy = "Add what is missing, or remove what is too much."
    return {
        "focus": focus,
        "path": reason.path or "",
        "component": str(reason.constraint_kind).removeprefix("ConstraintKind."),
        "shape": shape,
        "value": "" if value == focus else value,
        "severity": violation.severity.lower(),
        "rule": rule,
        "remedy": remedy,
        "source": "brick",
        "found": found,
    }


def plain(term: str) -> str:
    """An IRI without its brackets, a literal without its quotation marks and datatype."""
    if term.startswith("<") and term.endswith(">"):
        return term[1:-1]
    if term.startswith('"'):
        return term.strip('"').partition("^^")[0].strip('"')
    return term


def simpler(words: str) -> str:
    """The engine's words for a choice of datatypes, as a person would say them."""
    choice = _DATATYPES.fullmatch(words)
    if choice is None:
        return words
    types = re.findall(r"datatype\((?:xsd:)?([^)]+)\)", words)
    return "must be a number" if {"decimal", "double"} <= set(types) else f"must be of type {' or '.join(types)}"


def sentence(words: str) -> str:
    """The words with a full stop."""
    words = " ".join(words.split())
    return words if words.endswith((".", "!", "?")) else words + "."


if __name__ == "__main__":
    serve(work)
