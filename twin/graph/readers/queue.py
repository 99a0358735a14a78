"""A line that is fair: its clients take turns, and what has proven long stands behind what has not."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class FairLine(Generic[T]):
    """Items of several clients.  Each client's come in their order, and the clients take turns.

    ``long`` items come when no other waits, but one that was put in more than ``patience`` seconds ago comes first.
    """

    def __init__(self, clock: Callable[[], float], patience: float) -> None:
        self._clock = clock
        self._patience = patience
        self._short: dict[str, deque[T]] = {}
        self._long: deque[tuple[float, T]] = deque()

    def __len__(self) -> int:
        return sum(map(len, self._short.values())) + len(self._long)

    @property
    def short(self) -> bool:
        """Whether something waits that has not proven long."""
        return bool(self._short)

    def add(self, client: str, item: T, *, long: bool = False) -> None:
        """Puts an item at the end of its client's line."""
        if long:
            self._long.append((self._clock() + self._patience, item))
        else:
            self._short.setdefault(client, deque()).append(item)

    def next(self, *, long: bool) -> T | None:
        """Takes out the item whose turn it is, None when there is none; a long one only where ``long`` allows it."""
        if long and self._long and (not self._short or self._long[0][0] <= self._clock()):
            return self._long.popleft()[1]
        if not self._short:
            return None
        client = next(iter(self._short))
        line = self._short.pop(client)
        item = line.popleft()
        if line:
            self._short[client] = line  # behind the others
        return item

    def discard(self, item: T) -> None:
        """Takes an item out wherever it stands; one that is not there is no error."""
        for client, line in self._short.items():
            if item in line:
                line.remove(item)
                if not line:
                    del self._short[client]
                return
        self._long = deque(entry for entry in self._long if entry[1] != item)
