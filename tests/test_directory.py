"""The data directory: one process at a time, formats it knows, nothing of anybody else's."""

from __future__ import annotations

import stat
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
