"""A real mosquitto on a port of its own."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.peers import free_port

CONFIGURATION = """\
listener {port} 127.0.0.1
user root
persistence false
log_dest file {directory}/mosquitto.log
# No message is dropped for want of room: neither in flight nor queued.
max_inflight_messages 0
max_queued_messages 0
max_queued_bytes 0
"""


class Mosquitto:
    """A broker with its configuration and log in a directory; a context manager, or `start` and `stop`.

    With ``users`` (name to password) it admits only them.
    """

    def __init__(
        self, program: Path, directory: Path, users: Mapping[str, str] | None = None, configuration: str = ""
    ) -> None:
        self.port = free_port()
        self._program = program
        self._directory = directory
        self._users = users or {}
        self._configuration = configuration
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns when the broker takes connections; starting again uses the same port."""
        text = CONFIGURATION.format(port=self.port, directory=self._directory) + self._configuration
        if self._users:
            text += f"allow_anonymous false\npassword_file {self._passwords()}\n"
        else:
            text += "allow_anonymous true\n"
        path = self._directory / "mosquitto.conf"
        path.write_text(text)
        self._process = subprocess.Popen(
            [self._program, "-c", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                log = self._directory / "mosquitto.log"
                raise RuntimeError(f"mosquitto did not start: {log.read_text() if log.exists() else path}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Ends the broker; stopping twice is allowed."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(10)

    def __enter__(self) -> Mosquitto:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _passwords(self) -> Path:
        path = self._directory / "passwords"
        path.touch(mode=0o600)
        for name, password in self._users.items():
            subprocess.run(["mosquitto_passwd", "-b", path, name, password], check=True, capture_output=True)
        return path
