"""The product under load: ``twin serve`` with bound properties, in a process of its own, watched by its metrics."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.server_process import ServerProcess, twin

STILL = 20.0
"""Seconds without a new observation after which the rest is taken as lost."""
POLL = 0.1
PREFIXES = """\
@prefix brick: <https://brickschema.org/schema/Brick#> .
@prefix qudt: <http://qudt.org/schema/qudt/> .
@prefix twin: <urn:twin:vocabulary:core#> .
@prefix unit: <http://qudt.org/vocab/unit/> .
"""
SENSOR = """\
<{point}> a brick:Temperature_Sensor ; qudt:hasUnit unit:DEG_C ; twin:minimum 0 ; twin:maximum 100 .
<{point}#binding> a twin:Binding ; twin:binds <{point}> ; twin:connection <urn:twin:bench:{line}> ;
  twin:address "{line}/{topic}" ; twin:path "{path}" ; twin:timePath "ts" .
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A connection with ``topics`` under its name, each with ``points`` properties in one message."""

    name: str
    topics: int
    points: int = 1
    options: dict[str, str] = field(default_factory=dict)

    def graph(self, port: int) -> str:
        """Its part of the graph, in Turtle."""
        points = [
            (f"urn:twin:bench:{self.name}-{topic}-{point}", topic, "value" if self.points == 1 else f"p{point}")
            for topic in range(self.topics)
            for point in range(self.points)
        ]
        options = "".join(f' ; twin:option "{name}={value}"' for name, value in self.options.items())
        owner = f"<urn:twin:bench:{self.name}-unit> a brick:AHU ; brick:hasPoint "
        return (
            f'<urn:twin:bench:{self.name}> a twin:Connection ; twin:protocol "mqtt" ; '
            f'twin:endpoint "mqtt://127.0.0.1:{port}"{options} .\n'
            + owner
            + ", ".join(f"<{iri}>" for iri, _, _ in points)
            + " .\n"
            + "".join(SENSOR.format(point=iri, line=self.name, topic=topic, path=path) for iri, topic, path in points)
        )


class IngestServer:
    """A running server on a data directory that holds these lines; `start` and `stop` it."""

    def __init__(self, folder: Path, port: int, lines: Sequence[Line]) -> None:
        wiring = folder / "bench.ttl"
        wiring.write_text(PREFIXES + "".join(line.graph(port) for line in lines))
        self.data = folder / "data"
        self._log = folder / "output.txt"
        done = twin("import", wiring, "--site", "bench", "--data", self.data, seconds=300)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        self._connections = len(lines)
        self.process = ServerProcess("serve", self.data, self._log)

    def start(self) -> None:
        """Returns when every connection stands and is subscribed."""
        self.process = ServerProcess("serve", self.data, self._log)
        self.process.start()
        while sum(self.metrics("twin_connection_up")) < self._connections:
            time.sleep(0.1)
        time.sleep(0.5)  # nothing tells when a subscription stands

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self.process.kill()

    def metrics(self, name: str) -> list[float]:
        """The values of a metric; none while the server does not answer."""
        try:
            with urllib.request.urlopen(self.process.url + "metrics", timeout=30) as response:  # noqa: S310 - our own
                text = response.read().decode()
        except (OSError, urllib.error.URLError):
            return []
        return [float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)]

    def committed(self) -> int:
        """Observations committed to the history and shown since its start."""
        return int(sum(self.metrics("twin_ingest_observations_total")))

    def wait_for(self, observations: int) -> tuple[int, float]:
        """How many are committed when as many as given are, or no more come; and when that was (seconds UTC)."""
        last, since = self.committed(), time.time()
        while last < observations and time.time() < since + STILL:
            time.sleep(POLL)
            found = self.committed()
            if found != last:
                last, since = found, time.time()
        return last, since

    def memory(self) -> float:
        """Resident MB of the server's process."""
        return psutil.Process(self.process.process.pid).memory_info().rss / 1e6


@contextmanager
def publisher(port: int, messages: int, topics: int, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A publisher that is ready and waits for a line."""
    command = [sys.executable, "-m", "benchmarks.parts.mqtt_publisher", *map(str, (port, messages, topics)), *options]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the publisher did not get ready")
        yield process
    finally:
        with contextlib.suppress(OSError):
            process.kill()
        process.communicate()
