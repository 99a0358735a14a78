"""Everything printed in README and docs/ works as printed: every query, mutation, command and file."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import Block, blocks, every_page, page, sections
from tests.docs.reader import reading
from tests.server_process import ServerProcess, twin
from twin.settings import read_settings

# In README and the references each section stands for itself; a walk is followed from its beginning to its end.
BY_SECTION = (
    "README.md",
    "docs/graphql.md",
    "docs/sparql.md",
    "docs/operations.md",
    "docs/revisions.md",
    "docs/history.md",
    "docs/quality.md",
    "docs/alerts.md",
)
WALKS = ("docs/import.md", "docs/bind-a-device.md")
TESTED_ELSEWHERE = ("docs/add-a-connector.md",)
PARTS: list[tuple[str, str | None]] = [
    *((name, part) for name in BY_SECTION for part in sections(page(name))),
    *((name, None) for name in WALKS),
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("name", "section"), PARTS, ids=[f"{name}:{part or ''}" for name, part in PARTS])
def test_what_is_printed_works(name: str, section: str | None, demo_server: ServerProcess, tmp_path: Path) -> None:
    steps = [block for block in blocks(page(name)) if section is None or block.section == section]
    building = tmp_path / "your-building.ttl"
    building.write_text(_file("docs/import.md", "clinic.ttl").text)
    if section == "Backup":
        assert twin("import", building, "--data", tmp_path / "building-data").returncode == 0
    with reading(tmp_path, demo_server.url) as reader:
        reader.follow(steps)


def test_every_block_says_how_it_is_proved() -> None:
    silent = [
        str(block)
        for document in every_page()
        if str(document.relative_to(page(""))) not in TESTED_ELSEWHERE
        for block in blocks(document)
        if not block.verb and block.language != "toml"
    ]
    assert silent == []


def test_every_answer_belongs_to_something_that_is_done() -> None:
    for document in every_page():
        done = {block.name for block in blocks(document) if block.verb in ("ask", "run")}
        assert [str(block) for block in blocks(document) if block.verb == "answer" and block.name not in done] == []


def test_make_targets_that_are_printed_exist() -> None:
    targets = set(re.findall(r"^([\w-]+):", page("Makefile").read_text(), re.MULTILINE))
    printed = [
        line.split()[1]
        for document in every_page()
        for block in blocks(document)
        if block.verb == "make"
        for line in block.text.splitlines()
    ]
    assert {"demo", "test"} <= set(printed) <= targets


@pytest.mark.parametrize(
    "block", [block for document in every_page() for block in blocks(document) if block.language == "toml"], ids=str
)
def test_configuration_that_is_printed_is_valid(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "entry-points" in block.text:
        assert tomllib.loads(block.text)
        return
    for name in re.findall(r'"env:(\w+)"', block.text):
        monkeypatch.setenv(name, "secret")
    (tmp_path / "secret").write_text("secret\n")
    file = tmp_path / "twin.toml"
    file.write_text(re.sub(r'"file:[^"]+"', f'"file:{tmp_path / "secret"}"', block.text))
    read_settings(file)


def _file(name: str, file: str) -> Block:
    return next(block for block in blocks(page(name)) if block.verb == "file" and block.name == file)
