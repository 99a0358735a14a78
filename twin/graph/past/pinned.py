"""The past, a few revisions at a time: stores and read models pinned at what was asked for lately.

A pinned revision starts on a copy of whatever is nearest - the store as it is now, or a snapshot - and takes the net
of the changes in between.  It is asked as the present is; nothing ever changes in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import shutil
import weakref
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from twin.clock import Clock, iso
from twin.errors import ConfigurationError, InvalidInput, NotFound, Unavailable
from twin.graph.bulk import graphs_of
from twin.graph.hierarchy import Hierarchy
from twin.graph.journal import Journal
from twin.graph.journal_rows import shown, too_old
from twin.graph.oxigraph import OxigraphStore
from twin.graph.past.differences import Net, imports_between, sites_of_graphs, subjects_of, way
from twin.graph.past.snapshots import Snapshots
from twin.graph.past.store import PastStore
from twin.graph.twins.membership import LABELS
from twin.graph.twins.reader import TwinReader
from twin.scope import Scope
from twin.terms import NamedNode
from twin.vocab import OWL, RDF, RDFS

_log = logging.getLogger(__name__)
CLASS_TREE = (RDFS.subClassOf, OWL.equivalentClass)
"""Predicates that the class tree is made of."""
_LOADING = 50_000
"""An import on the way forward counts as this many changes."""
_DEARER = 16
"""By how much it costs more to read a member anew than to keep, or to leave out, one of now."""
_MOVED = 100_000
"""Beyond this many nodes it is quicker to read the members of the past anew than to move those of now."""


class Past:
    """One revision of the past: ``store`` and ``twins`` answer as they did when it was the newest.

    It lasts as long as somebody holds it - hold it as long as you read what it gave; its files go with it.
    """

    def __init__(
        self, revision: int, time: int, store: PastStore, read: Callable[[], Awaitable[TwinReader]], files: Path
    ) -> None:
        self.revision = revision
        self.time = time
        self.store = store
        self.files = files
        self._read = read
        self._reader: TwinReader | None = None
        self._reading = asyncio.Lock()
        weakref.finalize(self, store.let_go, files)

    async def twins(self) -> TwinReader:
        """Its read model, made when it is first asked for."""
        async with self._reading:
            if self._reader is None:
                self._reader = await self._read()
        return self._reader


@dataclass(frozen=True, slots=True)
class Moment:
    """A revision of the past, and the time (ns UTC) whose live values belong to it."""

    revision: int
    time: int


class Pasts:
    """The pinned revisions of one store, in ``directory``, which belongs to them alone; ``raw`` holds the files of
    imports.  At most ``most`` are kept, for ``idle`` seconds after their last use, in ``size`` bytes of files beyond
    those that the store shares with them."""

    def __init__(
        self,
        store: OxigraphStore,
        journal: Journal,
        twins: TwinReader,
        snapshots: Snapshots,
        directory: Path,
        raw: Path,
        clock: Clock,
        *,
        most: int = 4,
        idle: float = 300.0,
        size: int = 2 * 1024**3,
    ) -> None:
        self._store = store
        self._journal = journal
        self._twins = twins
        self._snapshots = snapshots
        self._directory = directory
        self._raw = raw
        self._clock = clock
        self._most, self._idle, self._size = max(1, most), idle, size
        self._names = itertools.count(1)
        self._kept: OrderedDict[int, Past] = OrderedDict()
        self._used: dict[int, float] = {}
        self._building: dict[int, asyncio.Task[Past]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._one = asyncio.Lock()
        shutil.rmtree(directory, ignore_errors=True)  # of a server that was killed
        directory.mkdir(parents=True)

    def at_time(self, time: int) -> Moment:
        """The moment of a time (ns UTC): the newest revision there was; raises `InvalidInput` for the future."""
        if time > self._clock.now():
            raise InvalidInput(
                f"{iso(time)} has not come yet; it is {iso(self._clock.now())}.", remedy="Ask for a time in the past."
            )
        return self._checked(Moment(min(self._journal.revision_at(time), self._store.revision()), time))

    def at_revision(self, revision: int) -> Moment:
        """The moment when a revision was committed; raises `NotFound` for one that does not exist (yet)."""
        newest = self._store.revision()
        if revision > newest:
            raise NotFound(
                f"Revision {revision} does not exist yet; the newest is {newest}.",
                remedy="Ask for a revision that this server gave.",
                newest=shown(newest),
            )
        return self._checked(Moment(revision, self._journal.time_of(revision)))

    def _checked(self, moment: Moment) -> Moment:
        if moment.revision < self._journal.oldest:
            raise too_old(moment.revision, self._journal.oldest)
        return moment

    async def pin(self, revision: int) -> Past:
        """The past at a revision that exists; raises `TooOld` and `Unavailable`."""
        kept = self._kept.get(revision)
        if kept is None:
            task = self._building.get(revision)
            if task is None:
                task = self._building[revision] = asyncio.create_task(self._pin(revision))
                task.add_done_callback(lambda done: self._built(revision, done))
            kept = await asyncio.shield(task)  # others may wait for it as well
        else:
            self._kept.move_to_end(revision)
        self._used[revision] = self._clock.monotonic()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._idle / 2, self._wake)
        return kept

    def _wake(self) -> None:
        self._timer = None
        self.let_go()
        if self._kept:
            self._timer = asyncio.get_running_loop().call_later(self._idle / 2, self._wake)

    def _built(self, revision: int, task: asyncio.Task[Past]) -> None:
        self._building.pop(revision, None)
        if not task.cancelled() and task.exception() is None:
            self._kept[revision] = task.result()
            self._used[revision] = self._clock.monotonic()
            self.let_go()

    async def _pin(self, revision: int) -> Past:
        async with self._one:  # two at once would each take twice as long
            store, files = await asyncio.to_thread(self._moved, revision)
        return Past(revision, self._journal.time_of(revision), store, lambda: self._read(store, revision), files)

    async def _read(self, store: PastStore, revision: int) -> TwinReader:
        span = sorted((revision, self._twins.revision))
        far = await asyncio.to_thread(self._is_far, *span)
        # Read before the members are taken: what was said of others after that is among the changes.
        named = set[str]() if far else await asyncio.to_thread(self._named_by_imports, *span)
        # It may have gone on meanwhile; what is taken here is of one revision.
        members = None if far else self._twins.members()
        low, high = sorted((revision, self._twins.revision))
        hierarchy = self._twins.hierarchy()

        def read() -> TwinReader:
            if members is None:
                return self._twins.in_state(store, Hierarchy(store))
            steps = [step for step in way(self._journal, high, low) if isinstance(step, Net)]
            said = [line for step in steps for line in step.lines()]
            retyped, renamed = subjects_of(said, (RDF.type,)), subjects_of(said, LABELS)
            emptied = {site for step in steps for site in sites_of_graphs(step.cleared)}
            others = {iri for iri in named if members.home(iri) is not None and members.home(iri) not in emptied}
            tree = Hierarchy(store) if emptied or subjects_of(said, CLASS_TREE) else hierarchy
            return self._twins.in_state(store, tree, members, retyped, renamed | others, emptied)

        return await asyncio.to_thread(read)

    def _is_far(self, low: int, high: int) -> bool:
        """Whether too much was changed for the members to be moved, or too little is left of them to be worth it."""
        imported = self._imported(low, high)
        counted = (
            {site: sum(self._twins.counts(Scope(), site)) for site in self._twins.sites(Scope())} if imported else {}
        )
        left = sum(count for site, count in counted.items() if site not in imported)
        return left * _DEARER < sum(counted.values()) or self._journal.count_touched(low, high) > _MOVED

    def _imported(self, low: int, high: int) -> set[str]:
        return {artifact.partition("\n")[0] for artifact in imports_between(self._journal, low, high).values()}

    def _named_by_imports(self, low: int, high: int) -> set[str]:
        """The nodes that the sites imported in between give names to: they may be members of other sites."""
        sites = self._imported(low, high)
        if not sites or len(set(self._twins.sites(Scope())) - sites) == 0:
            return set()
        subjects = (
            node
            for site in sites
            for graph in graphs_of(site)
            for predicate in LABELS
            for node in self._store.subjects(predicate, graph)
        )
        return {node[1:-1] for node in subjects}

    def _moved(self, revision: int) -> tuple[PastStore, Path]:
        for base in self._bases(revision):
            files = self._directory / f"{revision:012d}-{next(self._names)}"
            try:
                with contextlib.ExitStack() as failed:
                    failed.callback(shutil.rmtree, files, ignore_errors=True)
                    store = self._from(base, revision, files)
                    if store is not None:
                        failed.pop_all()
                        return store, files
            except (OSError, Unavailable, ConfigurationError) as error:
                start = "now" if base is None else f"the snapshot of revision {base}"
                _log.warning("Revision %d cannot be reached from %s: %s", revision, start, error)
        raise Unavailable(
            f"Revision {revision} cannot be read now.",
            remedy="See whether the disk is full or damaged (twin verify), and try again.",
        )

    def _bases(self, revision: int) -> Iterator[int | None]:
        """The nearest first: None is now, which is always there."""
        artifacts = self._journal.artifacts()

        def distance(base: int | None) -> int:
            start = self._store.revision() if base is None else base
            loads = sum(start < each <= revision for each in artifacts)
            return abs(start - revision) + loads * _LOADING

        yield from sorted((None, *self._snapshots.revisions), key=distance)

    def _from(self, base: int | None, revision: int, files: Path) -> PastStore | None:
        start, hidden = base, frozenset[NamedNode]()
        if start is None:
            start, hidden = self._store.copy(files)
        elif not self._snapshots.copy(start, files):
            return None
        try:
            store = PastStore(files)
        except (Unavailable, ConfigurationError):
            if base is not None:
                self._snapshots.discard(base)  # whole, and yet no store
            raise
        store.hide(hidden)
        for step in way(self._journal, start, revision):
            store.take(step, self._raw)
        store.arrive(revision)
        return store

    def let_go(self) -> None:
        """Lets go of what was not used for long, and of what is more than is kept, the least recently used first."""
        now = self._clock.monotonic()
        for revision in [each for each in self._kept if now - self._used[each] >= self._idle]:
            self._drop(revision)
        while len(self._kept) > self._most or (len(self._kept) > 1 and self._unshared() > self._size):
            self._drop(next(iter(self._kept)))

    def _drop(self, revision: int) -> None:
        del self._kept[revision], self._used[revision]

    def _unshared(self) -> int:
        total = 0
        for past in self._kept.values():
            with contextlib.suppress(OSError):  # its store goes on tidying up
                states = [file.stat() for file in past.files.iterdir()]
                total += sum(state.st_size for state in states if state.st_nlink == 1)
        return total

    async def close(self) -> None:
        """Lets go of everything and removes the files; closing twice is allowed."""
        if self._timer is not None:
            self._timer.cancel()
        for task in tuple(self._building.values()):
            with contextlib.suppress(Exception):
                await task
        self._kept.clear()
        self._used.clear()
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)
