"""Which model files come in, and how the others are turned away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from tests.inference.models import a_contract, a_model, mean_graph, write
from twin.errors import InvalidInput, NotFound, TwinError
from twin.inference.contract import Golden
from twin.inference.gate import Limits, admit
from twin.inference.model_file import read_model_file


def test_a_model_that_keeps_its_contract_is_admitted_under_its_digest(tmp_path: Path) -> None:
    path = write(a_model(), tmp_path / "mean.onnx")
    admitted = admit(path)
    assert admitted.digest == read_model_file(path.read_bytes()).digest
    assert admitted.contract.name == "mean"


def external() -> onnx.ModelProto:
    model = a_model()
    tensor = model.graph.initializer[1]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    return model


def looping() -> onnx.ModelProto:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["again"])], "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []),
         helper.make_tensor_value_info("go", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("again", TensorProto.BOOL, [])],
    )  # fmt: skip
    graph = mean_graph(extra=(helper.make_node("Loop", ["most", "yes"], [], body=body),))
    graph.initializer.append(numpy_helper.from_array(np.array(2**62, np.int64), "most"))
    graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    return a_model(graph)


def hungry() -> onnx.ModelProto:
    """64 GB of ones, asked for by a few bytes."""
    huge = helper.make_node("ConstantOfShape", ["size"], ["ones"])
    graph = mean_graph(extra=(huge, helper.make_node("ReduceSum", ["ones"], ["sum"], keepdims=0)))
    graph.initializer.append(numpy_helper.from_array(np.array([2**34], np.int64), "size"))
    graph.node[-1].input[1] = "sum"
    return a_model(graph)


def foreign() -> onnx.ModelProto:
    graph = mean_graph(extra=(helper.make_node("Evil", ["readings"], ["x"], domain="com.evil"),))
    return a_model(graph, opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("com.evil", 1)])


REFUSED = {
    "tensors in other files": (external, "keeps 1 tensors in other files"),
    "a loop": (looping, "operators that are not allowed: Loop"),
    "operators of its own": (foreign, "com.evil"),
    "more memory than a model may take": (hungry, "examination|cannot be loaded|memory|golden"),
    "no contract": (lambda: helper.make_model(mean_graph()), "has no contract"),
    "another shape than promised": (lambda: a_model(mean_graph(features=3)), r"takes readings \[any, 3, 3\]"),
    "another output than promised": (lambda: a_model(contract=a_contract(output="answer")), "promises answer"),
    "other answers than promised": (lambda: a_model(mean_graph(divisor=99)), "golden inputs are off by"),
    "answers outside its range": (lambda: a_model(contract=a_contract(minimum=0.5)), "leave 0.5 to 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_unfit_is_turned_away_in_words(case: str, tmp_path: Path) -> None:
    make, said = REFUSED[case]
    with pytest.raises(InvalidInput, match=said):
        admit(write(make(), tmp_path / "model.onnx"), Limits(memory=2**30))


def test_numbers_that_are_not_finite_are_no_answer(tmp_path: Path) -> None:
    cases = np.ones((1, 3, 2), np.float32)
    model = a_model(mean_graph(divisor=0.0), a_contract(golden=Golden(cases, np.zeros(1, np.float32))))
    with pytest.raises(InvalidInput, match="does not answer its golden inputs"):
        admit(write(model, tmp_path / "model.onnx"))


def test_a_file_that_is_too_large_is_not_even_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="MiB"):
        admit(write(a_model(), tmp_path / "model.onnx"), Limits(size=100))


def test_an_examination_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="took longer than"):
        admit(write(a_model(), tmp_path / "model.onnx"), Limits(deadline=0.01))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        admit(tmp_path / "none.onnx")


def test_metadata_operators_and_opsets_are_read_without_a_runtime() -> None:
    file = read_model_file(a_model().SerializeToString())
    assert file.opsets == {"": 18}
    assert file.operators == {("", "ReduceMean"), ("", "Div")}
    assert file.external_tensors == 0
    assert set(file.metadata) == {"twin.contract"}


@given(st.binary(max_size=200))
def test_bytes_that_are_no_model_are_refused_and_never_a_traceback(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_model_file(data)


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_a_damaged_model_is_read_or_refused_and_never_a_traceback(at: int, damage: bytes) -> None:
    data = bytearray(_WHOLE)
    at %= len(data)
    data[at : at + len(damage)] = damage
    try:
        read_model_file(bytes(data))
    except TwinError:
        return


_WHOLE = a_model().SerializeToString()
