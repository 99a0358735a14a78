"""Compares a data directory's store with one made anew: ``python -m twin.flows.store_comparison DATA REFERENCE BRICK``.

A process of its own, because a damaged store may end it.  Its answer: what is ``wrong`` in sentences, and how many
revisions were ``replayed`` into the store first, as when a server starts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from twin.directory import DataDirectory
from twin.errors import TwinError
from twin.flows.vocabularies import load_vocabularies
from twin.graph.bulk import derived_anew
from twin.graph.child import Answer, serve
from twin.graph.derivation import Derivation
from twin.graph.hierarchy import Hierarchy
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore, damaged
from twin.graph.recovery import recover
from twin.graph.store_content import differences, disagreeing_indexes
from twin.vocab import site_of_graph


def compare(data: Path, reference: Path, brick: str) -> Answer:
    """What is wrong with the store."""
    directory = DataDirectory(data)  # the process that started this one holds its lock
    replayed, wrong = 0, []
    try:
        journal, store = Journal(directory.journal), OxigraphStore(directory.graph)
        load_vocabularies(store, brick)
        replayed = recover(store, journal, directory.raw)
        wrong += [
            f"The graph {each.graph} is not what the journal says: {each.missing} triples are missing, "
            f"{each.surplus} are too many."
            for each in differences(store, OxigraphStore(reference))
        ]
        wrong += [f"The store's index by {name} differs from its others." for name in disagreeing_indexes(store)]
        sites = [site for graph in store.graphs() if (site := site_of_graph(graph)) is not None]
        anew = derived_anew(store, sites, Derivation(store, Hierarchy(store)))
        if anew:
            wrong.append(
                f"{len(anew.added)} derived triples are missing, and {len(anew.removed)} do not follow any more."
            )
    except TwinError as error:
        wrong.append(error.message)
    except (OSError, RuntimeError, ValueError) as error:  # what reading damaged files raises
        wrong.append(damaged(directory.graph, error).message)
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        wrong.append(damaged(directory.graph, error).message)
    return {"wrong": wrong, "replayed": replayed}


def main(_fed: bytes, answer: Callable[[Answer], None]) -> None:
    """Answers once."""
    answer(compare(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))


if __name__ == "__main__":
    serve(main)
