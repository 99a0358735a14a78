"""The graph store made anew from the journal and the files it refers to: to compare it with, or to put in its place."""

from __future__ import annotations

import shutil
from pathlib import Path

from twin.directory import DataDirectory
from twin.errors import ConfigurationError
from twin.flows.vocabularies import load_vocabularies
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
from twin.graph.past.snapshots import Snapshots
from twin.graph.recovery import recover


def rebuilt(directory: DataDirectory, journal: Journal, into: Path, brick: str) -> tuple[OxigraphStore, int]:
    """A store in the new directory ``into`` that stands where the journal does; how many revisions were replayed.

    From the first change on, or from a snapshot when old changes are no longer kept whole.  Raises
    `ConfigurationError` when files that the journal refers to are missing or changed, or no snapshot goes back far
    enough.
    """
    if journal.oldest:
        _base(directory, journal, into, brick)
    store = OxigraphStore(into)
    try:
        load_vocabularies(store, brick)
        replayed = recover(store, journal, directory.raw)
    except BaseException:
        store.close()
        raise
    return store, replayed


def _base(directory: DataDirectory, journal: Journal, into: Path, brick: str) -> None:
    empty = into.with_name(f"{into.name}.vocabularies")
    store = OxigraphStore(empty)
    try:
        load_vocabularies(store, brick)  # snapshots of other vocabularies are of no use
        snapshots = Snapshots(store, journal, directory.snapshots, None, keep=2**31, size=2**62)
        for revision in snapshots.revisions:
            if revision >= journal.oldest and snapshots.copy(revision, into):
                return
    finally:
        store.close()
        shutil.rmtree(empty, ignore_errors=True)
    raise ConfigurationError(
        f"Changes up to revision {journal.oldest} are no longer kept whole, and no snapshot of the graph stands for "
        "them: the store cannot be made anew from the journal.",
        remedy="Restore the directory from a backup.",
    )
