"""Checking files without storing anything: RDF text, DTDL models, model artifacts and ``twin.toml``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from twin.errors import InvalidInput, TwinError
from twin.flows.imports import Source, read_sources
from twin.settings import read_settings
from twin.vocabularies import dtdl
from twin.vocabularies.file_kinds import read_whole

VALID, INVALID, UNREADABLE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a file: the rule, where (a DTMI and path for DTDL), what, and what to do."""

    rule: str
    message: str
    remedy: str = ""
    dtmi: str = ""
    path: str = ""


def check_files(files: Sequence[Path], as_json: bool, write: Callable[[str], None]) -> int:
    """Writes what is wrong with each file; 0 when all are valid, 1 when one is not, 2 when one cannot be read."""
    worst = VALID
    read = {file: _bytes(file) for file in files}
    interfaces = [
        Source(file.name, data) for file, data in read.items() if isinstance(data, bytes) and _is_interface(file, data)
    ]
    for file, data in read.items():
        findings = [data] if isinstance(data, Finding) else list(findings_of(file, data, interfaces))
        _tell(file, findings, as_json, write)
        worst = max(worst, UNREADABLE if isinstance(data, Finding) else INVALID if findings else VALID)
    return worst


def _bytes(file: Path) -> bytes | Finding:
    try:
        return read_whole(file)
    except InvalidInput as error:
        return Finding("readable", error.message, error.remedy)


def _is_interface(file: Path, data: bytes) -> bool:
    return file.suffix in (".json", ".jsonld") and b"dtmi:dtdl:context" in data


def findings_of(file: Path, data: bytes, interfaces: Sequence[Source] = ()) -> Iterator[Finding]:
    """What is wrong with one file, by what its suffix and content say it is.

    ``interfaces`` are the DTDL models that are checked with it: a file of twins must fit those that it names.
    """
    try:
        if file.suffix == ".toml":
            read_settings(file)
        elif file.suffix == ".onnx":
            from twin.inference.gate import admit  # onnxruntime is loaded only when a model is checked

            admit(file)
        elif _is_interface(file, data):
            for problem in dtdl.check(data.decode("utf-8-sig", "replace")):
                yield Finding(problem.rule, problem.message, problem.remedy, problem.dtmi, problem.path)
        else:
            needed = interfaces if b"$dtId" in data else ()
            if not read_sources([*needed, Source(file.name, data)], "checked"):
                yield Finding("empty", f"{file.name}: there is not one triple in it.", "Describe a building in it.")
    except TwinError as error:
        yield Finding(error.code, error.message, _advice(error.remedy))


def _advice(remedy: str) -> str:
    """What an import advises, said where nothing was to be stored."""
    return remedy.replace(" and import again", "").replace("; nothing was stored", "")


def _tell(file: Path, findings: list[Finding], as_json: bool, write: Callable[[str], None]) -> None:
    if as_json:
        problems = [
            {"rule": f.rule, "dtmi": f.dtmi, "path": f.path, "message": f.message, "remedy": f.remedy} for f in findings
        ]
        write(json.dumps({"file": str(file), "valid": not findings, "problems": problems}, ensure_ascii=False))
        return
    if not findings:
        write(f"{file}: valid")
    for finding in findings:
        where = " ".join(part for part in (finding.dtmi, finding.path) if part)
        named = finding.message.removeprefix(str(file)).removeprefix(file.name)
        # A message that begins with the file's name ("shed.ttl, line 4, column 2: ...") has it named once.
        start = str(file) if named != finding.message else f"{file}: {where + ': ' if where else ''}"
        write(f"{start}{named} {finding.remedy}".rstrip())
