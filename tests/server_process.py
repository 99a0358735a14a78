"""The product as people run it: one process of ``twin serve`` or ``twin demo``, and single commands."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import psutil

ROOT = Path(__file__).resolve().parent.parent
TWIN = (sys.executable, "-m", "twin.cli")
START = 90.0
"""Seconds that a server gets to answer, and every other wait here: generous, because machines are shared."""
_ADDRESS = re.compile(r"^(http://\S+/)$", re.MULTILINE)
_DEFECTS = ("Traceback", "was never awaited", "was never retrieved", "internal error", "Exception ignored", "leaked")


def environment(**more: str) -> dict[str, str]:
    """What a command of a person would have, without the test run's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHONWARN", "TWIN_"))}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **more}


def twin(
    *arguments: str | Path, directory: Path | None = None, given: str | None = None, seconds: float = START
) -> subprocess.CompletedProcess[str]:
    """One command, ended: its exit code, standard output and standard error."""
    return subprocess.run(
        [*TWIN, *map(str, arguments)],
        cwd=directory,
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        text=True,
        timeout=seconds,
        env=environment(),
        check=False,
    )


def eventually(condition: Callable[[], object], what: str, seconds: float = START, pause: float = 0.1) -> None:
    """Returns when the condition holds; fails, saying what was awaited, when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(pause)


def left_running(processes: Sequence[psutil.Process], seconds: float = 15) -> list[int]:
    """Which of the processes still run after the time they get to end."""
    _, alive = psutil.wait_procs(list(processes), timeout=seconds)
    return [each.pid for each in alive if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


class ServerProcess:
    """A running ``twin serve`` or ``twin demo``; a context manager, or `start` and `stop`.

    ``url`` is the address it printed, ``data`` its data directory, ``output`` everything it has said so far;
    ``packages`` is where Python looks for the product first.
    """

    def __init__(self, command: str, data: Path, log: Path, *arguments: str, packages: Path = ROOT) -> None:
        self.data = data
        self.url = ""
        self._log = log
        self._packages = packages
        self._arguments = (command, "--port", "0", "--data", str(data), *arguments)
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server was not started"
        return self._process

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> Self:
        """Returns when the server has printed the address where it answers."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*TWIN, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._log.parent,
                env=environment(PYTHONPATH=str(self._packages)),
                start_new_session=True,  # a Ctrl-C in the test run is not meant for it
            )
        try:
            eventually(lambda: self._answers() or self._process.poll() is not None, "the server's address")
            assert self.url, f"the server ended with {self._process.returncode}:\n{self.output}"
        except BaseException:
            self.kill()
            raise
        return self

    def family(self) -> list[psutil.Process]:
        """The server and every process that it has started."""
        server = psutil.Process(self.process.pid)
        return [server, *server.children(recursive=True)]

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Ends it as a person or a service manager would, and asserts that it ended cleanly and took all with it;
        stopping again is allowed."""
        if self._stopped:
            return
        self._stopped = True
        family = self.family() if self.process.poll() is None else []
        self.process.send_signal(number)
        try:
            code = self.process.wait(START)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not end on {number.name}:\n{self.output}") from None
        said = self.output
        assert code == 0, f"exit code {code} after {number.name}:\n{said}"
        assert left_running(family) == [], f"processes outlived the server:\n{said}"
        assert [word for word in _DEFECTS if word in said] == [], said
        assert not (self.data / "server.json").exists()

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self.process.kill()
        self.process.wait(START)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.stop()
        else:
            self.kill()

    def _answers(self) -> bool:
        found = _ADDRESS.search(self.output)
        self.url = found.group(1) if found else ""
        return bool(found)
