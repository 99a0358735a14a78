"""ONNX models run by onnxruntime, which is imported with the first model and not before."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from twin.contracts import LoadedModel, Signature
from twin.errors import InvalidInput
from twin.observation import Float64


class OnnxModel:
    """One session, shared by all twins and threads.  See `twin.contracts.LoadedModel`."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.signature = Signature(
            inputs={tensor.name: _shape(tensor) for tensor in session.get_inputs()},
            outputs={tensor.name: _shape(tensor) for tensor in session.get_outputs()},
            metadata=dict(session.get_modelmeta().custom_metadata_map),
        )

    def predict(self, arrays: Mapping[str, Float64]) -> Mapping[str, Float64]:
        """Outputs by name, float64; the inputs are given to the model as float32."""
        names = list(self.signature.outputs)
        feed = {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}
        outputs = self._session.run(names, feed)
        return {name: np.asarray(output, np.float64) for name, output in zip(names, outputs, strict=True)}


class OnnxEngine:
    """Loads ONNX files.  See `twin.contracts.InferenceEngine`."""

    def load(self, artifact: Path) -> LoadedModel:
        """The model; raises `twin.errors.InvalidInput` for a file that onnxruntime cannot run."""
        runtime = _runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # an arena keeps what the largest batch once took
        options.log_severity_level = 4
        try:
            session = runtime.InferenceSession(str(artifact), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises a dozen types of its own, with nothing but Exception in common
            raise InvalidInput(
                f"The model cannot be loaded: {_first_line(error)}", remedy="Export the model to ONNX again."
            ) from error
        return OnnxModel(session)


@cache
def _runtime() -> Any:
    import onnxruntime

    return onnxruntime


def _shape(tensor: Any) -> tuple[int | None, ...]:
    if tensor.type != "tensor(float)":
        raise InvalidInput(
            f"The model's tensor {tensor.name} is {tensor.type}, not tensor(float).",
            remedy="Export the model with float32 inputs and outputs.",
        )
    return tuple(size if isinstance(size, int) else None for size in tensor.shape)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
