"""The data directory: its format, its lock, its parts, and where its server answers."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from twin.errors import ConfigurationError, Conflict

FORMAT = 1
_TRIES, _PAUSE = 20, 0.01  # seconds between tries to take the lock


@dataclass(frozen=True, slots=True)
class RunningServer:
    """The server that holds a directory: its address, the token its own command line uses, its process id."""

    address: str
    token: str
    pid: int


class DataDirectory:
    """One server's state on disk, locked while it is entered so that no second process can spoil it.

    Parts: ``journal.sqlite``, ``graph/``, ``history.duckdb``, ``violations.sqlite``, ``origins.sqlite``,
    ``rejects.sqlite``, ``alerts.sqlite``, ``connections.sqlite``, ``quality.npz``, ``models/``, ``raw/``,
    ``payloads/``, ``spool/``, ``checkpoints/``, ``snapshots/``, ``past/``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"The data directory {self.path} cannot be made: {error.strerror}.", remedy="Name another with --data."
            ) from error
        try:
            self._check_format()
            self._lock = self._take_lock()
        except BlockingIOError as error:
            server = self.server()
            who = f"process {server.pid} at {server.address}" if server else "another process"
            raise Conflict(
                f"The data directory {self.path} is in use by {who}.",
                remedy="Stop that server, or name another directory with --data.",
            ) from error
        except OSError as error:
            raise ConfigurationError(
                f"The data directory {self.path} cannot be written: {error.strerror}.",
                remedy="Give this user write access, or name another with --data.",
            ) from error
        (self.path / "server.json").unlink(missing_ok=True)  # of a server that was killed
        (self.path / "format").write_text(f"{FORMAT}\n")
        for part in ("models", "raw", "payloads", "checkpoints", "snapshots", "past"):
            (self.path / part).mkdir(exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        (self.path / "server.json").unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _take_lock(self) -> IO[str]:
        """The locked file; raises ``BlockingIOError`` when another process holds it, and goes on holding it."""
        file = (self.path / "lock").open("a+")
        try:
            for _ in range(_TRIES):
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return file
                time.sleep(_PAUSE)  # a command that asks whether a server runs holds it for an instant
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            file.close()
            raise
        return file

    def _locked(self) -> bool:
        try:
            with (self.path / "lock").open("r") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def _check_format(self) -> None:
        stated = self.path / "format"
        if not stated.exists():
            if any(self.path.iterdir()) and not (self.path / "lock").exists():
                raise ConfigurationError(
                    f"{self.path} is not empty and not a data directory of Twin.",
                    remedy="Name an empty or new directory with --data.",
                )
            return
        text = stated.read_text().strip()
        if not text.isdecimal() or int(text) > FORMAT:
            raise ConfigurationError(
                f"The data directory {self.path} has format {text}; this version of Twin reads up to {FORMAT}.",
                remedy="Open it with the newer version that wrote it.",
            )

    def announce(self, address: str) -> RunningServer:
        """Writes ``server.json``, readable by its owner alone, so that commands on the directory find the server."""
        server = RunningServer(address, secrets.token_urlsafe(32), os.getpid())
        content = json.dumps({"address": server.address, "token": server.token, "pid": server.pid})
        partial = self.path / "server.json.partial"
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(content)
        partial.replace(self.path / "server.json")
        return server

    def server(self) -> RunningServer | None:
        """The server that runs on this directory, or None.

        What a killed server left behind is not taken for one, even when another process has its number by now: a
        server holds the lock.
        """
        if not self._locked():
            return None
        try:
            stated = json.loads((self.path / "server.json").read_text())
            os.kill(int(stated["pid"]), 0)
            return RunningServer(stated["address"], stated["token"], int(stated["pid"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def identity(self) -> str:
        """What this directory is called by the devices that remember its connections: made once, never copied to a
        backup, so that a restored server does not take a running one's messages."""
        path = self.path / "identity"
        if not path.exists():
            partial = self.path / "identity.partial"
            with partial.open("w") as file:
                file.write(secrets.token_hex(16) + "\n")
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        return path.read_text().strip()

    @property
    def graph(self) -> Path:
        return self.path / "graph"

    @property
    def journal(self) -> Path:
        return self.path / "journal.sqlite"

    @property
    def history(self) -> Path:
        return self.path / "history.duckdb"

    @property
    def spool(self) -> Path:
        return self.path / "spool"

    @property
    def violations(self) -> Path:
        return self.path / "violations.sqlite"

    @property
    def origins(self) -> Path:
        return self.path / "origins.sqlite"

    @property
    def rejects(self) -> Path:
        return self.path / "rejects.sqlite"

    @property
    def payloads(self) -> Path:
        return self.path / "payloads"

    @property
    def alerts(self) -> Path:
        return self.path / "alerts.sqlite"

    @property
    def quality(self) -> Path:
        return self.path / "quality.npz"

    @property
    def connections(self) -> Path:
        return self.path / "connections.sqlite"

    @property
    def models(self) -> Path:
        return self.path / "models"

    @property
    def raw(self) -> Path:
        return self.path / "raw"

    @property
    def snapshots(self) -> Path:
        return self.path / "snapshots"

    @property
    def past(self) -> Path:
        return self.path / "past"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"
