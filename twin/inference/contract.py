"""The contract of a model: what it needs, what it tells, and how to see that it still does - inside its own file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.errors import InvalidInput

METADATA_KEY = "twin.contract"
FORMAT = 1
_KEYS = (
    "capability", "description", "format", "golden", "input", "inputs", "maximum", "meaning", "metrics", "minimum",
    "name", "output", "period", "training", "version", "window",
)  # fmt: skip
LONGEST_WINDOW = 4096
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ContractInput:
    """One feature of the model, in the order of its last axis: a ``role`` of a property, in ``unit`` (a QUDT IRI)."""

    role: str
    unit: str


@dataclass(frozen=True, slots=True, eq=False)
class Golden:
    """Inputs with the outputs that the model gave for them when it was made.

    ``inputs`` float32 [case, window, feature], ``outputs`` float32 [case]; an answer may differ by ``tolerance``.
    """

    inputs: Float32
    outputs: Float32
    tolerance: float = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """What a model file promises.

    The model's tensor ``input`` is float32 [twin, ``window``, feature], its oldest reading first, one every ``period``
    seconds; its tensor ``output`` is float32 [twin] (or [twin, 1]) between ``minimum`` and ``maximum``, and ``meaning``
    says in words what it tells.  ``training`` and ``metrics`` say how it came about and what it was measured to do.
    """

    name: str
    version: str
    description: str
    capability: str
    inputs: tuple[ContractInput, ...]
    window: int
    period: float
    input: str
    output: str
    meaning: str
    golden: Golden
    minimum: float = 0.0
    maximum: float = 1.0
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)


def write_contract(contract: Contract) -> str:
    """The contract as the text that stands under `METADATA_KEY` in a model file's metadata."""
    golden = contract.golden
    value = {
        "format": FORMAT,
        "name": contract.name,
        "version": contract.version,
        "description": contract.description,
        "capability": contract.capability,
        "inputs": [{"role": feature.role, "unit": feature.unit} for feature in contract.inputs],
        "window": contract.window,
        "period": contract.period,
        "input": contract.input,
        "output": contract.output,
        "meaning": contract.meaning,
        "minimum": contract.minimum,
        "maximum": contract.maximum,
        "golden": {
            # float32 survives the round trip through its shortest decimal text
            "inputs": [[[float(str(x)) for x in row] for row in case] for case in golden.inputs],
            "outputs": [float(str(x)) for x in golden.outputs],
            "tolerance": golden.tolerance,
        },
        "training": dict(contract.training),
        "metrics": dict(contract.metrics),
    }
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def read_contract(metadata: Mapping[str, str]) -> Contract:
    """The contract in a model file's metadata; raises `twin.errors.InvalidInput` that says what is wrong with it."""
    text = metadata.get(METADATA_KEY)
    if text is None:
        raise InvalidInput(
            f"The model file has no contract: its metadata lacks {METADATA_KEY!r}.",
            remedy="Export it with its contract, as the training script of the air handlers' model does.",
        )
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong(f"it is no JSON ({error})") from None
    if not isinstance(value, dict):
        raise _wrong("it is no object")
    for key in value.keys() - set(_KEYS):
        near = get_close_matches(key, _KEYS, n=1)
        raise _wrong(f"it has an unknown key {key!r}" + (f"; did you mean {near[0]!r}" if near else ""))
    if value.get("format") != FORMAT:
        raise _wrong(f"its format is {value.get('format')!r}, this server reads {FORMAT}")
    period = _number(value, "period", None)
    window = value.get("window")
    if not isinstance(window, int) or isinstance(window, bool) or not 1 <= window <= LONGEST_WINDOW:
        raise _wrong(f"window is a whole number from 1 to {LONGEST_WINDOW}")
    if period <= 0:
        raise _wrong("period is above 0 seconds")
    inputs = _inputs(value.get("inputs"))
    golden = _golden(value.get("golden"), window, len(inputs))
    training, metrics = value.get("training", {}), value.get("metrics", {})
    if not isinstance(training, dict) or not isinstance(metrics, dict):
        raise _wrong("training and metrics are objects")
    return Contract(
        name=_text(value, "name"),
        version=_text(value, "version"),
        description=_text(value, "description"),
        capability=_text(value, "capability"),
        inputs=inputs,
        window=window,
        period=period,
        input=_text(value, "input"),
        output=_text(value, "output"),
        meaning=_text(value, "meaning"),
        golden=golden,
        minimum=_number(value, "minimum", 0.0),
        maximum=_number(value, "maximum", 1.0),
        training=training,
        metrics=metrics,
    )


def _wrong(what: str) -> InvalidInput:
    return InvalidInput(
        f"The model's contract is wrong: {what}.", remedy="Export the model again with a right contract."
    )


def _text(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str) or not found.strip():
        raise _wrong(f"{key} is a text")
    return found


def _number(value: Mapping[str, Any], key: str, default: float | None) -> float:
    found = value.get(key, default)
    if not isinstance(found, int | float) or isinstance(found, bool) or not np.isfinite(found):
        raise _wrong(f"{key} is a number")
    return float(found)


def _inputs(value: object) -> tuple[ContractInput, ...]:
    if not isinstance(value, list) or not value:
        raise _wrong("inputs is a list of at least one role with its unit")
    found = []
    for item in value:
        role, unit = (item.get("role"), item.get("unit")) if isinstance(item, dict) else (None, None)
        if not isinstance(role, str) or not role or not isinstance(unit, str) or not unit:
            raise _wrong('each of inputs is an object with "role" and "unit"')
        found.append(ContractInput(role, unit))
    if len({feature.role for feature in found}) < len(found):
        raise _wrong("two of its inputs have the same role")
    return tuple(found)


def _golden(value: object, window: int, features: int) -> Golden:
    if not isinstance(value, dict):
        raise _wrong("golden is an object with inputs and outputs")
    try:
        inputs = np.asarray(value.get("inputs"), np.float32)
        outputs = np.asarray(value.get("outputs"), np.float32)
        tolerance = float(value.get("tolerance", 1e-4))
    except (TypeError, ValueError):
        raise _wrong("golden holds numbers only") from None
    if (
        inputs.ndim != 3
        or inputs.shape[1:] != (window, features)
        or outputs.shape != inputs.shape[:1]
        or not len(inputs)
    ):
        raise _wrong(f"golden has inputs of {window} x {features} numbers, and an output for each")
    if not (np.isfinite(inputs).all() and np.isfinite(outputs).all() and 0 < tolerance <= 0.01):
        raise _wrong("golden holds finite numbers and a tolerance of at most 0.01")
    return Golden(inputs, outputs, tolerance)
