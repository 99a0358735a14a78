"""The engine that runs ONNX files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from tests.inference.models import WINDOW, a_model, write
from twin.contracts import InferenceEngine
from twin.errors import InvalidInput
from twin.inference.onnx import OnnxEngine


@pytest.fixture
def mean(tmp_path: Path) -> Path:
    return write(a_model(), tmp_path / "mean.onnx")


def test_a_loaded_model_tells_its_tensors_and_metadata(mean: Path) -> None:
    engine: InferenceEngine = OnnxEngine()
    signature = engine.load(mean).signature
    assert signature.inputs == {"readings": (None, WINDOW, 2)}
    assert signature.outputs == {"score": (None,)}
    assert set(signature.metadata) == {"twin.contract"}


def test_the_first_axis_is_the_twin(mean: Path) -> None:
    batch = np.arange(4.0)[:, None, None] * np.ones((4, WINDOW, 2))
    np.testing.assert_allclose(OnnxEngine().load(mean).predict({"readings": batch})["score"], np.arange(4) / 100)


def test_one_model_answers_several_threads(mean: Path) -> None:
    model = OnnxEngine().load(mean)

    def ask(number: int) -> float:
        return float(model.predict({"readings": np.full((1, WINDOW, 2), float(number))})["score"][0])

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(ask, range(100)))
    np.testing.assert_allclose(answers, np.arange(100) / 100, rtol=1e-5)


def test_a_file_that_is_no_model_is_refused_in_words(tmp_path: Path) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model")
    with pytest.raises(InvalidInput, match="cannot be loaded"):
        OnnxEngine().load(bad)


def test_a_model_of_other_than_float32_is_refused_in_words(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "wide",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["twin"])],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["twin"])],
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="float32"):
        OnnxEngine().load(write(a_model(graph), tmp_path / "wide.onnx"))
