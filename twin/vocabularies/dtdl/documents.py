"""From text to JSON: one DTDL document or an array; a byte order mark and JSON-LD's long spellings are tolerated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from twin.vocabularies.dtdl.problems import Problem

_LONG = re.compile(
    r"dtmi:(?:dtdl|standard)(?::extension:\w+:v\d+)?:(?:class|property|unit|instance:Schema|instance:CommandType|enum"
    r"|schema:geospatial):(\w+)(?:;\d+)?"
)
_CONTEXT = re.compile(r"dtmi:dtdl:context;([1-9]\d*)(#limitless)?")
DEPTH = 100
"""How many levels of JSON a document may nest; the deepest that DTDL can say is far below."""


@dataclass(frozen=True, slots=True)
class Node:
    """One top-level object of a document, with the JSON Pointer to it and a context it inherits (None: its own)."""

    document: str
    path: str
    value: dict[str, Any]
    context: Any = None


@dataclass(frozen=True, slots=True)
class Context:
    """The DTDL version of an object and the other contexts it names; version 0 when it names none."""

    version: int
    others: tuple[str, ...] = ()


def term(text: str) -> str:
    """The short word for a term of the language that may be spelled as its whole identifier.

    >>> term("dtmi:dtdl:class:Interface;2")
    'Interface'
    """
    match = _LONG.fullmatch(text)
    return match[1] if match else text


def read_context(value: object) -> Context | None:
    """The context an object's ``@context`` states, or None when it is not of a known form.

    The DTDL context must come first; objects (inline term definitions) are not part of DTDL.
    """
    given = as_list(value)
    names = [name for name in given if isinstance(name, str)]
    if not names or len(names) < len(given):
        return None
    match = _CONTEXT.fullmatch(names[0])
    return Context(int(match[1]), tuple(names[1:])) if match else Context(0, tuple(names))


def pointer(path: str, *steps: str | int) -> str:
    """The JSON Pointer that goes on from ``path``."""
    return path + "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def as_list(value: object) -> list[Any]:
    """JSON-LD writes a set of one without brackets: the value as a list either way."""
    return value if isinstance(value, list) else [value]


def unwrapped(value: object) -> object:
    """The plain value of a JSON-LD value object or of a bare reference, anything else as it is."""
    if isinstance(value, dict):
        if "@value" in value and not value.keys() - {"@value", "@type", "@language"}:
            return value["@value"]
        if value.keys() == {"@id"}:
            return value["@id"]
    return value


def _depth(value: object) -> int:
    """How deep the JSON nests, found without recursion."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        current, depth = waiting.pop()
        deepest = max(deepest, depth)
        if isinstance(current, dict):
            waiting += [(item, depth + 1) for item in current.values() if isinstance(item, dict | list)]
        elif isinstance(current, list):
            waiting += [(item, depth + 1) for item in current if isinstance(item, dict | list)]
    return deepest


def nodes(document: str, text: str | bytes, problems: list[Problem]) -> Iterator[Node]:
    """The top-level objects of one text; what is wrong with the text itself goes to ``problems``."""

    def bad(rule: str, path: str, message: str, remedy: str) -> None:
        problems.append(Problem(rule, "", path, message, remedy, document))

    raw = text.encode() if isinstance(text, str) else text
    try:
        value = orjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        bad("json.syntax", "", f"The text is no JSON: {error.msg} ({where}).", "Correct the text there.")
        return
    if _depth(value) > DEPTH:
        bad(
            "json.depth",
            "",
            f"The JSON nests deeper than {DEPTH} levels.",
            "Give nested definitions an @id of their own.",
        )
        return
    if value == []:
        bad("document.empty", "", "The document holds no interface.", "Put an Interface object into it.")
    for index, item in enumerate(as_list(value)):
        path = pointer("", index) if isinstance(value, list) else ""
        if not isinstance(item, dict):
            bad(
                "document.object",
                path,
                "A DTDL document is an object, or an array of objects.",
                "Put an Interface here.",
            )
        elif "@graph" in item:
            for inner, graph_item in enumerate(as_list(item["@graph"])):
                place = pointer(path, "@graph", inner)
                if isinstance(graph_item, dict):
                    yield Node(document, place, graph_item, item.get("@context"))
                else:
                    bad("document.object", place, "An item of @graph is an object.", "Put an Interface here.")
        else:
            yield Node(document, path, item)
