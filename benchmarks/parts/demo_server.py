"""A running demo, watched from outside: its output, its answers, the memory of its process tree."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

ADDRESS = re.compile(r"^(http://\S+?/)\s*$")
MEGABYTE = 1_000_000
LIVE = "{ summary { live unavailable } properties(first: 200) { nodes { id value available } } }"


class DemoServer:
    """``twin demo`` (or a command that ends up in it) as a child process group; `stop` it."""

    def __init__(self, command: Sequence[str], folder: Path | None = None) -> None:
        self.began = time.perf_counter()
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        self._lines: list[str] = []
        self._address = ""
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def address(self, seconds: float) -> str:
        """The address that it printed when it was ready."""
        self._ready.wait(seconds)
        if not self._address:
            raise RuntimeError(f"no address within {seconds:g} s; it said:\n{self.said()}")
        return self._address

    def since_start(self) -> float:
        """Seconds since the process was started."""
        return time.perf_counter() - self.began

    def said(self) -> str:
        """The end of what it printed."""
        return "".join(self._lines[-40:])

    def first_live_value(self, seconds: float) -> float:
        """Seconds from the start to the first answer of GraphQL that holds a live value."""
        url = self.address(seconds) + "graphql"
        while self.since_start() < seconds:
            found = ask(url, LIVE)
            if any(each["available"] and each["value"] is not None for each in found["properties"]["nodes"]):
                return self.since_start()
            time.sleep(0.02)
        raise RuntimeError(f"no live value within {seconds:g} s; it said:\n{self.said()}")

    def memory(self) -> dict[str, float]:
        """MB of the process tree: ``rss`` counts shared pages for each process, ``pss`` once, ``uss`` not at all."""
        total = {"rss": 0.0, "pss": 0.0, "uss": 0.0, "processes": 0.0}
        for process in self.tree():
            try:
                found = process.memory_full_info()
            except psutil.NoSuchProcess:
                continue  # it ended while we counted
            total["rss"] += found.rss / MEGABYTE
            total["pss"] += found.pss / MEGABYTE
            total["uss"] += found.uss / MEGABYTE
            total["processes"] += 1
        return total

    def shares(self) -> list[tuple[str, float]]:
        """The resident MB of each process, largest first, with what it was started as."""
        found = []
        for process in self.tree():
            try:
                found.append((" ".join(process.cmdline()[1:])[-60:], process.memory_info().rss / MEGABYTE))
            except psutil.NoSuchProcess:
                continue  # it ended while we counted
        return sorted(found, key=lambda share: -share[1])

    def tree(self) -> list[psutil.Process]:
        """Our child and all its descendants."""
        root = psutil.Process(self._process.pid)
        return [root, *root.children(recursive=True)]

    def stop(self) -> tuple[int, int]:
        """Ends it as Ctrl-C does; gives its exit code and how many of its processes are still there."""
        tree = self.tree() if self._process.poll() is None else []
        if tree:
            os.killpg(self._process.pid, signal.SIGINT)
        try:
            code = self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            code = self._process.wait(10)
        _, left = psutil.wait_procs(tree[1:], timeout=5)
        for process in left:
            process.kill()
        self._reader.join(5)
        return code, len(left)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
            if found := ADDRESS.match(line):
                self._address = found[1]
                self._ready.set()
        self._ready.set()  # nothing more will come


def ask(url: str, query: str) -> dict[str, Any]:
    """The data of a GraphQL answer."""
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(url, body, {"content-type": "application/json"})  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        answer = json.load(response)
    if "errors" in answer:
        raise RuntimeError(str(answer["errors"]))
    data: dict[str, Any] = answer["data"]
    return data


def get(url: str, accept: str = "*/*") -> bytes:
    """What a GET answers."""
    request = urllib.request.Request(url, headers={"accept": accept})  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        return bytes(response.read())
