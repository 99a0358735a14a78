"""The process that answers analysts' queries: one store, one pipe in, one pipe out, and nothing that cannot be lost.

It is killed when a query takes too long, and may die of one; the server then starts another.  Kept small on purpose:
it imports neither numpy nor asyncio.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import resource
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from pyoxigraph import QueryBoolean, QueryResultsFormat, QuerySolutions, QueryTriples, Store

from twin.graph import reader_wire as wire
from twin.graph.live_functions import FUNCTIONS, LiveValue, functions
from twin.graph.sparql_gate import PREFIXES
from twin.terms import NamedNode, RdfFormat, parse_n_quads
from twin.vocab import LIVE

SYSTEM_GRAPH = NamedNode("urn:twin:system")
_FIRST_CHUNK, _CHUNK = 1, 65_536  # the first bytes leave at once, the rest in pieces worth a frame
_LISTED_GRAPHS = 64  # beyond this many, a list of graphs costs more than the union of all
_ROWS: Mapping[str, QueryResultsFormat] = {
    "json": QueryResultsFormat.JSON,
    "xml": QueryResultsFormat.XML,
    "csv": QueryResultsFormat.CSV,
    "tsv": QueryResultsFormat.TSV,
}
_TRIPLES: Mapping[str, RdfFormat] = {
    "turtle": RdfFormat.TURTLE,
    "json-ld": RdfFormat.JSON_LD,
    "n-triples": RdfFormat.N_TRIPLES,
    "n-quads": RdfFormat.N_QUADS,
}
# What stands between, before or after rows in each format, and how many rows there are more than marks.  A mark may
# stand inside a text, though hardly ever does: it serves a limit.
_ROW_MARKS: Mapping[str, tuple[bytes, int]] = {
    "json": (b'},{"', 1),
    "xml": (b"<result>", 0),
    "csv": (b"\r\n", -1),
    "tsv": (b"\n", -1),
    "turtle": (b"\n", 0),
    "n-triples": (b" .\n", 0),
    "n-quads": (b" .\n", 0),
    "json-ld": (b'{"@id"', 0),
}


class _Refused(Exception):
    """There is no (more) answer; ``kind`` tells the server why."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class _Answer(io.RawIOBase):
    """Where a result is written to: frames of it leave as they fill, and too large a result stops here."""

    def __init__(self, send: Callable[[bytes, bytes], None], name: str, rows: int, size: int) -> None:
        super().__init__()
        self._send = send
        self._mark, self.rows = _ROW_MARKS[name]
        self._limits = rows, size
        self._buffer = bytearray()
        self._tail = b""
        self._least = _FIRST_CHUNK
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        rows, size = self._limits
        self._size += len(data)
        seen = self._tail + data
        self.rows += seen.count(self._mark)
        self._tail = seen[len(seen) - len(self._mark) + 1 :] if len(self._mark) > 1 else b""
        if self.rows > rows:
            raise _Refused("rows", f"The answer has more than {rows:,} rows.")
        if self._size > size:
            raise _Refused("bytes", f"The answer is larger than {size:,} bytes.")
        self._buffer += data
        if len(self._buffer) >= self._least:
            self.finish()
            self._least = _CHUNK
        return len(data)

    def finish(self) -> None:
        if self._buffer:
            self._send(wire.CHUNK, bytes(self._buffer))
            self._buffer.clear()


class Reader:
    """Answers the frames of one pipe, in order, on the other."""

    def __init__(self, directory: Path, source: BinaryIO, sink: BinaryIO) -> None:
        self._store = Store(str(directory))
        self._store.remove_graph(SYSTEM_GRAPH)
        self._source = source
        self._sink = sink
        self._later: list[tuple[bytes, bytes]] = []

    def run(self, *, isolated: bool) -> None:
        """Returns when the server closes the pipe; ``isolated`` is told to the server."""
        self._send(wire.READY, json.dumps({"isolated": isolated}).encode())
        while True:
            frame = self._later.pop(0) if self._later else wire.read(self._source)
            if frame is None:
                return
            kind, payload = frame
            if kind == wire.CHANGE:
                removed, added = wire.split_change(payload)
                for quad in parse_n_quads(removed):
                    self._store.remove(quad)
                self._store.extend(parse_n_quads(added))
            elif kind == wire.QUESTION:
                self._answer(json.loads(payload))

    def _answer(self, question: dict[str, Any]) -> None:
        answer = _Answer(self._send, question["format"], question["rows"], question["bytes"])
        try:
            self._evaluate(question, answer)
        except _Refused as refused:
            self._fail(refused.kind, str(refused))
        except SyntaxError as error:
            self._fail("syntax", str(error))
        except (RuntimeError, ValueError, OSError) as error:
            unknown = "custom function" in str(error)
            known = f" The live functions are {', '.join(FUNCTIONS)}." if str(LIVE) in str(error) else ""
            self._fail("function" if unknown else "evaluation", f"{error}.{known}")
        else:
            answer.finish()
            self._send(wire.END, json.dumps({"rows": answer.rows}).encode())

    def _evaluate(self, question: dict[str, Any], answer: _Answer) -> None:
        values = {iri: LiveValue(*live) for iri, live in question["live"].items()}
        result = self._store.query(
            question["text"],
            prefixes=dict(PREFIXES),
            custom_functions=functions(values, self._look_up),
            **self._dataset(question["default"], question["named"]),
        )
        name = question["format"]
        if isinstance(result, QueryTriples):
            result.serialize(answer, format=_TRIPLES[name])  # type: ignore[arg-type]  # a raw stream is enough of an IO
        elif isinstance(result, QuerySolutions | QueryBoolean):
            result.serialize(answer, format=_ROWS[name])  # type: ignore[arg-type]  # as above

    def _dataset(self, default: list[str], named: list[str]) -> dict[str, Any]:
        if len(default) > _LISTED_GRAPHS and set(default) == set(named):
            here = {graph.value for graph in self._store.named_graphs() if isinstance(graph, NamedNode)}
            if here <= set(default):
                return {"use_default_graph_as_union": True}
        return {
            "default_graph": [NamedNode(graph) for graph in default],
            "named_graphs": [NamedNode(graph) for graph in named],
        }

    def _look_up(self, properties: Sequence[str], seconds: float, aggregate: str) -> Mapping[str, float | None]:
        asked = {"properties": list(properties), "seconds": seconds, "aggregate": aggregate}
        self._send(wire.ASK, json.dumps(asked).encode())
        while True:
            frame = wire.read(self._source)
            if frame is None:
                os._exit(0)  # the server is gone; an exception here would only make the function unbound
            if frame[0] == wire.REPLY:
                found: Mapping[str, float | None] = json.loads(frame[1])
                return found
            self._later.append(frame)

    def _send(self, kind: bytes, payload: bytes = b"") -> None:
        self._sink.write(wire.frame(kind, payload))
        self._sink.flush()

    def _fail(self, kind: str, message: str) -> None:
        self._send(wire.FAILURE, json.dumps({"kind": kind, "message": message}).encode())


def _without_network() -> bool:
    """Whether this process has no network from now on: a query that calls out past the gate reaches nobody.

    Only where the kernel lets an ordinary process make such a namespace, and before it has threads.
    """
    new_user, new_network = 0x10000000, 0x40000000
    try:
        return bool(ctypes.CDLL(None).unshare(new_user | new_network) == 0)
    except (OSError, AttributeError):  # no such call on this system
        return False


def _leave_with(parent: int) -> None:
    """Ends this process when its server is gone, even in the middle of a query."""
    while os.getppid() == parent:
        threading.Event().wait(1.0)
    os._exit(0)


def main(directory: str, memory: str, parent: str) -> None:
    """Serves standard input and output; ``memory`` is the most bytes of private data, ``parent`` the server's id."""
    isolated = _without_network()
    resource.setrlimit(resource.RLIMIT_DATA, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.Thread(target=_leave_with, args=(int(parent),), daemon=True).start()
    try:
        Reader(Path(directory), sys.stdin.buffer, sys.stdout.buffer).run(isolated=isolated)
    except BrokenPipeError:
        os._exit(0)  # nobody reads any more; flushing standard output at exit would fail again


if __name__ == "__main__":
    main(*sys.argv[1:])
