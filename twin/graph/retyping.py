"""Changes of the class tree that touch many individuals: which, and how far deriving what follows for them is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from twin.contracts import Delta
from twin.graph.derivation import Derivation, Progress, changed_classes
from twin.graph.overlay import QuadView, Selected
from twin.jobs import Jobs, Running
from twin.terms import NamedNode, Quad

_LARGE = 1000  # individuals; fewer are done before anybody asks
_DERIVING = "derive"


class Retyping:
    """One change, watched while what follows from it is derived.

    It is told of as a part of the job that it belongs to, else as a job of its own as soon as it turns out to be large.
    """

    def __init__(self, jobs: Jobs, what: str, actor: str, job: Running | None, ends: ExitStack) -> None:
        self._jobs = jobs
        self._what = what
        self._actor = actor
        self._job = job
        self._ends = ends
        self._bound = False

    def told(self, done: int, total: int) -> None:
        """Takes note of how many individuals are done; raises `twin.jobs.Cancelled` when somebody stopped it."""
        if self._job is None and total >= _LARGE:
            self._job = self._jobs.begin("retyping", self._what, actor=self._actor)
            self._ends.enter_context(self._jobs.ending(self._job))
            if self._bound:
                self._job.bind(_DERIVING)
        if self._job is not None and total >= _LARGE:
            self._job.tell(_DERIVING, done, total)

    def judging(self) -> None:
        """What follows is derived, and the whole is judged next."""
        if self._job is not None:
            self._job.tell("validate")

    def bind(self) -> None:
        """From here on the change is written, whoever wants to stop it."""
        self._bound = True
        if self._job is not None:
            self._job.bind()


@contextmanager
def watched(jobs: Jobs, what: str, actor: str, job: Running | None = None) -> Iterator[Retyping]:
    """A change while it is made; a job of its own ends with the block."""
    with ExitStack() as ends:
        yield Retyping(jobs, what, actor, job, ends)


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
