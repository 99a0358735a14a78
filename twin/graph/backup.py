"""Copying the parts of a data directory byte for byte, and SQLite databases while others write them."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path

_CHUNK = 1 << 20


def copy_file(source: Path, target: Path) -> tuple[int, str]:
    """Copies a file, on disk when this returns; its size and SHA-256 as they were read."""
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as incoming, target.open("xb") as outgoing:
        while chunk := incoming.read(_CHUNK):
            digest.update(chunk)
            outgoing.write(chunk)
            size += len(chunk)
        outgoing.flush()
        os.fsync(outgoing.fileno())
    return size, digest.hexdigest()


def copy_tree(source: Path, target: Path, name: str) -> dict[str, tuple[int, str]]:
    """Copies a directory into a new one; size and SHA-256 of each file, by its path below ``name``.

    What goes while it is copied, and what is half written, is left out: the files that are referred to are whole.
    """
    target.mkdir(parents=True)
    copied: dict[str, tuple[int, str]] = {}
    for path in sorted(source.rglob("*")):
        below = path.relative_to(source)
        if path.is_dir():
            (target / below).mkdir(parents=True, exist_ok=True)
        elif path.is_file() and path.suffix not in (".partial", ".part"):
            copied[str(Path(name) / below)] = copy_file(path, target / below)
    return copied


def copy_database(source: Path, target: Path) -> tuple[int, str]:
    """Copies a SQLite database as of now while others write it; size and SHA-256 of the copy, which is on disk."""
    with closing(sqlite3.connect(source)) as reading, closing(sqlite3.connect(target)) as writing:
        reading.backup(writing)  # all pages in one read transaction: later changes are not in it
        writing.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
    with target.open("rb") as file:
        os.fsync(file.fileno())
    return target.stat().st_size, digest_of(target)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def newest_revision(journal: Path) -> int:
    """The newest revision in a closed journal's file; 0 when there is no journal."""
    if not journal.exists():
        return 0
    with closing(sqlite3.connect(journal)) as database:
        row = database.execute("SELECT MAX(revision) FROM changes").fetchone()
    return int(row[0] or 0)
