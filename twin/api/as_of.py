"""Asking as of the past: from what a client says to the parts of the server that answer as they did then."""

from __future__ import annotations

from dataclasses import replace

from twin.api.services import Services
from twin.clock import from_iso
from twin.errors import InvalidInput, Unavailable
from twin.graph.past.pinned import Moment, Pasts
from twin.scope import Scope

_LATEST = 2**63 - 1


def moment_of(pasts: Pasts | None, text: str) -> Moment:
    """The moment that a client names: a revision that this server gave, or a time (RFC 3339).

    Raises `InvalidInput` for anything else and for a time that has not come, `NotFound` for a revision that does not
    exist yet, and `twin.graph.journal_rows.TooOld` before the oldest that is kept.
    """
    if pasts is None:
        raise Unavailable("This server does not tell the past.", remedy="Ask without asOf.")
    given = text.strip()
    if given.isascii() and given.isdecimal() and len(given) <= 18:
        return pasts.at_revision(int(given))
    try:
        time = from_iso(given)
    except (ValueError, OverflowError):
        time = None
    if time is None or "T" not in given.upper():
        raise InvalidInput(
            f"{text[:40]!r} is neither a revision nor a time.",
            remedy="Give a revision that this server gave, or a time such as 2026-01-01T00:00:00Z.",
        )
    return pasts.at_time(min(max(time, 0), _LATEST))  # nothing was before 1970


def scope_as_of(pasts: Pasts | None, scope: Scope, text: str | None) -> Scope:
    """The scope at the moment that a client names; the scope itself when they name none.  Raises as `moment_of`."""
    if not text:
        return scope
    moment = moment_of(pasts, text)
    return replace(scope, revision=moment.revision, time=moment.time)


async def services_as_of(services: Services, scope: Scope, text: str | None) -> tuple[Services, Scope]:
    """The services and the scope that answer as of the moment that a client names.

    Raises as `moment_of`, and `twin.errors.Unavailable` when the past cannot be read.
    """
    scope = scope_as_of(services.pasts, scope, text)
    if scope.revision is None or services.pasts is None:
        return services, scope
    past = await services.pasts.pin(scope.revision)
    return replace(services, store=past.store, twins=await past.twins(), past=past), scope
