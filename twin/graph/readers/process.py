"""The process that answers analysts' queries: one store, one pipe in, one pipe out, and nothing that cannot be lost.

It is killed when a query takes too long, and may die of one; the server then starts another.  Kept small on purpose:
it imports neither numpy nor asyncio.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from pyoxigraph import QueryTriples, Store

from twin.graph.readers import wire
from twin.graph.readers.answer import ROWS, TRIPLES, Answer, Refused
from twin.graph.readers.live_functions import FUNCTIONS, functions
from twin.graph.readers.shifts import NICE, Shifts, prepare
from twin.graph.readers.update_process import Scratch, content_delta, update_delta
from twin.graph.sparql.entailment import Entailment
from twin.graph.sparql.gate import PREFIXES
from twin.terms import NamedNode, n_quads, parse_n_quads
from twin.vocab import LIVE

SYSTEM_GRAPH = NamedNode("urn:twin:system")
_LARGE = 0.1  # seconds after which a query may have held much memory


class Reader:
    """Answers the frames of one pipe, in order, on the other."""

    def __init__(self, directory: Path, source: BinaryIO, sink: BinaryIO) -> None:
        self._store = Store(str(directory))
        self._store.remove_graph(SYSTEM_GRAPH)
        self._entailment = Entailment(self._store, PREFIXES)
        self._source = source
        self._sink = sink
        self._later: list[tuple[bytes, bytes]] = []
        self._told: dict[int, list[str]] = {}
        self._whole: dict[int, bool] = {}

    def ready(self, *, isolated: bool) -> None:
        """Tells the server that it may ask, and whether this process is cut off from the network."""
        self._send(wire.READY, json.dumps({"isolated": isolated}).encode())

    def answers(self, over: Callable[[], bool]) -> bool:
        """Answers until the server closes the pipe (False), or until ``over`` says between two answers that somebody
        else should go on (True)."""
        while not over():
            frame = self._later.pop(0) if self._later else wire.read(self._source)
            if frame is None:
                return False
            kind, payload = frame
            if kind == wire.CHANGE:
                removed, added = (list(parse_n_quads(text)) for text in wire.split_change(payload))
                for quad in removed:
                    self._store.remove(quad)
                self._store.extend(added)
                self._entailment.follow(removed, added)
                self._whole.clear()
            else:
                self._work(kind, payload)
        return True

    def _work(self, kind: bytes, payload: bytes) -> None:
        began = time.monotonic()
        self._answered(kind, payload)
        if time.monotonic() - began > _LARGE:
            _give_back()

    def _answered(self, kind: bytes, payload: bytes) -> None:
        try:
            if kind == wire.QUESTION:
                self._answer(json.loads(payload))
            else:
                self._delta(kind, payload)
        except Refused as refused:
            self._fail(refused.kind, str(refused), refused.remedy)
        except SyntaxError as error:
            self._fail("syntax", str(error))
        except (RuntimeError, ValueError, OSError) as error:
            unknown = "custom function" in str(error)
            known = f" The live functions are {', '.join(FUNCTIONS)}." if str(LIVE) in str(error) else ""
            self._fail("function" if unknown else "evaluation", f"{error}.{known}")

    def _answer(self, question: dict[str, Any]) -> None:
        name = question["format"]
        answer = Answer(self._send, name, question["rows"], question["bytes"])
        text = question["text"]
        entailed = self._entailment.rewritten(text) if question.get("entailment", True) else text
        if question.get("explain"):
            answer.write(entailed.encode())
            answer.end()
            return
        dataset = self._dataset(question)
        live = functions(self._ask) if question["live"] else None
        # Each prefix costs the engine a microsecond: only those that the text may use are told.
        told = PREFIXES.items()
        prefixes = dict(told if "\\" in text else ((prefix, iri) for prefix, iri in told if prefix + ":" in entailed))
        try:
            result = self._store.query(entailed, prefixes=prefixes, custom_functions=live, **dataset)
        except SyntaxError:  # it is told where it is in the text that was asked
            result = self._store.query(text, prefixes=prefixes, custom_functions=live, **dataset)
        if isinstance(result, QueryTriples):
            result.serialize(answer, format=TRIPLES[name])  # type: ignore[arg-type]
        else:
            result.serialize(answer, format=ROWS[name])  # type: ignore[arg-type]
        answer.end()

    def _delta(self, kind: bytes, payload: bytes) -> None:
        header, _, text = payload.partition(b"\n")
        asked = json.loads(header)
        dataset = self._dataset(asked)
        with Scratch(self._store, asked["writable"], asked["quads"]) as scratch:
            if kind == wire.UPDATE:
                live = functions(self._ask) if asked["live"] else None
                removed, added = update_delta(scratch, asked["operations"], dataset, live)
            else:
                removed, added = content_delta(scratch, asked, text)
        self._send(wire.DELTA, wire.change(n_quads(removed), n_quads(added)))

    def _dataset(self, question: dict[str, Any]) -> dict[str, Any]:
        """The graphs of a question: ``scope`` is the number of a list that came with it or before it, and ``default``
        and ``named``, when they are there, are those that the question itself names."""
        number = question["scope"]
        if "graphs" in question:
            self._told[number] = question["graphs"]
            self._whole.pop(number, None)
        if "default" not in question:
            if self._is_whole(number):
                return {"use_default_graph_as_union": True}  # ten times faster than a list of thirty graphs
            graphs = [NamedNode(graph) for graph in self._told[number]]
            return {"default_graph": graphs, "named_graphs": graphs}
        return {
            "default_graph": [NamedNode(graph) for graph in question["default"]],
            "named_graphs": [NamedNode(graph) for graph in question["named"]],
        }

    def _is_whole(self, number: int) -> bool:
        """Whether the list holds every graph there is."""
        if number not in self._whole:
            here = {graph.value for graph in self._store.named_graphs() if isinstance(graph, NamedNode)}
            self._whole[number] = here <= set(self._told[number])
        return self._whole[number]

    def _ask(self, what: Mapping[str, Any]) -> Mapping[str, Any]:
        self._send(wire.ASK, json.dumps(what).encode())
        while True:
            frame = wire.read(self._source)
            if frame is None:
                os._exit(0)  # the server is gone; an exception here would only make the function unbound
            if frame[0] == wire.REPLY:
                found: Mapping[str, Any] = json.loads(frame[1])
                return found
            self._later.append(frame)

    def _send(self, kind: bytes, payload: bytes = b"") -> None:
        self._sink.write(wire.frame(kind, payload))
        self._sink.flush()

    def _fail(self, kind: str, message: str, remedy: str = "") -> None:
        self._send(wire.FAILURE, json.dumps({"kind": kind, "message": message, "remedy": remedy}).encode())


def _without_network() -> bool:
    """Whether this process has no network from now on: a query that calls out past the gate reaches nobody.

    Only where the kernel lets an ordinary process make such a namespace, and before it has threads.
    """
    new_user, new_network = 0x10000000, 0x40000000
    try:
        return bool(ctypes.CDLL(None).unshare(new_user | new_network) == 0)
    except (OSError, AttributeError):  # no such call on this system
        return False


def _give_back() -> None:
    """Gives memory that is not used any more back to the system, where the C library can."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def main(directory: str, memory: str, parent: str) -> None:
    """Serves standard input and output; ``memory`` is the most bytes of private data, ``parent`` the server's id."""
    isolated = _without_network()
    prepare()
    os.nice(max(NICE - os.getpriority(os.PRIO_PROCESS, 0), 0))
    resource.setrlimit(resource.RLIMIT_DATA, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    reader = Reader(Path(directory), sys.stdin.buffer, sys.stdout.buffer)
    reader.ready(isolated=isolated)
    shifts = Shifts(lambda: reader.answers(lambda: shifts.over))
    shifts.run(lambda: os.getppid() == int(parent))


if __name__ == "__main__":
    main(*sys.argv[1:])
