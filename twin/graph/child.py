"""Work in a process of its own: fed once, answering in JSON lines, killed at its deadline; its memory goes back.

The child's end is `serve`, the server's end `run`.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import twin
from twin.errors import DeadlineExceeded, Unavailable
from twin.jobs import Cancelled, Stop

__all__ = ["Answer", "Cancelled", "Stop", "end_all", "run", "serve"]

_PACKAGE = str(Path(twin.__file__).resolve().parent.parent)
_running: set[subprocess.Popen[bytes]] = set()
_TAIL = 500  # characters of a child's last words that are reported

Answer = Mapping[str, Any]


def run(
    module: str,
    arguments: Sequence[str],
    feed: Iterable[bytes],
    deadline: float,
    progress: Callable[[Answer], None] | None = None,
    stop: Stop | None = None,
) -> list[Answer]:
    """The answers of ``python -m module arguments``, which reads ``feed`` from its standard input.

    Answers with the key ``progress`` go to ``progress`` as they come.  Raises `DeadlineExceeded` after ``deadline``
    seconds, `Cancelled` when ``stop`` is asked for, and `Unavailable` when the child fails; it never outlives the
    call, nor `end_all`.
    """
    search = os.pathsep.join(part for part in (_PACKAGE, os.environ.get("PYTHONPATH", "")) if part)
    child = subprocess.Popen(
        [sys.executable, "-m", module, *arguments, str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": search, "MALLOC_ARENA_MAX": "2"},
        process_group=0,  # an interrupt typed at the server's terminal is the server's to handle
    )
    _running.add(child)
    late = threading.Event()

    def expire() -> None:
        late.set()
        child.kill()

    timer = threading.Timer(deadline, expire)
    timer.daemon = True
    timer.start()
    last_words: list[bytes] = []
    listening = threading.Thread(target=_listen, args=(child.stderr, last_words), daemon=True)
    feeding = threading.Thread(target=_feed, args=(child.stdin, feed), daemon=True)
    listening.start()
    feeding.start()
    try:
        with (stop or Stop()).calling(child.kill):
            answers = list(_answers(child.stdout, progress))
            status = child.wait()
    finally:
        timer.cancel()
        child.kill()
        child.wait()
        feeding.join()
        listening.join()
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()
        _running.discard(child)
    if stop is not None and stop.asked and status != 0:
        raise Cancelled(f"{module} was stopped, as asked.", remedy="Start it again when you want its result.")
    if late.is_set():
        raise DeadlineExceeded(
            f"{module} took longer than {deadline:g} s and was stopped.",
            remedy="Give it more time, or check a smaller part.",
        )
    if status != 0:
        words = b"".join(last_words).decode("utf-8", "replace").strip()[-_TAIL:]
        raise Unavailable(f"{module} ended with status {status}: {words or 'no message'}.", remedy="Try again.")
    return answers


def end_all() -> None:
    """Kills every child that runs, so that a server can stop at once; the calls that wait raise `Unavailable`."""
    for child in tuple(_running):
        child.kill()


def _feed(pipe: BinaryIO | Any, feed: Iterable[bytes]) -> None:
    try:
        with pipe:
            for block in feed:
                pipe.write(block)
    except OSError:  # the child is gone: its status tells why
        return


def _listen(pipe: BinaryIO | Any, last_words: list[bytes]) -> None:
    for line in pipe:
        last_words.append(line)
        del last_words[:-20]


def _answers(pipe: BinaryIO | Any, progress: Callable[[Answer], None] | None) -> Iterator[Answer]:
    for line in pipe:
        answer = json.loads(line)
        if "progress" not in answer:
            yield answer
        elif progress is not None:
            progress(answer)


def serve(work: Callable[[bytes, Callable[[Answer], None]], None]) -> None:
    """Runs ``work(fed, answer)`` as the child's whole life; it ends when the process that started it does."""
    parent = int(sys.argv[-1])

    def watch() -> None:
        while os.getppid() == parent:
            ended.wait(1.0)
        os._exit(1)

    ended = threading.Event()
    threading.Thread(target=watch, daemon=True).start()

    def answer(fields: Answer) -> None:
        sys.stdout.write(json.dumps(fields) + "\n")
        sys.stdout.flush()

    work(sys.stdin.buffer.read(), answer)
    answer({"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024})
