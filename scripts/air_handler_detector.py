"""The detector behind the air handlers' anomaly model: virtual sensors as small networks, trained with numpy alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[np.float64]

SEED = 20_260_101
WINDOW = 6

# Role of a property, its unit, and what its values are shifted and scaled by for the networks.
FEATURES = (
    ("supply_air_temperature", "DEG_C", 17, 5),
    ("return_air_temperature", "DEG_C", 22, 5),
    ("mixed_air_temperature", "DEG_C", 18, 5),
    ("outside_air_temperature", "DEG_C", 13, 8),
    ("cooling_valve_command", "PERCENT", 25, 50),
    ("heating_valve_command", "PERCENT", 25, 50),
    ("outside_air_damper_command", "PERCENT", 50, 50),
    ("outside_air_damper_position", "PERCENT", 50, 50),
    ("supply_fan_speed", "PERCENT", 60, 50),
    ("supply_air_flow", "L-PER-SEC", 700, 1000),
    ("supply_fan_power", "KiloW", 0.7, 1),
)
ROLES = [role for role, *_ in FEATURES]
SHIFT = np.array([shift for _, _, shift, _ in FEATURES], float)
SCALE = np.array([scale for *_, scale in FEATURES], float)

# What is predicted, from what, and the least spread (in the reading's unit): smaller deviations are of no interest.
HEADS = (
    ("mixed_air_temperature",
     ("return_air_temperature", "outside_air_temperature", "outside_air_damper_command", "supply_fan_speed"), 0.15),
    ("supply_air_temperature",
     ("mixed_air_temperature", "cooling_valve_command", "heating_valve_command", "supply_fan_speed", "supply_air_flow",
      "supply_fan_power"), 0.2),
    ("outside_air_damper_position", ("outside_air_damper_command", "supply_fan_speed"), 2.0),
)  # fmt: skip
HIDDEN = 24
LOG_SPREAD = (-6.0, 3.0)
CLIP = 8.0  # one wild reading counts as much as one that is eight spreads off
STEEPNESS = 1.5
FREEDOM = 4.0  # degrees of freedom of the t: how little a rare large deviation moves the fit


@dataclass
class Head:
    """A virtual sensor: two hidden layers of tanh; out come expected readings and the logarithms of their spread."""

    target: int
    sources: list[int]
    floor: float
    weights: list[Array]

    @staticmethod
    def fresh(target: str, sources: Sequence[str], floor: float, random: np.random.Generator) -> Head:
        sizes = (WINDOW * len(sources), HIDDEN, HIDDEN, 2 * WINDOW)
        weights: list[Array] = []
        for layer, (width, height) in enumerate(pairwise(sizes)):
            weights += [
                random.normal(0, (0.1 if layer == 2 else 1) / np.sqrt(width), (width, height)),
                np.zeros(height),
            ]
        column = ROLES.index(target)
        return Head(column, [ROLES.index(role) for role in sources], floor / SCALE[column], weights)

    def inputs(self, scaled: Array) -> Array:
        return scaled[:, :, self.sources].reshape(len(scaled), -1)

    def layers(self, inputs: Array) -> tuple[Array, Array, Array]:
        w = self.weights
        first = np.tanh(inputs @ w[0] + w[1])
        second = np.tanh(first @ w[2] + w[3])
        return first, second, second @ w[4] + w[5]

    def deviation(self, scaled: Array) -> Array:
        """How far the window's readings are from what is expected, in spreads, [window]."""
        *_, out = self.layers(self.inputs(scaled))
        spread = np.sqrt(np.exp(2 * np.clip(out[:, WINDOW:], *LOG_SPREAD)) + self.floor**2)
        return np.abs(np.clip((scaled[:, :, self.target] - out[:, :WINDOW]) / spread, -CLIP, CLIP).mean(1))

    def gradients(self, inputs: Array, wanted: Array) -> list[Array]:
        """Gradients of the mean negative log likelihood."""
        w = self.weights
        first, second, out = self.layers(inputs)
        own = np.exp(2 * np.clip(out[:, WINDOW:], *LOG_SPREAD))
        variance, off = own + self.floor**2, wanted - out[:, :WINDOW]
        pull = (FREEDOM + 1) / (FREEDOM + off**2 / variance)
        to_mean = -pull * off / variance / off.size
        to_log = (1 - pull * off**2 / variance) * own / variance / off.size
        at_out = np.concatenate([to_mean, to_log], 1)
        at_second = at_out @ w[4].T * (1 - second**2)
        at_first = at_second @ w[2].T * (1 - first**2)
        return [
            inputs.T @ at_first,
            at_first.sum(0),
            first.T @ at_second,
            at_second.sum(0),
            second.T @ at_out,
            at_out.sum(0),
        ]

    def train(self, scaled: Array, random: np.random.Generator, epochs: int, batch: int = 512) -> None:
        """Adam, its step falling along a cosine."""
        inputs, wanted = self.inputs(scaled), scaled[:, :, self.target]
        mean, square = [np.zeros_like(w) for w in self.weights], [np.zeros_like(w) for w in self.weights]
        total, step = epochs * (len(inputs) // batch), 0
        for _ in range(epochs):
            order = random.permutation(len(inputs))
            for at in range(len(inputs) // batch):
                step += 1
                rows = order[at * batch : (at + 1) * batch]
                rate = 2e-3 * (1 + np.cos(np.pi * step / total)) + 1e-5
                for i, gradient in enumerate(self.gradients(inputs[rows], wanted[rows])):
                    mean[i] += 0.1 * (gradient - mean[i])
                    square[i] += 0.001 * (gradient**2 - square[i])
                    corrected = mean[i] / (1 - 0.9**step), square[i] / (1 - 0.999**step)
                    self.weights[i] -= rate * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)


@dataclass
class Detector:
    """The heads, and the deviation at which the score is one half."""

    heads: list[Head]
    middle: float = 0.0

    def deviation(self, window: Array) -> Array:
        scaled = (window - SHIFT) / SCALE
        return np.max([head.deviation(scaled) for head in self.heads], axis=0)

    def score(self, window: Array) -> Array:
        """0 to 1, [window]."""
        return np.asarray(1 / (1 + np.exp(-STEEPNESS * (self.deviation(window) - self.middle))))


def fit(train: Array, calibrate: Array, epochs: int) -> Detector:
    """The detector trained on windows of normal operation; 0.2 % of other normal windows score one half or more."""
    random = np.random.default_rng(SEED)
    detector = Detector([Head.fresh(*head, random) for head in HEADS])
    scaled = (train - SHIFT) / SCALE
    for head in detector.heads:
        head.train(scaled, random, epochs)
    detector.middle = float(np.quantile(detector.deviation(calibrate), 0.998))
    return detector


def graph(detector: Detector) -> onnx.GraphProto:
    """The detector as an ONNX graph, float32; shifts and scales are folded into the first layers."""
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []

    def constant(name: str, value: Any, kind: Any = np.float32) -> str:
        constants.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def node(operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    deviations = []
    for number, head in enumerate(detector.heads):
        h = f"head{number}_"
        shift, scale = np.tile(SHIFT[head.sources], WINDOW), np.tile(SCALE[head.sources], WINDOW)
        w = [head.weights[0] / scale[:, None], head.weights[1] - (shift / scale) @ head.weights[0], *head.weights[2:]]
        taken = node("Gather", ["readings", constant(h + "sources", head.sources, np.int64)], h + "taken", axis=2)
        x = node("Flatten", [taken], h + "flat", axis=1)
        for layer in range(3):
            x = node("Gemm", [x, constant(f"{h}w{layer}", w[2 * layer]), constant(f"{h}b{layer}", w[2 * layer + 1])],
                     f"{h}gemm{layer}")  # fmt: skip
            x = node("Tanh", [x], f"{h}tanh{layer}") if layer < 2 else x
        nodes.append(helper.make_node("Split", [x, constant(h + "halves", [WINDOW, WINDOW], np.int64)],
                                      [h + "expected", h + "log"], axis=1))  # fmt: skip
        low, high = constant(h + "low", LOG_SPREAD[0]), constant(h + "high", LOG_SPREAD[1])
        log = node("Clip", [h + "log", low, high], h + "log_clipped")
        variance = node("Exp", [node("Mul", [log, constant(h + "two", 2)], h + "log2")], h + "own")
        spread = node(
            "Sqrt", [node("Add", [variance, constant(h + "floor", head.floor**2)], h + "variance")], h + "spread"
        )
        read = node("Gather", ["readings", constant(h + "target", head.target, np.int64)], h + "read", axis=2)
        shifted = node("Sub", [read, constant(h + "shift", SHIFT[head.target])], h + "shifted")
        scaled = node("Div", [shifted, constant(h + "scale", SCALE[head.target])], h + "scaled")
        off = node("Div", [node("Sub", [scaled, h + "expected"], h + "off"), spread], h + "spreads")
        clipped = node("Clip", [off, constant(h + "least", -CLIP), constant(h + "most", CLIP)], h + "clipped")
        mean = node("ReduceMean", [clipped, constant(h + "axis", [1], np.int64)], h + "mean", keepdims=1)
        deviations.append(node("Abs", [mean], h + "deviation"))
    all_of_them = node("Concat", deviations, "deviations", axis=1)
    worst = node("ReduceMax", [all_of_them, constant("heads", [1], np.int64)], "deviation", keepdims=0)
    above = node("Sub", [worst, constant("middle", detector.middle)], "above")
    node("Sigmoid", [node("Mul", [above, constant("steepness", STEEPNESS)], "steep")], "score")
    return helper.make_graph(
        nodes, "air-handler-anomaly",
        [helper.make_tensor_value_info("readings", TensorProto.FLOAT, ["twin", WINDOW, len(ROLES)])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["twin"])],
        constants,
    )  # fmt: skip
