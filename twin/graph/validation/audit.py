"""The audit: what Brick's own shapes say of a site, found in the background and never refusing a change."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from twin.graph.child import run
from twin.graph.violation import Violation
from twin.terms import NamedNode, Quad, n_quads
from twin.vocab import BRICK, RDF

__all__ = ["audit", "is_auditable"]

_DEADLINE = 300.0


def is_auditable(quads: Iterable[Quad]) -> bool:
    """Whether something in these quads has a class of Brick; an audit of anything else says nothing."""
    brick = str(BRICK)
    return any(
        quad.predicate == RDF.type and isinstance(quad.object, NamedNode) and quad.object.value.startswith(brick)
        for quad in quads
    )


def audit(quads: Iterable[Quad], brick: Path, *, deadline: float = _DEADLINE) -> list[Violation]:
    """The violations of Brick's own shapes by a site's assertions, in a process of its own.

    ``brick`` is the ontology's Turtle file, which holds the shapes. Brick's rules (inverses, deprecations) are applied
    first. Takes 1 s and 150 to 180 MB for a few thousand triples. Raises `twin.errors.DeadlineExceeded`.
    """
    triples = (Quad(quad.subject, quad.predicate, quad.object) for quad in quads)
    answers = run("twin.graph.validation.audit_process", (str(brick),), (n_quads(triples),), deadline)
    found = {violation.identity: violation for violation in map(_violation, answers) if violation is not None}
    return sorted(found.values(), key=lambda violation: violation.identity)


def _violation(answer: object) -> Violation | None:
    return Violation(**answer) if isinstance(answer, dict) and "focus" in answer else None
