"""The weather over the office: a mild maritime climate with days, slow fronts and passing clouds."""

from __future__ import annotations

import math

import numpy as np

DAY = 86_400.0
_FRONT_SECONDS = 36 * 3600.0
_CLOUD_SECONDS = 2 * 3600.0


class Weather:
    """Outdoor conditions that move with `step`.

    ``temperature`` deg C, ``irradiance`` W/m2 on the horizontal, ``relative_humidity`` percent, ``seconds`` since a
    Monday midnight.  The day's swing peaks at three in the afternoon; fronts and clouds are Ornstein-Uhlenbeck noise.
    """

    def __init__(self, random: np.random.Generator, seconds: float) -> None:
        self._random = random
        self.seconds = seconds
        self._front = random.normal()
        self._cloud = random.normal()
        self.step(0.0)

    @property
    def hour(self) -> float:
        """The hour of the day, 0 to 24."""
        return (self.seconds % DAY) / 3600

    @property
    def weekend(self) -> bool:
        """Whether it is Saturday or Sunday."""
        return (self.seconds // DAY) % 7 >= 5

    def step(self, seconds: float) -> None:
        """Moves the weather on by simulated ``seconds``."""
        self.seconds += seconds
        front, cloud = self._random.standard_normal(2)
        self._front = _relax(self._front, seconds, _FRONT_SECONDS, front)
        self._cloud = _relax(self._cloud, seconds, _CLOUD_SECONDS, cloud)
        swing = math.cos(2 * math.pi * (self.hour - 15) / 24)
        self.cloudiness = 1 / (1 + math.exp(-1.5 * self._cloud))
        self.temperature = 13.0 + 2.2 * self._front + (6.5 - 3.0 * self.cloudiness) * swing
        self.elevation = max(0.0, math.sin(math.pi * (self.hour - 6.25) / 13.5)) if 6.25 < self.hour < 19.75 else 0.0
        self.irradiance = 820 * self.elevation * (1 - 0.72 * self.cloudiness)
        self.relative_humidity = min(98.0, max(35.0, 72 - 2.4 * (self.temperature - 13) + 8 * self._cloud))

    def on_facades(self, azimuth: np.ndarray) -> np.ndarray:
        """Irradiance in W/m2 on vertical facades that face ``azimuth`` (radians from south, west positive)."""
        sun = math.pi * (self.hour - 13) / 12
        beam = self.irradiance * (1 - self.cloudiness) * np.maximum(0.0, np.cos(azimuth - sun))
        return np.asarray(beam + 0.35 * self.irradiance)


def _relax(value: float, seconds: float, constant: float, noise: float) -> float:
    """One step of an Ornstein-Uhlenbeck process with unit variance, exact for any step length."""
    keep = math.exp(-seconds / constant)
    return keep * value + math.sqrt(1 - keep * keep) * noise
