"""The gate for model files from outside: examined in a process that can be killed, before anything here loads them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from twin.errors import InvalidInput, NotFound
from twin.inference.contract import Contract, read_contract
from twin.inference.model_file import read_model_file


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model file may take: ``size`` and ``memory`` in bytes, ``cpu`` and ``deadline`` in seconds."""

    size: int = 64 * 2**20
    memory: int = 2 * 2**30
    cpu: int = 20
    deadline: float = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Admitted:
    """A model file that may be loaded: its digest (SHA-256, hex) and contract."""

    digest: str
    contract: Contract


def admit(path: Path, limits: Limits | None = None) -> Admitted:
    """What the file is, once it was found fit to run; raises `InvalidInput` that says why not, or `NotFound`.

    Refused are files that are too large, keep data elsewhere, use operators beyond arithmetic, have no contract, or
    answer their golden inputs otherwise than promised.  The file must not change meanwhile.
    """
    limits = limits or Limits()
    try:
        size = path.stat().st_size
    except OSError as error:
        raise NotFound(f"There is no model file {path}.", remedy="Name an .onnx file that exists.") from error
    if size > limits.size:
        raise InvalidInput(
            f"The model file has {size / 2**20:.0f} MiB.", remedy=f"A model has at most {limits.size / 2**20:.0f} MiB."
        )
    answer = _examined(path, limits)
    if not answer.get("ok"):
        raise InvalidInput(str(answer.get("message")), remedy=str(answer.get("remedy", "")))
    file = read_model_file(path.read_bytes())
    if file.digest != answer["digest"]:
        raise InvalidInput("The model file changed while it was examined.", remedy="Try again.")
    return Admitted(file.digest, read_contract(file.metadata))


def _examined(path: Path, limits: Limits) -> dict[str, object]:
    command = [sys.executable, "-m", "twin.inference.examine", str(path), str(limits.memory), str(limits.cpu)]
    # The parent's import path goes along, so that a checkout that is not installed works as well.
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # each thread reserves memory
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=limits.deadline,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _too_much(f"took longer than {limits.deadline:g} seconds") from None
    if done.returncode:
        if done.returncode < 0:
            raise _too_much("took more CPU time or memory than a model may")
        reason = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
        raise _too_much(f"failed ({reason[0][:200]})")
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _too_much(what: str) -> InvalidInput:
    return InvalidInput(f"The examination of the model {what}.", remedy="Make the model smaller or simpler.")
