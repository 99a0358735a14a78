"""The documents, taken apart: their headings, links, tables, and fenced blocks with what the tests do with each.

An HTML comment right before a fence says what the block is for::

    <!-- test: VERB NAME; key: words -->

``ask`` sends a GraphQL or SPARQL text, ``run`` runs shell commands to their end, ``keep`` leaves one running,
``file`` is written to the reader's directory, ``answer`` is what the ask or run of that name prints, ``make`` names
targets of the Makefile, ``shown`` is only to be read.  ``varies`` lists what may differ from one day to the next,
``near`` a number and how far it may be from the printed one, ``at`` the printed port of the server that is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VERBS = frozenset({"ask", "run", "keep", "file", "answer", "make", "shown"})
_COMMENT = re.compile(r"<!-- test: (?P<verb>\w+) ?(?P<name>[^;]*?)(?P<keys>(?:; [^;]*)*) -->")
_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>\w*)\s*$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the line of its first fence, its language, its text, and what its comment says."""

    page: Path
    line: int
    section: str
    language: str
    text: str
    verb: str = ""
    name: str = ""
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def varies(self) -> frozenset[str]:
        return frozenset(self.keys.get("varies", "").split())

    @property
    def near(self) -> dict[str, float]:
        name, _, distance = self.keys.get("near", "").partition(" ")
        return {name: float(distance)} if name else {}

    @property
    def port(self) -> int:
        return int(self.keys.get("at", "8000"))

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line} ({self.verb} {self.name})"


def page(name: str) -> Path:
    """A document by its path in the repository."""
    return ROOT / name


def every_page() -> list[Path]:
    """README and everything under docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@cache
def blocks(document: Path) -> tuple[Block, ...]:
    """The fenced blocks of a document, in order."""
    return tuple(_blocks(document))


def sections(document: Path) -> list[str]:
    """The headings of the second level that have something to do in them."""
    return list(dict.fromkeys(block.section for block in blocks(document) if block.verb in ("ask", "run", "keep")))


def table(document: Path, header: str) -> list[list[str]]:
    """The rows of the table whose header's first cell is this, each cell without its code marks."""
    rows: list[list[str]] = []
    inside = False
    for line in document.read_text("utf-8").splitlines():
        cells = [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        if not line.startswith("|"):
            inside = False
        elif cells[0] == header:
            inside = True
        elif inside and not set(cells[0]) <= set("-: "):
            rows.append([cell.strip("`") for cell in cells])
    assert rows, f"{document.name} has no table {header!r}"
    return rows


def prose(document: Path) -> str:
    """The document without its fenced blocks."""
    kept, fence = [], ""
    for line in document.read_text("utf-8").splitlines():
        match = _FENCE.match(line)
        if fence:
            fence = "" if line.strip() == fence else fence
        elif match:
            fence = match["fence"]
        else:
            kept.append(line)
    return "\n".join(kept)


def _blocks(document: Path) -> Iterator[Block]:
    section, comment, fence, language, start = "", None, "", "", 0
    text: list[str] = []
    for number, line in enumerate(document.read_text("utf-8").splitlines(), 1):
        match = _FENCE.match(line)
        if fence and line.strip() == fence:
            yield _block(document, start, section, language, "\n".join(text) + "\n", comment)
            fence, comment = "", None
        elif fence:
            text.append(line)
        elif match:
            fence, language, start, text = match["fence"], match["language"], number, []
        elif line.startswith("<!-- test:"):
            comment = _COMMENT.fullmatch(line.strip())
            assert comment is not None, f"{document.name}:{number} is no comment that is understood: {line}"
        elif line.startswith("## "):
            section = line.removeprefix("## ").strip()
        elif line.strip():
            comment = None
    assert not fence, f"{document.name}:{start} opens a fence that nothing closes"


def _block(document: Path, line: int, section: str, language: str, text: str, comment: re.Match[str] | None) -> Block:
    if comment is None:
        return Block(document, line, section, language, text)
    pairs = [part.partition(":") for part in comment["keys"].split(";") if part.strip()]
    keys = {key.strip(): words.strip() for key, _, words in pairs}
    assert comment["verb"] in VERBS, f"{document.name}:{line} does not know {comment['verb']!r}"
    assert set(keys) <= {"varies", "near", "at"}, f"{document.name}:{line} does not know {sorted(keys)}"
    return Block(document, line, section, language, text, comment["verb"], comment["name"].strip(), keys)
