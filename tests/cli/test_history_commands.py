"""Histories on the command line, on a directory by itself and through the server that has it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.server_process import ServerProcess, twin

SENSOR = "https://example.org/room#t"
ROOM = """@prefix brick: <https://brickschema.org/schema/Brick#> . @prefix : <https://example.org/room#> .
@prefix unit: <http://qudt.org/vocab/unit/> .
:r a brick:Room ; brick:hasPoint :t . :t a brick:Air_Temperature_Sensor ; brick:hasUnit unit:DEG_C .
"""
TABLE = f"property,time,value,unit\n{SENSOR},2025-06-01T00:00:00Z,20,\n{SENSOR},2025-06-01T01:00:00Z,68.0,DEG_F\n"
PERIOD = ("--from", "2025-06-01T00:00:00Z", "--to", "2025-06-02T00:00:00Z")


def test_a_table_comes_in_and_goes_out_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "room.ttl").write_text(ROOM)
    (tmp_path / "past.csv").write_text(TABLE)
    (tmp_path / "bad.csv").write_text(TABLE + "urn:nobody,2025-06-01T00:00:00Z,1,\n")
    data = tmp_path / "data"
    assert twin("import", tmp_path / "room.ttl", "--data", data).returncode == 0
    judged = twin("import", "--history", "--dry-run", tmp_path / "past.csv", "--data", data)
    assert (judged.returncode, judged.stdout) == (0, "past.csv: 2 of 2 rows can be kept.\n")
    refused = twin("import", "--history", tmp_path / "bad.csv", "--data", data)
    assert refused.returncode == 1
    assert "row 3: there is no property 'urn:nobody'" in refused.stdout
    done = twin("import", "--history", tmp_path / "past.csv", "--data", data)
    assert (done.returncode, done.stdout) == (0, "past.csv: 2 rows of 1 properties are kept.\n")
    out = twin("export", "--history", "--property", SENSOR, *PERIOD, "--data", data)
    rows = [json.loads(line) for line in out.stdout.splitlines()]
    assert [(row["time"], round(row["value"], 6)) for row in rows] == [
        ("2025-06-01T00:00:00Z", 20.0),
        ("2025-06-01T01:00:00Z", 20.0),
    ]


def test_a_running_server_does_both(demo_server: ServerProcess, tmp_path: Path) -> None:
    data = demo_server.data
    out = twin("export", "--history", "--class", "brick:AHU", "--interval", "1h", "--format", "csv", "--data", data)
    assert out.returncode == 0, out.stderr
    assert out.stdout.startswith("property,time,value,unit,quality,minimum,maximum,count\n")
    (tmp_path / "none.ndjson").write_text('{"property": "urn:nobody", "time": "2025-06-01T00:00:00Z", "value": 1}\n')
    refused = twin("import", "--history", tmp_path / "none.ndjson", "--data", data)
    assert refused.returncode == 1
    assert "Nothing was kept: 1 of 1 rows cannot be." in refused.stdout
    wrong = twin("export", "--history", "--property", "urn:nobody", "--data", data)
    assert wrong.returncode != 0
    assert "There is no property 'urn:nobody'" in wrong.stderr
