"""Killed at any moment, a server loses nothing that it acknowledged, and leaves nothing half done."""

from __future__ import annotations

import json
import random
import secrets
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.durability.writer import TWINS
from tests.server_process import ROOT, environment
from twin.directory import DataDirectory
from twin.flows.examining import examine

KILLS = 10
Told = list[dict[str, Any]]


def lived(data: Path, chance: random.Random) -> Told:
    """What a writer told from its start until it was killed, at any moment within a second of its first word."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.durability.writer", str(data)],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    told: Told = []

    def listen() -> None:
        assert child.stdout is not None
        told.extend(json.loads(line) for line in child.stdout if line.endswith("\n"))

    first = child.stdout.readline()
    assert first, "the writer did not start"
    told.append(json.loads(first))
    listening = threading.Thread(target=listen)
    listening.start()
    time.sleep(chance.random())
    child.kill()
    child.wait()
    listening.join()
    child.stdout.close()
    return told


@pytest.mark.timeout(300)
async def test_nothing_acknowledged_is_lost_and_nothing_is_torn_by_kills(tmp_path: Path) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    data = tmp_path / "data"
    acknowledged: dict[str, set[int]] = {"change": set(), "row": set(), "import": set()}
    for _ in range(KILLS + 1):  # what the last one finds is checked as well
        told = lived(data, chance)
        found = told[0]["found"]
        changes = {int(number): triples for number, triples in found["changes"].items()}
        imported = {int(site.removeprefix("s")): counts for site, counts in found["imports"].items()}
        assert acknowledged["change"] <= changes.keys()
        assert set(changes.values()) <= {2}
        assert acknowledged["import"] <= imported.keys()
        assert all(counts == [TWINS, TWINS, 4 * TWINS] for counts in imported.values())
        assert acknowledged["row"] <= set(found["rows"])
        assert len(found["rows"]) == len(set(found["rows"]))
        for each in told[1:]:
            kind, number = each["done"]
            acknowledged[kind].add(number)
    assert all(acknowledged.values())
    with DataDirectory(data) as directory:
        assert (await examine(directory, "1.5")).findings == ()
