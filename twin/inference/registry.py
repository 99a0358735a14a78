"""The models a server has: files kept under their digest, each loaded at most once."""

from __future__ import annotations

import hashlib
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from twin.contracts import InferenceEngine, LoadedModel
from twin.errors import InvalidInput, NotFound
from twin.inference.contract import Contract, read_contract
from twin.inference.gate import Limits, admit
from twin.inference.model_file import read_model_file
from twin.inference.onnx import OnnxEngine


@dataclass(frozen=True, slots=True, eq=False)
class ModelVersion:
    """One immutable model: its digest (SHA-256, hex), its contract, and the model ready to run."""

    digest: str
    contract: Contract
    model: LoadedModel


class ModelRegistry:
    """Model files in one directory.  Every method may be called from any thread, and may take a second."""

    def __init__(self, directory: Path, engine: InferenceEngine | None = None, limits: Limits | None = None) -> None:
        self._directory = directory
        self._engine = engine or OnnxEngine()
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._loaded: dict[str, ModelVersion] = {}

    def add(self, path: Path) -> ModelVersion:
        """Examines a file, keeps a copy and loads it; raises what `twin.inference.gate.admit` raises."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with self._lock:
            part = self._directory / "incoming.part"
            try:
                if path.stat().st_size > self._limits.size:
                    admit(path, self._limits)  # says so, before anything is copied
                shutil.copyfile(path, part)
            except OSError as error:
                raise NotFound(
                    f"The model file {path} cannot be read: {error.strerror}.", remedy="Name an .onnx file that exists."
                ) from error
            try:
                digest = hashlib.sha256(part.read_bytes()).hexdigest()
                if digest not in self._loaded and not self._file(digest).exists():
                    # The copy is examined, so that what was examined is what is kept.
                    digest = admit(part, self._limits).digest
                    part.replace(self._file(digest))
            finally:
                part.unlink(missing_ok=True)
            return self._load(digest)

    def find(self, digest: str) -> ModelVersion:
        """A model added before, in this process or an earlier one.

        Raises `NotFound`, or `InvalidInput` when its file is not what it was.
        """
        with self._lock:
            return self._load(digest)

    def _file(self, digest: str) -> Path:
        return self._directory / f"{digest}.onnx"

    def _load(self, digest: str) -> ModelVersion:
        known = self._loaded.get(digest)
        if known is not None:
            return known
        file = self._file(digest)
        try:
            facts = read_model_file(file.read_bytes())
        except OSError:
            raise NotFound(
                f"The model {digest[:12]} is not in {self._directory}.", remedy="Attach its file again."
            ) from None
        if facts.digest != digest:
            raise InvalidInput(f"The model file {file} was changed.", remedy="Delete it and attach the model again.")
        version = ModelVersion(digest, read_contract(facts.metadata), self._engine.load(file))
        self._loaded[digest] = version
        return version
