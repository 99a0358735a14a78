"""The SPARQL servers that a benchmark compares, each on one Turtle file: ours, `oxigraph serve`, rdflib-endpoint."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import psutil

from tests.peers import find, free_port

_START = 180.0
_SETTINGS = "[validation]\naudit = false\n[sparql]\nreaders = 2\ndeadline = {deadline}\n"


@dataclass(frozen=True, slots=True)
class Server:
    """Where one answers: ``path`` is that of its endpoint; ``process`` is its first process."""

    port: int
    path: str
    process: psutil.Process

    def request(self, query: str, accept: str = "application/sparql-results+json") -> bytes:
        """A GET of the query as it goes over the wire."""
        target = f"{self.path}?{urlencode({'query': query})}"
        head = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAccept: {accept}\r\n\r\n"
        return head.encode()

    def post(self, path: str, body: bytes, kind: str) -> tuple[int, bytes]:
        """The status and the body of a POST."""
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, body, {"content-type": kind})
        try:
            with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def settle(self, seconds: float = 60.0) -> None:
        """Returns when the process has little to do: a server that has just started prepares its rules for a while."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            before = sum(self.process.cpu_times()[:2])
            time.sleep(0.5)
            if sum(self.process.cpu_times()[:2]) - before < 0.05:
                return

    def megabytes(self) -> float:
        """What it and all its processes hold in memory, shared pages counted once."""
        total = 0.0
        for process in (self.process, *self.process.children(recursive=True)):
            try:
                total += process.memory_full_info().pss / 1e6
            except psutil.NoSuchProcess:
                continue
        return total


@contextmanager
def ours(model: Path, folder: Path, deadline: float = 10.0) -> Iterator[Server]:
    """``twin serve`` on the imported model, with two readers."""
    (folder / "twin.toml").write_text(_SETTINGS.format(deadline=deadline))
    data, port = folder / "data", free_port()
    twin = (sys.executable, "-m", "twin.cli")
    if not data.exists():
        command = [*twin, "import", str(model), "--data", str(data)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    command = [*twin, "serve", "--data", str(data), "--port", str(port), "--config", str(folder / "twin.toml")]
    with _running(command, port, "/sparql") as server:
        yield server


@contextmanager
def oxigraph(model: Path, folder: Path) -> Iterator[Server]:
    """``oxigraph serve`` on disk."""
    program, location, port = str(find("oxigraph")), str(folder / "oxigraph"), free_port()
    subprocess.run([program, "load", "--location", location, "--file", str(model)], check=True, capture_output=True)
    with _running([program, "serve", "--location", location, "--bind", f"127.0.0.1:{port}"], port, "/query") as server:
        yield server


@contextmanager
def rdflib_endpoint(model: Path) -> Iterator[Server]:
    """rdflib-endpoint on rdflib's store in memory."""
    port = free_port()
    script = Path(__file__).with_name("rdflib_server.py")
    with _running([str(find("rdflib-endpoint")), str(script), str(model), str(port)], port, "/") as server:
        yield server


@contextmanager
def _running(command: Sequence[str], port: int, path: str) -> Iterator[Server]:
    # An installed package has its bytecode; without it every process that a server starts would compile ours again.
    environment: Mapping[str, str] = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": ""}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        server = Server(port, path, psutil.Process(process.pid))
        until = time.monotonic() + _START
        while not _answers(server):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{command[0]} does not answer (exit code {process.poll()})")
            time.sleep(0.1)
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(server: Server) -> bool:
    url = f"http://127.0.0.1:{server.port}{server.path}?{urlencode({'query': 'ASK {}'})}"
    request = urllib.request.Request(url, headers={"accept": "application/sparql-results+json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return bool(response.status == 200)
    except OSError:
        return False
