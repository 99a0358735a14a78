"""The layers of the house hold: imports go down, siblings do not know each other, connectors stay outside."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    script = (
        "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command(['--no-cache']))"
    )
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=110,
        env=os.environ | {"PYTHONPATH": str(directory), "COLUMNS": "200"},
        check=False,
    )


def test_every_contract_of_the_layers_is_kept() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("twin/bus.py", "import twin.app"),
        ("twin/telemetry/latest.py", "import twin.graph.twins.reader"),
        ("twin/app.py", "import connectors.mqtt"),
        ("connectors/mqtt/connector.py", "import twin.graph.twins.reader"),
    ],
    ids=["upwards", "to a sibling", "from the server to a connector", "from a connector into the server"],
)
def test_an_import_that_leaves_its_place_is_found(tmp_path: Path, module: str, line: str) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in ("twin", "connectors"):
        ignore = shutil.ignore_patterns("explorer", "_explorer", "__pycache__", "building", "models")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignore)
    file = tmp_path / module
    text = file.read_text("utf-8")
    file.write_text(
        text.replace("from __future__ import annotations\n", f"from __future__ import annotations\n\n{line}\n", 1)
    )
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout
