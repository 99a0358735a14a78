"""Air handlers: mixing box, coils, fan, and the loops that hold supply temperature and duct pressure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from connectors.simulator.zones import AIR_HEAT, OUTSIDE_CO2, Column

OFF, AUTOMATIC, MANUAL = 0, 1, 2
"""Operating modes: ``MANUAL`` runs the fan at a fixed 60 %."""
_STROKE_SECONDS = 75.0
_STUCK_AT = 0.08
_DRIFT_PER_HOUR = 1.5
_DRIFT_LIMIT = 4.0


class AirHandlers:
    """``n`` air handlers as columns: deg C, Pa, L/s, W; positions and speeds 0 to 1.

    The first unit can fail: ``stuck`` pulls its outdoor-air damper shut (its return spring won) and leaves it there,
    ``drifting`` lets its supply-air sensor, which its own controller trusts, read higher and higher.
    """

    def __init__(self, design_flow: Column) -> None:
        n = len(design_flow)
        self.design_flow = design_flow
        self.mode = np.full(n, AUTOMATIC, np.intp)
        self.temperature_setpoint = np.full(n, 16.0)
        self.pressure_setpoint = np.full(n, 250.0)
        self.stuck = False
        self.drifting = False
        self.drift = 0.0
        self.minimum_outside = 0.35
        self.returning = np.full(n, 22.0)
        self.return_co2 = np.full(n, 500.0)
        self.mixed = np.full(n, 17.0)
        self.supply = np.full(n, 16.0)
        self.pressure = np.full(n, 250.0)
        self.speed = np.full(n, 0.6)
        self.damper_command = np.full(n, 0.5)
        self.damper = np.full(n, 0.5)
        self.heating = np.zeros(n)
        self.cooling = np.zeros(n)
        self.flow = design_flow * 0.4
        self.fan_power = np.zeros(n)
        self.heat = np.zeros(n)
        self.cold = np.zeros(n)
        self._call = np.full(n, 0.3)  # -1..0 heats, 0..1 opens the outdoor air, 1..2 cools
        self._error = np.zeros(n)
        self._pressure_error = np.zeros(n)

    @property
    def supply_sensed(self) -> Column:
        """What the supply-air sensors say, drift included."""
        sensed = self.supply.copy()
        sensed[0] += self.drift
        return sensed

    @property
    def supply_co2(self) -> Column:
        """CO2 of the mixed air in ppm."""
        return np.asarray(self.return_co2 + self._outside_share() * (OUTSIDE_CO2 - self.return_co2))

    @property
    def pressure_ratio(self) -> Column:
        """Duct pressure as a ratio to the design pressure of 250 Pa."""
        return np.asarray(self.pressure / 250.0)

    @property
    def filter_pressure(self) -> Column:
        """Pressure difference over the filter in Pa."""
        return np.asarray(110 * (self.flow / self.design_flow) ** 2)

    def step(self, dt: float, outside: float, flow: Column, returning: Column, return_co2: Column, cold_water: float,
             hot_water: float) -> None:  # fmt: skip
        """Moves the units on by ``dt`` seconds, given what the boxes take (L/s) and what the rooms give back."""
        running = self.mode != OFF
        self.flow = flow
        moving = 1 - np.exp(-dt * np.maximum(flow, 0.02 * self.design_flow) / self.design_flow / 60)
        self.returning += (returning + 0.4 - self.returning) * moving
        self.return_co2 += (return_co2 - self.return_co2) * moving
        self._fan(dt, running)
        self._sequence(dt, outside, running)
        self._faults(dt)
        share = self._outside_share()
        self.mixed += (self.returning + share * (outside - self.returning) - self.mixed) * moving
        carried = AIR_HEAT * flow
        warm = self.heating * 0.45 * np.maximum(0.0, hot_water - self.mixed)
        cool = self.cooling * 0.75 * np.maximum(0.0, self.mixed - cold_water)
        self.heat, self.cold = carried * warm, carried * cool
        fan = np.where(flow > 0.02 * self.design_flow, self.fan_power * 0.8 / np.maximum(carried, 20.0), 0.0)
        self.supply += (self.mixed + warm - cool + fan - self.supply) * moving

    def _outside_share(self) -> Column:
        return np.asarray(0.01 + 0.99 * self.damper)

    def _fan(self, dt: float, running: npt.NDArray[np.bool_]) -> None:
        error = (self.pressure_setpoint - self.pressure) / 250
        automatic = np.clip(self.speed + 0.25 * (error - self._pressure_error) + 0.25 / 60 * error * dt, 0.15, 1.0)
        target = np.where(running, np.where(self.mode == MANUAL, 0.6, automatic), 0.0)
        self._pressure_error = error
        self.speed += np.clip(target - self.speed, -dt / 45, dt / 45)
        ratio = self.flow / self.design_flow
        settled = np.maximum(0.0, 640 * self.speed**2 - 190 * ratio**2)
        self.pressure += (settled - self.pressure) * (1 - np.exp(-dt / 20))
        self.fan_power = np.where(self.speed > 0.01, 60 + self.design_flow * 1.4 * self.speed**3, 0.0)

    def _sequence(self, dt: float, outside: float, running: npt.NDArray[np.bool_]) -> None:
        """Heating valve, then outdoor air, then cooling valve: one loop, so that they never fight."""
        error = self.supply_sensed - self.temperature_setpoint
        change = error - self._error
        self._error = error
        self._call = np.clip(self._call + 0.035 * change + 0.035 / 240 * error * dt, -1.0, 2.0)
        free = outside < self.returning - 0.5
        opened = np.where(free, np.clip(self._call, 0.0, 1.0), 0.0)
        wanted = self.minimum_outside + (1 - self.minimum_outside) * opened
        self.damper_command = np.where(running, wanted, 0.0)
        reach = dt / _STROKE_SECONDS
        self.damper += np.clip(self.damper_command - self.damper, -reach, reach)
        self.heating += np.clip(np.where(running, np.clip(-self._call, 0, 1), 0.0) - self.heating, -reach, reach)
        self.cooling += np.clip(np.where(running, np.clip(self._call - 1, 0, 1), 0.0) - self.cooling, -reach, reach)

    def _faults(self, dt: float) -> None:
        if self.stuck:
            self.damper[0] = _STUCK_AT
        if self.drifting:
            self.drift = min(_DRIFT_LIMIT, self.drift + _DRIFT_PER_HOUR * dt / 3600)
        else:
            self.drift = 0.0
