"""What the documents list is what there is: settings, commands, metrics, formats, limits, files, links and pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote

import httpx
import pytest

from tests.docs.pages import ROOT, every_page, page, prose, table
from tests.server_process import ServerProcess
from twin.api.graphql.limits import Limits
from twin.cli import main
from twin.errors import TwinError
from twin.flows.actuate import CommandState
from twin.graph.readers import live_functions
from twin.graph.sparql.gate import PREFIXES
from twin.graph.sparql.negotiation import ROWS, TRIPLES
from twin.observation import Quality
from twin.settings import Settings, SparqlSettings
from twin.vocabularies.rdf_files import FORMATS, MEDIA_TYPES

PICTURE_BYTES = 250_000
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def defaults(settings: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each setting with its default."""
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        if is_dataclass(value):
            yield from defaults(value, f"{prefix}{entry.name}.")
        else:
            yield prefix + entry.name, list(value) if isinstance(value, tuple) else value


def test_every_setting_is_listed_with_its_default() -> None:
    listed = {row[0]: json.loads(row[1]) for row in table(page("docs/configuration.md"), "setting")}
    assert listed == dict(defaults(Settings()))


def test_every_command_is_listed() -> None:
    listed = {row[0].removeprefix("twin ") for row in table(page("docs/operations.md"), "command")}
    assert listed == set(main.commands)


def test_every_metric_is_listed_with_its_kind(demo_server: ServerProcess) -> None:
    text = httpx.get(f"{demo_server.url}metrics", timeout=30).text
    told = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    assert {row[0]: row[1] for row in table(page("docs/operations.md"), "name")} == told


def test_every_part_of_the_data_directory_is_listed(demo_server: ServerProcess) -> None:
    parts = {path.name for path in demo_server.data.iterdir() if not path.name.endswith(("-wal", "-shm", ".wal"))}
    listed = {row[0] for row in table(page("docs/operations.md"), "part")}
    assert listed >= parts
    assert {name for name in listed if name not in parts} <= {"server.json", "backups", "quality.npz"}


def test_every_sparql_format_prefix_and_function_is_listed() -> None:
    document = page("docs/sparql.md")
    formats = {name for form in (*ROWS, *TRIPLES) for name in form.media_types}
    assert {row[0] for row in table(document, "media type")} == formats
    assert {row[0]: row[1] for row in table(document, "prefix")} == dict(PREFIXES)
    functions = {row[0].removeprefix("live:").partition("(")[0] for row in table(document, "function")}
    assert functions == set(live_functions.FUNCTIONS)


def test_the_limits_of_sparql_are_those_of_the_settings() -> None:
    numbers = {number(row[1]) for row in table(page("docs/sparql.md"), "limit")}
    settings = SparqlSettings()
    assert numbers >= {getattr(settings, entry.name) for entry in fields(settings)}


def test_the_limits_of_graphql_are_the_ones_in_force() -> None:
    listed = sorted(number(row[1]) for row in table(page("docs/graphql.md"), "limit"))
    assert listed == sorted(getattr(Limits(), entry.name) for entry in fields(Limits))


def test_states_flags_and_codes_are_listed() -> None:
    document = page("docs/graphql.md")
    assert {row[0] for row in table(document, "state")} == set(get_args(CommandState))
    text = document.read_text("utf-8")
    assert [flag for flag in Quality(0x0FFF).flags if f"`{flag}`" not in text] == []
    codes = {row[0] for row in table(document, "code")}
    assert {kind.code for kind in TwinError.__subclasses__()} - {"configuration"} <= codes


def test_every_syntax_of_imports_is_listed() -> None:
    rows = table(page("docs/import.md"), "suffix")
    assert {suffix for row in rows for suffix in re.findall(r"\.\w+", row[0])} == set(FORMATS)
    assert {kind for row in rows for kind in re.findall(r"[\w-]+/[\w+-]+", row[2])} == set(MEDIA_TYPES)


@pytest.mark.parametrize("document", every_page(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    lost = []
    for target in _LINK.findall(prose(document)):
        if target.startswith(("http:", "https:")):
            continue
        path, _, anchor = unquote(target).partition("#")
        file = (document.parent / path).resolve() if path else document
        inside = file.exists() and ROOT in (file, *file.parents)
        if not inside or (anchor and anchor not in anchors(file)):
            lost.append(target)
    assert lost == []


def test_pictures_are_small_and_used() -> None:
    pictures = sorted((ROOT / "docs" / "images").glob("*"))
    text = "".join(document.read_text("utf-8") for document in every_page())
    assert pictures
    assert [path.name for path in pictures if path.stat().st_size > PICTURE_BYTES] == []
    assert [path.name for path in pictures if path.name not in text] == []


@pytest.mark.parametrize(
    "document",
    [*every_page(), ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_document_names_a_machine_or_how_it_was_made(document: Path) -> None:
    text = document.read_text("utf-8")
    assert re.findall(r"(?:/work|/tmp|/root|/home)/\S*|\bissues? #?\d+|\.internal\b", text) == []


def test_the_changelog_tells_what_comes_next() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    unreleased = text.partition("## [Unreleased]")[2].partition("\n## ")[0]
    headings = re.findall(r"^### (.+)$", unreleased, re.MULTILINE)
    assert headings
    assert set(headings) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert len(headings) == len(set(headings))


def anchors(document: Path) -> set[str]:
    """The fragments that a document's headings have."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def number(text: str) -> float:
    """The number in a cell such as ``65,536`` or ``10 s``."""
    return float(text.replace(",", "").split()[0])
