"""An element of DTDL as read from a document, before anything is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reference:
    """An element named by its identifier instead of written out."""

    dtmi: str


@dataclass(frozen=True, slots=True)
class Element:
    """A DTDL element as read: its ``type``, identifier (given or assigned), other types and members by key.

    A member is text, a boolean, a number, a mapping of language to text, an `Element`, a `Reference`, or a tuple of
    the last two.  ``source`` is the JSON it was read from.
    """

    type: str
    dtmi: str
    version: int
    cotypes: frozenset[str]
    members: Mapping[str, Any]
    document: str
    path: str
    source: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The element's programming name; empty when it has none."""
        name = self.members.get("name", "")
        return name if isinstance(name, str) else ""

    def held(self, member: str) -> tuple[Element | Reference, ...]:
        """The elements under a member, as a tuple however many it takes."""
        value = self.members.get(member, ())
        return value if isinstance(value, tuple) else (value,)
