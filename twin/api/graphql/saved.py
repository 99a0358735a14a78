"""The queries that come with the product: one file a question, its first comment the title and use."""

from __future__ import annotations

from pathlib import Path

import strawberry

from twin.data import data_directory

_LANGUAGES = {".graphql": "graphql", ".rq": "sparql"}


@strawberry.type(description="a query that comes with the product")
class SavedQuery:
    name: str
    title: str
    language: str = strawberry.field(description="graphql or sparql")
    text: str


def saved_queries(directory: Path | None = None) -> list[SavedQuery]:
    """The saved queries by name."""
    found = directory or data_directory("queries")
    if not found.is_dir():
        return []
    files = sorted(path for path in found.iterdir() if path.suffix in _LANGUAGES)
    return [_read(path) for path in files]


def _read(path: Path) -> SavedQuery:
    text = path.read_text("utf-8")
    first = text.lstrip("\ufeff\n").partition("\n")[0].strip()
    title = first.lstrip("# ").strip() if first.startswith("#") else path.stem.replace("-", " ")
    return SavedQuery(name=path.stem, title=title, language=_LANGUAGES[path.suffix], text=text)
