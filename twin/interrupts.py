"""What Ctrl-C and SIGTERM do to a command of ``twin``: it ends, in order where it can, and never with a traceback.

A server has handlers of its own while it runs (`twin.serving.stopping_on_signals`); these are for the time before and
after that, when nothing is open, and for the commands that do one thing.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:  # whatever is loaded here is loaded before a signal is minded
    from collections.abc import Callable, Sequence
    from types import FrameType

SERVERS = frozenset(("serve", "demo"))
"""The commands that run until they are told to stop, which is no failure."""
_end_first: list[Callable[[], object]] = []
_status = 128 + signal.SIGINT


def handle(arguments: Sequence[str]) -> None:
    """Takes both signals over for the command that the arguments name.

    A server ends at once with 0.  Any other command ends with 128 and the signal's number, as shells tell it: by
    ``KeyboardInterrupt``, so that what is open is closed, or at once when it is interrupted a second time.
    """
    command = next((word for word in arguments if not word.startswith("-")), "")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end_server if command in SERVERS else _interrupt)


def status() -> int:
    """The exit status of a command that was interrupted."""
    return _status


class EndingFirst:
    """Within it, an interrupt calls these before all else: they end what the command would wait for."""

    def __init__(self, *end: Callable[[], object]) -> None:
        self._end = end

    def __enter__(self) -> None:
        _end_first.extend(self._end)

    def __exit__(self, *_: object) -> None:
        for end in self._end:
            _end_first.remove(end)


def _end_server(number: int, frame: FrameType | None) -> None:
    os._exit(0)


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _status
    _status = 128 + number
    for again in (signal.SIGINT, signal.SIGTERM):
        signal.signal(again, _end_now)
    if _importing(frame):
        # An exception in the middle of a library's start comes out as an error of that library.
        os._exit(_status)
    for end in _end_first:
        end()
    raise KeyboardInterrupt


def _end_now(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
