"""Where a JSON text nests too deep to be read, found without descending into it."""

from __future__ import annotations

import re

from twin.errors import InvalidInput

DEPTH = 256
"""Levels that a document of ours may be expected to have; parsers give up at about four times as many."""
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


def too_deep(data: bytes, source: str) -> InvalidInput:
    """What is wrong with a document that no parser could follow, with the place where it passes `DEPTH` levels."""
    level, line, column = 0, None, None
    for token in _TOKEN.finditer(data):
        level += (token.group() in (b"{", b"[")) - (token.group() in (b"}", b"]"))
        if level > DEPTH:
            start = data.rfind(b"\n", 0, token.start()) + 1
            line, column = data.count(b"\n", 0, start) + 1, token.start() - start + 1
            break
    where = f", line {line}, column {column}" if line else ""
    return InvalidInput(
        f"{source}{where}: the JSON nests deeper than can be read, more than {DEPTH} levels from there on.",
        remedy="Give what is nested an @id of its own, and refer to it.",
        line=line,
        column=column,
    )
