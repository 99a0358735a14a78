"""The form of a short, plain query, told at a glance - most are - so that the gate need not go through its words.

It knows nothing that `twin.graph.sparql.gate` does not know: what it passes, the gate passes with the same answer.
"""

from __future__ import annotations

import re

# Nothing in it can be read in two ways: no escapes, comments or texts of several lines, no IRI with brackets or an
# apostrophe, and every `<` that begins no IRI stands alone.
_PLAIN = re.compile(
    r"""(?:[^<"'\\#]++
    |<[^<>"{}|^`\\\x00-\x20'()!]*+>
    |<(?![^<>"{}|^`\\\x00-\x20]*+>|<)
    |"[^"\\\r\n]*+"(?!")
    |'[^'\\\r\n]*+'(?!'))*+""",
    re.VERBOSE,
)
_BEGIN = re.compile(
    r"""(?:[ \t\r\n]*+PREFIX[ \t\r\n]++(?:[a-z][\w.\-]{0,100}+)?:[ \t\r\n]*+<[^<>"{}|^`\\\x00-\x20]*+>)*+
    [ \t\r\n]*+(SELECT|ASK|CONSTRUCT|DESCRIBE)(?![\w.\-:])""",
    re.VERBOSE | re.IGNORECASE,
)


def form_at_a_glance(text: str, text_bytes: int, nesting: int, operators: int) -> str | None:
    """The form of a query that surely keeps these limits, names no graph of its own, calls no live function and calls
    nobody; None for one that has to be looked at."""
    # No word is shorter than a character, so a text of so many has no more operators.
    if len(text) > min(operators, text_bytes) or not text.isascii():
        return None
    if text.count("{") + text.count("(") + text.count("[") > nesting:
        return None
    lowered = text.lower()
    if "service" in lowered or "from" in lowered or "live:" in lowered or not _PLAIN.fullmatch(text):
        return None
    begin = _BEGIN.match(text)
    return begin[1].upper() if begin is not None else None
