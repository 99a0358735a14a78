"""Jobs: work that takes a while, seen from outside - what it is, how far it is, how it ended - and stopped from there.

A job that is cancelled leaves nothing of what it was about to do; from the moment at which it writes, it is not
cancelled any more.  The jobs of this process are known, the newest that ended among them; none outlives it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, Literal

from twin.clock import Clock
from twin.errors import Conflict, NotFound, TwinError, Unavailable

Kind = Literal["import", "validation", "retyping", "back-fill", "reprocessing"]
State = Literal["running", "done", "failed", "cancelled"]
_KEPT = 200
_log = logging.getLogger(__name__)


class Cancelled(Unavailable):
    """Somebody stopped the work; nothing of it was kept."""

    code = "cancelled"
    http_status = 409, "Cancelled"


class Stop:
    """Asks work in another thread, and the processes that it waits for, to end."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls: list[Callable[[], object]] = []
        self.asked = False

    def stop(self) -> None:
        """Asks now, and whatever begins later; does nothing once the work has ended."""
        with self._lock:
            self.asked = True
            for call in self._calls:
                call()

    def check(self) -> None:
        """Returns as long as nobody has asked; raises `Cancelled` from then on."""
        if self.asked:
            raise Cancelled("The work was stopped, as asked.", remedy="Start it again when you want its result.")

    @contextmanager
    def calling(self, call: Callable[[], object]) -> Iterator[None]:
        """Within it, asking calls this too: what kills a process that is waited for."""
        with self._lock:
            self._calls.append(call)
            if self.asked:
                call()
        try:
            yield
        finally:
            with self._lock:
                self._calls.remove(call)


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work.  ``step`` names what it does now, ``done`` of ``total`` of that is done (0 of 0: unknown);
    times are nanoseconds UTC.  ``result`` is what it came to and ``error`` why it failed, as plain JSON values."""

    id: str
    kind: Kind
    what: str
    site: str | None
    actor: str
    began: int
    state: State = "running"
    step: str = ""
    done: int = 0
    total: int = 0
    cancellable: bool = True
    cancelling: bool = False
    ended: int | None = None
    message: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0


class Running:
    """A job from within: tells how far it is, from any thread."""

    def __init__(self, jobs: Jobs, id: str) -> None:
        self._jobs = jobs
        self.id = id
        self.stop = Stop()

    @property
    def job(self) -> Job:
        """What is seen of it."""
        return self._jobs.find(self.id)

    def tell(self, step: str, done: int = 0, total: int = 0) -> None:
        """Says how far it is; raises `Cancelled` when somebody has asked it to stop and it still can."""
        if self.job.cancellable:
            self.stop.check()
        self._jobs.change(self.id, step=step, done=done, total=total)

    def bind(self, step: str = "write") -> None:
        """From here on it is not cancelled: what it writes stands.  Raises `Cancelled` when that was asked before."""
        self._jobs.bind(self.id, self.stop, step)

    def free(self, step: str) -> None:
        """From here on it can be cancelled again."""
        self._jobs.change(self.id, cancellable=True, step=step, done=0, total=0)

    def came_to(self, message: str, **result: Any) -> None:
        """Notes what it came to, in words and as plain JSON values."""
        self._jobs.change(self.id, message=message, result=result)


class Jobs:
    """The jobs of this process; safe to use from several threads, `start` and `outcome` from the event loop alone."""

    def __init__(self, clock: Clock, kept: int = _KEPT) -> None:
        self._clock = clock
        self._kept = kept
        self._lock = Lock()
        self._jobs: dict[str, Job] = {}
        self._stops: dict[str, Stop] = {}
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self.version = 0
        """Grows with everything that is told of a job."""

    def listed(self, *, site: str | None = None, kind: str | None = None, state: str | None = None) -> list[Job]:
        """The jobs that go on and the newest that ended, newest first."""
        with self._lock:
            found = [
                job
                for job in self._jobs.values()
                if (site is None or job.site == site) and kind in (None, job.kind) and state in (None, job.state)
            ]
        return found[::-1]

    def find(self, id: str) -> Job:
        """A job; raises `NotFound`."""
        with self._lock:
            return self._find(id)

    def _find(self, id: str) -> Job:
        if id not in self._jobs:
            raise NotFound(
                f"There is no job {id[:80]!r}.",
                remedy="List the jobs: the oldest that ended are forgotten.",
                id=id[:80],
            )
        return self._jobs[id]

    def cancel(self, id: str) -> Job:
        """The job, asked to stop; one that was cancelled stays so.  Raises `NotFound`, and `Conflict` for a job that
        ended otherwise or writes already."""
        with self._lock:
            job = self._find(id)
            if job.state == "cancelled" or job.cancelling:
                return job
            if job.state != "running":
                raise Conflict(f"The job {id} has ended: it is {job.state}.", remedy="Look at what it came to.")
            if not job.cancellable:
                raise Conflict(
                    f"The job {id} writes what it found and is not stopped any more.",
                    remedy="Wait until it has ended; a change can be taken back.",
                )
            self._set(replace(job, cancelling=True))
            stop = self._stops[id]
        stop.stop()
        return self.find(id)

    @contextmanager
    def run(self, kind: Kind, what: str, *, site: str | None = None, actor: str = "twin") -> Iterator[Running]:
        """A job that goes on as long as the block; what the block raises is how it ended, and is raised again."""
        running = self.begin(kind, what, site=site, actor=actor)
        with self.ending(running):
            yield running

    def begin(self, kind: Kind, what: str, *, site: str | None = None, actor: str = "twin") -> Running:
        """A job that goes on until `ending` has been left."""
        with self._lock:
            id = f"{kind}-{secrets.token_hex(4)}"
            running = Running(self, id)
            self._stops[id] = running.stop
            self._set(Job(id, kind, what, site, actor, self._clock.now()))
            self._forget_oldest()
        return running

    @contextmanager
    def ending(self, running: Running) -> Iterator[None]:
        """Within it the job goes on; how the block ends is how the job ends."""
        try:
            yield
        except Cancelled as error:
            self._end(running.id, "cancelled", message=error.message)
            raise
        except TwinError as error:
            told = {"code": error.code, "detail": error.message, "remedy": error.remedy, **error.details}
            self._end(running.id, "failed", message=str(error), error=told)
            raise
        except BaseException as error:
            if not isinstance(error, Exception):
                message = "It was broken off: the server stopped."
            else:
                message = "It failed for a reason that is in the server's log."
            self._end(running.id, "failed", message=message, error={"code": "internal", "detail": message})
            raise
        else:
            self._end(running.id, "done")

    def start(
        self,
        kind: Kind,
        what: str,
        work: Callable[[Running], Awaitable[Any]],
        *,
        site: str | None = None,
        actor: str = "twin",
    ) -> Job:
        """A job that goes on by itself, whatever becomes of whoever started it."""
        running = self.begin(kind, what, site=site, actor=actor)

        async def go() -> Any:
            with self.ending(running):
                return await work(running)

        task = self._tasks[running.id] = asyncio.create_task(go())
        task.add_done_callback(lambda done: self._left(running.id, done))
        return running.job

    async def outcome(self, id: str) -> Any:
        """What the work of a started job gives, or raises, when it has ended."""
        task = self._tasks.get(id)
        return None if task is None else await asyncio.shield(task)

    async def close(self) -> None:
        """Asks every job to stop and returns when those that were started have ended."""
        for stop in list(self._stops.values()):
            stop.stop()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _left(self, id: str, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(id, None)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, TwinError):
            _log.error("The job %s failed: %s", id, error, exc_info=error)

    def change(self, id: str, **told: Any) -> None:
        """Notes what is told of a job that goes on."""
        with self._lock, suppress(NotFound):
            self._set(replace(self._find(id), **told))

    def bind(self, id: str, stop: Stop, step: str) -> None:
        """Has a job not be cancelled from here on; raises `Cancelled` when it was before."""
        with self._lock:
            stop.check()
            self._set(replace(self._find(id), cancellable=False, step=step, done=0, total=0))

    def _end(self, id: str, state: State, **told: Any) -> None:
        with self._lock:
            self._stops.pop(id, None)
            job = self._find(id)
            told.setdefault("message", job.message)
            self._set(replace(job, state=state, ended=self._clock.now(), cancellable=False, cancelling=False, **told))

    def _set(self, job: Job) -> None:
        self.version += 1
        self._jobs[job.id] = replace(job, version=self.version)

    def _forget_oldest(self) -> None:
        ended = [job.id for job in self._jobs.values() if job.ended is not None]
        for id in ended[: max(0, len(self._jobs) - self._kept)]:
            del self._jobs[id]
