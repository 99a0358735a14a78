from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import peers
from tests.peers import ROOT, PeerUnavailable

SCRIPT = ROOT / "scripts" / "peers"


def test_a_peer_that_nobody_knows_is_an_error_of_the_caller() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "windmill"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "mosquitto" in done.stderr


def test_a_peer_that_cannot_be_had_is_exit_code_3_with_the_reason(tmp_path: Path) -> None:
    # Without Node.js on the path, and in a checkout of its own, npm's peer is missing and cannot be brought.
    script = tmp_path / "scripts" / "peers"
    script.parent.mkdir()
    # The usual places are left out as well, which may hold Node.js on this machine.
    script.write_text(SCRIPT.read_text().replace("/usr/local/sbin", str(tmp_path)).replace("/usr/sbin", str(tmp_path)))
    done = subprocess.run(
        [sys.executable, script, "node-opcua"],
        env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "needs Node.js and npm" in done.stderr


def test_without_its_peer_a_test_is_skipped_here_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Path:
        raise PeerUnavailable(f"{name} is not available: no network.")

    monkeypatch.setattr(peers, "find", missing)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no network"):
        peers.peer("mosquitto")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no network"):
        peers.peer("mosquitto")
