"""SPARQL for analysts: in reader processes that can be killed, each a copy of the graph that is never stale.

A reader starts on a checkpoint of the store and is fed every committed change through the same pipe as its questions,
so a query sees whatever was committed before it was asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from twin.bus import Topic
from twin.contracts import Delta, Revision
from twin.graph.past.sparql import PastServices
from twin.graph.readers import wire
from twin.graph.readers.handle import ReadableStore, Reader
from twin.graph.readers.live_functions import LiveSource
from twin.graph.readers.pool import ReaderPool
from twin.graph.readers.refusals import refusal
from twin.graph.readers.streamed import SparqlAnswer
from twin.graph.readers.work import Work
from twin.graph.sparql.gate import Limits, Question, examine
from twin.graph.sparql.negotiation import choose
from twin.graph.sparql.update_gate import Update
from twin.scope import Scope
from twin.settings import SparqlSettings
from twin.terms import parse_n_quads

_DATASETS = 64  # lists of graphs that a reader remembers
_PATIENCE = 3  # deadlines that a query waits in line
_SCOPES = 256  # whose graphs are remembered
_QUERY_TEXT = "application/sparql-query"
_SETTINGS = SparqlSettings()


class SparqlService:
    """Answers SPARQL queries over the store, with the values of ``live`` in the ``live:`` functions.

    ``directory`` holds the readers' checkpoints and belongs to this service alone.  Of ``settings.readers`` processes
    the first is kept ready and the others are started when they are needed.
    """

    def __init__(
        self,
        store: ReadableStore,
        changes: Topic[Revision],
        live: LiveSource,
        directory: Path,
        settings: SparqlSettings = _SETTINGS,
        past: Callable[[], PastServices | None] = lambda: None,
    ) -> None:
        self._store = store
        self._live = live
        self._past = past
        self._settings = settings
        self._visible: tuple[int, dict[Scope, tuple[str, ...]]] = (-1, {})
        self.text_limits = Limits(settings.text_bytes, settings.nesting, settings.operators)
        self.update_limits = Limits(settings.update_bytes, settings.nesting, settings.operators)
        self._pool = ReaderPool(
            store,
            changes,
            directory,
            most=settings.readers,
            queue=settings.queue,
            patience=_PATIENCE * settings.deadline,
            memory=settings.reader_bytes,
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
        client: str = "",
        entailment: bool = True,
        explain: bool = False,
    ) -> SparqlAnswer:
        """The answer to a query over the graphs that the scope sees, in the format that ``accept`` prefers.

        Without FROM in the text or graphs given here (which win, as the protocol says) the default graph is the union
        of the scope's graphs.  ``client`` says whose turn it takes in the line.  Without ``entailment`` it is answered
        from what is stated alone; with ``explain`` the answer is the text that would be evaluated, with everything that
        follows in it (`twin.graph.sparql.entailment`).  Returns with the answer's first bytes.
        Raises `InvalidInput` (`QueryTooLarge`, `NotAcceptable`), `Busy`, `DeadlineExceeded` or `Unavailable`;
        iterating the answer may raise these too.
        """
        scope = scope or Scope()
        if scope.revision is not None and (past := self._past()) is not None:
            graphs: dict[str, Any] = {"default_graphs": default_graphs, "named_graphs": named_graphs}
            graphs |= {"entailment": entailment, "explain": explain}
            return await self._before(past, scope.revision, text, scope, accept, deadline, client, graphs)
        question = examine(text, self.text_limits)
        choice = choose(question.form, "*/*" if explain else accept)
        needed = self._store.revision()

        def request(reader: Reader) -> bytes:
            asked = {
                "text": text,
                "format": choice.name,
                "rows": self._settings.rows,
                "bytes": self._settings.answer_bytes,
                "live": question.live,
                "entailment": entailment,
                "explain": explain,
                **self._graphs(reader, question, scope, default_graphs, named_graphs),
            }
            return orjson.dumps(asked)

        work = Work(
            self._pool,
            wire.QUESTION,
            request,
            lambda: self._live.view(scope),
            revision=needed,
            deadline=deadline or self._settings.deadline,
            client=client,
        )
        media_type = _QUERY_TEXT if explain else choice.media_type
        return await SparqlAnswer(media_type, needed, work, text).begin()

    async def _before(
        self,
        past: PastServices,
        revision: int,
        text: str,
        scope: Scope,
        accept: str,
        deadline: float | None,
        client: str,
        graphs: dict[str, Any],
    ) -> SparqlAnswer:
        """The answer at a revision of the past."""
        choose(examine(text, self.text_limits).form, accept)  # what is refused costs no reader
        service = await past.at(revision)
        try:
            if not isinstance(service, SparqlService):
                raise TypeError("a past is asked as the present is")
            return await service.query(text, scope, accept, deadline=deadline, client=client, **graphs)
        finally:
            past.done(revision)

    @property
    def busy(self) -> bool:
        """Whether a query runs."""
        return self._pool.busy

    async def delta(
        self, update: Update, text: str, scope: Scope, *, using: Sequence[str], using_named: Sequence[str], client: str
    ) -> tuple[Delta, int]:
        """What an update comes to, and the revision that this was found at; nothing is changed.

        Each of its operations sees what those before it did.  ``using`` and ``using_named`` are the graphs that its
        patterns read instead of all.  Raises `InvalidInput`, `Forbidden`, `NotFound`, `Busy`, `DeadlineExceeded` or
        `Unavailable`.
        """

        def request(reader: Reader) -> bytes:
            visible = self.visible_graphs(scope)
            operations = []
            for operation in update.operations:
                each = asdict(operation)
                default, named = (operation.using or using), (operation.using_named or using_named)
                if default or named:
                    each["default"] = [graph for graph in visible if graph in default]
                    each["named"] = [graph for graph in visible if graph in named]
                operations.append(each)
            asked = {"operations": operations, "live": update.live, **self._writes(reader, scope)}
            return json.dumps(asked).encode()

        return await self._delta(wire.UPDATE, request, scope, text, client, "update")

    async def content_delta(
        self, graph: str, syntax: str, text: bytes, scope: Scope, *, base: str, replace: bool, client: str
    ) -> tuple[Delta, int]:
        """What putting a text's triples into a graph - or in place of what it holds - comes to; as `delta`."""

        def request(reader: Reader) -> bytes:
            asked = {"graph": graph, "syntax": syntax, "base": base, "replace": replace, **self._writes(reader, scope)}
            return json.dumps(asked).encode() + b"\n" + text

        return await self._delta(wire.CONTENT, request, scope, "", client, "content")

    async def _delta(
        self, kind: bytes, request: Callable[[Reader], bytes], scope: Scope, text: str, client: str, what: str
    ) -> tuple[Delta, int]:
        work = Work(
            self._pool,
            kind,
            request,
            lambda: self._live.view(scope),
            revision=self._store.revision(),
            deadline=self._settings.deadline,
            client=client,
            what=what,
        )
        last, payload = await work.next()
        if last == wire.FAILURE:
            raise refusal(json.loads(payload), text, what)
        removed, added = wire.split_change(payload)
        return Delta(tuple(parse_n_quads(removed)), tuple(parse_n_quads(added))), work.seen

    async def close(self) -> None:
        """Ends every reader and query and removes the checkpoints; closing twice is allowed."""
        await self._pool.close()

    def visible_graphs(self, scope: Scope) -> tuple[str, ...]:
        """The graphs that the scope sees, by IRI."""
        revision = self._store.revision()
        if self._visible[0] != revision or len(self._visible[1]) > _SCOPES:
            self._visible = revision, {}
        visible = self._visible[1].get(scope)
        if visible is None:
            visible = self._visible[1][scope] = tuple(graph.value for graph in self._store.graphs(scope))
        return visible

    def _writes(self, reader: Reader, scope: Scope) -> dict[str, Any]:
        sites = None if scope.sites is None else sorted(scope.sites)
        return {
            "writable": {"sites": sites, "bindings": scope.principal.may_see_bindings()},
            "quads": self._settings.update_quads,
            **self._scope(reader, scope),
        }

    def _scope(self, reader: Reader, scope: Scope) -> dict[str, Any]:
        visible = self.visible_graphs(scope)
        known = reader.datasets.get(visible)
        if known is not None:
            return {"scope": known}
        if len(reader.datasets) >= _DATASETS:
            reader.datasets.clear()
        number = reader.datasets[visible] = len(reader.datasets)
        return {"scope": number, "graphs": visible}

    def _graphs(
        self, reader: Reader, question: Question, scope: Scope, default: Sequence[str], named: Sequence[str]
    ) -> dict[str, Any]:
        if not default and not named:
            default, named = question.default_graphs, question.named_graphs
        if not default and not named:
            return self._scope(reader, scope)
        # A graph outside the scope is as one that does not exist: empty.
        visible = self.visible_graphs(scope)
        return {
            "scope": -1,
            "default": [graph for graph in visible if graph in default],
            "named": [graph for graph in visible if graph in named],
        }
