"""Revisions as clients see them: opaque text whose alphabetical order is the order of the changes."""

from __future__ import annotations

from twin.errors import InvalidInput
from twin.graph.journal_rows import shown

__all__ = ["parsed", "parsed_or_none", "shown"]


def parsed(token: str) -> int:
    """The revision of a token; raises `InvalidInput` for any other text."""
    if not (token.isascii() and token.isdecimal() and len(token) <= 18):
        raise InvalidInput(
            f"{token[:40]!r} is not a revision.", remedy="Pass a revision that this server gave, unchanged."
        )
    return int(token)


def parsed_or_none(token: str | None) -> int | None:
    """The revision of a token, None for none."""
    return None if token is None else parsed(token)
