"""Topic names and topic filters (MQTT 3.1.1, section 4.7)."""

from __future__ import annotations

from twin.connector import AddressError

LONGEST = 65_535
"""Bytes of UTF-8 that a topic may have."""


def check_filter(text: str) -> None:
    """Returns when the text may be subscribed to by a binding; raises `AddressError` otherwise.

    A single-level wildcard ``+`` must be a whole level.  The multi-level wildcard ``#`` is refused: a binding that
    took everything below a level could not say which value is its own.
    """
    _check(text)
    if "#" in text:
        raise AddressError(f"The topic filter {text!r} contains '#'; name the levels, with '+' for one that varies.")
    for level in text.split("/"):
        if "+" in level and level != "+":
            raise AddressError(f"The topic filter {text!r} has '+' inside a level; it must be a whole level.")


def check_topic(text: str) -> None:
    """Returns when the text may be published to; raises `AddressError` otherwise."""
    _check(text)
    if "+" in text or "#" in text:
        raise AddressError(f"The topic {text!r} has a wildcard; a write needs the full topic.")


def _check(text: str) -> None:
    if not text:
        raise AddressError("A topic must have at least one character.")
    if "\0" in text:
        raise AddressError("A topic must not contain the null character.")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise AddressError("A topic must be valid Unicode text.") from None
    if size > LONGEST:
        raise AddressError(f"A topic has at most {LONGEST} bytes; this one has {size}.")
