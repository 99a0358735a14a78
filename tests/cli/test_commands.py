"""The command line as it is meant: every command does its work on a directory, or through the server that has it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path

import pytest

from connectors.mqtt.connector import MqttConnector
from connectors.opcua.connector import OpcUaConnector
from tests.graphql_client import GraphQL
from tests.server_process import TWIN, ServerProcess, environment, twin
from twin.api.graphql import schema_text
from twin.data import data_directory
from twin.demo.building import model_files

DTDL_BROKEN = """{"@context": "dtmi:dtdl:context;3", "@id": "dtmi:shed:Fan;1", "@type": "Interface",
 "contents": [{"@type": "Telemetry", "name": "speed", "schema": "fast"}]}"""
COUNT = """PREFIX brick: <https://brickschema.org/schema/Brick#>
SELECT (COUNT(DISTINCT ?ahu) AS ?handlers) WHERE { ?ahu a brick:Air_Handling_Unit }"""


def test_check_says_that_valid_files_are_valid(tmp_path: Path) -> None:
    settings = tmp_path / "twin.toml"
    settings.write_text("[server]\nport = 8001\n")
    files = [*model_files()[:3], settings]
    done = twin("check", *files)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"{file}: valid" for file in files]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("shed.ttl", "<urn:a> <urn:b> .\n", "line 1, column "),
        ("shed.jsonld", '{"@id": 5}', "shed.jsonld"),
        ("fan.json", DTDL_BROKEN, "fast"),
        ("twin.toml", "[sever]\n", "Did you mean 'server'?"),
        ("model.onnx", "not a model", "model.onnx"),
        ("notes.txt", "to do", ".ttl"),
    ],
)
def test_check_ends_with_1_and_the_reasons_for_an_invalid_file(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text)
    done = twin("check", name, directory=tmp_path)
    assert done.returncode == 1, done
    assert says in done.stdout
    assert done.stdout.count(name) == 1, done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_check_ends_with_2_when_a_file_cannot_be_read_and_still_judges_the_others(tmp_path: Path) -> None:
    (tmp_path / "good.ttl").write_text("<urn:a> <urn:b> <urn:c> .\n")
    done = twin("check", "missing.ttl", "good.ttl", directory=tmp_path)
    assert done.returncode == 2
    assert "missing.ttl cannot be read" in done.stdout
    assert "good.ttl: valid" in done.stdout


def test_check_tells_machines_the_same_in_json(tmp_path: Path) -> None:
    (tmp_path / "good.ttl").write_text("<urn:a> <urn:b> <urn:c> .\n")
    (tmp_path / "fan.json").write_text(DTDL_BROKEN)
    done = twin("check", "--json", "good.ttl", "fan.json", "missing.ttl", directory=tmp_path)
    assert done.returncode == 2
    good, fan, missing = (json.loads(line) for line in done.stdout.splitlines())
    assert good == {"file": "good.ttl", "valid": True, "problems": []}
    assert not fan["valid"]
    assert fan["problems"][0]["dtmi"].startswith("dtmi:shed:Fan")
    assert all(fan["problems"][0][part] for part in ("rule", "message", "remedy"))
    assert (missing["valid"], missing["problems"][0]["rule"]) == (False, "readable")


def test_schema_prints_the_schema_that_the_server_has(demo: GraphQL) -> None:
    done = twin("schema")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == schema_text().strip()
    assert "type Mutation" in done.stdout


def test_connectors_lists_what_is_installed() -> None:
    done = twin("connectors")
    assert (done.returncode, done.stderr) == (0, "")
    assert {MqttConnector.protocol, OpcUaConnector.protocol} <= set(done.stdout.split())


def test_version_and_help_answer() -> None:
    assert twin("--version").stdout.startswith("twin, version ")
    told = twin("--help").stdout
    assert all(command in told for command in ("serve", "demo", "import", "export", "query", "check", "verify"))


def test_query_through_the_server_sees_live_values(demo_server: ServerProcess) -> None:
    file = data_directory("queries") / "room-temperatures.rq"
    done = twin("query", file, "--data", demo_server.data)
    assert (done.returncode, done.stderr) == (0, "")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) > 10
    assert all(5 < float(row["celsius"]) < 40 for row in rows)


def test_query_takes_its_text_from_standard_input(demo_server: ServerProcess) -> None:
    done = twin("query", "-", "--data", demo_server.data, given=COUNT)
    assert (done.returncode, done.stderr, done.stdout.split()) == (0, "", ["handlers", "3"])


def test_what_is_exported_is_imported_elsewhere_as_the_same_building(
    demo_server: ServerProcess, tmp_path: Path
) -> None:
    done = twin("export", "--site", "office", "--data", demo_server.data)
    assert (done.returncode, done.stderr) == (0, "")
    file = tmp_path / "office.nq"
    file.write_text(done.stdout)
    data = tmp_path / "data"
    imported = twin("import", file, "--data", data)
    assert (imported.returncode, imported.stderr) == (0, "")
    assert f"Imported {len(done.stdout.splitlines())} triples into site office" in imported.stdout
    again = twin("export", "--data", data)
    assert sorted(again.stdout.splitlines()) == sorted(done.stdout.splitlines())
    asked = twin("query", "-", "--data", data, given=COUNT)
    assert (asked.returncode, asked.stdout.split()) == (0, ["handlers", "3"])


@pytest.mark.parametrize("lines", [0, 1])
def test_a_reader_that_leaves_early_is_no_error(demo_server: ServerProcess, lines: int) -> None:
    command = [*TWIN, "export", "--data", str(demo_server.data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as export:
        assert export.stdout is not None
        assert export.stderr is not None
        read = [export.stdout.readline() for _ in range(lines)]
        export.stdout.close()
        assert export.stderr.read() == b""
        assert export.wait(60) == 0
    assert all(line.endswith(b" .\n") for line in read)


def test_a_reader_of_little_output_that_leaves_early_is_no_error() -> None:
    with subprocess.Popen(
        [*TWIN, "connectors"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as told:
        assert told.stdout is not None
        assert told.stderr is not None
        told.stdout.close()
        assert told.stderr.read() == b""
        assert told.wait(60) == 0
