"""Reading and checking DTDL: texts in, a set of interfaces or a list of problems out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from twin.vocabularies.dtdl.documents import nodes
from twin.vocabularies.dtdl.interfaces import InterfaceSet, interface, judge_set
from twin.vocabularies.dtdl.problems import Problem, refuse
from twin.vocabularies.dtdl.walk import Walk

Texts = Mapping[str, str | bytes] | Iterable[str | bytes]
"""DTDL texts: by document name, or without names (they are then told by number)."""


def parse(
    texts: Texts, *, allow_undefined_extensions: bool | None = None, max_version: int = 4
) -> tuple[InterfaceSet, list[Problem]]:
    """All interfaces that could be read, and everything that is wrong with the texts, in one pass.

    ``allow_undefined_extensions`` says whether types, members and contexts that nobody defined are let through; None
    follows the version (v2 lets them through, v3 and v4 do not).
    """
    walk = Walk(allow_undefined_extensions=allow_undefined_extensions, max_version=max_version)
    if isinstance(texts, Mapping):
        named: Iterable[tuple[str, str | bytes]] = texts.items()
    else:
        named = ((f"document {number}", text) for number, text in enumerate(texts, start=1))
    for name, text in named:
        for node in nodes(name, text, walk.problems):
            walk.document(node)
    found = [element for element in walk.interfaces if element.dtmi]
    interfaces = InterfaceSet({element.dtmi: interface(element) for element in reversed(found)})
    return interfaces, [*walk.problems, *judge_set(found, interfaces)]


def read_interfaces(texts: Texts) -> InterfaceSet:
    """The interfaces of DTDL v2, v3 or v4 texts; raises `twin.errors.InvalidInput` that lists every problem."""
    interfaces, problems = parse(texts)
    if problems:
        raise refuse(problems)
    return interfaces


def check(text: str | bytes, *, allow_undefined_extensions: bool | None = None, max_version: int = 4) -> list[Problem]:
    """Everything wrong with one DTDL text (an Interface or an array of them); empty when valid.

    Checked: JSON and contexts; types, co-types and members of every element; identifiers, names, texts, numbers and
    their limits; references; inheritance (missing, circular, too deep, clashing names); nested schemas and Components;
    enums; semantic types with their units and schemas.  Not yet checked: what the mqtt, annotation and overriding
    extensions say across elements, the total of elements below contents in v3 and v4, limit extensions.
    """
    return parse([text], allow_undefined_extensions=allow_undefined_extensions, max_version=max_version)[1]
