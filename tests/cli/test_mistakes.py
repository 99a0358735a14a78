"""Mistakes on the command line: a sentence and its remedy on standard error, an exit code, never a traceback."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.server_process import ServerProcess, twin
from twin.cli import main

TURTLE = """@prefix brick: <https://brickschema.org/schema/Brick#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
<urn:twin:shed:hall> a brick:Room ; rdfs:label "Hall" .
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with files that are wrong, each in its own way."""
    (tmp_path / "twin.toml").write_text('name = "Shed"\n[server]\nprot = 8123\n')
    (tmp_path / "broken.toml").write_text("[server\n")
    (tmp_path / "text.toml").write_text('[server]\nport = "many"\n')
    (tmp_path / "good.toml").write_text("[server]\nport = 0\n")
    (tmp_path / "good.ttl").write_text(TURTLE)
    (tmp_path / "broken.ttl").write_text(TURTLE + '<urn:twin:shed:fan> a brick:Fan ; rdfs:label "Fan .\n')
    (tmp_path / "broken.json").write_text('{"@context": "dtmi:dtdl:context;3",\n "@id": }')
    (tmp_path / "empty.ttl").write_text("")
    (tmp_path / "notes.txt").write_text("to do")
    (tmp_path / "query.rq").write_text("SELECT * WHERE { ?s ?p ?o } LIMIT 1")
    (tmp_path / "newer").mkdir()
    (tmp_path / "newer" / "format").write_text("99\n")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("meow")
    return tmp_path


def assert_told(code: int, said: str, expected: int, says: list[str]) -> None:
    assert code == expected, said
    assert [part for part in says if part not in said] == [], said
    assert "Traceback" not in said
    assert "internal error" not in said


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("serve --config twin.toml", ["twin: ", "'server.prot'", "Did you mean 'server.port'?"]),
        ("serve --data newer", ["twin: ", "newer has format 99", "newer version"]),
        ("import missing.ttl", ["twin: ", "missing.ttl cannot be read", "existing file"]),
        ("import broken.ttl", ["twin: ", "broken.ttl, line 4, column ", "nothing was stored"]),
    ],
)
def test_a_mistake_is_told_in_a_sentence_on_standard_error(place: Path, command: str, says: list[str]) -> None:
    done = twin(*command.split(), directory=place)
    assert_told(done.returncode, done.stderr, 1, says)
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("demo --config twin.toml", ["'server.prot'", "Did you mean 'server.port'?"]),
        ("serve --config broken.toml", ["broken.toml is not TOML", "line 1"]),
        ("serve --config text.toml", ["'server.port'", "whole number", "'many'"]),
        ("serve --config missing.toml", ["missing.toml cannot be read"]),
        ("serve --host 0.0.0.0", ["where others can reach it", "no authentication", "127.0.0.1"]),
        ("serve --host no-such-host.invalid", ["no-such-host.invalid", "no address", "127.0.0.1"]),
        ("demo --data newer", ["newer has format 99", "newer version"]),
        ("verify --data newer", ["newer has format 99", "newer version"]),
        ("serve --data photos", ["photos is not empty and not a data directory", "--data"]),
        ("serve --data notes.txt", ["notes.txt", "--data"]),
        ("import photos", ["photos cannot be read", "a directory", "photos/*.ttl"]),
        ("import notes.txt", ["suffix .txt", ".ttl"]),
        ("import empty.ttl", ["empty.ttl", "not one triple"]),
        ("import broken.json", ["broken.json, line 2, column ", "not JSON"]),
        ("import good.ttl --site No.Good", ["'No.Good' is no site id", "lower-case"]),
        ("query missing.rq", ["missing.rq cannot be read"]),
        ("query query.rq --data nowhere", ["no data directory nowhere", "import"]),
        ("export --data nowhere", ["no data directory nowhere", "import"]),
        ("verify --data nowhere", ["no data directory nowhere", "import"]),
    ],
)
def test_every_other_mistake_is_told_in_the_same_way(
    place: Path, monkeypatch: pytest.MonkeyPatch, command: str, says: list[str]
) -> None:
    monkeypatch.chdir(place)
    done = CliRunner().invoke(main, command.split())
    assert done.stderr.startswith("twin: ")
    assert_told(done.exit_code, done.stderr, 2 if command.startswith("verify") else 1, says)
    assert not (place / "nowhere").exists()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("sevre", "No such command 'sevre'"),
        ("serve --prot 1", "No such option '--prot'"),
        ("serve --port 70000", "70000 is not in the range"),
        ("serve --port eighty", "'eighty' is not a valid integer"),
        ("import", "Missing argument 'FILES...'"),
        ("check", "Missing argument 'FILES...'"),
    ],
)
def test_a_wrong_usage_is_told_with_the_way_to_help(command: str, says: str) -> None:
    done = CliRunner().invoke(main, command.split())
    assert_told(done.exit_code, done.stderr, 2, [says, "--help"])


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_in_use_is_told_and_nothing_is_started(place: Path, command: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = twin(command, "--port", str(port), "--data", "data", directory=place)
    assert done.returncode == 1
    assert done.stdout == ""  # the demo's devices were not started either
    assert f"Port {port} on 127.0.0.1 is in use" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["serve", "demo", "verify"])
def test_a_second_process_on_a_directory_is_told_who_holds_it(demo_server: ServerProcess, command: str) -> None:
    port = [] if command == "verify" else ["--port", "0"]
    done = twin(command, *port, "--data", demo_server.data)
    assert done.returncode == (2 if command == "verify" else 1)
    assert f"in use by process {demo_server.process.pid} at {demo_server.url}" in done.stderr
    assert "--data" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads((demo_server.data / "server.json").read_text())["pid"] == demo_server.process.pid


@pytest.fixture(scope="module")
def shed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with one small site in it."""
    directory = tmp_path_factory.mktemp("shed")
    (directory / "shed.ttl").write_text(TURTLE)
    done = twin("import", directory / "shed.ttl", "--data", directory / "data")
    assert (done.returncode, done.stderr) == (0, "")
    return directory / "data"


@pytest.mark.parametrize(
    "text", ["SELECT * WHERE {\n ?s ?p ", "DELETE WHERE { ?s ?p ?o }", "ASK { SERVICE <http://x/> {} }"]
)
def test_a_query_that_cannot_run_is_refused_in_words(demo_server: ServerProcess, text: str) -> None:
    done = CliRunner().invoke(main, ["query", "-", "--data", str(demo_server.data)], input=text)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("twin: ")
    assert done.stderr.strip().endswith(".")
    assert "Traceback" not in done.stderr


def test_an_unknown_site_is_told_with_those_that_there_are(shed: Path) -> None:
    done = CliRunner().invoke(main, ["export", "--site", "barn", "--data", str(shed)])
    assert done.exit_code == 1
    assert "no site 'barn'" in done.stderr
    assert "shed" in done.stderr


def test_a_journal_that_was_tampered_with_is_found_out(shed: Path, tmp_path: Path) -> None:
    copy = tmp_path / "data"
    shutil.copytree(shed, copy)
    assert twin("verify", "--data", copy).returncode == 0
    with closing(sqlite3.connect(copy / "journal.sqlite")) as journal, journal:
        assert journal.execute("UPDATE changes SET reason = 'nothing to see here'").rowcount == 1
    done = twin("verify", "--data", copy)
    assert done.returncode == 1
    assert "chain breaks at revision 1" in done.stderr
