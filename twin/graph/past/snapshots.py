"""Snapshots: whole copies of the store at some revisions, from which the past is nearer than from now.

A snapshot is a directory: the store's files (hard links where the file system has them) and ``snapshot.json``, which
says the revision, the journal's hash at it, and every file's size and checksum.  It gets its name last, so that one
with a name is whole.  What is damaged, or does not belong to this journal, is removed and never used.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import shutil
import threading
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from twin.errors import Unavailable
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
from twin.graph.recovery import sync_directory

_log = logging.getLogger(__name__)
_MANIFEST = "snapshot.json"
_PARTIAL = ".partial"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole copy of the store at a revision; ``files`` maps names to size and CRC-32."""

    revision: int
    directory: Path
    files: dict[str, tuple[int, int]]


class Snapshots:
    """The snapshots in one directory.  Every method may be called from any thread.

    At most ``keep`` of them and ``size`` bytes beyond the store's own (``live`` is its directory) are kept: the newest
    always, the others the sparser the older they are.
    """

    def __init__(
        self, store: OxigraphStore, journal: Journal, directory: Path, live: Path | None, *, keep: int, size: int
    ) -> None:
        self._store = store
        self._journal = journal
        self._directory = directory
        self._live = live
        self._keep = keep
        self._size = size
        self._lock = threading.Lock()
        self._intact: set[int] = set()
        self._names = itertools.count(1)
        directory.mkdir(parents=True, exist_ok=True)
        self._kept = self._found()

    def _found(self) -> dict[int, Snapshot]:
        found: dict[int, Snapshot] = {}
        for entry in sorted(self._directory.iterdir()):
            snapshot = None if entry.name.endswith(_PARTIAL) else _read(entry)
            if snapshot is None or self._journal.hash_of(snapshot.revision) != _stated(entry, "hash"):
                shutil.rmtree(entry, ignore_errors=True)  # cut off, damaged, or of another journal
            elif _stated(entry, "vocabularies") != self._store.stamp():
                shutil.rmtree(entry, ignore_errors=True)  # of a version with other vocabularies
            else:
                found[snapshot.revision] = snapshot
        return found

    @property
    def revisions(self) -> list[int]:
        """The revisions that there are snapshots of, in order."""
        with self._lock:
            return sorted(self._kept)

    def newest(self) -> int:
        """The newest revision that there is a snapshot of; 0 when there is none."""
        return max(self.revisions, default=0)

    def take(self) -> int | None:
        """Takes a snapshot and lets go of those that are too many; its revision, None when there is one already or an
        import is under way.  Raises `Unavailable` when the disk refuses."""
        partial = self._directory / f"{next(self._names)}{_PARTIAL}"
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            revision, hidden = self._store.copy(partial / "graph")
            if hidden or revision in self.revisions:
                return None
            manifest = {
                "revision": revision,
                "hash": self._journal.hash_of(revision),
                "vocabularies": self._store.stamp(),
                "files": {file.name: _measured(file) for file in sorted((partial / "graph").iterdir())},
            }
            with (partial / _MANIFEST).open("w") as file:
                json.dump(manifest, file)
                file.flush()
                os.fsync(file.fileno())
            _on_disk(partial)  # before the journal drops what only this stands for
            target = self._directory / f"{revision:012d}"
            partial.rename(target)
            sync_directory(self._directory)
        except OSError as error:
            raise Unavailable(
                f"A snapshot of the graph could not be taken: {error}.", remedy="See that the disk has room."
            ) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        snapshot = _read(target)
        if snapshot is None:
            raise Unavailable(
                "A snapshot of the graph could not be read back.", remedy="See that the disk is in order."
            )
        with self._lock:
            self._kept[revision] = snapshot
        self.retain()
        return revision

    def copy(self, revision: int, directory: Path) -> bool:
        """Puts a copy of a snapshot's store into a new directory; False when it is gone or damaged, and then it is
        removed."""
        with self._lock:
            snapshot = self._kept.get(revision)
            intact = revision in self._intact
        if snapshot is None:
            return False
        try:
            if not intact:
                self._verify(snapshot)
            directory.mkdir(parents=True)
            for name in snapshot.files:
                _link(snapshot.directory / "graph" / name, directory / name)
        except OSError as error:
            _log.warning("The snapshot of revision %d cannot be used and is removed: %s", revision, error)
            shutil.rmtree(directory, ignore_errors=True)
            self.discard(revision)
            return False
        return True

    def _verify(self, snapshot: Snapshot) -> None:
        for name, stated in snapshot.files.items():
            if _measured(snapshot.directory / "graph" / name) != stated:
                raise OSError(f"{name} was changed")
        with self._lock:
            self._intact.add(snapshot.revision)

    def discard(self, revision: int) -> None:
        """Removes a snapshot."""
        with self._lock:
            snapshot = self._kept.pop(revision, None)
            self._intact.discard(revision)
        if snapshot is not None:
            shutil.rmtree(snapshot.directory, ignore_errors=True)

    def retain(self) -> None:
        """Removes what is more than is kept, the least useful first: one that has others close by for its age."""
        while len(known := self.revisions) > 1 and (len(known) > self._keep or self.size() > self._size):
            self.discard(least_useful(known))

    def size(self) -> int:
        """The bytes that the snapshots hold beyond what the store itself holds."""
        own = _files(self._live) if self._live is not None else {}
        held: dict[int, int] = {}
        for revision in self.revisions:
            with self._lock:
                snapshot = self._kept.get(revision)
            held.update(_files(snapshot.directory / "graph") if snapshot is not None else {})
        return sum(size for inode, size in held.items() if inode not in own)


def least_useful(revisions: list[int]) -> int:
    """The revision whose neighbours are closest together for its distance from the newest, which always stays."""
    newest = revisions[-1]
    gaps = {
        revision: (after - before) / (newest - revision)
        for before, revision, after in zip([0, *revisions], revisions[:-1], revisions[1:], strict=False)
    }
    return min(gaps, key=lambda revision: (gaps[revision], revision))


def _read(directory: Path) -> Snapshot | None:
    try:
        stated = json.loads((directory / _MANIFEST).read_text())
        files = {name: (int(size), int(checksum)) for name, (size, checksum) in stated["files"].items()}
        return Snapshot(int(stated["revision"]), directory, files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _stated(directory: Path, key: str) -> object:
    return json.loads((directory / _MANIFEST).read_text()).get(key)


def _measured(file: Path) -> tuple[int, int]:
    checksum = size = 0
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK):
            checksum, size = zlib.crc32(chunk, checksum), size + len(chunk)
    return size, checksum


def _link(source: Path, target: Path) -> None:
    # Table files are written once; everything else a store that opens the copy goes on writing.
    if source.suffix == ".sst":
        with suppress(OSError):
            os.link(source, target)
            return
    shutil.copyfile(source, target)


def _on_disk(partial: Path) -> None:
    for file in (partial / "graph").iterdir():
        with file.open("rb") as content:
            os.fsync(content.fileno())
    sync_directory(partial / "graph")
    sync_directory(partial)


def _files(directory: Path) -> dict[int, int]:
    found: dict[int, int] = {}
    with suppress(OSError):  # files of a store in use come and go
        for entry in os.scandir(directory):
            with suppress(OSError):
                state = entry.stat()
                found[state.st_ino] = state.st_size
    return found
