"""Bringing the store up to the journal when it opens: what was acknowledged is there, what was half loaded is not."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from twin.errors import ConfigurationError
from twin.graph.bulk import derive_site, graphs_of
from twin.graph.derivation import Derivation
from twin.graph.hierarchy import Hierarchy
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
from twin.terms import NamedNode, RdfFormat

_SITE = re.compile(rb"<urn:twin:site:([^>]+)> \.\n")


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
    replayed = 0
    while standing < written:
        for change in journal.since(standing, 500):
            artifact = journal.artifact(change.token)
            if artifact is None:
                store.apply(change.delta, change.token)
            else:
                text = read_artifact(raw, artifact)
                site = site_in(text)
                graphs = graphs_of(site)
                store.drop(graphs)
                store.bulk_load_text(text, RdfFormat.N_QUADS, None, "urn:twin:base:")
                derived, _ = derive_site(store, site, Derivation(store, Hierarchy(store)))
                store.bulk_load_text(derived, RdfFormat.N_QUADS, None, "urn:twin:base:")
                store.publish(graphs, change.token)
            standing = change.token
            replayed += 1
    return replayed


def read_artifact(raw: Path, digest: str) -> bytes:
    """The N-Quads text of an import's file, after its hash was compared."""
    path = raw / f"{digest}.nq"
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"The import file {path} is missing ({error.strerror}).", remedy="Restore it from a backup."
        ) from error
    if hashlib.sha256(text).hexdigest() != digest:
        raise ConfigurationError(f"The import file {path} was changed.", remedy="Restore it from a backup.")
    return text


def site_in(text: bytes) -> str:
    """The site whose quads an import's file holds."""
    found = _SITE.search(text)
    if found is None:
        raise ConfigurationError("An import file names no site.", remedy="Restore it from a backup.")
    return found.group(1).decode()
