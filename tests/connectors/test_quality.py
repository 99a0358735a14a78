"""What every connector's folder holds, and the checklist that says how far it is."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import Literal, NamedNode, RdfFormat, Store, parse

from connectors.options import read
from twin.bindings.plugins import GROUP
from twin.clock import SystemClock
from twin.connector import ConnectionSettings, Connector
from twin.core import open_core
from twin.directory import DataDirectory
from twin.flows.imports import Source
from twin.settings import Settings

FOLDERS = sorted(path.parent for path in Path(__file__).parents[2].glob("connectors/*/connector.py"))

RULES = {
    "contract-suite": "passes the contract suite of tests/contracts/connector.py against a running device",
    "foreign-peer": "is tested against an implementation of the protocol that others wrote",
    "addresses-checked": "refuses an address of another form, and says what the form is",
    "options-documented": "every option is in the README",
    "options-checked": "an unknown option is refused with the nearest one, a wrong value with what it may be",
    "secrets-referenced": "a secret is given as env:NAME, never in the graph, and appears in no message",
    "errors-in-words": "every end of a connection is a sentence that says what happened and what to do",
    "loss-noticed": "a dead peer is noticed, also when the network only swallows packets",
    "memory-bounded": "a slow server holds the device back instead of filling the memory",
    "faults-contained": "a binding that cannot work disturbs no other",
    "source-time-kept": "the time that the device gave to a value is kept",
    "quality-mapped": "the protocol's own quality codes become ours",
    "writes-acknowledged": "a write returns when the peer acknowledged it, and fails in words",
    "stored-before-acknowledged": "nothing is acknowledged to the device before it is committed to the history",
    "authentication": "a user name and password, or what the protocol has instead, are supported and tested",
    "encryption": "the connection can be encrypted and the peer authenticated",
    "discovery": "tells what a device offers to be bound",
    "measured": "a benchmark says how fast it is beside a limit",
}
HEADINGS = [
    "What it connects",
    "Addresses",
    "Options",
    "Values, times and quality",
    "Writing",
    "When the connection fails",
    "Limits",
    "Sample",
]
CORE = "urn:twin:vocabulary:core#"


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    assert isinstance(request.param, Path)
    return request.param


@pytest.fixture
def connector(folder: Path) -> Any:
    (point,) = [point for point in entry_points(group=GROUP) if point.name == folder.name]
    return point.load()


@pytest.fixture
def rules(folder: Path) -> dict[str, dict[str, str]]:
    checklist = tomllib.loads((folder / "quality.toml").read_text())
    assert set(checklist) == {"rules"}
    return checklist["rules"]


def test_there_are_connectors() -> None:
    assert {folder.name for folder in FOLDERS} >= {"mqtt", "opcua"}


def test_the_folder_is_named_like_the_protocol_and_found_by_its_entry_point(folder: Path, connector: Any) -> None:
    assert connector.protocol == folder.name
    assert isinstance(connector(ConnectionSettings("any", "any://where")), Connector)


def test_every_rule_is_done_or_says_why_not(rules: dict[str, dict[str, str]]) -> None:
    assert sorted(rules) == sorted(RULES)
    for name, rule in rules.items():
        assert rule["state"] in ("done", "todo", "exempt"), name
        if rule["state"] == "done":
            assert set(rule) == {"state"}, name
        else:
            assert len(rule["reason"].split()) >= 4, name
            assert rule["reason"].endswith("."), name


def test_what_makes_a_connector_is_not_left_to_later(rules: dict[str, dict[str, str]]) -> None:
    for name in ("contract-suite", "addresses-checked", "options-documented", "errors-in-words", "faults-contained"):
        assert rules[name]["state"] == "done", name


def test_discovery_is_done_where_the_connector_offers_it(rules: dict[str, dict[str, str]], connector: Any) -> None:
    assert (rules["discovery"]["state"] == "done") == hasattr(connector, "discover")


def test_the_readme_has_the_headings_of_every_other(folder: Path) -> None:
    text = (folder / "README.md").read_text()
    assert re.findall(r"^## (.+)$", text, re.M) == HEADINGS
    assert len(re.findall(r"^# .+$", _without_code(text), re.M)) == 1


def test_every_option_is_in_the_readme_and_nothing_else(folder: Path, connector: Any) -> None:
    section = (folder / "README.md").read_text().split("## Options")[1].split("\n## ")[0]
    documented = re.findall(r"^\| `(\w+)` \| (.+?) \| .+ \|$", section, re.M)
    assert [name for name, _ in documented] == [each.name for each in fields(connector.Options)]
    for (name, default), option in zip(documented, fields(connector.Options), strict=True):
        if option.default:  # an empty text is told in words
            value = default.strip("`")
            assert type(option.default)(value) == option.default, name


def test_the_sample_in_the_readme_is_the_one_that_is_tested(folder: Path) -> None:
    (code,) = re.findall(r"```turtle\n(.*?)```", (folder / "README.md").read_text(), re.S)
    assert code == (folder / "sample.ttl").read_text()


def test_the_sample_binds_properties_in_a_connection_that_works(
    folder: Path, connector: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store()
    store.extend(parse(path=str(folder / "sample.ttl"), format=RdfFormat.TURTLE))

    def values(subject: NamedNode, name: str) -> list[str]:
        found = [quad.object for quad in store.quads_for_pattern(subject, NamedNode(CORE + name), None)]
        return [each.value for each in found if isinstance(each, Literal | NamedNode)]

    def instances(name: str) -> list[NamedNode]:
        kind = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
        found = [quad.subject for quad in store.quads_for_pattern(None, kind, NamedNode(CORE + name))]
        return [each for each in found if isinstance(each, NamedNode)]

    (connection,) = instances("Connection")
    assert values(connection, "protocol") == [connector.protocol]
    options = dict(each.split("=", 1) for each in values(connection, "option"))
    for name, value in options.items():
        if value.startswith("env:"):
            monkeypatch.setenv(value.removeprefix("env:"), name)
    read(connector.Options, options)
    connector(ConnectionSettings(connection.value, values(connection, "endpoint")[0], options))

    bindings = instances("Binding")
    assert len(bindings) >= 2
    for binding in bindings:
        assert values(binding, "connection") == [connection.value]
        (bound,) = values(binding, "binds")
        assert list(store.quads_for_pattern(NamedNode(bound), None, None)), f"{bound} is described nowhere"
        for address in [*values(binding, "address"), *values(binding, "writeAddress")]:
            connector.check_address(address)
    assert any(values(binding, "writeAddress") for binding in bindings), "a sample shows a write as well"


async def test_the_sample_can_be_imported_and_breaks_no_rule(folder: Path, tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "data") as directory:
        core = open_core(directory, Settings(), SystemClock())
        try:
            source = Source.of(folder / "sample.ttl")
            report = await core.importer.import_sources([source], "plant", "test", conforming=True)
        finally:
            core.close()
    assert report.properties >= 2


def _without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.S)
