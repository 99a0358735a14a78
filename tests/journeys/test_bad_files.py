"""Files that could hurt a server, given to one that runs: it refuses each in words, stores nothing, and serves on."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from click.testing import CliRunner

from tests.graphql_client import GraphQL
from tests.server_process import ServerProcess, eventually
from tests.vocabularies.test_sandbox import BOMB, EXTERNAL, QUOTED, RDF_XML, nested
from twin.cli import main

SETTINGS = "[imports]\nliteral_bytes = 100_000\nmemory_bytes = 536_870_912\ncpu_seconds = 3\n"
TYPES = {".ttl": "text/turtle", ".rdf": "application/rdf+xml", ".jsonld": "application/ld+json"}
GOOD = b"<urn:twin:shed:hall> a <https://brickschema.org/schema/Brick#Room> .\n"
LITERAL = b'<urn:twin:shed:hall> <http://www.w3.org/2000/01/rdf-schema#comment> "%s" .\n'
BAD: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "bomb.rdf": (BOMB.encode(), ("line 2, column", "memory")),
    "other-file.rdf": (EXTERNAL.encode(), ("line 2, column 14", "another file")),
    "deep.rdf": ((RDF_XML.partition("{}")[0] + "<rdf:Description><u:p>" * 100_000).encode(), ("more than 3 s",)),
    "quoted.ttl": (nested(*QUOTED).encode(), ("line 1, column 17", "nests deeper")),
    "nested.jsonld": (nested("", '{"urn:x":', "1", "}", "", 50_000).encode(), ("line 1, column", "nests deeper")),
    "lists.jsonld": (nested('{"urn:x":', '{"@list":[', "", "]}", "}", 20_000).encode(), ("nests deeper",)),
    "long.ttl": (GOOD * 3 + LITERAL % (b"x" * 200_000), ("line 4, column", "200,000 bytes", "literal_bytes")),
    "long-in-bulk.ttl": (GOOD * 30_000 + LITERAL % (b"x" * 200_000), ("line 30001, column", "200,000 bytes")),
    "prefix.ttl": (b"@prefix a: <urn:" + b"x" * 100_000 + b"> .\n" + b"a:b a:c a:d .\n" * 50_000, ("column 13",)),
    "illegal.ttl": (GOOD + b"<urn:twin:shed:a b> a <urn:c> .\n", ("line 2, column", "--lenient")),
    "packed.ttl": (b"\x1f\x8b\x08\x00" + bytes(10_000), ("gzip", "Unpack")),
    "noise.ttl": (os.urandom(50_000) + b"\0", ("byte ", "binary")),
    "wide.ttl": (GOOD.decode().encode("utf-16"), ("UTF-16", "iconv")),
    "really-xml.ttl": (RDF_XML.format("").encode(), ("line 1, column", "looks like RDF/XML")),
    "empty.ttl": (b"", ("0 bytes",)),
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    directory = tmp_path_factory.mktemp("files")
    (directory / "twin.toml").write_text(SETTINGS)
    config = str(directory / "twin.toml")
    with ServerProcess("serve", directory / "data", directory / "output.txt", "--config", config) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Iterator[GraphQL]:
    with GraphQL(server.url) as client:
        yield client


class Meanwhile:
    """Asks the server for its revision again and again, from a thread of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.wrong: list[str] = []
        self.answered = 0

    def _ask(self) -> None:
        with httpx.Client(base_url=self._url, timeout=30) as asking:
            while not self._stop.is_set():
                answer = asking.post("/graphql", json={"query": "{ revision }"})
                if answer.status_code != 200 or "errors" in answer.json():
                    self.wrong.append(answer.text)
                self.answered += 1
                time.sleep(0.01)

    def __enter__(self) -> Meanwhile:
        self._thread.start()
        eventually(lambda: self.answered, "an answer before")
        return self

    def __exit__(self, *_: object) -> None:
        before = self.answered
        eventually(lambda: self.answered > before or not self._thread.is_alive(), "an answer after")
        self._stop.set()
        self._thread.join()


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_in_words_and_the_server_serves_on(
    server: ServerProcess, client: GraphQL, tmp_path: Path, name: str
) -> None:
    data, says = BAD[name]
    file = tmp_path / name
    file.write_bytes(data)
    revision = client.ready()["revision"]
    with Meanwhile(server.url) as others:
        done = CliRunner().invoke(main, ["import", str(file), "--site", "shed", "--data", str(server.data)])
        asked = {"site": "shed", "name": name}
        headers = {"content-type": TYPES[file.suffix]}
        answer = client.http.post("/api/v1/imports", params=asked, content=data, headers=headers)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"twin: {name}")
    assert [part for part in says if part not in done.stderr] == [], done.stderr
    assert answer.status_code == 400, answer.text
    problem = answer.json()
    assert problem["code"] == "invalid-input"
    assert problem["detail"].startswith(name)
    assert problem["remedy"]
    assert [part for part in says if part not in answer.text] == [], answer.text
    assert "Traceback" not in done.stderr + answer.text
    assert others.wrong == []
    assert others.answered >= 2
    assert json.loads((server.data / "server.json").read_text())["pid"] == server.process.pid
    assert server.process.poll() is None
    assert client.ready()["revision"] == revision
    assert client.ask("{ sites { id } }")["sites"] == []


def test_a_context_elsewhere_is_not_fetched(server: ServerProcess, client: GraphQL) -> None:
    with socket.socket() as canary:
        canary.bind(("127.0.0.1", 0))
        canary.listen()
        canary.settimeout(0.2)
        url = f"http://127.0.0.1:{canary.getsockname()[1]}/c.jsonld"
        body = json.dumps({"@context": url, "@id": "urn:twin:shed:x", "name": "X"})
        headers = {"content-type": "application/ld+json"}
        answer = client.http.post("/api/v1/imports", params={"site": "shed"}, content=body, headers=headers)
        with pytest.raises(TimeoutError):
            canary.accept()
    assert answer.status_code == 400
    assert url in answer.json()["detail"]


def test_a_change_with_a_prefix_that_multiplies_it_is_refused(client: GraphQL) -> None:
    headers = {"content-type": "text/turtle"}
    good = client.http.post("/api/v1/imports", params={"site": "shed"}, content=GOOD, headers=headers)
    assert good.status_code == 201, good.text
    text = f"@prefix a: <urn:{'x' * 50_000}> .\n" + "a:b a:c a:d .\n" * 30_000
    change = 'mutation($add: String!) { applyChange(site: "shed", add: $add, reason: "r") { revision } }'
    error = client.refusal(change, add=text)
    assert error["extensions"]["code"] == "invalid-input"
    assert "256 characters" in error["message"]


def test_nothing_is_left_of_the_processes_that_opened_the_files(server: ServerProcess) -> None:
    reading = [each for each in psutil.Process(server.process.pid).children() if "sandbox" in " ".join(each.cmdline())]
    assert reading == []
    assert "Traceback" not in server.output
