"""One question put to a reader and seen through: its deadline, what it asks for meanwhile, and its start anew."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from twin.errors import DeadlineExceeded
from twin.graph.readers import wire
from twin.graph.readers.handle import Reader, ReaderLost
from twin.graph.readers.live_functions import LiveView, told
from twin.graph.readers.pool import GRACE, ReaderPool, Turn

Request = Callable[[Reader], bytes]
"""What is put to a reader; called when it is known to which."""
Frame = tuple[bytes, bytes]
STANDS_BACK = (0.05, GRACE)
"""Seconds of work after which a reader stands back, and further back."""


class Work:
    """The frames of one answer: `next` gives them, the last one included; `close` it when that was not reached.

    ``view`` gives a fresh view of live values for each run that asks for any.  ``seen`` is the revision that the
    answer is of, known from the first frame on.  The time that a caller takes between two frames is not the query's.
    """

    __slots__ = ("_client", "_deadline", "_ended", "_kind", "_looks", "_overdue", "_pool", "_request", "_revision",
                 "_spent", "_timer", "_turn", "_view", "_view_of", "_what", "seen")  # fmt: skip

    def __init__(
        self,
        pool: ReaderPool,
        kind: bytes,
        request: Request,
        view: Callable[[], LiveView],
        *,
        revision: int,
        deadline: float,
        client: str,
        what: str = "query",
    ) -> None:
        self._pool = pool
        self._kind = kind
        self._request = request
        self._view_of = view
        self._view: LiveView | None = None
        self._revision = revision
        self._deadline = deadline
        self._spent = 0.0
        self._looks = 0
        self._timer: asyncio.TimerHandle | None = None
        self._client = client
        self._what = what
        self._turn: Turn | None = None
        self._overdue = self._ended = False
        self.seen = revision

    async def next(self) -> Frame:
        """The next frame.  Raises `Busy`, `DeadlineExceeded`, `ReaderLost` or `Unavailable`, after which there is
        none."""
        try:
            while True:
                turn = self._turn
                if turn is None:
                    turn = self._ask(await self._pool.acquire(self._revision, self._client))
                try:
                    frame = await self._frame(turn)
                except ReaderLost:
                    if not turn.preempted or turn.streaming:
                        raise
                    # Others waited, and it was long: it starts again when a long one may run, then to its end.
                    self._leave()
                    self._ask(await self._pool.acquire(self._revision, self._client, long=True))
                    continue
                turn.streaming = True
                if frame[0] in wire.LAST:
                    self._leave()
                    self._ended = True
                return frame
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Gives the reader back, stopping what it still does; closing twice is allowed."""
        self._ended = True
        self._leave()

    def _ask(self, turn: Turn) -> Turn:
        self._turn = turn
        self._spent = 0.0
        self._looks = 0
        self._view = None
        turn.reader.ask(self._kind, self._request(turn.reader))
        self.seen = turn.reader.revision
        return turn

    def _leave(self) -> None:
        if self._turn is not None:
            self._pool.release(self._turn, kill=self._overdue)
            self._turn = None

    async def _frame(self, turn: Turn) -> Frame:
        """The next frame that is part of the answer; what it asks for meanwhile is told."""
        reader = turn.reader
        frame = reader.take()
        if frame is not None and frame[0] != wire.ASK:
            return frame
        loop = asyncio.get_running_loop()
        began = loop.time() - self._spent
        self._look_again(reader, began)
        try:
            while frame is None or frame[0] == wire.ASK:
                if frame is not None:
                    self._view = self._view or self._view_of()
                    reader.reply(json.dumps(await told(self._view, json.loads(frame[1]))).encode())
                frame = await reader.next()
        except ReaderLost:
            if not self._overdue:
                raise
            raise DeadlineExceeded(
                f"The {self._what} was stopped after {self._deadline:g} s.",
                remedy="Start from a bound term, narrow its patterns, or add a LIMIT.",
            ) from None
        finally:
            if self._timer is not None:
                self._timer.cancel()
        self._spent = loop.time() - began
        return frame

    def _look_again(self, reader: Reader, began: float) -> None:
        looks = STANDS_BACK[self._looks :]
        moment = looks[0] if looks and looks[0] < self._deadline else self._deadline
        self._timer = asyncio.get_running_loop().call_at(began + moment, self._look, reader, began)

    def _look(self, reader: Reader, began: float) -> None:
        """What takes long stands back behind all that is quick; what takes too long ends."""
        if self._looks < len(STANDS_BACK) and STANDS_BACK[self._looks] < self._deadline:
            self._looks += 1
            reader.stand_back()
            self._look_again(reader, began)
        else:
            self._overdue = True
            reader.kill()
