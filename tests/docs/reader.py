"""A reader who does what a document says, in order, in a directory of their own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from tests.docs.answers import differences, pairs
from tests.docs.pages import Block
from tests.peers import free_port, peer
from tests.server_process import environment

PATIENCE = 60.0
WRITE = os.environ.get("TWIN_DOCS") == "write"
"""With TWIN_DOCS=write an answer that no longer holds is printed anew in the document; look at the difference."""
_BROKER = "1883"
LINE = 96


class Reader:
    """Carries the blocks out; a context manager that ends whatever was kept running.

    Ports are the ones of this run: 8000 is the demo's, every other printed port is replaced by a free one.
    """

    def __init__(self, directory: Path, demo_url: str) -> None:
        self._directory = directory
        self._ports = {"8000": demo_url.rstrip("/").rpartition(":")[2]}
        self._revisions: dict[str, str] = {}
        self._kept: list[tuple[Block, subprocess.Popen[bytes], Path]] = []
        self._environment = environment(PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for _, process, _ in reversed(self._kept):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
        for _, process, _ in self._kept:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(20)

    def follow(self, blocks: Sequence[Block]) -> None:
        """Carries out the blocks and compares what is printed; fails at the first that does not hold."""
        answers = {block.name: block for block in blocks if block.verb == "answer"}
        for block in blocks:
            if block.verb == "file":
                (self._directory / block.name).write_text(self._here(block.text), "utf-8")
            elif block.verb == "keep":
                self._keep(block)
            elif block.verb == "run":
                self._compared(block, answers.get(block.name), self._run(block))
            elif block.verb == "ask":
                self._ask(block, answers.get(block.name))
        for block, process, log in self._kept:
            assert process.poll() is None, f"{block} has ended: {log.read_text()}"

    def _run(self, block: Block) -> str:
        if "curl" in block.text and shutil.which("curl") is None:
            pytest.skip("no curl here")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self._here(block.text)],
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
            check=False,
        )
        assert done.returncode == 0, f"{block}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        return self._printed(done.stdout)

    def _keep(self, block: Block) -> None:
        command = self._here(block.text).strip()
        if command.startswith("mosquitto "):
            command = command.replace("mosquitto", str(peer("mosquitto")), 1)
        log = self._directory / f"{block.name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._kept.append((block, process, log))
        if command.startswith("twin serve"):
            port = command.split("--port ")[1].split()[0]
            self._until(lambda: _answers(f"http://127.0.0.1:{port}/readyz"), block, process, log)
        elif "mosquitto" in command:
            self._until(lambda: _listens(int(self._ports[_BROKER])), block, process, log)

    def _until(self, condition: object, block: Block, process: subprocess.Popen[bytes], log: Path) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert process.poll() is None, f"{block} has ended: {log.read_text()}"
            assert time.monotonic() < deadline, f"{block} does not answer: {log.read_text()}"
            time.sleep(0.1)

    def _ask(self, block: Block, answer: Block | None) -> None:
        """Asks; a question whose answer is still on its way is asked again, a mutation never is."""
        deadline = time.monotonic() + (10 if WRITE else PATIENCE)
        while True:
            real = self._printed(self._asked(block, answer))
            again = "mutation" not in block.text and time.monotonic() < deadline
            if answer is None:
                assert block.language != "graphql" or "errors" not in json.loads(real), f"{block}: {real}"
                return
            if not (found := self._found(answer, real)) or not again:
                break
            time.sleep(0.5)
        self._compared(block, answer, real, found)

    def _asked(self, block: Block, answer: Block | None) -> str:
        url = f"http://127.0.0.1:{self._port(str(block.port))}"
        text = self._here(block.text)
        if block.language == "graphql":
            return httpx.post(f"{url}/graphql", json={"query": text}, timeout=PATIENCE).text
        accept = "text/csv" if answer else "*/*"
        answered = httpx.post(f"{url}/sparql", data={"query": text}, headers={"accept": accept}, timeout=PATIENCE)
        assert answered.status_code == 200, f"{block}: {answered.text}"
        return answered.text

    def _found(self, answer: Block, real: str) -> list[str]:
        return differences(answer.language, answer.text, real, answer.varies, answer.near)

    def _compared(self, block: Block, answer: Block | None, real: str, found: list[str] | None = None) -> None:
        if answer is None:
            return
        found = self._found(answer, real) if found is None else found
        if answer.language == "json":
            self._revisions.update(pairs(json.loads(answer.text), json.loads(real), "revision"))
        if found and WRITE:
            _rewrite(answer, real)
            return
        assert not found, f"{answer} no longer holds:\n" + "\n".join(found) + f"\n\nThe answer to {block}:\n{real}"

    def _port(self, printed: str) -> str:
        if printed not in self._ports:
            self._ports[printed] = str(free_port())
        return self._ports[printed]

    def _here(self, text: str) -> str:
        """The text with the ports and revisions of this run."""
        for printed, real in self._revisions.items():
            text = text.replace(f'"{printed}"', f'"{real}"')
        for printed in ("8000", "8001", _BROKER):
            if printed in text:
                text = text.replace(printed, self._port(printed))
        return text

    def _printed(self, text: str) -> str:
        """The text with the ports that are printed."""
        for printed, real in self._ports.items():
            text = text.replace(f":{real}", f":{printed}")
        return text


@contextlib.contextmanager
def reading(directory: Path, demo_url: str) -> Iterator[Reader]:
    """A reader, and the demo as they found it: whatever a failed test left changed there is taken back."""
    with httpx.Client(base_url=demo_url, timeout=PATIENCE) as client:
        before = _asked_of(client, "{ revision }")["revision"]
        try:
            with Reader(directory, demo_url) as reader:
                yield reader
        except BaseException:
            since = _asked_of(client, f'{{ changes(since: "{before}", last: 100) {{ revision actor }} }}')["changes"]
            for change in reversed(since):
                if change["actor"] == "local":
                    _asked_of(client, f'mutation {{ rollback(revision: "{change["revision"]}") {{ revision }} }}')
            raise


def laid_out(value: Any, indent: int = 0) -> str:
    """JSON for people: what fits on a line stands on one."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent <= LINE or not isinstance(value, dict | list) or not value:
        return line
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {laid_out(each, indent + 2)}" for key, each in value.items()]
        return "{\n" + ",\n".join(inner + part for part in parts) + "\n" + " " * indent + "}"
    parts = [laid_out(each, indent + 2) for each in value]
    return "[\n" + ",\n".join(inner + part for part in parts) + "\n" + " " * indent + "]"


def _asked_of(client: httpx.Client, query: str) -> dict[str, Any]:
    answered = client.post("/graphql", json={"query": query}).json()
    data: dict[str, Any] = answered["data"]
    return data


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _rewrite(answer: Block, real: str) -> None:
    text = real
    if answer.language == "json":
        text = laid_out(json.loads(real))
    text = text.replace("\r\n", "\n").rstrip("\n") + "\n"
    whole = answer.page.read_text("utf-8")
    comment = rf"<!-- test: answer {re.escape(answer.name)}(?:;[^\n]*)? -->"
    printed = re.compile(rf"({comment}\n```\w*\n).*?(^```)", re.DOTALL | re.MULTILINE)
    whole, count = printed.subn(lambda match: match[1] + text + match[2], whole)
    assert count == 1, f"{answer} is not the only one of its name"
    answer.page.write_text(whole, "utf-8")
