"""Pages of a list: sizes within bounds, and cursors that stay valid while the list changes around them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

import strawberry

from twin.errors import InvalidInput

N = TypeVar("N")


@strawberry.type
class PageInfo:
    """Where a page lies in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of keys: ``total`` counts the whole list."""

    items: Sequence[str]
    total: int
    has_next: bool


@strawberry.type
class Edge(Generic[N]):
    """One item of a page with the cursor that stands on it."""

    node: N
    cursor: str


@strawberry.type
class Connection(Generic[N]):
    """A page of a list as Relay has it; ``_read`` gives what the keys of the page name."""

    _kind: strawberry.Private[str]
    _page: strawberry.Private[Slice]
    _read: strawberry.Private[Callable[[Sequence[str]], list[N]]]
    page_info: PageInfo
    total_count: int

    @strawberry.field
    def nodes(self) -> list[N]:
        return self._listed

    @strawberry.field
    def edges(self) -> list[Edge[N]]:
        keys = self._page.items
        return [
            Edge(node=node, cursor=cursor(self._kind, str(getattr(node, "id", None) or key)))
            for node, key in zip(self._listed, keys, strict=False)
        ]

    @cached_property
    def _listed(self) -> list[N]:
        return self._read(self._page.items)


def connection(kind: str, page: Slice, after: str | None, read: Callable[[Sequence[str]], list[N]]) -> Connection[N]:
    """A page of a list of this kind as a Relay connection."""
    return Connection(
        _kind=kind, _page=page, _read=read, page_info=page_info(kind, page, after), total_count=page.total
    )


def cursor(kind: str, key: str) -> str:
    """The opaque cursor of the item ``key`` in a list of this kind."""
    return base64.urlsafe_b64encode(f"{kind}\n{key}".encode()).decode().rstrip("=")


def key_of(kind: str, text: str | None) -> str | None:
    """The key in a cursor of this kind (None for no cursor); raises `InvalidInput` for any other text."""
    if text is None:
        return None
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise InvalidInput(
            f"{text[:80]!r} is not a cursor.", remedy="Pass the endCursor of the page before, unchanged."
        ) from error
    found, separator, key = decoded.partition("\n")
    if not separator or not key:
        raise InvalidInput(
            f"{text[:80]!r} is not a cursor.", remedy="Pass the endCursor of the page before, unchanged."
        )
    if found != kind:
        raise InvalidInput(
            f"This cursor belongs to a list of {found}, not of {kind}.",
            remedy="Pass the endCursor of a page of the same list.",
        )
    return key


def size(first: int, limit: int) -> int:
    """How many items a page may have; raises `InvalidInput` for less than 0 or more than the limit."""
    if first < 0:
        raise InvalidInput(f"A page cannot have {first} items.", remedy=f"Ask for 0 to {limit:,}.")
    if first > limit:
        raise InvalidInput(
            f"A page has at most {limit:,} items; {first:,} were asked for.",
            remedy="Ask for fewer, and for the next page with after: endCursor.",
            limit="page",
        )
    return first


def slice_of(keys: Sequence[str], first: int, after: str | None) -> Slice:
    """The page after a key of a list that is known whole; raises `InvalidInput` when the key has left the list."""
    start = 0
    if after is not None:
        try:
            start = keys.index(after) + 1
        except ValueError as error:
            raise InvalidInput(
                "What the cursor stood on is no longer in this list.", remedy="Ask for the first page again."
            ) from error
    return Slice(keys[start : start + first], len(keys), start + first < len(keys))


def page_info(kind: str, page: Slice, after: str | None) -> PageInfo:
    """The Relay page information of a page."""
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=after is not None,
        start_cursor=cursor(kind, page.items[0]) if page.items else None,
        end_cursor=cursor(kind, page.items[-1]) if page.items else None,
    )
