"""The journal: every change in order, hash-chained, fsynced before the store sees it; and the series registry.

A damaged Oxigraph log silently drops commits; the journal does not, so the store can always be brought up to it.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from twin.contracts import Delta, Revision
from twin.errors import ConfigurationError, NotFound, Unavailable
from twin.terms import Quad, n_quads, parse_n_quads

SCHEMA_VERSION = 1
_ONE_BY_ONE = 1000  # more properties than this are looked up by reading the whole registry
_GENESIS = hashlib.sha256(b"twin journal").hexdigest()

_SCHEMA = """
CREATE TABLE IF NOT EXISTS changes (
  revision INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  removed BLOB NOT NULL,
  added BLOB NOT NULL,
  artifact TEXT,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY AUTOINCREMENT, property TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS pending (artifact TEXT PRIMARY KEY, graphs TEXT NOT NULL);
"""


class Journal:
    """The changes of one data directory (``None``: in memory).  Safe to call from several threads."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.RLock()
        self._database = sqlite3.connect(":memory:" if path is None else path, check_same_thread=False)
        try:
            self._open(path)
        except BaseException as error:
            self._database.close()
            if isinstance(error, sqlite3.Error):
                raise ConfigurationError(
                    f"The journal {path} cannot be read: {error}.", remedy="Restore the data directory from a backup."
                ) from error
            raise

    def _open(self, path: Path | None) -> None:
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise ConfigurationError(
                f"The journal {path} has format {version}; this version of Twin reads up to {SCHEMA_VERSION}.",
                remedy="Open it with the newer version that wrote it.",
            )
        self._database.executescript(_SCHEMA)
        self._database.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        self._database.commit()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction: all of it on disk afterwards, or `Unavailable` and nothing of it."""
        try:
            with self._lock, self._database:
                yield
        except sqlite3.Error as error:
            raise Unavailable(
                f"The journal cannot be written: {error}. Nothing was changed.",
                remedy="See that the disk has room and is in order, and try again.",
            ) from error

    def append(self, time: int, actor: str, reason: str, delta: Delta, artifact: str | None = None) -> Revision:
        """The revision of a new change, on disk when this returns.  ``artifact`` is the SHA-256 of an import's file,
        which then stands in for the quads."""
        removed, added = _packed(delta.removed), _packed(delta.added)
        with self._writing():
            token, previous = self._tip()
            token += 1
            digest = _hash(previous, token, time, actor, reason, removed, added, artifact)
            self._database.execute(
                "INSERT INTO changes VALUES (?,?,?,?,?,?,?,?,?)",
                (token, time, actor, reason, removed, added, artifact, previous, digest),
            )
            if artifact is not None:
                self._database.execute("DELETE FROM pending")  # imports are published one at a time
        return Revision(token, time, actor, reason, digest, delta)

    def revision(self) -> int:
        """The newest revision; 0 for an empty journal."""
        return self._tip()[0]

    def find(self, revision: int) -> Revision:
        """One revision with its quads; raises `NotFound`."""
        for found in self._read("WHERE revision = ?", (revision,)):
            return found
        raise NotFound(f"There is no revision {revision}.", remedy="Ask for the changes to see which there are.")

    def since(self, revision: int, limit: int = 1000) -> list[Revision]:
        """The revisions after the given one, oldest first."""
        return list(self._read("WHERE revision > ? ORDER BY revision LIMIT ?", (revision, limit)))

    def last(self, count: int) -> list[Revision]:
        """The newest revisions, newest first."""
        return list(self._read("ORDER BY revision DESC LIMIT ?", (count,)))

    def artifact(self, revision: int) -> str | None:
        """The SHA-256 of the import file that a revision published, if it did."""
        with self._lock:
            row = self._database.execute("SELECT artifact FROM changes WHERE revision = ?", (revision,)).fetchone()
        return row[0] if row else None

    def broken_link(self) -> int | None:
        """The first revision whose hash does not follow from what is before it; None when the chain holds."""
        previous = _GENESIS
        with self._lock:
            for row in self._database.execute("SELECT * FROM changes ORDER BY revision"):
                token, time, actor, reason, removed, added, artifact, stated, digest = row
                expected = _hash(previous, token, time, actor, reason, removed, added, artifact)
                if stated != previous or digest != expected:
                    return int(token)
                previous = digest
        return None

    def artifacts(self) -> dict[int, str]:
        """What every revision that published an import remembers of its files."""
        with self._lock:
            return dict(self._database.execute("SELECT revision, artifact FROM changes WHERE artifact IS NOT NULL"))

    def begin_import(self, artifact: str, graphs: Iterable[str]) -> None:
        """Notes that graphs are being loaded, so that a crash leaves no half import behind."""
        with self._writing():
            self._database.execute("INSERT OR REPLACE INTO pending VALUES (?, ?)", (artifact, "\n".join(graphs)))

    def unfinished_imports(self) -> list[str]:
        """The graphs of imports that began and were not published."""
        with self._lock:
            rows = self._database.execute("SELECT graphs FROM pending").fetchall()
        return [graph for (graphs,) in rows for graph in graphs.split("\n") if graph]

    def forget_imports(self) -> None:
        """Clears the notes of unfinished imports, after their graphs were emptied."""
        with self._writing():
            self._database.execute("DELETE FROM pending")

    def series(self, properties: Iterable[str]) -> dict[str, int]:
        """The series number of each property, allocated on first sight and never used for another."""
        wanted = list(dict.fromkeys(properties))
        if not wanted:
            return {}
        with self._writing():
            known = self._numbers(wanted)
            for iri in wanted:
                if iri not in known:
                    row = self._database.execute("INSERT INTO series (property) VALUES (?) RETURNING id", (iri,))
                    known[iri] = row.fetchone()[0]
        return {iri: known[iri] for iri in wanted}

    def _numbers(self, wanted: list[str]) -> dict[str, int]:
        if len(wanted) > _ONE_BY_ONE:
            return dict(self._database.execute("SELECT property, id FROM series"))
        found = (
            self._database.execute("SELECT property, id FROM series WHERE property = ?", (iri,)).fetchone()
            for iri in wanted
        )
        return {row[0]: row[1] for row in found if row is not None}

    def known_series(self, after: int = 0) -> dict[str, int]:
        """Every property that ever had a series, with its number; with ``after`` those of higher numbers alone."""
        with self._lock:
            return dict(self._database.execute("SELECT property, id FROM series WHERE id > ?", (after,)))

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._database.close()

    def _tip(self) -> tuple[int, str]:
        with self._lock:
            row = self._database.execute("SELECT revision, hash FROM changes ORDER BY revision DESC LIMIT 1").fetchone()
        return (int(row[0]), str(row[1])) if row else (0, _GENESIS)

    def _read(self, where: str, values: tuple[int, ...]) -> Iterator[Revision]:
        with self._lock:
            rows = self._database.execute(
                f"SELECT revision, time, actor, reason, hash, removed, added FROM changes {where}",  # noqa: S608 - ours
                values,
            ).fetchall()
        for token, time, actor, reason, digest, removed, added in rows:
            yield Revision(token, time, actor, reason, digest, Delta(_unpacked(removed), _unpacked(added)))


def _packed(quads: Iterable[Quad]) -> bytes:
    return zlib.compress(n_quads(quads), 6)


def _unpacked(blob: bytes) -> tuple[Quad, ...]:
    return tuple(parse_n_quads(zlib.decompress(blob)))


def _hash(
    previous: str, token: int, time: int, actor: str, reason: str, removed: bytes, added: bytes, artifact: str | None
) -> str:
    digest = hashlib.sha256()
    for part in (previous, str(token), str(time), actor, reason, artifact or ""):
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    for blob in (removed, added):
        digest.update(len(blob).to_bytes(8, "big") + blob)
    return digest.hexdigest()
