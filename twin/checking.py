"""Checking files without storing anything: RDF text, DTDL models, model artifacts and ``twin.toml``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from twin.errors import TwinError
from twin.settings import read_settings
from twin.vocabularies import dtdl
from twin.vocabularies.rdf_files import format_of, read_rdf

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
    for file in files:
        try:
            data = file.read_bytes()
        except OSError as error:
            finding = Finding("readable", f"{file} cannot be read: {error.strerror}.", "Name an existing file.")
            _tell(file, [finding], as_json, write)
            worst = UNREADABLE
            continue
        findings = list(findings_of(file, data))
        _tell(file, findings, as_json, write)
        worst = max(worst, INVALID if findings else VALID)
    return worst


def findings_of(file: Path, data: bytes) -> Iterator[Finding]:
    """What is wrong with one file, by what its suffix and content say it is."""
    try:
        if file.suffix == ".toml":
            read_settings(file)
        elif file.suffix == ".onnx":
            from twin.inference.gate import admit  # onnxruntime is loaded only when a model is checked

            admit(file)
        elif file.suffix in (".json", ".jsonld") and b"dtmi:dtdl:context" in data:
            for problem in dtdl.check(data.decode("utf-8-sig", "replace")):
                yield Finding(problem.rule, problem.message, problem.remedy, problem.dtmi, problem.path)
        else:
            for _ in read_rdf(data, format_of(file.name), file.name):
                pass
    except TwinError as error:
        yield Finding(error.code, error.message, error.remedy)


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
