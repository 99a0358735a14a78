"""Addresses: what is polled (``/meters/1?fields=all``), what is sent to us (``in:readings``), and what is written."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from connectors.http.settings import PUSHED
from twin.connector import AddressError

_PATH = re.compile(r"/[^\s#]*")
_NAME = re.compile(r"[A-Za-z0-9._~:/-]{0,200}")
_WRITTEN = re.compile(r"(?:(PUT|POST|PATCH) )?(/[^\s#]*)")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
SINCE = {
    "since": lambda time: datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "since_s": lambda time: str(int(time)),
    "since_ms": lambda time: str(int(time * 1000)),
}
"""Placeholders in a polled address: the moment from which values are asked for, given in seconds since 1970."""


def check(address: str) -> None:
    """Returns when the address can be read or written; raises `AddressError` otherwise."""
    if not pushed(address):
        written(address)
        _check_placeholders(address)


def pushed(address: str) -> bool:
    """Whether the address is one that devices send to; raises `AddressError` when its name cannot be one."""
    if not address.startswith(PUSHED):
        return False
    if not _NAME.fullmatch(address, len(PUSHED)):
        raise AddressError(f"{address!r} is no name to send to; write in: and letters, digits, or any of . _ ~ : / -.")
    return True


def polled(address: str) -> str:
    """The path and query to get; raises `AddressError` when it is none."""
    if not _PATH.fullmatch(address):
        raise AddressError(
            f"{address[:200]!r} is not a path on the web server; write /path?query, or in:name for what is sent to us."
        )
    _check_placeholders(address)
    return address


def written(address: str) -> tuple[str, str]:
    """The method and the path to write to; raises `AddressError`."""
    found = _WRITTEN.fullmatch(address)
    if found is None:
        raise AddressError(
            f"{address[:200]!r} is not a path on the web server; write /path, or with a method, POST /path."
        )
    return found[1] or "PUT", found[2]


def filled(path: str, since: float) -> str:
    """The path with its placeholders replaced; ``since`` in seconds since 1970."""
    return _PLACEHOLDER.sub(lambda found: SINCE[found[1]](since), path)


def _check_placeholders(address: str) -> None:
    for name in _PLACEHOLDER.findall(address):
        if name not in SINCE:
            raise AddressError(f"{address[:200]!r} has a placeholder {{{name}}}; there are {', '.join(SINCE)}.")
