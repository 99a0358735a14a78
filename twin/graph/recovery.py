"""Bringing the store up to the journal when it opens: what was acknowledged is there, what was half loaded is not."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from twin.errors import ConfigurationError, Unavailable
from twin.graph.bulk import Text, graphs_of, reload_texts
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
from twin.terms import NamedNode, RdfFormat


def recover(store: OxigraphStore, journal: Journal, raw: Path) -> int:
    """How many revisions had to be replayed into the store.

    Raises `ConfigurationError` when the store is ahead of its journal (files of two directories mixed) or an import's
    file is missing or changed.
    """
    unfinished = journal.unfinished_imports()
    if unfinished:
        store.drop(NamedNode(graph) for graph in unfinished)
        journal.forget_imports()
    standing, written = store.revision(), journal.revision()
    if standing > written:
        raise ConfigurationError(
            f"The graph store is at revision {standing} and its journal only at {written}.",
            remedy="The two do not belong together: restore both from one backup.",
        )
    if standing < min(journal.oldest, written):
        raise ConfigurationError(
            f"The graph store is at revision {standing}, and the journal keeps changes from {journal.oldest} on.",
            remedy="Put the graph of the newest snapshot in place of the store's, or restore both from one backup.",
        )
    replayed = 0
    while standing < written:
        for change in journal.since(standing, 500):
            artifact = journal.artifact(change.token)
            if artifact is None:
                store.apply(change.delta, change.token)
            else:
                site, texts = read_artifacts(raw, artifact)
                graphs = graphs_of(site)
                store.drop(graphs)
                reload_texts(store, texts, site)
                store.publish(graphs, change.token)
            standing = change.token
            replayed += 1
    return replayed


def mend(store: OxigraphStore, journal: Journal, raw: Path) -> None:
    """Opens a store again that the disk refused to write, and brings it up to the journal; raises `Unavailable`."""
    if store.refused:
        store.reopen()
    recover(store, journal, raw)


def keep_artifacts(raw: Path, site: str, texts: Sequence[Text]) -> str:
    """Writes the texts of an import under their hashes, fsynced; what the journal is to remember of them.

    Raises `Unavailable` when the disk refuses; nothing half written is left then.
    """
    lines = [site]
    try:
        for text in texts:
            name = f"{hashlib.sha256(text.data).hexdigest()}.{text.syntax.file_extension}"
            _keep(text.data, raw / f"{name}.partial", raw / name)
            lines.append(f"{name} {text.base}")
        sync_directory(raw)
    except OSError as error:
        raise Unavailable(
            f"The files of the import cannot be kept: {error}. Nothing was imported.",
            remedy="See that the disk has room, and import again.",
        ) from error
    return "\n".join(lines)


def _keep(data: bytes, partial: Path, path: Path) -> None:
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def sync_directory(directory: Path) -> None:
    """Returns when the names in a directory are on disk: a file's own fsync does not say that it can be found."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def read_artifacts(raw: Path, remembered: str) -> tuple[str, list[Text]]:
    """The site and the texts of an import, after their hashes were compared; raises `ConfigurationError`."""
    site, *lines = remembered.split("\n")
    texts = []
    for line in lines:
        name, _, base = line.partition(" ")
        path = raw / name
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"The import file {path} is missing ({error.strerror}).", remedy="Restore it from a backup."
            ) from error
        syntax = RdfFormat.from_extension(path.suffix.removeprefix("."))
        if syntax is None or hashlib.sha256(data).hexdigest() != path.stem:
            raise ConfigurationError(f"The import file {path} was changed.", remedy="Restore it from a backup.")
        texts.append(Text(data, syntax, base))
    return site, texts
