"""The contracts between the floors: what a graph store, a history and an inference engine promise.

Each has a suite in ``tests/contracts`` that every implementation passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from twin.observation import Block, Float64, Int64, ObservationBatch, UInt16
from twin.scope import Scope
from twin.terms import NamedNode, Object, Quad, Subject

Aggregate = Literal[
    "mean",
    "min",
    "max",
    "sum",
    "count",
    "first",
    "last",
    "percentile",
    "time_weighted_mean",
    "integral",
    "difference",
    "durations",
]
"""What is said of the samples in a bucket.  ``percentile`` is `Reading.percentile` of them.  The others heed how long a
value stood (`Reading.gap` and ``missing``): ``time_weighted_mean``; ``integral``, value times seconds; ``durations``,
the seconds in each state; ``difference``, how far a meter went, past `Reading.rollover`."""
Missing = Literal["hold", "interpolate", "null"]
Drawing = Literal["lttb", "min_max"]


@dataclass(frozen=True, slots=True)
class Delta:
    """Quads removed and added together; a quad in both is a no-op of the removal."""

    removed: tuple[Quad, ...] = ()
    added: tuple[Quad, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.removed or self.added)

    def inverse(self) -> Delta:
        """The change that takes this one back."""
        return Delta(removed=self.added, added=self.removed)


@dataclass(frozen=True, slots=True)
class Revision:
    """One committed change: its ordered token and where it came from.  ``time`` is nanoseconds UTC."""

    token: int
    time: int
    actor: str
    reason: str
    hash: str
    delta: Delta = field(default_factory=Delta)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A raw value that cannot become an observation: where and when (ns UTC) it was received, and why not.

    ``payload`` is ``bytes``, a scalar, or None when only the reason is known.
    """

    address: str
    payload: object
    received: int
    reason: str


class GraphStore(Protocol):
    """A quad store with one writer.  Reads may come from any thread and see whole changes only."""

    def quads(
        self,
        subject: Subject | None = None,
        predicate: NamedNode | None = None,
        object: Object | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        """The quads that match; None matches anything."""
        ...

    def select(self, text: str, scope: Scope | None = None, **bound: Object) -> list[Mapping[str, Object]]:
        """The rows of a SPARQL SELECT of ours over the union of the scope's graphs; ``bound`` are variables given."""
        ...

    def apply(self, delta: Delta, revision: int) -> None:
        """Applies the delta and the revision in one atomic step."""
        ...

    def bulk_load(self, quads: Iterable[Quad]) -> None:
        """Loads many quads fast; not atomic, so only into graphs that no scope sees yet."""
        ...

    def revision(self) -> int:
        """The last revision applied; 0 for an empty store."""
        ...

    def checkpoint(self, directory: Path) -> int:
        """Writes an independent copy of the store to a new directory; returns its revision."""
        ...

    def close(self) -> None:
        """Flushes and closes; using the store afterwards is an error."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """How a window is read, beyond its stretch, buckets and aggregate.

    ``edges`` (ns UTC, ascending) are buckets of unequal length, such as days of a time zone: each begins at one and
    ends at the next.  ``drawing`` gives samples instead of buckets, at most as many as the window's ``points``, that
    draw the same picture.  ``as_of`` (ns UTC) gives what the history said then, before later corrections.

    How long a value stands, for the aggregates that heed it: until the next sample, a bad one included, and ``hold``:
    at most for ``gap`` (ns, None: however long); ``null``: not at all where the next is further away; ``interpolate``:
    in a straight line to the next, where it is not.
    """

    percentile: float = 50.0
    edges: tuple[int, ...] | None = None
    drawing: Drawing | None = None
    gap: int | None = None
    missing: Missing = "hold"
    rollover: float | None = None
    as_of: int | None = None


PLAIN = Reading()


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of one series as columns of one length: bucket start or sample ``time`` (int64 ns UTC), ``value`` and,
    where the rows are buckets, their ``minimum``, ``maximum`` and ``count``; ``quality`` is a bucket's codes combined.
    A series of texts carries ``text`` instead of values, one of arrays ``blocks`` (a bucket's last, or its first).
    Aggregates that heed how long a value stood tell the seconds that one did as ``covered``, and ``durations`` the
    seconds in each state, by its value or text."""

    time: Int64
    value: Float64
    minimum: Float64
    maximum: Float64
    count: Int64
    quality: UInt16
    text: Sequence[str] | None = None
    blocks: Sequence[Block | None] | None = None
    covered: Float64 | None = None
    durations: Mapping[float | str, Float64] | None = None

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long rows of some series are kept: those before ``before`` (ns UTC) go.

    With ``width`` (ns) whole stretches of that length are summarised first - count, sum, lowest, highest, first, last -
    and answer windows in their place; summaries before ``rolled_before`` go as well.
    """

    series: Sequence[int]
    before: int
    width: int | None = None
    rolled_before: int | None = None


class History(Protocol):
    """The store of all observations.  A row's key is (series, time, version): an identical row is a no-op, a different
    one at the same time becomes the next version and is what later reads see.

    Source times are kept to the nanosecond, receive times to the millisecond (never earlier than they were).
    """

    async def append(self, batch: ObservationBatch) -> None:
        """Returns when the batch, its texts, arrays and origins included, is committed to disk."""
        ...

    def replaces(self, origin: int) -> None:
        """From now on rows of this origin are held against what stands alone: one that says what was said before it
        was corrected becomes a version again, instead of being taken for something sent twice."""
        ...

    async def window(
        self,
        series: int,
        start: int,
        end: int,
        *,
        interval: int | None = None,
        points: int | None = None,
        aggregate: Aggregate = "mean",
        reading: Reading = PLAIN,
    ) -> Window:
        """Samples with ``start <= time < end`` (ns UTC), oldest first; with ``interval`` (ns), ``points`` (at most
        that many) or `Reading.edges` they are put in buckets, those of an interval aligned to it.  Bad samples do not
        enter an aggregate.  Raises `twin.errors.InvalidInput` for what makes no sense."""
        ...

    async def windows(
        self,
        series: Sequence[int],
        start: int,
        end: int,
        *,
        interval: int | None = None,
        points: int | None = None,
        aggregate: Aggregate = "mean",
        reading: Reading = PLAIN,
    ) -> Mapping[int, Window]:
        """The same window of each series, all found at once; empty for one that is not known."""
        ...

    async def rows(
        self,
        series: Sequence[int],
        start: int,
        end: int,
        *,
        as_of: int | None = None,
        versions: bool = False,
    ) -> ObservationBatch:
        """The observations of these series in ``start <= time < end`` as they were appended, ordered by series and
        time; of each time the newest version, or with ``versions`` all of them, oldest first."""
        ...

    async def latest(self, series: Iterable[int] | None = None) -> ObservationBatch:
        """The newest observation of each series (of all, when None), its newest version."""
        ...

    async def latest_before(self, series: int, time: int) -> ObservationBatch:
        """The newest observation of the series with a source time before ``time``; one row, or none."""
        ...

    async def latest_at(self, series: Sequence[int], time: int) -> ObservationBatch:
        """What was known of each series at a moment (ns UTC): its newest observation that had come about by then and,
        where that is not usable, the newest usable one as well."""
        ...

    async def forget(self, series: Sequence[int], start: int, end: int, *, time: int, reason: str) -> int:
        """Deletes the observations of these series in ``start <= time < end``, every version, and their summaries; how
        many there were.  They stay deleted: an observation in that stretch that comes again is not taken.  ``time`` (ns
        UTC) and ``reason`` are kept with the deletion."""
        ...

    async def retain(self, rules: Sequence[Retention], *, time: int) -> int:
        """Deletes what the rules do not keep, for good; how many observations went."""
        ...

    async def close(self) -> None:
        """Commits what is queued and closes."""
        ...


@dataclass(frozen=True, slots=True)
class Signature:
    """Inputs and outputs of a loaded model: name to shape (None: any length) of float32; and the file's metadata."""

    inputs: Mapping[str, tuple[int | None, ...]]
    outputs: Mapping[str, tuple[int | None, ...]]
    metadata: Mapping[str, str]


class LoadedModel(Protocol):
    """A model ready to run; safe to call from several threads."""

    signature: Signature

    def predict(self, arrays: Mapping[str, Float64]) -> Mapping[str, Float64]:
        """Outputs by name for one batch; the first axis is the twin."""
        ...


class InferenceEngine(Protocol):
    """What loads models of one format."""

    def load(self, artifact: Path) -> LoadedModel:
        """The model; raises `twin.errors.InvalidInput` for a file that is not one."""
        ...
