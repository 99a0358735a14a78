"""A device whose web server is a real nginx: its state is a file that is polled, a command one that is PUT."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

from connectors.http.connector import HttpConnector
from tests.peers import free_port
from twin.connector import AddressBinding, ConnectionSettings

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port}{tls};
    {certificate}
    root {folder}/www;
    location / {{ dav_methods PUT; {access} }}
  }}
}}
"""


class NginxDevice:
    """See `tests.contracts.connector.Device`."""

    connector = HttpConnector
    reading = AddressBinding("reading", "/state.json")
    command = AddressBinding("command", "/state.json", write_address="/setpoint")
    malformed = ("", "state.json", "/a b", "/log?since={then}", "in:a b")
    samples_itself = True

    def __init__(self, program: Path, folder: Path, certificate: str = "", access: str = "") -> None:
        self._program, self._folder, self.port = program, folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._stamp = 1_700_000_000
        (folder / "www").mkdir()
        scheme = "https" if certificate else "http"
        (folder / "nginx.conf").write_text(
            CONFIGURATION.format(
                folder=folder, port=self.port, tls=" ssl" if certificate else "", certificate=certificate, access=access
            )
        )
        self.settings = ConnectionSettings("plant", f"{scheme}://127.0.0.1:{self.port}", {"period": "0.05"})
        self.change(0)

    def start(self) -> None:
        if self._process is not None:
            return
        self._process = subprocess.Popen([self._program, "-p", self._folder, "-c", "nginx.conf"])
        deadline = time.monotonic() + 20
        while not (self._folder / "nginx.pid").exists():
            assert time.monotonic() < deadline, (self._folder / "error.log").read_text()
            time.sleep(0.01)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            (self._folder / "nginx.pid").unlink(missing_ok=True)

    def change(self, value: float) -> None:
        partial = self._folder / "state.partial"
        partial.write_text(json.dumps({"temperature": value}))
        # nginx makes the ETag of the second in which a file was changed, and of its length.
        self._stamp += 1
        os.utime(partial, (self._stamp, self._stamp))
        partial.replace(self._folder / "www" / "state.json")

    def written(self) -> float | None:
        path = self._folder / "www" / "setpoint"
        return float(json.loads(path.read_text())["value"]) if path.exists() else None

    def number(self, raw: object) -> float:
        assert isinstance(raw, bytes)
        return float(json.loads(raw)["temperature"])

    def raw(self, value: float) -> bytes:
        return json.dumps({"value": value}).encode()
