"""The process that opens one file from outside: it binds itself first, then writes the file's triples as N-Quads.

Its one argument is the order (JSON), its standard input the file.  Standard output is N-Quads; standard error has one
JSON object a line: a repair, or what is wrong.  See `twin.vocabularies.sandbox`.
"""

from __future__ import annotations

import io
import json
import re
import resource
import sys
from collections.abc import Iterable, Iterator
from typing import IO, Any, cast

from twin.errors import InvalidInput
from twin.settings import ImportSettings
from twin.terms import NamedNode, Quad, RdfFormat, Triple, parse, serialize
from twin.vocabularies.rdf_files import (
    MEDIA_TYPES,
    Repairs,
    Unfit,
    base_iri,
    has_scheme,
    repaired,
    unreadable,
    within,
)

WRONG = 3
"""The exit status when something is wrong with the file, which standard error tells."""
_FILE = "/dev/stdin"
_BUFFER = 2**20
_SEPARATORS = 16  # bytes of a line of N-Quads that are no name: brackets, quotes, spaces, the point
_EXTERNAL = re.compile(rb"<!ENTITY[^>]*?\b(?:SYSTEM|PUBLIC)\b|<!DOCTYPE[^>\[]*?\b(?:SYSTEM|PUBLIC)\b")


def bound(limits: ImportSettings) -> None:
    """Gives this process so much memory and CPU time, no file to write and no memory image when it fails."""
    seconds = max(1, round(limits.cpu_seconds))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Reading:
    """One file that is read once for its quads and, when something is wrong, once more for the place."""

    def __init__(self, syntax: RdfFormat, source: str, lenient: bool, limits: ImportSettings) -> None:
        self.syntax = syntax
        self.source = source
        self.limits = limits
        self.repairs = Repairs() if lenient else None

    def quads(self, given: io.RawIOBase | None = None) -> Iterator[Quad]:
        """The file's quads, repaired in the lenient mode and within the limits; ``given`` is read in its stead."""
        base, json_ld = base_iri(self.source), self.syntax == RdfFormat.JSON_LD
        # A JSON-LD parser leaves out what has an illegal IRI without a word, so it is told to keep that.
        lenient = self.repairs is not None or json_ld
        quads: Iterable[Quad]
        if given is None:
            quads = parse(path=_FILE, format=self.syntax, base_iri=base, lenient=lenient)
        else:
            quads = parse(cast(IO[bytes], given), format=self.syntax, base_iri=base, lenient=lenient)
        if self.repairs is not None:
            quads = (repaired(quad, self.repairs) for quad in quads)
        else:
            quads = _strict(quads, names=json_ld)
        return _not_too_much(within(quads, self.limits), self.limits.expanded_bytes)

    def told(self, error: BaseException) -> InvalidInput:
        """What is wrong with the file, with the best that can be known of the place."""
        with open(_FILE, "rb") as file:
            text = file.read()
        if "LoadDocumentCallback" in str(error):
            address = _remote_context(text)
            message = f"its context is elsewhere ({address[:100]}), and nothing is fetched"
            return unreadable(
                self.source, Unfit(message, address, "Put the context itself in place of its address."), text
            )
        if self.syntax == RdfFormat.RDF_XML and (found := _EXTERNAL.search(text)):
            wrong = Unfit(
                "it refers to another file, which is not opened",
                found.group().decode("utf-8", "replace"),
                "Take the external entity or document type out of it.",
            )
            return unreadable(self.source, wrong, text)
        if getattr(error, "lineno", None) is None and not isinstance(error, Unfit):
            error = _Placed(str(getattr(error, "msg", None) or error), *self._place())
        return unreadable(self.source, error, text, self.syntax)

    def _place(self) -> tuple[int | None, int | None]:
        """The line and column up to which the parser had to read to find it out."""
        self.repairs = Repairs() if self.repairs is not None else None
        letters = None
        for _ in range(2):  # by lines to find the line, then by bytes within it
            with open(_FILE, "rb") as file:
                slow = _Slowly(file, letters)
                try:
                    for _ in self.quads(slow):
                        pass
                except (SyntaxError, ValueError, MemoryError):
                    letters = slow.line
                else:
                    return None, None
        return slow.line, slow.column


class _Slowly(io.RawIOBase):
    """A file that gives one line at a time, and the line numbered ``letters`` byte by byte."""

    def __init__(self, file: io.BufferedReader, letters: int | None) -> None:
        self._file = file
        self._letters = letters
        self.line, self.column = 1, 0
        self._ended = False  # the last thing given ended its line

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._ended:
            self.line, self.column, self._ended = self.line + 1, 0, False
        given = self._file.read(1) if self.line == self._letters else self._file.readline(max(1, size))
        self.column += len(given)
        self._ended = given.endswith(b"\n")
        return given


class _Placed(ValueError):
    """An error with the place where it is."""

    def __init__(self, message: str, line: int | None, column: int | None) -> None:
        super().__init__(message)
        self.lineno, self.offset = line, column


def _remote_context(text: bytes) -> str:
    """The first address of a context elsewhere in a JSON-LD text."""
    waiting: list[Any] = [json.loads(text)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            for key in ("@context", "@import"):
                contexts = value.get(key)
                for context in contexts if isinstance(contexts, list) else [contexts]:
                    if isinstance(context, str):
                        return context
        waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return "an address"


def _strict(quads: Iterable[Quad], *, names: bool) -> Iterator[Quad]:
    """The quads; raises ``ValueError`` for a quoted triple and, with ``names``, `Unfit` for an illegal IRI."""
    for quad in quads:
        if isinstance(quad.object, Triple) or isinstance(quad.subject, Triple):
            raise ValueError("it quotes a triple, which cannot be stored; say it with a node of its own")
        if names:
            if not has_scheme(quad.predicate.value):
                continue  # a key that no context explains says nothing (JSON-LD 1.1 API, 5.1.2)
            for node in (quad.subject, quad.predicate, quad.object, getattr(quad.object, "datatype", None)):
                if isinstance(node, NamedNode):
                    _check_legal(node)
        yield quad


def _check_legal(node: NamedNode) -> None:
    try:
        NamedNode(node.value)
    except ValueError as error:
        raise Unfit(f"the IRI <{node.value[:200]}> is not legal: {error}", node.value) from None


def _not_too_much(quads: Iterable[Quad], most: int) -> Iterator[Quad]:
    """The quads; raises ``ValueError`` when they are more, written out, than ``most`` bytes (about)."""
    size = 0
    for quad in quads:
        target = quad.object
        value = target.value if not isinstance(target, Triple) else ""
        subject = quad.subject.value if not isinstance(quad.subject, Triple) else ""
        size += len(subject) + len(quad.predicate.value) + len(value) + _SEPARATORS
        if size > most:
            raise ValueError(f"its triples are more than {most / 2**20:,.0f} MiB when they are written out")
        yield quad


def _say(told: dict[str, Any]) -> None:
    sys.stderr.write(json.dumps(told) + "\n")


def main(order: dict[str, Any]) -> int:
    """Opens standard input as the order says; 0 when it was read to its end, `WRONG` when something is wrong."""
    limits = ImportSettings(**order["limits"])
    bound(limits)
    reading = Reading(MEDIA_TYPES[order["syntax"]], order["source"], order["lenient"], limits)
    try:
        with open(1, "wb", buffering=_BUFFER) as out:
            serialize(reading.quads(), output=out, format=RdfFormat.N_QUADS)
    except BrokenPipeError:  # nobody waits for it any more
        return 0
    except (SyntaxError, ValueError, MemoryError) as error:
        said = reading.told(error)
        _say({"wrong": said.message, "remedy": said.remedy, **said.details})
        return WRONG
    for text, times in reading.repairs.counted.items() if reading.repairs is not None else ():
        _say({"repair": text, "times": times})
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
