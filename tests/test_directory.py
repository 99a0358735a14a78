"""The data directory: one process at a time, formats it knows, nothing of anybody else's."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from twin.directory import DataDirectory
from twin.errors import ConfigurationError, Conflict


def test_a_second_opening_is_refused_and_names_the_server(tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "data") as first:
        first.announce("http://127.0.0.1:1234/")
        with pytest.raises(Conflict, match=r"in use by process \d+ at http://127.0.0.1:1234/"):
            DataDirectory(tmp_path / "data").__enter__()
    with DataDirectory(tmp_path / "data") as again:
        assert again.server() is None


def test_its_identity_stays_and_is_no_other_directorys(tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "one") as one, DataDirectory(tmp_path / "two") as two:
        first = one.identity
        assert first != two.identity
    with DataDirectory(tmp_path / "one") as again:
        assert again.identity == first


def test_a_directory_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "format").write_text("99\n")
    with pytest.raises(ConfigurationError, match="format 99"):
        DataDirectory(tmp_path).__enter__()


def test_a_directory_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_text("x")
    with pytest.raises(ConfigurationError, match="not a data directory"):
        DataDirectory(tmp_path).__enter__()
    assert [entry.name for entry in tmp_path.iterdir()] == ["holiday.jpg"]


def test_the_token_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "data") as directory:
        said = directory.announce("http://127.0.0.1:1/")
        assert directory.server() == said
        assert stat.S_IMODE((tmp_path / "data" / "server.json").stat().st_mode) == 0o600
    assert not (tmp_path / "data" / "server.json").exists()


def test_a_server_that_died_is_not_taken_for_a_running_one(tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "data") as directory:
        (tmp_path / "data" / "server.json").write_text('{"address": "x", "token": "y", "pid": 4194304}')
        assert directory.server() is None


def test_what_a_killed_server_left_is_not_taken_for_a_server_whoever_has_its_number_now(tmp_path: Path) -> None:
    with DataDirectory(tmp_path) as directory:
        directory.announce("http://127.0.0.1:1/")
        left = (tmp_path / "server.json").read_bytes()  # it names this very process, which runs
    (tmp_path / "server.json").write_bytes(left)
    assert DataDirectory(tmp_path).server() is None
    with DataDirectory(tmp_path) as next_one:
        assert next_one.server() is None
        assert not (tmp_path / "server.json").exists()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from twin.directory import DataDirectory
directory = DataDirectory(Path({str(tmp_path / "data")!r})).__enter__()
directory.announce("http://127.0.0.1:1/")
print("locked", flush=True)
input()
"""
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(Conflict, match=f"in use by process {holder.pid}"):
            DataDirectory(tmp_path / "data").__enter__()
        holder.kill()
    with DataDirectory(tmp_path / "data") as again:
        assert again.server() is None
