"""What the way to a reader process costs, and whether a write is ever missing from the query after it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from tests.graph.readers.updating import Server
from twin.contracts import Delta
from twin.settings import SparqlSettings
from twin.terms import Literal, NamedNode, Quad
from twin.vocab import site_graph

_GRAPH = site_graph("bench")
_P = NamedNode("urn:p")


def measure(queries: int, writes: int) -> tuple[list[float], list[float], list[float], int]:
    """Milliseconds of small queries through the service, of the same asked of the store itself, of the same with a live
    value; and how many of the writes the next query did not show."""
    return asyncio.run(_measure(queries, writes))


async def _measure(queries: int, writes: int) -> tuple[list[float], list[float], list[float], int]:
    with tempfile.TemporaryDirectory() as folder:
        server = await Server(Path(folder), SparqlSettings(readers=1)).start()
        added = tuple(Quad(NamedNode(f"urn:s{n}"), _P, Literal(n), _GRAPH) for n in range(1000))
        await server.door.commit(Delta(added=added), actor="bench", reason="to begin with")
        through: list[float] = []
        bare: list[float] = []
        live: list[float] = []
        for number in range(queries):
            text = f"SELECT ?o {{ <urn:s{number % 1000}> <urn:p> ?o FILTER(?o != {-number}) }}"
            began = time.perf_counter()
            await (await server.service.query(text)).read()
            through.append(1000 * (time.perf_counter() - began))
            began = time.perf_counter()
            server.store.select(text)
            bare.append(1000 * (time.perf_counter() - began))
            text = text.replace("?o {", "?o (live:value(<urn:twin:office:sat>) AS ?v) {")
            began = time.perf_counter()
            await (await server.service.query(text)).read()
            live.append(1000 * (time.perf_counter() - began))
        stale = 0
        counter = NamedNode("urn:counter")
        for number in range(writes):
            old = (Quad(counter, _P, Literal(number - 1), _GRAPH),)
            new = (Quad(counter, _P, Literal(number), _GRAPH),)
            await server.door.commit(Delta(old, new), actor="bench", reason="a count")
            answer = await server.service.query("SELECT ?o { <urn:counter> <urn:p> ?o }", accept="text/csv")
            stale += (await answer.read()).split() != [b"o", str(number).encode()]
        await server.service.close()
        return through, bare, live, stale
