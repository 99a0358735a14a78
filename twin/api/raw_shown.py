"""Raw payloads as clients see them: text where it is text, base64 where it is not, and never too much of it."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import orjson

from twin.lineage.raw_values import packed

MOST = 65_536
"""Bytes of one payload that are shown."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A payload for people: ``text`` is None for what is no UTF-8 text, ``base64`` is whole unless ``cut``."""

    bytes: int
    text: str | None
    base64: str
    cut: bool


def shown_payload(raw: object) -> Shown:
    """The payload, at most `MOST` bytes of it."""
    data = packed(raw)[1]
    some = data[:MOST]
    text: str | None
    try:
        text = some.decode()
    except UnicodeDecodeError as error:
        # The end may cut a letter in two.
        text = some[: error.start].decode() if len(data) > MOST and error.start > MOST - 4 else None
    return Shown(len(data), text, base64.b64encode(some).decode(), len(data) > MOST)


def as_json(raw: object) -> object:
    """The JSON document in a payload, None where there is none."""
    try:
        return orjson.loads(packed(raw)[1])
    except orjson.JSONDecodeError:
        return None
