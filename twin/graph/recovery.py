"""Bringing the store up to the journal when it opens: what was acknowledged is there, what was half loaded is not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from twin.errors import ConfigurationError
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
from twin.terms import NamedNode, Quad, parse_n_quads

Derive = Callable[[list[Quad]], Iterable[Quad]]
"""The derived quads of a whole import."""


def recover(store: OxigraphStore, journal: Journal, raw: Path, derive: Derive) -> int:
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
    replayed = 0
    while standing < written:
        for change in journal.since(standing, 500):
            artifact = journal.artifact(change.token)
            if artifact is None:
                store.apply(change.delta, change.token)
            else:
                quads = read_artifact(raw, artifact)
                everything = [*quads, *derive(quads)]
                graphs = {quad.graph_name for quad in everything if isinstance(quad.graph_name, NamedNode)}
                store.drop(graphs)
                store.bulk_load(everything)
                store.publish(graphs, change.token)
            standing = change.token
            replayed += 1
    return replayed


def read_artifact(raw: Path, digest: str) -> list[Quad]:
    """The quads of an import's file, after its hash was compared."""
    path = raw / f"{digest}.nq"
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"The import file {path} is missing ({error.strerror}).", remedy="Restore it from a backup."
        ) from error
    if hashlib.sha256(text).hexdigest() != digest:
        raise ConfigurationError(f"The import file {path} was changed.", remedy="Restore it from a backup.")
    return list(parse_n_quads(text))
