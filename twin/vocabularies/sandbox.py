"""Opening files from outside where they can hurt nobody: a process with little memory, little time and no network.

What a text can do to the parser that reads it was measured: triples quoted in each other and nested JSON end the
process, XML entities take all memory, nested XML all time, a long prefix multiplies a file.  The Turtle family without
quoted triples and long IRIs can do none of this and is read where it is; everything else is opened in the sandbox,
which gives back plain N-Quads.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import BinaryIO

import twin
from twin.errors import InvalidInput, Unavailable
from twin.jobs import Stop
from twin.settings import ImportSettings
from twin.terms import Quad, RdfFormat, parse_n_quads
from twin.vocabularies.file_kinds import check_is_text
from twin.vocabularies.rdf_files import BOM, Repairs, place_of, read_rdf

_PACKAGE = str(Path(twin.__file__).resolve().parent.parent)
_LINES = frozenset((RdfFormat.N_TRIPLES, RdfFormat.N_QUADS))
_PLAIN = _LINES | {RdfFormat.TURTLE, RdfFormat.TRIG}
_LONG_NAME = re.compile(rb"<[^<>]{257}")
"""What a prefix or base of more than 256 characters looks like; an abbreviated name of 5 stands for it."""
_STRETCH, _OVERLAP = 2**20, 300
_PATIENCE = 30.0  # seconds on the clock beyond four times the CPU time: the machine may be busy
_WORDS = 2_000
_running: set[subprocess.Popen[bytes]] = set()


@cache
def isolated() -> bool:
    """Whether this system lets us take the network away from a process (``unshare -rn``)."""
    try:
        done = subprocess.run(["unshare", "-rn", "true"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def end_all() -> None:
    """Kills every sandbox that runs, so that a server can stop at once; the calls that wait raise `Unavailable`."""
    for child in tuple(_running):
        child.kill()


def is_harmless(data: bytes, syntax: RdfFormat) -> bool:
    """Whether this text can be read in the server's own process."""
    if syntax not in _PLAIN or b"<<" in data:
        return False
    return syntax in _LINES or not has_long_name(data)


def has_long_name(data: bytes) -> bool:
    """Whether there may be an IRI of more than 256 characters in a text; as a prefix it would multiply the text."""
    # By stretches, so that a large file does not hold the interpreter for long.
    return any(_LONG_NAME.search(data, start, start + _STRETCH + _OVERLAP) for start in range(0, len(data), _STRETCH))


def read_outside(
    data: bytes,
    syntax: RdfFormat,
    source: str,
    limits: ImportSettings,
    repairs: Repairs | None = None,
    stop: Stop | None = None,
) -> Iterator[Quad]:
    """The quads of a file from outside, as `read_rdf` gives them; raises `InvalidInput` in words, whatever it does, and
    `twin.jobs.Cancelled` when ``stop`` is asked for while a process reads it."""
    check_is_text(data, source)
    if is_harmless(data, syntax):
        yield from read_rdf(data, syntax, source, repairs=repairs, limits=limits)
    else:
        yield from parse_n_quads(_opened(data, syntax, source, limits, repairs, stop))


def plain_text(
    data: bytes, syntax: RdfFormat, source: str, limits: ImportSettings, stop: Stop | None = None
) -> tuple[bytes, RdfFormat]:
    """The text and syntax of a file of triples that can be read in the server's own process: its own, or N-Triples."""
    check_is_text(data, source)
    if is_harmless(data, syntax):
        return data.removeprefix(BOM), syntax
    return _opened(data, syntax, source, limits, None, stop), RdfFormat.N_TRIPLES


def _opened(
    data: bytes,
    syntax: RdfFormat,
    source: str,
    limits: ImportSettings,
    repairs: Repairs | None,
    stop: Stop | None,
) -> bytes:
    """The N-Quads of a file that is opened in the sandbox; notes its repairs."""
    order = {
        "syntax": syntax.media_type,
        "source": source,
        "lenient": repairs is not None,
        "limits": asdict(limits),
    }
    with _held(data) as file:
        status, text, said = _run(json.dumps(order), file, limits, stop or Stop())
    for line in said:
        if line.startswith(b'{"repair"') and repairs is not None:
            told = json.loads(line)
            repairs.note(told["repair"], told["times"])
        elif line.startswith(b'{"wrong"'):
            told = json.loads(line)
            raise InvalidInput(told["wrong"], remedy=told["remedy"], line=told["line"], column=told["column"])
    if status != 0:
        raise _ended(status, b" ".join(said), data, source, limits)
    return text


@contextmanager
def _held(data: bytes) -> Iterator[BinaryIO]:
    """A nameless file with the bytes, in memory where the system can."""
    with (
        os.fdopen(os.memfd_create("twin-import"), "w+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile()
    ) as file:
        file.write(memoryview(data)[len(BOM) if data.startswith(BOM) else 0 :])
        file.flush()
        file.seek(0)
        yield file


def _run(order: str, file: BinaryIO, limits: ImportSettings, stop: Stop) -> tuple[int, bytes, list[bytes]]:
    """The child's exit status, standard output, and the lines of its standard error."""
    command = [
        *(("unshare", "-rn", "--") if isolated() else ()),
        sys.executable,
        "-m",
        f"{__package__}.sandbox_process",
    ]
    search = os.pathsep.join(part for part in (_PACKAGE, os.environ.get("PYTHONPATH", "")) if part)
    try:
        child = subprocess.Popen(
            [*command, order],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": search, "MALLOC_ARENA_MAX": "1"},
            process_group=0,  # an interrupt typed at the terminal is the server's to handle
        )
    except OSError as error:
        raise Unavailable(
            f"No process could be started to open the file in: {error.strerror}.", remedy="Try again later."
        ) from error
    _running.add(child)
    timer = threading.Timer(4 * limits.cpu_seconds + _PATIENCE, child.kill)
    timer.daemon = True
    timer.start()
    said: list[bytes] = []
    listening = threading.Thread(target=lambda: said.extend(child.stderr or ()), daemon=True)
    listening.start()
    try:
        with stop.calling(child.kill):
            text = child.stdout.read() if child.stdout else b""
            status = child.wait()
    finally:
        timer.cancel()
        child.kill()
        child.wait()
        listening.join()
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()
        _running.discard(child)
    if status != 0:
        stop.check()
    return status, text, said


def _ended(status: int, words: bytes, data: bytes, source: str, limits: ImportSettings) -> InvalidInput | Unavailable:
    """Why the process that read a file ended without a verdict."""
    if status == -signal.SIGXCPU:
        return InvalidInput(
            f"{source}: reading it takes more than {limits.cpu_seconds:g} s, so that was stopped.",
            remedy="See whether it nests without end; divide it, or raise cpu_seconds under [imports].",
        )
    if b"memory allocation" in words or b"MemoryError" in words:
        return InvalidInput(
            f"{source}{_first(data, '<!ENTITY')}: reading it takes more than {limits.memory_bytes / 2**20:,.0f} MiB of"
            " memory, so that was stopped.",
            remedy="See whether its entities or lists stand within each other; divide it, or raise memory_bytes under"
            " [imports].",
        )
    if status in (-signal.SIGSEGV, -signal.SIGBUS):
        return InvalidInput(
            f"{source}{_first(data, '<<')}: it nests deeper than its parser can follow.",
            remedy="Give what is nested a name of its own; quoted triples cannot be stored.",
        )
    last = words.decode("utf-8", "replace").strip()[-_WORDS:]
    return Unavailable(f"{source} could not be opened in the sandbox (status {status}): {last}.", remedy="Try again.")


def _first(data: bytes, needle: str) -> str:
    line, column = place_of(data, needle)
    return f", line {line}, column {column}" if line else ""
