"""Repairs of violations that stand: found, judged as the change they would be, and applied through the one door."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from twin.contracts import Delta, Revision
from twin.errors import Conflict, InvalidInput, NotFound
from twin.graph.change import ChangeDoor
from twin.graph.validation.gate import Gate
from twin.graph.validation.repairs import Repair, repair
from twin.graph.validation.violations import Standing, ViolationStore
from twin.graph.violation import Violation

__all__ = ["Repaired", "Repairing"]


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did, or with ``dry_run`` would do: the change, and how many violations go with it."""

    repair: Repair
    revision: Revision
    resolved: int


@dataclass(slots=True)
class Repairing:
    """Applies the mechanical repairs of violations."""

    door: ChangeDoor
    gate: Gate
    violations: ViolationStore

    def find(self, violation: Violation) -> Repair | None:
        """The repair of a violation as the graph stands; None where it takes a person."""
        return repair(self.door.store, violation)

    def standing(self, number: str) -> Standing:
        """A violation that stands, by its number; raises `twin.errors.NotFound`."""
        found = self.violations.find(number)
        if found is None:
            raise NotFound(
                f"No violation {number} stands.", remedy="It may be mended already: read the list of violations again."
            )
        return found

    async def apply(
        self, number: str, *, actor: str, expected_revision: int | None = None, dry_run: bool = False
    ) -> Repaired:
        """Mends one violation in one revision.

        Raises `NotFound`, `InvalidInput` when there is no mechanical repair, `Conflict` when the repair would not mend
        it or the graph has moved, and `ShapeViolation` when it would break another rule; then nothing was changed.
        """
        violation = self.standing(number).violation
        found = await asyncio.to_thread(self.find, violation)
        if found is None:
            raise InvalidInput(
                f"The violation of {violation.rule!r} by {violation.focus} has no mechanical repair.",
                remedy=violation.remedy or "Mend it by hand.",
            )
        judgement = await asyncio.to_thread(self._judge, found.delta)
        if violation.identity not in {each.identity for each in judgement}:
            raise Conflict(
                f"{found.sentence} That would not mend the violation of {violation.rule!r} by {violation.focus}.",
                remedy=violation.remedy or "Mend it by hand.",
            )
        committed = await self.door.commit(
            found.delta,
            actor=actor,
            reason=f"repair: {found.sentence}",
            expected_revision=expected_revision,
            dry_run=dry_run,
        )
        return Repaired(found, committed, len(judgement))

    def _judge(self, delta: Delta) -> tuple[Violation, ...]:
        whole = self.door.derivation.extend(self.door.store, delta)
        return self.gate.judge(self.door.store, whole).resolved
