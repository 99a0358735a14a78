"""A full disk: writes are refused with the cause, reads go on, and all is well when there is room again.

On a file system of 160 MB in memory, mounted in a name space of its own (``unshare -rm``).
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.server_process import ROOT, environment

_MOUNT = "mount -t tmpfs -o size=160M tmpfs {disk}"


def on_a_small_disk(module: str, disk: Path) -> Any:
    """What a program says that runs with a disk of its own, which is all that it may write to."""
    disk.mkdir()
    mount = _MOUNT.format(disk=disk)
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True, check=False).returncode != 0:
        pytest.skip("this system lets nobody mount a file system of their own (unshare -rm)")
    command = f"{mount} && exec {sys.executable} -m {module} {disk}"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.timeout(180)
def test_a_full_disk_is_told_and_survived(tmp_path: Path) -> None:
    told = on_a_small_disk("tests.durability.full_disk", tmp_path / "disk")
    for kind, refusals in told["refused"].items():
        assert refusals, f"no {kind} was refused"
        assert all("full" in said or "No space" in said or "room" in said for said in refusals)
    assert told["reads"]["changes"] == told["done"]["change"]
    assert told["reads"]["rows"] == told["done"]["row"]
    assert told["after"] == {"refused": {"change": [], "row": [], "import": []}, "done": ["change", "row", "import"]}
    assert told["seen"] == sorted(told["seen"])
    assert told["seen"][-1] == told["revision"]  # what the journal took and the store did not was announced as well


@pytest.mark.timeout(240)
def test_a_server_on_a_full_disk_refuses_changes_with_the_cause_answers_and_recovers_by_itself(tmp_path: Path) -> None:
    told = on_a_small_disk("tests.durability.full_disk_server", tmp_path / "disk")
    for kind, refusals in told["refused"].items():
        assert refusals, f"no {kind} was refused"
        assert all("full" in said or "No space" in said or "room" in said for said in refusals), refusals
    acknowledged = {f"{kind}-{number}" for kind, numbers in told["done"].items() for number in numbers}
    before = acknowledged - {"graphql-5000", "update-5000"}
    assert before <= set(told["reads"])  # what reached the journal and not the store comes when there is room again
    assert told["ready"] == 200
    assert told["listed"]["data"]["twins"]["totalCount"] > 0
    assert acknowledged <= set(told["after"])
    assert (told["exit"], told["said"]) == (0, [])
    assert told["verified"] == [0, ""]
