"""The real peers that tests and benchmarks talk to, brought by ``scripts/peers``."""

from __future__ import annotations

import functools
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
UNAVAILABLE = 3


class PeerUnavailable(Exception):
    """The peer cannot be had on this machine; the message says why."""


@functools.cache
def find(name: str) -> Path:
    """Where the peer is, installed when it was missing; raises `PeerUnavailable`."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "peers", name], text=True, capture_output=True, check=False
    )
    if done.returncode == UNAVAILABLE:
        raise PeerUnavailable(done.stderr.strip().splitlines()[-1])
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return Path(done.stdout.splitlines()[-1])


def peer(name: str) -> Path:
    """Where the peer is; the test is skipped with the reason when it cannot be had, and fails where ``CI=true``."""
    try:
        return find(name)
    except PeerUnavailable as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(str(reason))
        pytest.skip(str(reason))


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
