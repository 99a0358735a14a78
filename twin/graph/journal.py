"""The journal: every change in order, hash-chained, fsynced before the store sees it; and the series registry.

A damaged Oxigraph log silently drops commits; the journal does not, so the store can always be brought up to it.  An
index says which nodes each change was about.  Old quads may be dropped (`trim`); who changed what when, and the chain
of hashes over it, stay.
"""

from __future__ import annotations

import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from twin.contracts import Delta, Revision
from twin.errors import ConfigurationError, NotFound, Unavailable
from twin.graph.journal_rows import (
    GENESIS,
    Packed,
    chain_hash,
    chain_hash_of_quads,
    content_hash,
    imported,
    lines_of,
    pack,
    shown,
    too_old,
    unpack,
)
from twin.terms import NamedNode

SCHEMA_VERSION = 2
_ONE_BY_ONE = 1000  # more properties than this are looked up by reading the whole registry
_AT_ONCE = 2000  # changes read at once on a long way back

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
  hash TEXT NOT NULL,
  content TEXT
);
CREATE INDEX IF NOT EXISTS changes_by_time ON changes (time, revision);
CREATE TABLE IF NOT EXISTS touched (node TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (node, revision))
  WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS touched_by_revision ON touched (revision);
CREATE TABLE IF NOT EXISTS trimmed (revision INTEGER NOT NULL);
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
        if version == 1:
            self._database.execute("ALTER TABLE changes ADD COLUMN content TEXT")
            self._index_anew()
        self._database.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        self._database.commit()
        row = self._database.execute("SELECT MAX(revision) FROM trimmed").fetchone()
        self._trimmed = int(row[0] or 0)

    def _index_anew(self) -> None:
        """Indexes changes that were written before there was an index: their subjects, and owners they name."""
        owner: dict[str, str] = {}
        query = "SELECT revision, removed, added, artifact FROM changes ORDER BY revision"
        for revision, removed, added, artifact in self._database.execute(query).fetchall():
            nodes = {imported(artifact.partition("\n")[0])} if artifact else set()
            for quad in (*unpack(added), *unpack(removed)):
                if not isinstance(quad.subject, NamedNode):
                    continue
                if quad.predicate.value.endswith("#hasProperty") and isinstance(quad.object, NamedNode):
                    owner[quad.object.value] = quad.subject.value
                elif quad.predicate.value.endswith("#binds") and isinstance(quad.object, NamedNode):
                    owner[quad.subject.value] = quad.object.value
                nodes.add(quad.subject.value)
            for node in tuple(nodes):
                while node in owner and owner[node] not in nodes:
                    node = owner[node]
                    nodes.add(node)
            self._note(revision, nodes)

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

    def append(
        self,
        time: int,
        actor: str,
        reason: str,
        delta: Delta,
        artifact: str | None = None,
        touched: Iterable[str] = (),
    ) -> Revision:
        """The revision of a new change, on disk when this returns; its time is never before the one before it.

        ``artifact`` is what an import left of its files (its first line is the site), which then stands in for the
        quads.  ``touched`` are the nodes that the change is about.
        """
        removed, added = pack(delta.removed), pack(delta.added)
        with self._writing():
            token, previous, latest = self._tip()
            token, time = token + 1, max(time, latest)
            content = content_hash(removed, added)
            digest = chain_hash(previous, token, time, actor, reason, artifact, content)
            self._database.execute(
                "INSERT INTO changes VALUES (?,?,?,?,?,?,?,?,?,?)",
                (token, time, actor, reason, removed, added, artifact, previous, digest, content),
            )
            self._note(token, touched if artifact is None else [imported(artifact.partition("\n")[0])])
            if artifact is not None:
                self._database.execute("DELETE FROM pending")  # imports are published one at a time
        return Revision(token, time, actor, reason, digest, delta)

    def revision(self) -> int:
        """The newest revision; 0 for an empty journal."""
        return self._tip()[0]

    def _note(self, revision: int, nodes: Iterable[str]) -> None:
        self._database.executemany("INSERT OR IGNORE INTO touched VALUES (?, ?)", ((node, revision) for node in nodes))

    def find(self, revision: int) -> Revision:
        """One revision with its quads; raises `NotFound`, also when its quads are no longer kept."""
        if revision > self._trimmed:
            for found in self._read("WHERE revision = ?", (revision,)):
                return found
        elif revision > 0:
            raise NotFound(
                f"The quads of revision {revision} are no longer kept.",
                remedy=f"The oldest change that is kept whole is revision {self._trimmed + 1}.",
                oldest=shown(self._trimmed + 1),
            )
        raise NotFound(f"There is no revision {revision}.", remedy="Ask for the changes to see which there are.")

    def count_touched(self, after: int, upto: int) -> int:
        """About how many nodes the changes after one revision up to another were; one of several counts as often."""
        query = "SELECT COUNT(*) FROM touched WHERE revision > ? AND revision <= ?"
        with self._lock:
            return int(self._database.execute(query, (after, upto)).fetchone()[0])

    def head(self, revision: int) -> Revision:
        """One revision without its quads, whether those are kept or not; raises `NotFound`."""
        query = "SELECT revision, time, actor, reason, hash FROM changes WHERE revision = ?"
        with self._lock:
            row = self._database.execute(query, (revision,)).fetchone()
        if row is None:
            raise NotFound(f"There is no revision {revision}.", remedy="Ask for the changes to see which there are.")
        return Revision(*row)

    def since(self, revision: int, limit: int = 1000) -> list[Revision]:
        """The revisions after the given one, oldest first; raises `TooOld` when some of them are no longer whole."""
        if revision < self._trimmed:
            raise too_old(revision, self._trimmed)
        return list(self._read("WHERE revision > ? ORDER BY revision LIMIT ?", (revision, limit)))

    def last(self, count: int, before: int | None = None) -> list[Revision]:
        """The newest revisions that are kept whole (of those before one, if given), newest first."""
        bound = 2**62 if before is None else before
        where = "WHERE revision > ? AND revision < ? ORDER BY revision DESC LIMIT ?"
        return list(self._read(where, (self._trimmed, bound, count)))

    def about(
        self, node: str, count: int, *, after: int = 0, before: int | None = None, oldest_first: bool = False
    ) -> list[Revision]:
        """The changes about a node after one revision and before another, newest first unless told otherwise."""
        bound, order = 2**62 if before is None else before, "ASC" if oldest_first else "DESC"
        where = f"""WHERE revision IN (SELECT revision FROM touched WHERE node = ? AND revision > ? AND revision < ?
                    ORDER BY revision {order} LIMIT ?) ORDER BY revision {order}"""  # noqa: S608 - one of two words
        return list(self._read(where, (node, max(after, self._trimmed), bound, count)))

    def last_about(self, nodes: Sequence[str], upto: int | None = None) -> int:
        """The newest revision (up to one, if given) whose change was about one of the nodes; 0 when none was."""
        query, bound = "SELECT MAX(revision) FROM touched WHERE node = ? AND revision <= ?", 2**62
        newest = 0
        with self._lock:
            for node in nodes:
                row = self._database.execute(query, (node, bound if upto is None else upto)).fetchone()
                newest = max(newest, row[0] or 0)
        return newest

    def count(self, node: str | None = None) -> int:
        """How many changes are kept whole: all, or those about a node."""
        query = "SELECT COUNT(*) FROM changes WHERE revision > ?"
        if node is not None:
            query = "SELECT COUNT(*) FROM touched WHERE revision > ? AND node = ?"
        with self._lock:
            values = (self._trimmed,) if node is None else (self._trimmed, node)
            return int(self._database.execute(query, values).fetchone()[0])

    def touched(self, revision: int) -> list[str]:
        """The nodes that a change was about."""
        with self._lock:
            rows = self._database.execute("SELECT node FROM touched WHERE revision = ? ORDER BY node", (revision,))
            return [node for (node,) in rows]

    def time_of(self, revision: int) -> int:
        """When a revision was committed (ns UTC); 0 for revision 0.  Raises `NotFound`."""
        if revision == 0:
            return 0
        with self._lock:
            row = self._database.execute("SELECT time FROM changes WHERE revision = ?", (revision,)).fetchone()
        if row is None:
            raise NotFound(f"There is no revision {revision}.", remedy="Ask for the changes to see which there are.")
        return int(row[0])

    def revision_at(self, time: int) -> int:
        """The newest revision at a moment (ns UTC); 0 before the first."""
        query = "SELECT revision FROM changes WHERE time <= ? ORDER BY time DESC, revision DESC LIMIT 1"
        with self._lock:
            row = self._database.execute(query, (time,)).fetchone()
        return int(row[0]) if row else 0

    def hash_of(self, revision: int) -> str:
        """The hash that the chain has at a revision; empty when there is no such revision."""
        with self._lock:
            row = self._database.execute("SELECT hash FROM changes WHERE revision = ?", (revision,)).fetchone()
        return str(row[0]) if row else GENESIS if revision == 0 else ""

    @property
    def oldest(self) -> int:
        """The oldest revision whose state can be told: from it on every change is kept whole."""
        return self._trimmed

    def trim(self, through: int) -> int:
        """Drops the quads of the changes up to and including a revision; how many changes lost theirs.

        Who made them, when, why and about which nodes stays, and so does the chain of hashes.
        """
        through = min(through, self.revision())
        if through <= self._trimmed:
            return 0
        dropped = through - self._trimmed
        with self._writing():
            self._database.execute("INSERT INTO trimmed VALUES (?)", (through,))
            self._database.execute("UPDATE changes SET removed = x'', added = x'' WHERE revision <= ?", (through,))
        self._trimmed = through
        return dropped

    def packed(self, after: int, upto: int, *, newest_first: bool = False) -> Iterator[Packed]:
        """The changes after one revision up to another as they are kept, in order or from the newest; raises
        `TooOld` when some are no longer whole."""
        if after < self._trimmed:
            raise too_old(after, self._trimmed)
        low, high = after, upto
        order = "DESC" if newest_first else "ASC"
        query = f"""SELECT revision, removed, added, artifact FROM changes WHERE revision > ? AND revision <= ?
                    ORDER BY revision {order} LIMIT ?"""  # noqa: S608 - one of two words of ours
        while low < high:
            with self._lock:  # not held while the caller works, so that a long way back does not hold up changes
                rows = self._database.execute(query, (low, high, _AT_ONCE)).fetchall()
            if not rows:
                return
            for revision, removed, added, artifact in rows:
                try:
                    yield Packed(revision, lines_of(removed), lines_of(added), artifact)
                except zlib.error as error:
                    raise Unavailable(
                        f"What the journal holds of revision {revision} is damaged: {error}.",
                        remedy="Run twin verify, and restore the data directory from a backup.",
                    ) from error
            low, high = (low, rows[-1][0] - 1) if newest_first else (rows[-1][0], high)

    def artifact(self, revision: int) -> str | None:
        """The SHA-256 of the import file that a revision published, if it did."""
        with self._lock:
            row = self._database.execute("SELECT artifact FROM changes WHERE revision = ?", (revision,)).fetchone()
        return row[0] if row else None

    def broken_link(self) -> int | None:
        """The first revision whose hash does not follow from what is before it; None when the chain holds."""
        previous = GENESIS
        query = """SELECT revision, time, actor, reason, removed, added, artifact, previous, hash, content
                   FROM changes ORDER BY revision"""
        with self._lock:
            for row in self._database.execute(query):
                token, time, actor, reason, removed, added, artifact, stated, digest, content = row
                whole = token > self._trimmed
                if content is not None:
                    expected = chain_hash(previous, token, time, actor, reason, artifact, content)
                    follows = digest == expected and (not whole or content == content_hash(removed, added))
                elif whole:  # written before the quads had a hash of their own
                    follows = digest == chain_hash_of_quads(
                        previous, token, time, actor, reason, artifact, removed, added
                    )
                else:
                    follows = True  # its quads are gone, and with them what its hash was made of: the link is left
                if stated != previous or not follows:
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
            new = [(iri,) for iri in wanted if iri not in known]
            if new:
                self._database.executemany("INSERT INTO series (property) VALUES (?)", new)
                known = self._numbers(wanted)
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

    def _tip(self) -> tuple[int, str, int]:
        query = "SELECT revision, hash, time FROM changes ORDER BY revision DESC LIMIT 1"
        with self._lock:
            row = self._database.execute(query).fetchone()
        return (int(row[0]), str(row[1]), int(row[2])) if row else (0, GENESIS, 0)

    def _read(self, where: str, values: tuple[int | str, ...]) -> Iterator[Revision]:
        with self._lock:
            rows = self._database.execute(
                f"SELECT revision, time, actor, reason, hash, removed, added FROM changes {where}",  # noqa: S608 - ours
                values,
            ).fetchall()
        for token, time, actor, reason, digest, removed, added in rows:
            yield Revision(token, time, actor, reason, digest, Delta(unpack(removed), unpack(added)))
