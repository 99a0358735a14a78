"""The rows of the journal: quads packed as text, and the hashes that chain one change to the next."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from twin.errors import NotFound
from twin.terms import Quad, n_quads, parse_n_quads

GENESIS = hashlib.sha256(b"twin journal").hexdigest()
"""What stands before the first hash of the chain."""


def shown(revision: int) -> str:
    """The token of a revision as clients see it: text whose alphabetical order is the order of the changes."""
    return f"{revision:012d}"


def imported(site: str) -> str:
    """The node of the index that an import is about: everything that a site has."""
    return f"import:{site}"


@dataclass(frozen=True, slots=True)
class Packed:
    """One change as it is kept: its quads as N-Quads lines, or the ``artifact`` that stands in for them."""

    revision: int
    removed: tuple[bytes, ...]
    added: tuple[bytes, ...]
    artifact: str | None


class TooOld(NotFound):
    """What is asked for lies before the oldest revision that is kept; ``details`` name it as ``oldest``."""

    code = "revision-too-old"


def too_old(revision: int, oldest: int) -> TooOld:
    """The error for a revision before the oldest that is kept."""
    return TooOld(
        f"Revision {revision} is no longer kept: the oldest is {oldest}.",
        remedy=f"Ask for revision {oldest} or a later one.",
        oldest=shown(oldest),
    )


def pack(quads: Iterable[Quad]) -> bytes:
    """Quads as they are kept: compressed N-Quads."""
    return zlib.compress(n_quads(quads), 6)


def unpack(blob: bytes) -> tuple[Quad, ...]:
    """The quads that were packed; none of a row that was trimmed."""
    return tuple(parse_n_quads(zlib.decompress(blob))) if blob else ()


def lines_of(blob: bytes) -> tuple[bytes, ...]:
    """The N-Quads lines that were packed: equal quads are equal lines."""
    return tuple(zlib.decompress(blob).split(b"\n")[:-1])


def content_hash(removed: bytes, added: bytes) -> str:
    """The hash of a change's packed quads."""
    return hashlib.sha256(removed).hexdigest() + hashlib.sha256(added).hexdigest()


def chain_hash(
    previous: str, token: int, time: int, actor: str, reason: str, artifact: str | None, content: str
) -> str:
    """The hash of a change.  Of its quads only their hash goes in, so that the chain can be followed without them."""
    return _digest((previous, str(token), str(time), actor, reason, artifact or "", content)).hexdigest()


def chain_hash_of_quads(
    previous: str, token: int, time: int, actor: str, reason: str, artifact: str | None, removed: bytes, added: bytes
) -> str:
    """The hash of a change as it was made before its quads had a hash of their own."""
    digest = _digest((previous, str(token), str(time), actor, reason, artifact or ""))
    for blob in (removed, added):
        digest.update(len(blob).to_bytes(8, "big") + blob)
    return digest.hexdigest()


def _digest(parts: Iterable[str]) -> hashlib._Hash:
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest
