"""The model of the demo: what it says of an air handler that works, and of one that does not."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from connectors.simulator.physics import trajectory
from twin.contracts import LoadedModel
from twin.inference.contract import Contract
from twin.inference.gate import admit
from twin.inference.onnx import OnnxEngine
from twin.terms import Literal, NamedNode, read_file
from twin.vocab import QUDT, TWIN

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "twin" / "demo" / "models" / "air-handler-anomaly.onnx"
SCRIPT = ROOT / "scripts" / "train_air_handler_anomaly.py"
PACE = 60  # simulated seconds in a second of the demo
FAULT_AFTER = 120  # seconds of the demo


@cache
def admitted() -> Contract:
    return admit(MODEL).contract


@cache
def model() -> LoadedModel:
    return OnnxEngine().load(MODEL)


@cache
def office(*faults: str) -> dict[str, npt.NDArray[np.float64]]:
    """Eight minutes of the demo, a reading a second; a fault begins after two."""
    minutes = 8
    days = minutes * 60 * PACE / 86_400
    return trajectory(1, days, PACE, faults=faults, fault_after=FAULT_AFTER * PACE / 86_400, operators=False)


def scores(unit: str, *faults: str) -> npt.NDArray[np.float64]:
    """The score at each second of the demo, from the first whole window on."""
    contract = admitted()
    run = office(*faults)
    columns = np.stack([run[f"{unit}:{feature.role.replace('_', '-')}"] for feature in contract.inputs], axis=1)
    step = int(contract.period)
    ends = np.arange(step * (contract.window - 1), len(columns))
    at = ends[:, None] - step * np.arange(contract.window)[::-1]
    return np.asarray(model().predict({contract.input: columns[at]})[contract.output])


def after_fault(of: npt.NDArray[np.float64], seconds: int) -> npt.NDArray[np.float64]:
    contract = admitted()
    return of[FAULT_AFTER + seconds - int(contract.period) * (contract.window - 1) :]


def test_the_file_is_the_one_whose_digest_is_recorded() -> None:
    recorded = MODEL.with_suffix(".sha256").read_text().split()[0]
    assert hashlib.sha256(MODEL.read_bytes()).hexdigest() == recorded


def test_it_asks_for_what_its_capability_says() -> None:
    quads = list(read_file(ROOT / "ontologies" / "capabilities.ttl"))
    capability = NamedNode(admitted().capability)
    asked = set()
    for node in [quad.object for quad in quads if quad.subject == capability and quad.predicate == TWIN.input]:
        role = next(q.object for q in quads if q.subject == node and q.predicate == TWIN.role)
        unit = next(q.object for q in quads if q.subject == node and q.predicate == QUDT.hasUnit)
        assert isinstance(role, Literal)
        assert isinstance(unit, NamedNode)
        asked.add((role.value, unit.value))
    assert asked == {(feature.role, feature.unit) for feature in admitted().inputs}


def test_its_figures_stand_beside_the_baselines() -> None:
    metrics = admitted().metrics
    assert {"base_rate", "always_alarm", "false_alarm_rate", "precision", "recall"} <= metrics.keys()
    assert metrics["always_alarm"]["precision"] == metrics["base_rate"]
    for fault in ("stuck-damper-ahu-1", "drifting-sensor-ahu-1"):
        assert {"seconds_to_alarm_median", "z_score_windows_detected_after_120_s"} <= metrics[fault].keys()


@pytest.mark.parametrize("unit", ["ahu-1", "ahu-2"])
def test_it_stays_low_while_an_air_handler_works(unit: str) -> None:
    assert scores(unit).max() < 0.25


@pytest.mark.parametrize("fault", ["stuck-damper-ahu-1", "drifting-sensor-ahu-1"])
def test_it_rises_within_two_minutes_of_a_fault_and_stays_up(fault: str) -> None:
    assert after_fault(scores("ahu-1", fault), 120).min() > 0.75


@pytest.mark.parametrize("fault", ["stuck-damper-ahu-1", "drifting-sensor-ahu-1"])
def test_a_fault_of_one_unit_does_not_raise_the_score_of_the_other(fault: str) -> None:
    assert scores("ahu-2", fault).max() < 0.25


def test_readings_that_went_through_degrees_fahrenheit_score_the_same() -> None:
    contract = admitted()
    golden = contract.golden.inputs.astype(float)
    celsius = [feature.unit.endswith("DEG_C") for feature in contract.inputs]
    fahrenheit = np.where(celsius, golden * 1.8 + 32, golden)
    back = np.where(celsius, (fahrenheit - 32) / 1.8, fahrenheit)
    there = model().predict({contract.input: golden})[contract.output]
    np.testing.assert_allclose(model().predict({contract.input: back})[contract.output], there, atol=1e-4)


def test_a_batch_scores_each_twin_as_alone() -> None:
    contract = admitted()
    golden = contract.golden.inputs.astype(float)
    together = model().predict({contract.input: golden})[contract.output]
    alone = [model().predict({contract.input: case[None]})[contract.output][0] for case in golden]
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.long
def test_training_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.onnx" for number in range(2)]
    for file in files:
        subprocess.run([sys.executable, str(SCRIPT), "--quick", "--out", str(file)], check=True, cwd=ROOT)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert admit(files[0]).contract.capability == admitted().capability
