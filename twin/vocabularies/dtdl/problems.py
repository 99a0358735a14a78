"""What is wrong in a DTDL document, each problem with its place and its remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from twin.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing a DTDL document does that the language does not allow.

    ``rule`` is a stable word for the rule, ``dtmi`` the nearest element that has an identifier (empty: none), ``path``
    a JSON Pointer into ``document`` (RFC 6901), ``message`` what was found and ``remedy`` what to do.
    """

    rule: str
    dtmi: str
    path: str
    message: str
    remedy: str
    document: str = ""

    def as_mapping(self) -> dict[str, str]:
        """The problem as plain JSON values, without the document."""
        return {"rule": self.rule, "dtmi": self.dtmi, "path": self.path, "message": self.message, "remedy": self.remedy}

    def __str__(self) -> str:
        place = " ".join(part for part in (self.document, self.dtmi, self.path) if part)
        return f"{place}: {self.message} {self.remedy}" if place else f"{self.message} {self.remedy}"


def refuse(problems: Sequence[Problem]) -> InvalidInput:
    """The error that carries all problems; its sentence tells the first three."""
    shown = " | ".join(str(problem) for problem in problems[:3])
    more = f" | and {len(problems) - 3} more" if len(problems) > 3 else ""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return InvalidInput(
        f"The DTDL has {count}: {shown}{more}",
        problems=[problem.as_mapping() | {"document": problem.document} for problem in problems],
    )
