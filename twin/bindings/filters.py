"""Which topic filters a topic belongs to, found level by level (MQTT 3.1.1, section 4.7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

ANY = "+"
_HERE = 0  # the key of the slots that end at a node: no level is a number


class FilterTree:
    """Slots by topic filter; a look-up costs the topic's levels and not the filters."""

    def __init__(self) -> None:
        self._root: dict[Any, Any] = {}

    def add(self, filter: str, slot: int) -> None:
        """Puts a slot under a filter, in which ``+`` stands for one whole level."""
        node = self._root
        for level in filter.split("/"):
            node = node.setdefault(level, {})
        node.setdefault(_HERE, []).append(slot)

    def find(self, topic: str) -> list[int]:
        """The slots of all filters that the topic belongs to, lowest first; one that begins with ``$`` belongs to none
        that begins with ``+``."""
        return sorted(_below(self._root, topic.split("/"), 0))

    def __bool__(self) -> bool:
        return bool(self._root)


def _below(node: dict[Any, Any], levels: list[str], depth: int) -> Iterator[int]:
    if depth == len(levels):
        yield from node.get(_HERE, ())
        return
    level = levels[depth]
    if level != ANY and (found := node.get(level)) is not None:
        yield from _below(found, levels, depth + 1)
    if (found := node.get(ANY)) is not None and not (depth == 0 and level.startswith("$")):
        yield from _below(found, levels, depth + 1)
