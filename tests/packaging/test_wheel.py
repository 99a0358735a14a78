"""The wheel carries everything that runs, and runs from wherever it was put."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.graphql_client import GraphQL
from tests.server_process import ROOT, ServerProcess, environment
from twin.data import explorer_directory

pytestmark = pytest.mark.timeout(300)

NOT_SOURCE = shutil.ignore_patterns(
    ".*", "node_modules", "_explorer", "__pycache__", "dist", "build", "*.egg-info", "tests", "results"
)
NODE = ("node", "npm", "npx", "nodejs")
UNREACHABLE = ("No matching distribution", "Failed to establish", "Temporary failure", "ConnectionError", "timed out")


def built(source: Path, out: Path, path: str | None = None) -> Path:
    """The wheel of a source tree; the test is skipped with a reason where the build's own tools cannot be had."""
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", out, source],
        capture_output=True,
        text=True,
        timeout=240,
        env=environment(PYTHONPATH="", **({"PATH": path} if path else {})),
        check=False,
    )
    if (
        done.returncode
        and any(reason in done.stdout + done.stderr for reason in UNREACHABLE)
        and not os.environ.get("CI")
    ):
        pytest.skip("hatchling cannot be fetched: the package registry cannot be reached.")
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, as it stands."""
    return built(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel was put, beside the packages it depends on."""
    place = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    return place


@pytest.fixture(scope="module")
def demo_of_the_wheel(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """``twin demo`` from the wheel, started where no checkout is."""
    place = tmp_path_factory.mktemp("elsewhere")
    with ServerProcess("demo", place / "data", place / "output.txt", packages=installed) as server:
        yield server


def test_every_data_file_of_the_product_is_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("ontologies", "shapes", "queries"):
        files = {f"twin/_data/{folder}/{file.name}" for file in (ROOT / folder).iterdir()}
        assert len(files) > 2
        assert files - names == set()
    for folder in ("twin/demo/building", "twin/demo/models"):
        assert {f"{folder}/{file.name}" for file in (ROOT / folder).iterdir()} - names == set()
    for connector in ("http", "mqtt", "opcua", "simulator"):
        assert {f"connectors/{connector}/{file}" for file in ("README.md", "quality.toml")} - names == set()


def test_every_module_of_the_product_is_in_the_wheel_and_nothing_else(wheel: Path) -> None:
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    modules = {
        str(file.relative_to(ROOT))
        for package in ("twin", "connectors")
        for file in (ROOT / package).rglob("*.py")
        if "node_modules" not in file.parts
    }
    assert modules - set(names) == set()
    assert {name.partition("/")[0] for name in names} == {"twin", "connectors"}
    assert [name for name in names if name.startswith("twin/explorer/") or "node_modules" in name] == []
    assert sum(each.file_size for each in zipfile.ZipFile(wheel).infolist()) < 20 * 2**20


@pytest.mark.skipif(not (explorer_directory() / "index.html").is_file(), reason="the explorer is not built here")
def test_the_built_explorer_is_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "twin/_explorer/index.html" in names
    assert any(name.startswith("twin/_explorer/assets/") for name in names)


def test_the_wheel_finds_its_data_where_it_is_installed(installed: Path, tmp_path: Path) -> None:
    program = (
        "import twin; from twin.data import data_directory; from importlib.metadata import entry_points;"
        "print(twin.__file__); print(data_directory('shapes'));"
        "print(sorted(point.name for group in ('console_scripts', 'twin.connectors', 'twin.simulators')"
        " for point in entry_points(group=group) if point.dist and point.dist.name == 'twin-server'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(PYTHONPATH=str(installed)),
        check=True,
    )
    module, shapes, points = done.stdout.splitlines()
    assert Path(module) == installed / "twin" / "__init__.py"
    assert Path(shapes) == installed / "twin" / "_data" / "shapes"
    assert points == "['http', 'mqtt', 'office', 'opcua', 'twin']"


def test_the_demo_runs_from_the_wheel(demo_of_the_wheel: ServerProcess) -> None:
    with GraphQL(demo_of_the_wheel.url) as client:
        told = client.ask("{ summary { name twins live } savedQueries { name } capabilities { name model { name } } }")
        page = client.http.get("/")
    assert told["summary"]["name"] == "Harbour Office"
    assert told["summary"]["live"] > 0
    assert len(told["savedQueries"]) == len(list((ROOT / "queries").iterdir()))
    assert told["capabilities"][0]["model"]["name"]
    assert page.headers["content-type"].startswith("text/html")


def test_without_node_the_wheel_is_complete_but_for_the_explorer(tmp_path: Path) -> None:
    source, programs = tmp_path / "source", tmp_path / "programs"
    shutil.copytree(ROOT, source, ignore=NOT_SOURCE)
    programs.mkdir()
    for directory in os.environ["PATH"].split(os.pathsep):
        for program in Path(directory).iterdir() if Path(directory).is_dir() else ():
            if program.name not in NODE and not (programs / program.name).is_symlink():
                (programs / program.name).symlink_to(program)
    names = zipfile.ZipFile(built(source, tmp_path / "out", str(programs))).namelist()
    assert "twin/cli.py" in names
    assert "twin/_data/shapes/twin.ttl" in names
    assert [name for name in names if "_explorer" in name] == []
