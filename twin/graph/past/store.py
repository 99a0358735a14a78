"""The store of one revision of the past: a copy that was taken elsewhere and moved to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from twin.graph.bulk import graphs_of, reload_texts
from twin.graph.oxigraph import OxigraphStore
from twin.graph.past.differences import Loading, Net, graph_of
from twin.graph.recovery import read_artifacts
from twin.terms import NamedNode, Object, Quad, Subject, parse_n_quads


class PastStore(OxigraphStore):
    """An `OxigraphStore` on a copy, of which graphs that were not there yet are hidden rather than emptied: that takes
    no time, however large they are."""

    def quads(
        self,
        subject: Subject | None = None,
        predicate: NamedNode | None = None,
        object: Object | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        """The quads that match, without those of hidden graphs."""
        found = super().quads(subject, predicate, object, graph)
        hidden = self._hidden
        return (quad for quad in found if quad.graph_name not in hidden) if hidden else found

    def take(self, step: Net | Loading, raw: Path) -> None:
        """Takes one step of a `twin.graph.past.differences.way`; ``raw`` holds the files of imports."""
        if isinstance(step, Loading):
            site, texts = read_artifacts(raw, step.artifact)
            self.drop(graphs_of(site))
            reload_texts(self, texts, site)
            return
        filled = {graph_of(line) for line in step.added}
        self.drop(_node(graph) for graph in step.cleared & filled)  # it held something else before
        self.hide(_node(graph) for graph in step.cleared - filled)
        self.exchange(_quads(step.removed), _quads(step.added))

    def let_go(self, files: Path) -> None:
        """Closes it and removes its files; nobody may read it any more."""
        del self._store  # without a flush: what is in it is thrown away
        shutil.rmtree(files, ignore_errors=True)

    def arrive(self, revision: int) -> None:
        """Notes the revision that it now holds."""
        self.publish((), revision)


@contextmanager
def standing_still(store: OxigraphStore, directory: Path) -> Iterator[OxigraphStore]:
    """The store as it is now, for a reading that takes long: it does not change while others change the store.

    Takes 0.1 s and no bytes beyond those that change meanwhile, in ``directory``, which is gone afterwards.  A store in
    memory is given as it is.
    """
    if not store.on_disk:
        yield store
        return
    directory.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(directory, ignore_errors=True)
    try:
        _, hidden = store.copy(directory)
        copy = PastStore(directory)
        copy.hide(hidden)
        yield copy
        copy.let_go(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _node(graph: bytes) -> NamedNode:
    return NamedNode(graph[1:-1].decode())


def _quads(lines: Iterable[bytes]) -> Iterator[Quad]:
    return parse_n_quads(b"\n".join(lines))
