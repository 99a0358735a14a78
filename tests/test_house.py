"""The house stays calm: small files with honest names, and no loop of imports anywhere."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("twin", "connectors")
LONGEST, MEDIAN = 500, 200
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "base", "misc"}
ONLY_IN = {
    "pyoxigraph": ("twin/terms.py", "twin/graph/"),
    "rdflib": ("twin/graph/shacl/query_pa", "twin/vocabularies/"),
    "pyshacl": (),
    "strawberry": ("twin/api/graphql/",),
    "onnxruntime": ("twin/inference/",),
    "duckdb": ("twin/telemetry/duckdb",),
    "paho": ("connectors/mqtt/",),
    "pyarrow": ("twin/telemetry/table_",),
    "zstandard": ("twin/lineage/frames",),
    "asyncua": ("connectors/opcua/", "connectors/simulator/"),
    "amqtt": ("connectors/simulator/",),
}
"""Where a library may be named: it can be replaced there."""


def modules() -> list[Path]:
    return sorted(
        file
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if "explorer" not in file.relative_to(ROOT).parts
    )


def lines(file: Path) -> int:
    return len(file.read_text("utf-8").splitlines())


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_by(file: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every import statement of a file, wherever it stands, also those for type checking: module and names."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide where they point"
            yield node.module or "", tuple(alias.name for alias in node.names)


def loop(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_file_is_long_and_half_of_them_are_short() -> None:
    lengths = {str(file.relative_to(ROOT)): lines(file) for file in modules()}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}
    assert statistics.median(lengths.values()) < MEDIAN


def test_no_file_has_a_name_that_says_nothing() -> None:
    named = {part: file for file in modules() for part in file.relative_to(ROOT).with_suffix("").parts}
    assert sorted(NAMES_THAT_SAY_NOTHING & set(named)) == []


def test_no_import_runs_in_a_loop() -> None:
    known = {name_of(file): file for file in modules()}
    graph: dict[str, set[str]] = {}
    for name, file in known.items():
        graph[name] = set()
        for module, names in imported_by(file):
            # "from twin.graph import change" names a module, "from twin.terms import Quad" a thing in one.
            submodules = {f"{module}.{each}" for each in names} & set(known)
            graph[name] |= submodules or ({module} & set(known))
        graph[name].discard(name)
    assert loop(graph) == []


def test_a_loop_would_be_found() -> None:
    assert loop({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_named_only_where_it_can_be_replaced(library: str) -> None:
    found = {
        str(file.relative_to(ROOT))
        for file in modules()
        for module, _ in imported_by(file)
        if module.partition(".")[0] == library
    }
    assert sorted(name for name in found if not name.startswith(ONLY_IN[library])) == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(file.relative_to(ROOT))
        for file in modules()
        if lines(file) and not ast.get_docstring(ast.parse(file.read_text("utf-8")))
    ]
    assert silent == []
