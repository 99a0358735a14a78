"""What an alert is: one condition worth a person's attention, its consequences, and everything done to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["breach", "unavailable", "quality", "violation", "connection", "storage"]
Severity = Literal["notice", "warning", "critical"]
State = Literal["raised", "acknowledged", "shelved", "cleared"]
Action = Literal[
    "raised", "returned", "changed", "acknowledged", "shelved", "unshelved", "assigned", "cleared", "folded"
]
KINDS: tuple[Kind, ...] = ("breach", "unavailable", "quality", "violation", "connection", "storage")
SEVERITIES: tuple[Severity, ...] = ("notice", "warning", "critical")


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows from an alert's cause and is no alert of its own; ``about`` is an IRI, ``since`` ns UTC."""

    about: str
    message: str
    since: int


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is wrong now.  One ``key`` is one condition: it is raised once, however often it is seen.

    ``about`` is the IRI of what it concerns, ``twin`` that of the twin it belongs to (or empty), ``since`` when it
    began (ns UTC), ``delay`` the seconds that it must stand before it is raised; ``assigned`` who answers for it.
    """

    key: str
    kind: Kind
    severity: Severity
    message: str
    about: str
    since: int
    site: str = ""
    twin: str = ""
    delay: float = 0.0
    assigned: str = ""
    consequences: tuple[Consequence, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """A condition that was raised.  Times are ns UTC, None for what has not happened.

    ``since`` is when the condition began, ``times`` how often it came back before it was cleared, ``consequences`` how
    many there are.  ``cause`` is the id of the alert that it was folded into.
    """

    id: int
    key: str
    kind: Kind
    severity: Severity
    message: str
    about: str
    site: str
    twin: str
    since: int
    raised: int
    updated: int
    times: int = 1
    acknowledged: int | None = None
    acknowledged_by: str = ""
    shelved_until: int | None = None
    assigned: str = ""
    cleared: int | None = None
    consequences: int = 0
    cause: int | None = None

    def state(self, now: int) -> State:
        """What an alert's life has come to at a moment (ns UTC)."""
        if self.cleared is not None:
            return "cleared"
        if self.shelved_until is not None and self.shelved_until > now:
            return "shelved"
        return "raised" if self.acknowledged is None else "acknowledged"

    def said_to(self, sees_wires: bool) -> str:
        """The message; to who may not see connections, one that names none."""
        return self.message if sees_wires or self.kind != "connection" else "A connection is lost"


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of an alert's life: when (ns UTC), by whom (``server`` for the server itself), what, and a note."""

    alert: int
    time: int
    actor: str
    action: Action
    note: str = ""


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """An alert as a step left it."""

    alert: Alert
    transition: Transition
