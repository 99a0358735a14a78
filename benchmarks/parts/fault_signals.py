"""Signals of a building for a month, and the faults that sensors have, by seed: nothing here knows of thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DAY = 86_400
Signal = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SignalKind:
    """A kind of signal: the class and unit of its property, whether it is written, and which faults its sensor has,
    each with how large it is in the unit (least and greatest)."""

    name: str
    cls: str
    unit: str
    faults: dict[str, tuple[float, float]]
    writable: bool = False
    kind: str = "number"


KINDS = (
    SignalKind("zone temperature", "Zone_Air_Temperature_Sensor", "DEG_C",
               {"spike": (4, 20), "stuck": (0, 0), "range": (20, 200), "jump": (4, 12), "dropout": (0, 0),
                "drift": (3, 5)}),
    SignalKind("supply temperature", "Supply_Air_Temperature_Sensor", "DEG_C",
               {"spike": (10, 60), "stuck": (0, 0), "range": (80, 300), "jump": (18, 30), "dropout": (0, 0)}),
    SignalKind("outside temperature", "Outside_Air_Temperature_Sensor", "DEG_C",
               {"spike": (5, 30), "stuck": (0, 0), "range": (60, 300), "jump": (5, 15), "dropout": (0, 0)}),
    SignalKind("humidity", "Relative_Humidity_Sensor", "PERCENT_RH",
               {"spike": (15, 40), "stuck": (0, 0), "range": (80, 200), "jump": (25, 40), "dropout": (0, 0)}),
    SignalKind("carbon dioxide", "CO2_Sensor", "PPM",
               {"spike": (400, 3000), "stuck": (0, 0), "range": (20_000, 60_000), "jump": (600, 2000),
                "dropout": (0, 0)}),
    SignalKind("water temperature", "Water_Temperature_Sensor", "DEG_C",
               {"spike": (10, 60), "stuck": (0, 0), "range": (200, 400), "jump": (25, 40), "dropout": (0, 0)}),
    SignalKind("air flow", "Air_Flow_Sensor", "L-PER-SEC",
               {"stuck": (0, 0), "range": (200_000, 400_000), "dropout": (0, 0)}),
    SignalKind("power", "Electric_Power_Sensor", "KiloW",
               {"stuck": (0, 0), "range": (90_000, 200_000), "dropout": (0, 0)}),
    SignalKind("valve command", "Valve_Command", "PERCENT", {"range": (20, 80), "dropout": (0, 0)}, writable=True),
    SignalKind("setpoint", "Zone_Air_Temperature_Setpoint", "DEG_C",
               {"range": (200, 400), "dropout": (0, 0)}, writable=True),
    SignalKind("fan status", "Fan_Status", "UNITLESS", {"dropout": (0, 0)}, kind="boolean"),
)  # fmt: skip


def clean(kind: str, random: np.random.Generator, seconds: Signal) -> Signal:
    """A signal without faults, as its instrument says it: with noise, resolution and the habits of its kind."""
    n = len(seconds)
    day = 2 * np.pi * (seconds % DAY) / DAY
    hour = (seconds % DAY) / 3600
    weekday = (seconds // DAY) % 7 < 5
    start, end = random.uniform(5.5, 8), random.uniform(16.5, 20)
    on = weekday & (hour > start) & (hour < end)
    slow = _wander(random, n, 0.002)
    if kind == "zone temperature":
        level = random.uniform(20.5, 23)
        value = level + 0.8 * np.sin(day - 2.2) + _lag(on * 1.2, 60) + 0.8 * slow + random.normal(0, 0.04, n)
        return np.round(value / 0.1) * 0.1
    if kind == "supply temperature":
        reset = random.uniform(12, 17) + 1.5 * np.sin(day / 2) + 0.5 * slow
        value = _lag(np.where(on, reset, 21.5 + 1.5 * np.sin(day - 2)), 12) + random.normal(0, 0.12, n)
        return np.round(value / 0.1) * 0.1
    if kind == "outside temperature":
        value = random.uniform(2, 20) + 5 * np.sin(day - 2.4) + 4 * slow + random.normal(0, 0.08, n)
        return np.round(value / 0.1) * 0.1
    if kind == "humidity":
        value = random.uniform(38, 55) + 6 * np.sin(day) + 5 * slow + random.normal(0, 0.3, n)
        return np.clip(np.round(value), 5, 95) if random.random() < 0.3 else np.round(value, 1)
    if kind == "carbon dioxide":
        people = np.clip(_wander(random, n, 0.01) + 0.8, 0, 3) * on
        return np.round(425 + _lag(people * 400, 35) + 8 * slow + random.normal(0, 4, n))
    if kind == "water temperature":
        flow = np.where((hour > 4.5) & (hour < 22), random.uniform(45, 70), random.uniform(30, 40))
        value = _lag(flow, 40) + 1.2 * np.sin(seconds / 900) + random.normal(0, 0.1, n)
        return np.round(value / 0.1) * 0.1
    if kind == "air flow":
        value = np.where(on, random.uniform(400, 3000) * (1 + 0.1 * np.sin(day * 3)) + random.normal(0, 12, n), 0.0)
        return np.round(value)
    if kind == "power":
        steps = (np.floor(seconds / random.integers(900, 5400)) * 2654435761 % 97) / 97 > 0.55
        value = np.where(on, random.uniform(2, 30), 0.0) + np.where(on & steps, random.uniform(1, 10), 0.0)
        return np.round(np.where(value > 0, value + random.normal(0, 0.05, n), 0.0), 2)
    if kind == "valve command":
        return np.round(np.clip(50 + 90 * _wander(random, n, 0.004), 0, 100) * on)
    if kind == "setpoint":
        return np.where(on, random.choice([21.0, 21.5, 22.0]), 17.0)
    return on.astype(np.float64)


def _wander(random: np.random.Generator, n: int, pull: float) -> Signal:
    """A mean-reverting walk of variance near one."""
    return _followed(random.normal(0, 1, n) * np.sqrt(2 * pull), 1 - pull, 0.0)


def _lag(value: Signal, minutes: float) -> Signal:
    """What a body of that time constant makes of it."""
    gain = 1 / (minutes + 1)
    return _followed(value * gain, 1 - gain, float(value[0]))


def _followed(pushed: Signal, kept: float, first: float) -> Signal:
    """Each step keeps a part of the one before it and is pushed."""
    level, found = first, []
    for push in pushed.tolist():
        level = level * kept + push
        found.append(level)
    return np.array(found)
