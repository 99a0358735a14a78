"""Trains the demo's anomaly model for air handlers on the simulator's normal operation, and writes it as ONNX.

    python scripts/train_air_handler_anomaly.py [--out FILE] [--quick]

The model holds three virtual sensors.  Each predicts one reading of an air handler from readings that it follows from -
mixed air from return and outside air and the damper's command, supply air from mixed air, valves and fan, the damper's
position from its command - with the spread to be expected (a small network each, trained by the likelihood of a
Student t).  What a reading is off by, in spreads, averaged over the window, is the deviation; the score is a logistic
function of the greatest of the three.  It sees faults nowhere in training.

Everything is seeded, so that the same machine gives the same bytes.  It takes about three minutes.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # sums in one order, whatever the machine's cores

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from air_handler_detector import FEATURES, ROLES, SEED, WINDOW, Array, Detector, fit, graph
from onnx import helper

from connectors.simulator import readings
from connectors.simulator.physics import Office
from twin.inference.contract import METADATA_KEY, Contract, ContractInput, Golden, write_contract
from twin.vocab import UNIT

OUT = Path(__file__).resolve().parents[1] / "twin" / "demo" / "models" / "air-handler-anomaly.onnx"
CAPABILITY = "urn:twin:capability:air-handler-anomaly"
PERIOD = 5  # seconds between the readings of a window
SPEED = 60  # simulated seconds in a second of the demo
DAY = 86_400
UNITS = ("ahu-1", "ahu-2")
FAULTS = ("stuck-damper-ahu-1", "drifting-sensor-ahu-1")


def operate(seed: int, days: float, dt: float, fault: str | None = None, fault_after: float = 0.0) -> Array:
    """Readings of both air handlers, [sample, unit, feature], a sample every ``dt`` simulated seconds.

    People change setpoints, switch units off, run them by hand, and trim the plant, every few hours.  Runs with a
    ``fault`` are left alone instead, so that what is seen is the fault.
    """
    habits = np.random.default_rng([SEED, seed])
    office = Office(seed, start=habits.uniform(0, 7 * DAY), speed=SPEED)
    names = [[readings.NAMES.index(f"{unit}:{role.replace('_', '-')}") for role in ROLES] for unit in UNITS]
    taken = np.empty((round(days * DAY / dt), len(UNITS), len(ROLES)))
    change_at = 0.0
    for sample in range(len(taken)):
        if fault is None and sample * dt >= change_at:
            change_at = sample * dt + habits.uniform(1, 8) * 3600
            interfere(office, habits)
        if fault is not None and sample == round(fault_after * DAY / dt):
            office.fault(fault, True)
        office.step(dt)
        taken[sample] = office.measured[names]
    return taken


def interfere(office: Office, habits: np.random.Generator) -> None:
    """What people do to a building now and then, within normal operation."""
    for unit in UNITS:
        office.command(f"{unit}:supply-air-temperature-setpoint", round(habits.uniform(13, 20), 1))
        office.command(f"{unit}:supply-air-static-pressure-setpoint", round(habits.uniform(150, 350), -1))
        office.command(f"{unit}:operating-mode", float(habits.choice([0, 1, 2], p=[0.05, 0.9, 0.05])))
    office.command("chiller-1:leaving-water-temperature-setpoint", round(habits.uniform(6, 9), 1))
    office.command("boiler-1:leaving-water-temperature-setpoint", round(habits.uniform(50, 65)))
    for name in readings.LIMITS:
        if name.startswith("vav") and habits.random() < 0.3:
            office.command(name, round(habits.uniform(20, 24), 1))


def windows(run: Array, random: np.random.Generator, every: int = 1) -> Array:
    """Windows of one run, [window, reading, feature], both units one after the other: a reading every `PERIOD` samples.

    Each feature is up to two samples old, because connections do not deliver all readings in one instant.
    """
    starts = np.arange(2, len(run) - PERIOD * (WINDOW - 1), every)
    found = []
    for unit in range(run.shape[1]):
        age = random.integers(0, 3, (len(starts), 1, len(ROLES)))
        at = starts[:, None, None] + PERIOD * np.arange(WINDOW)[None, :, None] - age
        found.append(run[:, unit][at, np.arange(len(ROLES))[None, None, :]])
    return np.concatenate(found)


def evaluate(
    detector: Detector, train: Array, normal: Array, slow: Array, runs: dict[str, list[Array]], begins: int
) -> dict[str, Any]:
    """Figures on runs the detector has not seen, beside the baselines that any detector must beat.

    ``normal`` are windows at the demo's pace, ``slow`` at that of a real building, both with people interfering.
    """
    centre, spread = train[:, -1].mean(0), train[:, -1].std(0)

    def z_score(window: Array) -> Array:
        return np.abs((window[:, -1] - centre) / spread).max(1)

    false_alarms = float((detector.score(normal) >= 0.5).mean())
    threshold = float(np.quantile(z_score(normal), 1 - false_alarms))
    metrics: dict[str, Any] = {
        "threshold": 0.5,
        "false_alarm_rate": round(false_alarms, 5),
        "normal_windows": len(normal),
        "normal_score_median": round(float(np.median(detector.score(normal))), 4),
        "z_score_threshold_at_same_false_alarm_rate": round(threshold, 2),
    }
    untouched = np.concatenate([windows(run[:, 1:], np.random.default_rng([SEED, 4])) for run in runs[FAULTS[0]]])
    metrics["false_alarm_rate_real_time"] = round(float((detector.score(slow) >= 0.5).mean()), 5)
    metrics["false_alarm_rate_left_alone"] = round(float((detector.score(untouched) >= 0.5).mean()), 5)
    faulty: list[Array] = []
    for fault, found in runs.items():
        random = np.random.default_rng([SEED, 3])
        of_faulty_unit = [windows(run[:, :1], random) for run in found]
        # Window i ends with sample i + 2 + PERIOD * (WINDOW - 1); samples are seconds of the demo.
        first = begins - 2 - PERIOD * (WINDOW - 1)
        scores = np.stack([detector.score(window)[first:] for window in of_faulty_unit])
        alarms = scores >= 0.5
        delay = np.where(alarms.any(1), alarms.argmax(1), np.inf)
        late = [window[first + 120 :] for window in of_faulty_unit]
        faulty += late
        metrics[fault] = {
            "runs": len(found),
            "seconds_to_alarm_median": float(np.median(delay)),
            "seconds_to_alarm_worst": float(delay.max()) if np.isfinite(delay).all() else None,
            "detected_within_120_s": round(float((delay <= 120).mean()), 3),
            "windows_detected_after_120_s": round(float((scores[:, 120:] >= 0.5).mean()), 3),
            "z_score_windows_detected_after_120_s": round(
                float((z_score(np.concatenate(late)) >= threshold).mean()), 3
            ),
        }
    anomalous = np.concatenate(faulty)
    hits, alarms_normal = (detector.score(anomalous) >= 0.5).sum(), (detector.score(normal) >= 0.5).sum()
    base = len(anomalous) / (len(anomalous) + len(normal))
    metrics |= {
        "base_rate": round(base, 4),
        "always_alarm": {"precision": round(base, 4), "recall": 1.0, "false_alarm_rate": 1.0},
        "precision": round(float(hits / (hits + alarms_normal)), 4),
        "recall": round(float(hits / len(anomalous)), 4),
        "note": "simulated data; windows of fault runs count from 120 s of the demo after the fault began",
    }
    return metrics


def contract(detector: Detector, cases: Array, training: dict[str, Any], metrics: dict[str, Any]) -> Contract:
    """The contract that goes with the model; its golden outputs come from the networks, not from the ONNX graph."""
    cases = cases.astype(np.float32)
    return Contract(
        name="air-handler-anomaly",
        version="1.0.0",
        description="Three virtual sensors - mixed air, supply air, damper position - against what was read.",
        capability=CAPABILITY,
        inputs=tuple(ContractInput(role, UNIT[unit].value) for role, unit, *_ in FEATURES),
        window=WINDOW,
        period=float(PERIOD),
        input="readings",
        output="score",
        meaning="0 is as in normal operation; 0.5 and more is rare there and worth a look.",
        golden=Golden(cases, detector.score(cases.astype(float)).astype(np.float32), 1e-3),
        training=training,
        metrics=metrics,
    )


def main(arguments: Sequence[str] | None = None) -> str:
    """Trains, evaluates and writes the model; returns the SHA-256 of the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the data: to see that it runs, not to use")
    options = parser.parse_args(arguments)
    part, epochs = (0.01, 2) if options.quick else (1.0, 10)

    random = np.random.default_rng([SEED, 1])
    # A sample is a second of the demo: 60, 10 and 1 simulated seconds, so that the demo's pace does not matter.
    train = np.concatenate([
        *(windows(operate(seed, 10 * part, 60), random, 2) for seed in range(1, 5)),
        *(windows(operate(seed, 2 * part, 10), random, 3) for seed in range(11, 14)),
        *(windows(operate(seed, 0.4 * part, 1), random, 6) for seed in range(21, 24)),
    ])  # fmt: skip
    calibrate = np.concatenate([windows(operate(seed, 7 * part, 60), random) for seed in range(31, 35)])
    detector = fit(train, calibrate, epochs)

    normal = np.concatenate([windows(operate(seed, 7 * part, 60), random) for seed in range(101, 104)])
    begins, count = 180, 2 if options.quick else 30
    runs = {
        fault: [operate(seed, 540 * 60 / DAY, 60, fault, begins * 60 / DAY) for seed in range(201, 201 + count)]
        for fault in FAULTS
    }
    slow = np.concatenate([windows(operate(seed, 0.2 * part, 1), random) for seed in range(121, 123)])
    metrics = evaluate(detector, train, normal, slow, runs, begins)
    training = {"seed": SEED, "windows": len(train), "data": "simulated normal operation", "numpy": np.__version__}
    golden = [
        normal[:: max(1, len(normal) // 6)][:6],
        *(windows(runs[fault][0][:, :1], random)[-1:] for fault in FAULTS),
    ]
    text = write_contract(contract(detector, np.concatenate(golden), training, metrics))

    model = helper.make_model(
        graph(detector), producer_name="twin", ir_version=9, opset_imports=[helper.make_opsetid("", 18)]
    )
    helper.set_model_props(model, {METADATA_KEY: text})
    onnx.checker.check_model(model)
    data = model.SerializeToString(deterministic=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    options.out.with_suffix(".sha256").write_text(f"{digest}  {options.out.name}\n")
    print(f"{options.out}: {len(data)} bytes, SHA-256 {digest}")
    for key, value in metrics.items():
        print(f"  {key}: {value}")
    return digest


if __name__ == "__main__":
    main()
