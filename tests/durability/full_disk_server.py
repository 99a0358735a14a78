"""Runs the server on a small disk, fills the disk and frees it: ``python -m tests.durability.full_disk_server DISK``.

Tells what happened in JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.durability.writers import DOORS, NODE, SITE, Refused, by_import, unit
from tests.server_process import ServerProcess, twin

NAMES = f"""SELECT ?node {{ GRAPH <urn:twin:site:{SITE}> {{
    ?node a <https://brickschema.org/schema/Brick#Air_Handling_Unit> }} }}"""


def free(disk: Path) -> int:
    state = os.statvfs(disk)
    return state.f_bavail * state.f_frsize


def nodes(client: httpx.Client) -> list[str]:
    accept = {"accept": "application/sparql-results+json"}
    answer = client.get("/sparql", params={"query": NAMES, "entailment": "none"}, headers=accept)
    answer.raise_for_status()
    return sorted(row["node"]["value"].removeprefix(NODE) for row in answer.json()["results"]["bindings"])


def main(disk: Path) -> None:
    filler, told = disk / "filler", dict[str, Any]()
    first = disk / "first.ttl"
    first.write_text(unit("graphql", 0, "new"))
    assert twin("import", first, "--site", SITE, "--data", disk / "data").returncode == 0
    server = ServerProcess("serve", disk / "data", disk.parent / f"{disk.name}.log").start()
    client = httpx.Client(base_url=server.url, timeout=60)
    done: dict[str, list[int]] = {"graphql": [], "update": []}
    refused: dict[str, list[str]] = {"graphql": [], "update": [], "import": []}

    def attempt(kind: str, number: int) -> bool:
        door: Callable[[httpx.Client, int], int] = DOORS.get(kind, by_import)
        try:
            door(client, number)
        except Refused as refusal:
            refused[kind].append(str(refusal))
            return False
        if kind in done:
            done[kind].append(number)
        return True

    for kind in done:
        attempt(kind, 1)
    with filler.open("wb") as file:
        file.write(b"x" * (free(disk) - 300_000))
    attempt("import", 1)
    for kind in done:
        number = 2
        while len(refused[kind]) < 3:
            attempt(kind, number)
            number += 1
    told["refused"] = {kind: list(words) for kind, words in refused.items()}
    told["reads"] = nodes(client)
    told["ready"] = client.get("/readyz").status_code
    told["listed"] = client.post("/graphql", json={"query": "{ twins(first: 1) { totalCount } }"}).json()
    filler.unlink()
    deadline = time.monotonic() + 60
    for kind in done:  # nobody starts it again
        while not attempt(kind, 5000):
            assert time.monotonic() < deadline, refused[kind][-1]
            time.sleep(0.2)
    told["done"], told["after"] = done, nodes(client)
    client.close()
    server.process.send_signal(signal.SIGTERM)
    told["exit"] = server.process.wait(60)
    told["said"] = [line for line in server.output.splitlines() if "Traceback" in line or "internal error" in line]
    verified = twin("verify", "--data", disk / "data")
    told["verified"] = [verified.returncode, verified.stderr]
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
