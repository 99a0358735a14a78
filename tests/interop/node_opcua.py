"""npm's node-opcua as a device: a server that none of our code or libraries is part of."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path
from queue import Empty, Queue

from connectors.opcua.connector import OpcUaConnector
from tests.peers import free_port
from twin.connector import AddressBinding, ConnectionSettings

SCRIPT = Path(__file__).with_name("node_opcua_server.js")
PATIENCE = 60
"""Seconds for an answer; the first start makes a certificate."""


class NodeOpcUaDevice:
    """See `tests.contracts.connector.Device`.  ``modules`` is the folder that npm installed into."""

    connector = OpcUaConnector
    reading = AddressBinding("reading", "nsu=urn:test:plant;s=Temperature")
    command = AddressBinding("command", "ns=2;s=Setpoint", write_address="ns=2;s=Setpoint")
    malformed = ("", "ns=2;Temperature")
    samples_itself = True

    def __init__(self, modules: Path, folder: Path) -> None:
        self._modules, self._folder, self._port = modules, folder, free_port()
        self._log = folder / "errors.log"
        self._process: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None
        self._answers: Queue[dict[str, object] | None] = Queue()
        self.settings = ConnectionSettings("plant", f"opc.tcp://127.0.0.1:{self._port}/plant", {"publishing": "0.05"})

    def start(self) -> None:
        if self._process is not None:
            return
        self._answers = Queue()
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                ["node", SCRIPT, str(self._port), self._folder],
                env={**os.environ, "NODE_PATH": str(self._modules)},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        self._listener = threading.Thread(target=self._listen, args=(self._process, self._answers), daemon=True)
        self._listener.start()
        assert self._answer().get("ready")

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with process:  # closes the pipes and waits
                process.kill()
            if self._listener is not None:
                self._listener.join()

    def change(self, value: float) -> None:
        self.give("Temperature", value)

    def give(self, name: str, value: object, status: str = "Good") -> None:
        """Sets a variable as the device would."""
        assert self.ask({"give": [name, value, status]}) == {"given": name}

    def present(self, name: str) -> object:
        """The value that the server holds."""
        return self.ask({"present": name})["value"]

    def written(self) -> float | None:
        value = self.present("Setpoint")
        assert isinstance(value, float | int)
        return float(value)

    def number(self, raw: object) -> float:
        assert isinstance(raw, float)
        return raw

    def raw(self, value: float) -> float:
        return value

    def ask(self, request: dict[str, object]) -> dict[str, object]:
        """The server's answer to one line."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, object]:
        try:
            answer = self._answers.get(timeout=PATIENCE)
        except Empty:
            answer = None
        if answer is None:
            raise AssertionError(f"node-opcua did not answer: {self._log.read_text()[-2000:]}")
        return answer

    @staticmethod
    def _listen(process: subprocess.Popen[str], answers: Queue[dict[str, object] | None]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{"):  # the library prints remarks of its own
                answers.put(json.loads(line))
        answers.put(None)
