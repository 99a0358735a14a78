"""The errors of Twin: each says what is wrong, where, why, and what to do about it.

An error is raised near its cause and translated once, at the edge (HTTP, GraphQL, CLI), into its
``code``, its sentence and its ``remedy``.  Nothing else ever reaches a client.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class TwinError(Exception):
    """Something a person or a client can act on.

    ``code`` is stable and machine-readable, ``remedy`` is one sentence that says what to do,
    ``details`` holds plain JSON values for clients that want structure.
    """

    code = "error"

    def __init__(self, message: str, *, remedy: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.details: Mapping[str, Any] = details

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


class InvalidInput(TwinError):
    """The request or the file is wrong; sending it again unchanged cannot help."""

    code = "invalid-input"


class NotFound(TwinError):
    """The named thing does not exist in the caller's scope."""

    code = "not-found"


class Conflict(TwinError):
    """Somebody else changed it first, or holds it; read again and decide."""

    code = "conflict"


class ShapeViolation(TwinError):
    """A change would add violations of the shapes; nothing of it was applied.

    ``violations`` holds the report in words, one mapping a violation
    (``twin``, ``rule``, ``value``, ``remedy``, ``path``, ``shape``).
    """

    code = "shape-violation"

    def __init__(self, message: str, *, violations: Sequence[Mapping[str, Any]], remedy: str = "") -> None:
        super().__init__(message, remedy=remedy, violations=list(violations))
        self.violations = list(violations)


class Forbidden(TwinError):
    """The caller may not do this."""

    code = "forbidden"


class Unavailable(TwinError):
    """A part that is needed (a device, a store, a reader) cannot answer now; trying later may help."""

    code = "unavailable"


class DeadlineExceeded(Unavailable):
    """The work was stopped because it took longer than it may."""

    code = "deadline-exceeded"


class TooSlow(Unavailable):
    """A subscriber did not read what it asked for, and was ended."""

    code = "too-slow"


class ConfigurationError(TwinError):
    """The server cannot start as it is configured."""

    code = "configuration"
