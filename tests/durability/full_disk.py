"""Fills its small disk and frees it again: ``python -m tests.durability.full_disk DISK``.

Tells what happened in JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable
from pathlib import Path

from tests.durability.writer import NODE, SITE, building, change, no_violations, rows
from twin.clock import SystemClock
from twin.core import open_core
from twin.directory import DataDirectory
from twin.errors import TwinError
from twin.flows import imports
from twin.flows.imports import Importer
from twin.scope import Scope
from twin.settings import Settings
from twin.telemetry.duckdb import DuckDBHistory
from twin.terms import NamedNode


def free(disk: Path) -> int:
    state = os.statvfs(disk)
    return state.f_bavail * state.f_frsize


async def main(disk: Path) -> None:
    imports._IN_BULK = 10
    filler = disk / "filler"
    with DataDirectory(disk / "data") as directory:
        core = open_core(directory, Settings(), SystemClock())
        importer = Importer(core.door, directory.raw, no_violations, lambda site: core.twins.counts(Scope(), site))
        history = await DuckDBHistory(directory.history).open()
        core.journal.series(["urn:twin:hq:value"])
        keeping = asyncio.create_task(core.door.keep_up())
        seen: list[int] = []
        core.door.before_announcing.append(lambda revision: seen.append(revision.token))
        refused: dict[str, list[str]] = {"change": [], "row": [], "import": []}
        done: dict[str, list[int]] = {"change": [], "row": [], "import": []}

        def work(kind: str, number: int) -> Awaitable[object]:
            if kind == "change":
                return core.door.commit(change(number), actor="t", reason="t", validate=False)
            if kind == "row":
                return history.append(rows(number))
            return importer.import_sources([building(number)], f"s{number}", "t")

        async def attempt(kind: str, number: int) -> None:
            try:
                await work(kind, number)
                done[kind].append(number)
            except TwinError as error:
                refused[kind].append(str(error))

        for kind in done:
            await attempt(kind, 0)
        with filler.open("wb") as file:
            file.write(b"x" * (free(disk) - 200_000))
        for kind in done:
            for number in range(1, 2000):
                if len(refused[kind]) < 3:
                    await attempt(kind, number)
        nodes = {quad.subject for quad in core.store.quads(None, None, None, SITE)}
        reads = {
            "changes": [number for number in done["change"] if NamedNode(f"{NODE}{number}") in nodes],
            "rows": [int(value) for value in (await history.window(1, 0, 2**62)).value],
        }
        told = {
            "refused": dict(refused),
            "done": {kind: list(numbers) for kind, numbers in done.items()},
            "reads": reads,
        }
        filler.unlink()
        while core.store.refused or core.door.revision != core.journal.revision():
            await asyncio.sleep(0.1)  # nobody asks for anything: it recovers by itself
        told["revision"], told["seen"] = core.door.revision, list(seen)
        for kind in refused:
            refused[kind] = []
        for kind in done:
            await attempt(kind, 5000)
        told["after"] = {"refused": refused, "done": [kind for kind, numbers in done.items() if 5000 in numbers]}
        keeping.cancel()
        await history.close()
        core.close()
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
