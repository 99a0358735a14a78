"""A full disk: writes are refused with the cause, reads go on, and all is well when there is room again.

On a file system of 160 MB in memory, mounted in a name space of its own (``unshare -rm``).
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server_process import ROOT, environment

_MOUNT = "mount -t tmpfs -o size=160M tmpfs {disk}"


@pytest.mark.timeout(180)
def test_a_full_disk_is_told_and_survived(tmp_path: Path) -> None:
    mount = _MOUNT.format(disk=tmp_path)
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True, check=False).returncode != 0:
        pytest.skip("this system lets nobody mount a file system of their own (unshare -rm)")
    command = f"{mount} && exec {sys.executable} -m tests.durability.full_disk {tmp_path}"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert "Traceback" not in done.stderr
    for kind, refusals in told["refused"].items():
        assert refusals, f"no {kind} was refused"
        assert all("full" in said or "No space" in said or "room" in said for said in refusals)
    assert told["reads"]["changes"] == told["done"]["change"]
    assert told["reads"]["rows"] == told["done"]["row"]
    assert told["after"] == {"refused": {"change": [], "row": [], "import": []}, "done": ["change", "row", "import"]}
    assert told["seen"] == sorted(told["seen"])
    assert told["seen"][-1] == told["revision"]  # what the journal took and the store did not was announced as well
