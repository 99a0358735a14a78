"""Violations listed and mended, sites validated and jobs followed from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.server_process import ServerProcess, twin

BUILDING = """@prefix : <urn:twin:shed:> . @prefix brick: <https://brickschema.org/schema/Brick#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
:ahu a brick:AHU ; rdfs:label "AHU" ; brick:hasPoint :sat . :sat a brick:Supply_Air_Temperature_Sensor .
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "shed.ttl").write_text(BUILDING)
    done = twin("import", tmp_path / "shed.ttl", "--data", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    return tmp_path / "data"


def test_violations_are_listed_grouped_and_mended_offline(data: Path) -> None:
    listed = twin("violations", "--data", data).stdout.splitlines()
    number = listed[0].split()[0]
    assert "urn:twin:shed:sat: A property has exactly one unit." in listed[0]
    assert listed[1].endswith("(twin mend)")
    assert twin("violations", "--group", "shape", "--data", data).stdout.startswith("1 x A property has exactly one")
    assert twin("violations", "--group", "twin", "--data", data).stdout == "1 x urn:twin:shed:sat\n"
    tried = twin("mend", number, "--dry-run", "--data", data).stdout
    assert tried.endswith("1 violations would go.\n")
    assert twin("mend", "--all", "--data", data).stdout.endswith("1 violations are gone.\n")
    assert twin("violations", "--data", data).stdout == ""
    again = twin("mend", number, "--data", data)
    assert (again.returncode, again.stderr.startswith(f"twin: No violation {number} stands.")) == (1, True)
    assert twin("mend", "--data", data).returncode == 1
    assert twin("validate", "shed", "--data", data).stdout.startswith("Validated shed at revision 2: 0 violations")
    unknown = twin("validate", "barn", "--data", data)
    assert (unknown.returncode, unknown.stderr) == (1, "twin: There is no site 'barn'. There are: shed.\n")
    assert twin("jobs", "--data", data).returncode == 1


def test_the_same_goes_through_the_server_that_runs(data: Path, tmp_path: Path) -> None:
    with ServerProcess("serve", data, tmp_path / "log"):
        (tmp_path / "more.ttl").write_text("<urn:twin:more:r> a <https://w3id.org/rec#Room> .")
        done = twin("import", tmp_path / "more.ttl", "--data", data)
        assert (done.returncode, json.loads(done.stdout)["site"]) == (0, "more"), done.stderr
        bad = tmp_path / "bad.ttl"
        bad.write_text("<urn:a> <urn:b> .")
        refused = twin("import", bad, "--data", data)
        assert (refused.returncode, "line 1" in refused.stderr) == (1, True)
        assert "urn:twin:shed:sat" in twin("violations", "--site", "shed", "--data", data).stdout
        assert twin("mend", "--all", "--data", data).stdout.endswith("1 violations are gone.\n")
        assert twin("validate", "shed", "--data", data).stdout.startswith("Validated shed at revision")
        jobs = twin("jobs", "--data", data).stdout.splitlines()
        number = next(line.split()[0] for line in jobs if line.startswith("import-") and " failed " in line)
        late = twin("jobs", "cancel", number, "--data", data)
        assert (late.returncode, "has ended: it is failed" in late.stderr) == (1, True)
        unknown = twin("jobs", "cancel", "import-0", "--data", data)
        assert (unknown.returncode, unknown.stderr.startswith("twin: There is no job 'import-0'.")) == (1, True)
        assert twin("validate", "barn", "--data", data).returncode == 1
