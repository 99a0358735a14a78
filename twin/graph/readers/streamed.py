"""The answer of a query as whoever asked reads it: its first bytes at once, the rest as it comes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from twin.graph.readers import wire
from twin.graph.readers.refusals import refusal
from twin.graph.readers.work import Work


class SparqlAnswer:
    """An answer that streams: iterate it once for its bytes, or `read` it whole.

    ``media_type`` is what the client accepted, ``revision`` what the answer has seen at least, ``first`` its first
    bytes - all of them when it is ``complete`` - and ``rows`` about how many rows or triples there were, None until it
    was read to its end.  Close it (`aclose`) when it is not read to its end.
    """

    __slots__ = ("_text", "_work", "complete", "first", "media_type", "revision", "rows")

    def __init__(self, media_type: str, revision: int, work: Work, text: str) -> None:
        self.media_type = media_type
        self.revision = revision
        self.first = b""
        self.complete = False
        self.rows: int | None = None
        self._work = work
        self._text = text

    async def begin(self) -> SparqlAnswer:
        """Waits for the first bytes."""
        self.first = await self._piece()
        return self

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            yield self.first
            while not self.complete:
                if piece := await self._piece():
                    yield piece
        finally:
            self._work.close()

    async def read(self) -> bytes:
        """The whole answer."""
        return b"".join([piece async for piece in self])

    async def aclose(self) -> None:
        """Stops the query if it still runs; closing twice, or after the end, is allowed."""
        self._work.close()

    async def _piece(self) -> bytes:
        kind, payload = await self._work.next()
        if kind == wire.CHUNK:
            return payload
        self.complete = True
        if kind == wire.END:
            self.rows, last = wire.split_end(payload)
            return last
        raise refusal(json.loads(payload), self._text)
