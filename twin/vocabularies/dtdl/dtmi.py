"""Digital Twin Model Identifiers: their syntax in each version of DTDL, and those that elements are given."""

from __future__ import annotations

import re

USER_LENGTH = 2048
INTERFACE_LENGTH = 128
RESERVED = ("dtmi:dtdl:", "dtmi:standard:")

_SEGMENT = r"(?:[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?|_(?:[A-Za-z0-9_]*[A-Za-z0-9]))"
_PATH = rf"dtmi:{_SEGMENT}(?::{_SEGMENT})*"
_INTEGER_VERSION = re.compile(rf"{_PATH};[1-9][0-9]{{0,8}}")
_ANY_VERSION = re.compile(rf"{_PATH}(?:;[1-9][0-9]{{0,8}}(?:\.[1-9][0-9]{{0,5}})?)?")


def is_dtmi(text: str, version: int) -> bool:
    """Whether the text is a DTMI in DTDL ``version``: v2 wants an integer at its end, v3 and v4 allow none or 1.2."""
    return (_INTEGER_VERSION if version < 3 else _ANY_VERSION).fullmatch(text) is not None


def is_user_dtmi(text: str, version: int) -> bool:
    """Whether a model may use it as an identifier: a DTMI without a segment that starts with an underscore."""
    return is_dtmi(text, version) and ":_" not in text


def child(parent: str, member: str, name: str | None = None) -> str:
    """The identifier of an element without ``@id``, from its parent's, the member that holds it and its name.

    >>> child("dtmi:com:example:Fan;1", "contents", "speed")
    'dtmi:com:example:Fan:_contents:__speed;1'
    """
    path, separator, version = parent.partition(";")
    segments = f"{path}:_{member}" if name is None else f"{path}:_{member}:__{name}"
    return segments + separator + version
