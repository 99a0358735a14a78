"""Changes of the class tree that touch many individuals: which, and how far deriving what follows for them is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from twin.clock import Clock
from twin.contracts import Delta
from twin.graph.derivation import Derivation, Progress, changed_classes
from twin.graph.overlay import QuadView, Selected
from twin.terms import NamedNode, Quad

_LARGE = 1000  # individuals; fewer are done before anybody asks


@dataclass(frozen=True, slots=True)
class RetypingJob:
    """A derivation of what follows from a change of the class tree: ``done`` of ``total`` individuals, begun at
    ``began`` and ended at ``ended`` (ns UTC; None: it goes on)."""

    began: int
    done: int
    total: int
    ended: int | None = None


class Retyping:
    """The last large change of the class tree, for whoever asks how far it is; told from the thread that derives."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.job: RetypingJob | None = None

    def told(self, done: int, total: int) -> None:
        """Takes note of the progress of one change; small ones leave no trace."""
        if total < _LARGE:
            return
        now = self._clock.now()
        goes_on = self.job is not None and self.job.ended is None and self.job.total == total and done
        began = self.job.began if goes_on and self.job is not None else now
        self.job = RetypingJob(began, done, total, now if done == total else None)


def classes_of(view: QuadView, graphs: Iterable[NamedNode]) -> frozenset[NamedNode]:
    """The classes whose place in the tree, or whose role, these graphs say something of."""
    stated: list[Quad] = []
    for graph in graphs:
        stated += view.quads(None, None, None, graph) if graph.value.startswith("urn:twin:vocabulary:") else ()
    return changed_classes(Delta(added=tuple(stated)))


def followed_elsewhere(
    view: QuadView,
    derivation: Derivation,
    classes: Sequence[NamedNode],
    graphs: Sequence[NamedNode],
    progress: Progress,
) -> Delta:
    """What has to change in sites other than the one whose graphs these are, for classes of which something else
    follows now."""
    here = frozenset(graphs)
    return derivation.extend(Selected(view, lambda graph: graph not in here), Delta(), classes, progress)
