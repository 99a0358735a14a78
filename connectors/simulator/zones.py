"""Rooms and the boxes that serve them: heat, air and people, as columns over all rooms at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from connectors.simulator.layout import Room
from connectors.simulator.weather import Weather

Column = npt.NDArray[np.float64]

AIR_HEAT = 1.2
"""Watts that a litre per second of air carries per kelvin."""
_PERSON_WATTS = 75.0
_PERSON_CO2 = 5.2e3  # ppm x L/s breathed out by one person
_STROKE_SECONDS = 90.0
OUTSIDE_CO2 = 420.0


class Zones:
    """Rooms as columns, each with a box that throttles and reheats the air of one air handler.

    Temperatures are deg C, flows L/s, positions 0 to 1, heat W, CO2 ppm.
    """

    def __init__(self, random: np.random.Generator, rooms: Sequence[Room]) -> None:
        n = len(rooms)
        self._random = random
        self.area = area = np.array([room.area for room in rooms])
        self.azimuth = np.array([room.azimuth for room in rooms])
        self.seats = seats = np.array([float(room.seats) for room in rooms])
        self.served_by = np.array([room.served_by for room in rooms], np.intp)
        self.reheat_capacity = np.array([room.reheat for room in rooms])
        self.meeting = seats / area > 0.2
        spread = random.uniform(0.9, 1.1, (4, n))
        self.air_capacity = area * 24e3 * spread[0]
        self.mass_capacity = area * 160e3 * spread[1]
        self.facade = area * 0.75 * spread[2]
        self.to_mass = area * 5.0
        self.aperture = area * 0.06 * spread[3]
        self.volume = area * 3.0 * 1000
        self.maximum_flow = area * 6.0 + seats * 7.0
        self.minimum_flow = 0.2 * self.maximum_flow
        self._late = random.normal(0.0, 0.4, n)
        self._booked = np.zeros(n)
        self._booked_hour = -1
        self.temperature = 21.5 + random.normal(0.0, 0.3, n)
        self.mass = 21.5 + random.normal(0.0, 0.2, n)
        self.setpoint = np.full(n, 22.0)
        self.co2 = np.full(n, 500.0)
        self.people = np.zeros(n)
        self.lights = np.ones(n)
        self.damper = np.full(n, 0.4)
        self.valve = np.zeros(n)
        self.flow = self.minimum_flow.copy()
        self.discharge = np.full(n, 18.0)
        self.heat = np.zeros(n)
        self.electric_power = np.zeros(n)
        self._before = self.temperature
        self._cooling = np.zeros(n)
        self._heating = np.zeros(n)

    def presence(self, weather: Weather) -> Column:
        """How many people sit in each room now: office hours with late starts and lunch, meetings by the hour."""
        if weather.weekend:
            return np.zeros(len(self.area))
        hour = weather.hour - self._late
        ramp = np.clip((hour - 7.5) / 1.5, 0, 1) * np.clip((18.5 - hour) / 2.0, 0, 1)
        lunch = 1 - 0.5 * np.exp(-(((hour - 12.5) / 0.45) ** 2))
        if int(weather.hour) != self._booked_hour:
            self._booked_hour = int(weather.hour)
            self._booked = (self._random.random(len(self.area)) < 0.6) * self._random.uniform(0.3, 1.0, len(self.area))
        share = np.where(self.meeting, self._booked * (ramp > 0.5), 0.85 * ramp * lunch)
        return np.asarray(np.rint(self.seats * share))

    def step(
        self, dt: float, weather: Weather, supply: Column, supply_co2: Column, pressure_ratio: Column, hot_water: float
    ) -> None:
        """Moves every room on by ``dt`` seconds, given each air handler's supply temperature, CO2 and duct pressure
        (as a ratio to its design), and the temperature of the hot water."""
        by = self.served_by
        self.people = self.presence(weather)
        self._control(dt, occupied=not weather.weekend and 6.5 <= weather.hour < 19.0)
        drive = np.sqrt(np.maximum(pressure_ratio[by], 0.0))
        wanted = self.minimum_flow + self._cooling * (self.maximum_flow - self.minimum_flow)
        target = np.clip(wanted / (1.35 * self.maximum_flow * np.maximum(drive, 0.15)), 0.05, 1.0)
        self.damper += np.clip(target - self.damper, -dt / _STROKE_SECONDS, dt / _STROKE_SECONDS)
        self.flow = self.damper * 1.35 * self.maximum_flow * drive
        self.valve += np.clip(self._heating - self.valve, -dt / _STROKE_SECONDS, dt / _STROKE_SECONDS)
        carried = AIR_HEAT * np.maximum(self.flow, 1.0)
        lift = np.minimum(self.valve * self.reheat_capacity * max(0.0, hot_water - 20) / 40 / carried, 28.0)
        self.discharge += (supply[by] + lift - self.discharge) * (1 - np.exp(-dt / 40))
        self.heat = AIR_HEAT * self.flow * lift
        self._air(dt, weather, supply_co2[by])

    def _air(self, dt: float, weather: Weather, supply_co2: Column) -> None:
        self.electric_power = self.area * (1.5 + 6.0 * self.lights * (self.people > 0)) + self.people * 60
        gains = self.people * _PERSON_WATTS + self.electric_power + self.aperture * weather.on_facades(self.azimuth)
        carried = AIR_HEAT * self.flow
        conductance = carried + self.facade + self.to_mass
        flows_in = carried * self.discharge + self.facade * weather.temperature + self.to_mass * self.mass + gains
        rest = flows_in / conductance
        self.temperature = rest + (self.temperature - rest) * np.exp(-conductance * dt / self.air_capacity)
        self.mass += (self.temperature - self.mass) * (1 - np.exp(-self.to_mass * dt / self.mass_capacity))
        ventilation = np.maximum(self.flow, 0.05 * self.maximum_flow)
        settled = supply_co2 + self.people * _PERSON_CO2 / ventilation
        self.co2 = settled + (self.co2 - settled) * np.exp(-ventilation * dt / self.volume)

    def _control(self, dt: float, *, occupied: bool) -> None:
        """Two proportional-integral loops about the setpoint, with a wide dead band when nobody is expected."""
        band = 0.4 if occupied else 2.0
        warm, cold = self.temperature - self.setpoint - band, self.setpoint - band - self.temperature
        change = self.temperature - self._before
        self._before = self.temperature
        self._cooling = np.clip(self._cooling + 0.6 * change + 0.6 / 900 * warm * dt, 0.0, 1.0)
        self._heating = np.clip(self._heating - 0.6 * change + 0.6 / 900 * cold * dt, 0.0, 1.0)
