"""Chiller, boiler and meters: what the coils ask for becomes water temperatures, power and energy."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_CHILLER_WATTS = 60e3
_BOILER_WATTS = 90e3


@dataclass(frozen=True, slots=True)
class Demand:
    """What coils take: the heat or cold they move, in W, and how far the widest valve is open, 0 to 1."""

    load: float
    opening: float


class Plant:
    """Water temperatures (deg C), loads and powers (W) and meter registers (kWh).

    ``setpoints`` are those of chilled and of hot water.  Registers count in the time in which their samples are
    stamped: energy is power x seconds / ``speed``.
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self.setpoints = np.array([7.0, 60.0])
        self.chilled, self.chilled_return = 7.5, 9.0
        self.hot, self.hot_return = 58.0, 52.0
        self.chiller_on = self.boiler_on = True
        self.cooling_load = self.heating_load = self.chiller_power = self.gas_power = self.building_power = 0.0
        self.electricity, self.heat, self.cold = 48_210.0, 31_875.0, 12_640.0

    def step(self, dt: float, outside: float, cooling: Demand, heating: Demand, other_power: float) -> None:
        """Moves the plant on by ``dt`` seconds under the coils' demands and the building's other electric power (W).

        The machines start when a valve opens beyond 5 % and stop when all are shut.
        """
        chilled_setpoint, hot_setpoint = self.setpoints.tolist()
        soft = 1 - math.exp(-dt / 180)
        self.cooling_load += (cooling.load - self.cooling_load) * soft
        self.heating_load += (heating.load - self.heating_load) * soft
        self.chiller_on = cooling.opening > (0.01 if self.chiller_on else 0.05)
        self.boiler_on = heating.opening > (0.01 if self.boiler_on else 0.05)
        lack = max(0.0, self.cooling_load / _CHILLER_WATTS - 1) * 8
        target = chilled_setpoint + lack if self.chiller_on else min(14.0, self.chilled + 0.5)
        self.chilled += (target - self.chilled) * (1 - math.exp(-dt / 240))
        self.chilled_return = self.chilled + self.cooling_load / (_CHILLER_WATTS / 6)
        lack = max(0.0, self.heating_load / _BOILER_WATTS - 1) * 20
        target = hot_setpoint - lack if self.boiler_on else max(35.0, self.hot - 1.0)
        self.hot += (target - self.hot) * (1 - math.exp(-dt / 300))
        self.hot_return = self.hot - self.heating_load / (_BOILER_WATTS / 15)
        performance = max(2.5, 5.2 - 0.08 * (outside - 10) - 0.1 * (7 - chilled_setpoint))
        self.chiller_power = 900 + self.cooling_load / performance if self.chiller_on else 120.0
        efficiency = 0.96 - 0.0015 * max(0.0, self.hot_return - 40)
        self.gas_power = self.heating_load / efficiency + 400 if self.boiler_on else 0.0
        self.building_power = other_power + self.chiller_power + (450 if self.boiler_on else 60)
        hours = dt / self._speed / 3.6e6
        self.electricity += self.building_power * hours
        self.heat += self.heating_load * hours
        self.cold += self.cooling_load * hours
