"""Loading the vocabularies and shapes of this version into the store, once per version."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from twin.data import data_directory
from twin.errors import ConfigurationError
from twin.graph.oxigraph import OxigraphStore
from twin.terms import NamedNode, Quad, read_file
from twin.vocab import shapes_graph, vocabulary_graph
from twin.vocabularies.brick import brick_facts, brick_file

_GRAPH_OF_FILE = {"twin": "core"}  # a file's stem names its graph, but for our own terms


def load_vocabularies(store: OxigraphStore, brick: str) -> bool:
    """Brings vocabulary and shape graphs to this version; returns whether anything had to be loaded.

    They are facts of the installed version, not changes of a site, so they stand outside the journal.
    """
    files = vocabulary_files()
    stamp = hashlib.sha256(str(brick_file(brick)).encode())
    for path in files:
        stamp.update(path.name.encode() + path.read_bytes())
    if store.stamp() == stamp.hexdigest():
        return False
    store.drop(
        graph
        for graph in store.graphs()
        if graph in {_graph(path) for path in files} or graph == vocabulary_graph("brick")
    )
    store.bulk_load(brick_facts(brick))
    store.bulk_load(_quads(files))
    store.set_stamp(stamp.hexdigest())
    return True


def vocabulary_files() -> list[Path]:
    """Our own ontology and shape files; raises `ConfigurationError` when the installation lacks them."""
    found = [
        *sorted(data_directory("ontologies").glob("*.ttl")),
        *sorted(data_directory("shapes").glob("*.ttl")),
    ]
    if not found:
        raise ConfigurationError(
            f"There are no ontologies in {data_directory('ontologies')}.", remedy="Install the package again."
        )
    return found


def _graph(path: Path) -> NamedNode:
    name = _GRAPH_OF_FILE.get(path.stem, path.stem)
    return shapes_graph(path.stem) if path.parent.name == "shapes" else vocabulary_graph(name)


def _quads(files: list[Path]) -> Iterator[Quad]:
    for path in files:
        yield from read_file(path, _graph(path))
