"""Checking files: valid, invalid with reasons, or unreadable - and nothing passes because nothing was looked at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twin.checking import INVALID, UNREADABLE, VALID, check_files

INTERFACE = {
    "@context": "dtmi:dtdl:context;3", "@id": "dtmi:test:Pump;1", "@type": "Interface",
    "contents": [{"@type": "Telemetry", "name": "speed", "schema": "double"}],
}  # fmt: skip
TWINS = {"digitalTwins": [{"$dtId": "pump-1", "$metadata": {"$model": "dtmi:test:Pump;1"}}], "relationships": []}


def checked(*files: Path) -> tuple[int, list[dict[str, object]]]:
    said: list[str] = []
    code = check_files(files, True, said.append)
    return code, [json.loads(line) for line in said]


def file(directory: Path, name: str, content: str | dict[str, object]) -> Path:
    path = directory / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("a.ttl", "<urn:a> <urn:b> <urn:c> .", VALID, ""),
        ("a.ttl", "<urn:a> <urn:b> .", INVALID, "line 1"),
        ("a.ttl", "# nothing\n", INVALID, "not one triple"),
        ("a.jsonld", "{}", INVALID, "not one triple"),
        ("a.json", "{]", INVALID, "it is not JSON"),
        ("a.doc", "x", INVALID, "says no RDF syntax"),
        ("twin.toml", "[server]\nprot = 1\n", INVALID, "'server.prot'"),
        ("twin.toml", "[sparql]\ndeadline = nan\n", INVALID, "greater than 0"),
        ("pump.json", json.dumps(INTERFACE), VALID, ""),
        ("pump.json", json.dumps({**INTERFACE, "@id": "no id"}), INVALID, "no id"),
    ],
)
def test_one_file(tmp_path: Path, name: str, content: str, code: int, said: str) -> None:
    found, [answer] = checked(file(tmp_path, name, content))
    assert (found, answer["valid"]) == (code, code == VALID)
    assert said in json.dumps(answer["problems"])


def test_twins_are_checked_against_the_interfaces_that_are_given_with_them(tmp_path: Path) -> None:
    twins, interface = file(tmp_path, "twins.json", TWINS), file(tmp_path, "pump.json", INTERFACE)
    assert checked(twins, interface)[0] == VALID
    code, [answer] = checked(twins)
    assert code == INVALID
    assert "dtmi:test:Pump;1, which is not given" in json.dumps(answer["problems"])


def test_the_worst_file_says_how_it_ends_and_all_are_told(tmp_path: Path) -> None:
    good = file(tmp_path, "a.ttl", "<urn:a> <urn:b> <urn:c> .")
    code, answers = checked(tmp_path / "none.ttl", good, file(tmp_path, "b.ttl", "x"))
    assert code == UNREADABLE
    assert [answer["valid"] for answer in answers] == [False, True, False]


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("a.ttl", b"", INVALID, "0 bytes"),
        ("a.ttl", b"\x1f\x8b\x08", INVALID, "packed with gzip"),
        ("a.ttl", "<urn:a> <urn:b> <urn:c> .".encode("utf-16"), INVALID, "UTF-16"),
        ("a.rdf", b"<!DOCTYPE r SYSTEM 'file:///x'><r/>", INVALID, "line 1, column 1: it refers to another file"),
        ("a.jsonld", b'{"@context": "http://127.0.0.1:9/"}', INVALID, "nothing is fetched"),
        ("a.json", b'{"a":' * 50_000, INVALID, "line 1, column 1281: the JSON nests deeper"),
        ("a.ttl", b"<urn:a> <urn:b> <urn:c d> .", INVALID, "--lenient"),
    ],
)  # fmt: skip
def test_a_file_that_would_hurt_or_is_no_text_is_told_as_such(
    tmp_path: Path, name: str, content: bytes, code: int, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    found, [answer] = checked(tmp_path / name)
    assert found == code
    assert said in json.dumps(answer["problems"])
    assert "nothing was stored" not in json.dumps(answer["problems"])


def test_a_directory_cannot_be_read(tmp_path: Path) -> None:
    found, [answer] = checked(tmp_path)
    assert found == UNREADABLE
    assert "is a directory" in json.dumps(answer["problems"])
    assert "*.ttl" in json.dumps(answer["problems"])


def test_a_file_is_told_on_one_line_for_people(tmp_path: Path) -> None:
    said: list[str] = []
    check_files([file(tmp_path, "a.ttl", "<urn:a> <urn:b> <urn:c> .")], False, said.append)
    assert said == [f"{tmp_path / 'a.ttl'}: valid"]
