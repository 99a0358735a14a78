"""Work in shifts, so that a long query stands back behind everybody else and the next one does not.

A thread that has been given less of the processor cannot take it back without privileges.  So whoever stood back
finishes its answer, and the next shift is another thread's, started by one that never stands back.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress

NICE = 3
"""How far readers stand back behind the server, whose ingest and API go on meanwhile."""
STAND_BACK = signal.SIGUSR1
"""Sent to the process while it answers: the thread that does so stands back, further each time."""
_OVER = signal.SIGUSR2  # a shift is over
_STEPS = (10, 19)  # how nice it is then; not less than a sliver of a busy machine, or a long answer never ends
_STACK = 8 * 1024 * 1024  # bytes of a thread's stack: as the first thread has it, whatever the system gives others
_LOOK = 1.0  # seconds after which it is seen whether the server is still there


def prepare() -> None:
    """Keeps the signals for `Shifts.run`; to be called before the process has threads."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (STAND_BACK, _OVER))
    threading.stack_size(_STACK)


class Shifts:
    """Runs ``work`` again and again until it returns False, each time on a thread of its own: it should return True,
    between two answers, when its shift is `over`."""

    def __init__(self, work: Callable[[], bool]) -> None:
        self._work = work
        self._stood_back = 0
        self._thread = 0
        self._done = False

    @property
    def over(self) -> bool:
        """Whether the thread that works has stood back."""
        return self._stood_back > 0

    def run(self, needed: Callable[[], bool]) -> None:
        """Returns when the work is done; ends the process when it is not ``needed`` any more."""
        self._begin()
        while not self._done:
            arrived = signal.sigtimedwait((STAND_BACK, _OVER), _LOOK)
            if not needed():
                os._exit(0)
            if arrived is None or self._done:
                continue
            if arrived.si_signo == STAND_BACK:
                self._stand_back()
            else:
                self._begin()

    def _begin(self) -> None:
        self._stood_back = 0
        threading.Thread(target=self._shift, daemon=True).start()

    def _stand_back(self) -> None:
        nice = _STEPS[min(self._stood_back, len(_STEPS) - 1)]
        self._stood_back += 1
        with suppress(ProcessLookupError, PermissionError):  # its shift was over just now
            os.setpriority(os.PRIO_PROCESS, self._thread, nice)  # on Linux of this thread alone

    def _shift(self) -> None:
        self._thread = threading.get_native_id()
        try:
            self._done = not self._work()
        except BrokenPipeError:
            os._exit(0)  # nobody reads any more; flushing standard output at exit would fail again
        except BaseException:
            os._exit(1)  # a process that cannot answer is replaced
        os.kill(os.getpid(), _OVER)
