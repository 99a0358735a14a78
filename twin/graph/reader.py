"""SPARQL for analysts: in reader processes that can be killed, each a copy of the graph that is never stale.

A reader starts on a checkpoint of the store and is fed every committed change through the same pipe as its questions,
so a query sees whatever was committed before it was asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.bus import Topic
from twin.contracts import Revision
from twin.errors import DeadlineExceeded
from twin.graph.live_functions import LiveSource
from twin.graph.reader_handle import ReadableStore, Reader
from twin.graph.reader_pool import ReaderPool
from twin.graph.results import choose
from twin.graph.sparql_gate import Limits, Question, examine
from twin.scope import Scope
from twin.settings import SparqlSettings

_PATIENCE = 3  # deadlines that a query waits in line


_ANSWER_BYTES = 256 * 1024 * 1024
_READER_BYTES = 1024 * 1024 * 1024
_SETTINGS = SparqlSettings()


@dataclass(slots=True)
class _Progress:
    rows: int | None = None


class SparqlAnswer:
    """An answer that streams: iterate it once for its bytes, or `read` it whole.

    ``media_type`` is what the client accepted, ``revision`` what the answer has seen at least.  Close it (`aclose`)
    when it is not read to its end.
    """

    def __init__(
        self, media_type: str, revision: int, first: bytes, rest: AsyncGenerator[bytes, None], progress: _Progress
    ) -> None:
        self.media_type = media_type
        self.revision = revision
        self._first = first
        self._rest = rest
        self._progress = progress

    @property
    def rows(self) -> int | None:
        """About how many rows or triples there were; None until the answer was read to its end."""
        return self._progress.rows

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with aclosing(self._rest):
            yield self._first
            async for piece in self._rest:
                yield piece

    async def read(self) -> bytes:
        """The whole answer."""
        return b"".join([piece async for piece in self])

    async def aclose(self) -> None:
        """Stops the query if it still runs; closing twice, or after the end, is allowed."""
        await self._rest.aclose()


class SparqlService:
    """Answers SPARQL queries over the store, with the values of ``live`` in the ``live:`` functions.

    ``directory`` holds the readers' checkpoints and belongs to this service alone.  Of ``settings.readers`` processes
    the first is kept ready and the others are started when they are needed.  An answer may have ``answer_bytes``, a
    reader's process ``reader_bytes`` of memory.
    """

    def __init__(
        self,
        store: ReadableStore,
        changes: Topic[Revision],
        live: LiveSource,
        directory: Path,
        settings: SparqlSettings = _SETTINGS,
        *,
        answer_bytes: int = _ANSWER_BYTES,
        reader_bytes: int = _READER_BYTES,
    ) -> None:
        self._store = store
        self._live = live
        self._settings = settings
        self._answer_bytes = answer_bytes
        self.text_limits = Limits(settings.text_bytes, settings.nesting, settings.operators)
        self._pool = ReaderPool(
            store,
            changes,
            directory,
            most=settings.readers,
            queue=settings.queue,
            patience=_PATIENCE * settings.deadline,
            memory=reader_bytes,
        )

    async def start(self) -> None:
        """Returns when the first reader is ready; removes what an earlier run left behind."""
        await self._pool.start()

    async def query(
        self,
        text: str,
        scope: Scope | None = None,
        accept: str = "*/*",
        *,
        default_graphs: Sequence[str] = (),
        named_graphs: Sequence[str] = (),
        deadline: float | None = None,
    ) -> SparqlAnswer:
        """The answer to a query over the graphs that the scope sees, in the format that ``accept`` prefers.

        Without FROM in the text or graphs given here (which win, as the protocol says) the default graph is the union
        of the scope's graphs.  Returns with the answer's first bytes.  Raises `InvalidInput` (`QueryTooLarge`,
        `NotAcceptable`), `Busy`, `DeadlineExceeded` or `Unavailable`; iterating the answer may raise these too.
        """
        scope = scope or Scope()
        question = examine(text, self.text_limits)
        choice = choose(question.form, accept)
        needed = self._store.revision()
        reader = await self._pool.acquire(needed)
        progress = _Progress()

        def request() -> dict[str, Any]:
            return {
                "text": text,
                "format": choice.name,
                "rows": self._settings.rows,
                "bytes": self._answer_bytes,
                "live": self._live_values(question, scope),
                **self._graphs(question, scope, default_graphs, named_graphs),
            }

        work = self._work(reader, request, scope, deadline or self._settings.deadline, progress)
        try:
            first = await anext(work, b"")
        except BaseException:
            await work.aclose()
            raise
        return SparqlAnswer(choice.media_type, needed, first, work, progress)

    async def close(self) -> None:
        """Ends every reader and query and removes the checkpoints; closing twice is allowed."""
        await self._pool.close()

    def _graphs(
        self, question: Question, scope: Scope, default: Sequence[str], named: Sequence[str]
    ) -> dict[str, list[str]]:
        visible = [graph.value for graph in self._store.graphs(scope)]
        if not default and not named:
            default, named = question.default_graphs, question.named_graphs
        if not default and not named:
            return {"default": visible, "named": visible}
        # A graph outside the scope is as one that does not exist: empty.
        return {
            "default": [graph for graph in visible if graph in default],
            "named": [graph for graph in visible if graph in named],
        }

    def _live_values(self, question: Question, scope: Scope) -> dict[str, tuple[Any, ...]]:
        if not question.live:
            return {}
        return {iri: (live.value, live.time, live.quality, live.age) for iri, live in self._live.values(scope).items()}

    async def _work(
        self, reader: Reader, request: Callable[[], dict[str, Any]], scope: Scope, deadline: float, progress: _Progress
    ) -> AsyncGenerator[bytes, None]:
        """Yields the answer's bytes, and gives the reader back whatever happens."""

        async def aggregates(properties: Sequence[str], seconds: float, name: str) -> Mapping[str, float | None]:
            return await self._live.aggregates(scope, properties, seconds, name)

        clock = asyncio.get_running_loop().time
        left, overdue = deadline, False
        try:
            async with aclosing(reader.ask(request(), aggregates)) as answer:
                while progress.rows is None:
                    since = clock()
                    try:
                        async with asyncio.timeout(left):
                            piece = await anext(answer)
                    except TimeoutError:
                        overdue = True
                        raise DeadlineExceeded(
                            f"The query was stopped after {deadline:g} s.",
                            remedy="Start from a bound term, narrow its patterns, or add a LIMIT.",
                        ) from None
                    left -= clock() - since  # the time that a client takes to read is not the query's
                    if isinstance(piece, int):
                        progress.rows = piece
                    else:
                        yield piece
        finally:
            self._pool.release(reader, kill=overdue)
