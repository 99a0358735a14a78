"""Small ONNX models for tests: the mean of a window, scaled, with a contract."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from twin.inference.contract import METADATA_KEY, Contract, ContractInput, Golden, write_contract
from twin.vocab import UNIT

WINDOW = 3
CAPABILITY = "urn:twin:capability:test"
INPUTS = (
    ContractInput("supply_air_temperature", UNIT.DEG_C.value),
    ContractInput("return_air_temperature", UNIT.DEG_C.value),
)


def a_contract(**changes: Any) -> Contract:
    """A contract for the mean of a window of two temperatures, divided by 100."""
    cases = np.arange(2 * WINDOW * 2, dtype=np.float32).reshape(2, WINDOW, 2)
    return replace(
        Contract(
            name="mean", version="1", description="The mean of the window.", capability=CAPABILITY, inputs=INPUTS,
            window=WINDOW, period=5.0, input="readings", output="score", meaning="0 to 1",
            golden=Golden(cases, cases.mean(axis=(1, 2)) / 100), metrics={"recall": 0.5},
        ),
        **changes,
    )  # fmt: skip


def mean_graph(features: int = 2, *, extra: tuple[onnx.NodeProto, ...] = (), divisor: float = 100.0) -> onnx.GraphProto:
    """readings [twin, window, feature] -> score [twin]."""
    return helper.make_graph(
        [
            *extra,
            helper.make_node("ReduceMean", ["readings", "axes"], ["mean"], keepdims=0),
            helper.make_node("Div", ["mean", "divisor"], ["score"]),
        ],
        "mean",
        [helper.make_tensor_value_info("readings", TensorProto.FLOAT, ["twin", WINDOW, features])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["twin"])],
        [
            numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
            numpy_helper.from_array(np.array(divisor, np.float32), "divisor"),
        ],
    )


def a_model(
    graph: onnx.GraphProto | None = None, contract: Contract | str | None = None, **options: Any
) -> onnx.ModelProto:
    """A model of the graph, with the contract (or the text given for it) in its metadata."""
    options = {"ir_version": 9, "opset_imports": [helper.make_opsetid("", 18)]} | options
    model = helper.make_model(graph or mean_graph(), **options)
    text = contract if isinstance(contract, str) else write_contract(contract or a_contract())
    helper.set_model_props(model, {METADATA_KEY: text})
    return model


def write(model: onnx.ModelProto, path: Path) -> Path:
    """The model as a file."""
    path.write_bytes(model.SerializeToString())
    return path
