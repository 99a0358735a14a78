"""Scope: who asks, what they may see, and as of which revision - the argument of every read."""

from __future__ import annotations

from dataclasses import dataclass

from twin.terms import NamedNode


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a name for the audit, and the roles they hold (viewer, operator, engineer, admin)."""

    name: str
    roles: frozenset[str] = frozenset()

    def may_see_bindings(self) -> bool:
        """Whether vendors, protocols and addresses are shown to them."""
        return bool(self.roles & {"engineer", "admin"})


LOCAL = Principal("local", frozenset({"viewer", "operator", "engineer", "admin"}))
"""Whoever reaches a server that listens on loopback only."""


@dataclass(frozen=True, slots=True)
class Scope:
    """``principal``, the ``sites`` they may see (None = all) and the ``revision`` to read at (None = now).

    With a revision, ``time`` (ns UTC) is the moment whose live values belong to it.
    """

    principal: Principal = LOCAL
    sites: frozenset[str] | None = None
    revision: int | None = None
    time: int | None = None

    def sees(self, site: str) -> bool:
        """Whether the site's graphs are inside the scope."""
        return self.sites is None or site in self.sites

    def sees_graph(self, graph: NamedNode) -> bool:
        """Whether a named graph is inside the scope; vocabularies and shapes always are."""
        kind, _, site = graph.value.removeprefix("urn:twin:").partition(":")
        if kind in ("vocabulary", "shapes"):
            return True
        if kind == "bindings" and not self.principal.may_see_bindings():
            return False
        return self.sees(site)
