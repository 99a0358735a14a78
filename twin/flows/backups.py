"""Backups: a whole copy of a data directory, taken while its server goes on working or while nobody has it open.

A backup is laid out as a data directory, with ``backup.json`` beside, which names every file with its size and
SHA-256.  Copied in this order - spool, history, store, journal, then the files they refer to - so that each part is
known to the next: no row without its series, no state of the graph without its changes, no change without its files.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from twin.clock import Clock
from twin.directory import DataDirectory
from twin.errors import ConfigurationError, Conflict, NotFound, TwinError, Unavailable
from twin.graph.backup import copy_database, copy_file, copy_tree, digest_of, newest_revision
from twin.graph.change import ChangeDoor
from twin.graph.oxigraph import OxigraphStore
from twin.graph.recovery import sync_directory
from twin.telemetry.duckdb import DuckDBHistory

MANIFEST = "backup.json"
FORMAT = 1
_PARTIAL = ".partial"
_REFERRED_TO = ("models", "raw")
_DATABASES = (
    "journal.sqlite", "violations.sqlite", "alerts.sqlite", "origins.sqlite", "rejects.sqlite", "connections.sqlite",
)  # fmt: skip
Files = dict[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished backup: where it is, the revision it holds, how many files and bytes, and the seconds it took."""

    path: Path
    revision: int
    files: int
    bytes: int
    seconds: float


class Backups:
    """Makes backups of a directory in use, one at a time, under ``backups`` in it: whoever asked takes them away."""

    def __init__(
        self, directory: DataDirectory, door: ChangeDoor, store: OxigraphStore, history: DuckDBHistory, clock: Clock
    ) -> None:
        self._directory = directory
        self._door = door
        self._store = store
        self._history = history
        self._clock = clock
        self._lock = asyncio.Lock()

    async def make(self) -> Backup:
        """A backup that holds everything acknowledged before the call; the server goes on working.

        Raises `Conflict` while another is being made, `Unavailable` when the disk refuses; then nothing is left of it.
        """
        if self._lock.locked():
            raise Conflict("A backup is being made already.", remedy="Try again when it is done.")
        async with self._lock:
            began = self._clock.monotonic()
            home = self._directory.path / "backups"
            partial = home / f"{secrets.token_hex(8)}{_PARTIAL}"
            try:
                await asyncio.to_thread(_make_room, home, partial)
                spooled = await asyncio.to_thread(_copy_spool, self._directory.path, partial)
                await self._history.copy_to(partial / self._directory.history.name)
                checkpoint = partial / "checkpoint"
                await self._door.between_changes(lambda: self._store.checkpoint(checkpoint))
                return await asyncio.to_thread(self._finish, partial, checkpoint, began, spooled)
            except (OSError, sqlite3.Error) as error:
                raise _refused(error) from error
            finally:
                await asyncio.to_thread(shutil.rmtree, partial, True)

    def _finish(self, partial: Path, checkpoint: Path, began: float, spooled: Files) -> Backup:
        files = dict(spooled)
        history = partial / self._directory.history.name
        _sync(history)
        files[history.name] = (history.stat().st_size, digest_of(history))
        # Copied once more: the checkpoint shares its table files with the store, and a backup shares nothing.
        files.update(copy_tree(checkpoint, partial / "graph", "graph"))
        shutil.rmtree(checkpoint)
        revision = _copy_rest(self._directory.path, partial, files)
        _write_manifest(partial, files, revision, self._clock.now())
        target = partial.with_suffix("")
        partial.rename(target)
        sync_directory(target.parent)
        return _described(target, files, revision, self._clock.monotonic() - began)


def back_up_closed(directory: DataDirectory, target: Path, clock: Clock) -> Backup:
    """A backup, in the new directory ``target``, of an entered data directory that nobody else has open.

    Raises `Unavailable` when the disk refuses; then nothing is left of it.
    """
    began = clock.monotonic()
    partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}{_PARTIAL}")
    try:
        partial.mkdir(parents=True)
        files: Files = {}
        files.update(_copy_spool(directory.path, partial))
        for name in (directory.history.name, f"{directory.history.name}.wal"):
            if (directory.path / name).exists():
                files[name] = copy_file(directory.path / name, partial / name)
        if directory.graph.exists():
            files.update(copy_tree(directory.graph, partial / "graph", "graph"))
        revision = _copy_rest(directory.path, partial, files)
        _write_manifest(partial, files, revision, clock.now())
        put_in_place(partial, target)
    except (OSError, sqlite3.Error) as error:
        raise _refused(error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return _described(target, files, revision, clock.monotonic() - began)


def check_free(target: Path) -> None:
    """Returns when something may be put there: nothing is, or an empty directory.  Raises `Conflict` otherwise."""
    try:
        taken = any(target.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise Conflict(f"{target} cannot be used: {error.strerror}.", remedy="Name a new directory.") from error
    if taken:
        raise Conflict(f"{target} is not empty; nothing is overwritten.", remedy="Name a new or empty directory.")


def put_in_place(source: Path, target: Path) -> None:
    """Moves a whole directory to its final name, which is on disk afterwards; raises ``OSError``."""
    if target.exists():
        target.rmdir()  # an empty one; raises for any other
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError:  # another file system
        partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}{_PARTIAL}")
        try:
            copy_tree(source, partial, "")
            partial.rename(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(source)
    sync_directory(target.parent)


def copy_checked(backup: Path, target: Path) -> int:
    """Copies a backup's files into a new directory, each compared with what was written down of it; the revision.

    Raises `NotFound` for what is no backup, `ConfigurationError` for one that was damaged or is of a newer version.
    """
    revision, files = _read_manifest(backup)
    target.mkdir(parents=True)
    for name, expected in files.items():
        copy = (target / name).resolve()
        if not copy.is_relative_to(target.resolve()):
            raise ConfigurationError(f"The backup {backup} names a file outside of it: {name}.")
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            found = copy_file(backup / name, copy)
        except FileNotFoundError as error:
            raise ConfigurationError(
                f"The file {name} of the backup {backup} is missing.", remedy="Use another backup."
            ) from error
        if found != expected:
            raise ConfigurationError(
                f"The file {name} of the backup {backup} was changed since it was made.", remedy="Use another backup."
            )
    for directory in {target, *(path.parent for path in _files_under(target))}:
        sync_directory(directory)
    return revision


def _copy_spool(source: Path, target: Path) -> Files:
    """Copies what waits for the history.  Before the history: what it takes meanwhile is then in both, and never in
    neither."""
    files: Files = {}
    spool = source / "spool"
    if not any(spool.glob("segment-*")):
        return files
    (target / "spool").mkdir()
    for path in (spool / "cursor", *sorted(spool.glob("segment-*"))):
        with contextlib.suppress(FileNotFoundError):  # there is none, or it was emptied meanwhile
            files[f"spool/{path.name}"] = copy_file(path, target / "spool" / path.name)
    return files


def _copy_rest(source: Path, target: Path, files: Files) -> int:
    """Copies the journal, then what it refers to; the newest revision in the copy."""
    for name in _DATABASES:
        if (source / name).exists():
            files[name] = copy_database(source / name, target / name)
    for part in _REFERRED_TO:
        if (source / part).exists():
            files.update(copy_tree(source / part, target / part, part))
    files["format"] = copy_file(source / "format", target / "format")
    return newest_revision(target / _DATABASES[0])


def _make_room(home: Path, partial: Path) -> None:
    home.mkdir(mode=0o700, exist_ok=True)
    for left in home.glob(f"*{_PARTIAL}"):  # of a server that was killed meanwhile
        shutil.rmtree(left, ignore_errors=True)
    partial.mkdir()


def _described(path: Path, files: Files, revision: int, seconds: float) -> Backup:
    return Backup(path, revision, len(files), sum(size for size, _ in files.values()), round(seconds, 3))


def _write_manifest(target: Path, files: Files, revision: int, time: int) -> None:
    stated = {"format": FORMAT, "time": time, "revision": revision, "files": files}
    with (target / MANIFEST).open("w") as file:
        json.dump(stated, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    for directory in {target, *(path.parent for path in _files_under(target))}:
        sync_directory(directory)


def _read_manifest(backup: Path) -> tuple[int, Files]:
    path = backup / MANIFEST
    try:
        stated = json.loads(path.read_text())
        if int(stated["format"]) > FORMAT:
            raise ConfigurationError(
                f"The backup {backup} has format {stated['format']}; this version of Twin reads up to {FORMAT}.",
                remedy="Restore it with the newer version that made it.",
            )
        files = {str(name): (int(size), str(digest)) for name, (size, digest) in stated["files"].items()}
        return int(stated["revision"]), files
    except OSError as error:
        raise NotFound(
            f"{backup} is no backup of Twin: {path.name} cannot be read ({error.strerror}).",
            remedy="Name a directory that twin backup made.",
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{path} was damaged.", remedy="Use another backup.") from error


def _files_under(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.is_file())


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _refused(error: Exception) -> TwinError:
    return Unavailable(f"The backup could not be made: {error}.", remedy="See that the disk has room.")


__all__ = ["MANIFEST", "Backup", "Backups", "back_up_closed", "check_free", "copy_checked", "put_in_place"]
