"""The words of a SPARQL text, found in linear time and without a parser, which deep nesting would end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# Every loop is possessive or bounded: no text makes this quadratic.  A string that does not end is taken to the end of
# the line or text, where the parser stops too.
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]++|\#[^\r\n]*+)
    |(?P<iri><[^<>"{}|^`\\\x00-\x20]*+>)
    |(?P<text>\"{3}(?:"{0,2}(?:[^"\\]|\\.))*+(?:\"{3})?|'{3}(?:'{0,2}(?:[^'\\]|\\.))*+(?:'{3})?
        |"(?:[^"\\\r\n]|\\.)*+"?|'(?:[^'\\\r\n]|\\.)*+'?)
    |(?P<variable>[?$]\w++)
    |(?P<label>_:\w[\w\-]*+)
    |(?P<name>(?:[^\W\d_][\w.\-]{0,100}+)?:(?:[\w:%\-]|\\.|\.(?=[\w:%\-\\]))*+)
    |(?P<number>(?:\d++\.?\d*+|\.\d++)(?:[eE][+\-]?\d++)?)
    |(?P<language>@[A-Za-z]++(?:-[A-Za-z0-9]++)*+)
    |(?P<word>[^\W\d][\w\-]*+)
    |(?P<symbol><<|>>|\|\||&&|!=|<=|>=|\^\^|.)""",
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """One word: its ``kind`` (iri, text, variable, label, name, number, language, word, symbol), its text and where it
    begins."""

    kind: str
    text: str
    position: int

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.position + len(self.text)


def tokens_of(text: str) -> Iterator[Token]:
    """The words, without spaces and comments."""
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind != "space":
            yield Token(kind or "symbol", match.group(), match.start())


def place(text: str, position: int) -> str:
    """A position in words."""
    before = text[:position]
    return f"line {before.count(chr(10)) + 1}, column {position - before.rfind(chr(10))}"
