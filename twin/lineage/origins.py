"""The register of origins: where observations come from, as small numbers for a column (`prov:wasDerivedFrom`).

A number stands for one way into the history as it was for a while: a binding with its codec since a revision, a model,
an import, a decoding done again.  It is never given to another one, so that what a row says of itself stays true.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from twin.clock import Clock

Kind = Literal["binding", "import", "model", "substitution", "reprocessing"]
UNKNOWN = 0
"""The number of an origin that nobody wrote down."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS origin (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, connection TEXT NOT NULL,
    address TEXT NOT NULL, codec TEXT NOT NULL, revision INTEGER NOT NULL, since INTEGER NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Origin:
    """One way into the history.

    ``subject`` is the binding's IRI, or what names the model, the import or the job; ``connection`` and ``address`` are
    where it reads, if it does; ``codec`` says in words how it decodes.  It is so since graph revision ``revision``
    and was first used at ``since`` (ns UTC).  ``number`` is 0 until it is registered.
    """

    kind: Kind
    subject: str
    connection: str = ""
    address: str = ""
    codec: str = ""
    revision: int = 0
    since: int = 0
    number: int = UNKNOWN

    def same_as(self, other: Origin) -> bool:
        """Whether both decode the same place in the same way, whenever they began to."""
        return (
            self.codec == other.codec
            and self.address == other.address
            and self.connection == other.connection
            and (self.kind, self.subject) == (other.kind, other.subject)
        )


class Origins:
    """The register in the SQLite file ``path``.  Every method may be called from any thread."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")  # a row must not name a number that nobody knows
        self._connection.executescript(_SCHEMA)
        self._known: dict[int, Origin] = {}
        self._current: dict[tuple[Kind, str], Origin] = {}
        columns = "kind, subject, connection, address, codec, revision, since, number"
        for row in self._connection.execute(f"SELECT {columns} FROM origin ORDER BY number"):  # noqa: S608 - ours
            self._remember(Origin(*row))

    def numbers(self, origins: Iterable[Origin]) -> list[int]:
        """The number of each; one whose subject came in another way so far gets a new one, on disk by then."""
        with self._lock:
            given: list[int] = []
            new: dict[tuple[Kind, str], Origin] = {}
            highest = max(self._known, default=UNKNOWN)
            for origin in origins:
                key = (origin.kind, origin.subject)
                known = new.get(key) or self._current.get(key)
                if known is None or not known.same_as(origin):
                    highest += 1
                    known = new[key] = replace(origin, number=highest, since=origin.since or self._clock.now())
                given.append(known.number)
            if new:
                self._write(new.values())
                for origin in new.values():
                    self._remember(origin)
            return given

    def number(self, origin: Origin) -> int:
        """The number of one: see `numbers`."""
        return self.numbers([origin])[0]

    def find(self, number: int) -> Origin | None:
        """The origin of a number, None for an unknown one."""
        return self._known.get(number)

    def of(self, kind: Kind, subject: str) -> Sequence[Origin]:
        """Every way in which a subject came in so far, the oldest first: the versions of a binding's schema."""
        with self._lock:
            return [each for each in self._known.values() if (each.kind, each.subject) == (kind, subject)]

    def known(self) -> Mapping[int, Origin]:
        """Every origin by its number."""
        with self._lock:
            return dict(self._known)

    def close(self) -> None:
        """Closes the file; closing twice is allowed."""
        with self._lock:
            self._connection.close()

    def _remember(self, origin: Origin) -> None:
        self._known[origin.number] = origin
        self._current[origin.kind, origin.subject] = origin

    def _write(self, origins: Iterable[Origin]) -> None:
        with self._connection:
            self._connection.execute("BEGIN")
            self._connection.executemany(
                "INSERT INTO origin (number, kind, subject, connection, address, codec, revision, since)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(e.number, e.kind, e.subject, e.connection, e.address, e.codec, e.revision, e.since) for e in origins],
            )
