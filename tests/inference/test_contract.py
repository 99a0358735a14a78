"""A contract survives its file, and a wrong one is told in words."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests.inference.models import a_contract
from twin.errors import InvalidInput
from twin.inference.contract import METADATA_KEY, read_contract, write_contract


def changed(**changes: Any) -> dict[str, str]:
    value = json.loads(write_contract(a_contract())) | changes
    return {METADATA_KEY: json.dumps({key: held for key, held in value.items() if held != "gone"})}


def test_a_contract_reads_back_as_it_was_written() -> None:
    contract = a_contract()
    read = read_contract({METADATA_KEY: write_contract(contract)})
    assert (read.name, read.inputs, read.window, read.metrics) == ("mean", contract.inputs, 3, {"recall": 0.5})
    np.testing.assert_array_equal(read.golden.inputs, contract.golden.inputs)
    np.testing.assert_array_equal(read.golden.outputs, contract.golden.outputs)


def test_golden_numbers_keep_every_bit() -> None:
    contract = a_contract()
    contract.golden.inputs[:] = np.random.default_rng(1).normal(size=contract.golden.inputs.shape)
    read = read_contract({METADATA_KEY: write_contract(contract)})
    np.testing.assert_array_equal(read.golden.inputs, contract.golden.inputs)


@pytest.mark.parametrize(("metadata", "said"), [
    ({}, "has no contract"),
    ({METADATA_KEY: "{"}, "no JSON"),
    ({METADATA_KEY: "[]"}, "no object"),
    (changed(format=2), "format is 2"),
    (changed(windwo=3), "did you mean 'window'"),
    (changed(name=""), "name is a text"),
    (changed(capability="gone"), "capability is a text"),
    (changed(window=0), "window is a whole number"),
    (changed(period=0), "period is above 0"),
    (changed(period="5"), "period is a number"),
    (changed(inputs=[]), "inputs is a list"),
    (changed(inputs=[{"role": "x"}]), "role"),
    (changed(inputs=[{"role": "x", "unit": "u"}, {"role": "x", "unit": "u"}]), "same role"),
    (changed(golden="gone"), "golden is an object"),
    (changed(golden={"inputs": [[1]], "outputs": [1]}), "golden has inputs of 3 x 2"),
    (changed(golden={"inputs": "x", "outputs": [1]}), "golden holds numbers"),
    (changed(metrics=[]), "are objects"),
])  # fmt: skip
def test_a_wrong_contract_is_told_in_words(metadata: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as raised:
        read_contract(metadata)
    assert raised.value.remedy
