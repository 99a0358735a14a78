"""The office behaves like a building: heat, air, control loops, faults, and the same numbers for the same seed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.simulator.physics import FAULTS, Office, trajectory
from connectors.simulator.readings import LIMITS, NAMES

HOUR = 3600.0


def run(office: Office, hours: float) -> None:
    for _ in range(round(hours * 60)):
        office.step(60)


def test_the_same_seed_gives_the_same_numbers() -> None:
    one, other = Office(7), Office(7)
    for office in (one, other):
        office.step(90)
        office.command("ahu-1:supply-air-temperature-setpoint", 18.0)
        office.step(1800)
    assert dict(one.signals()) == dict(other.signals())


def test_another_seed_gives_another_building() -> None:
    assert dict(Office(1).signals()) != dict(Office(2).signals())


def test_every_signal_has_a_finite_value_and_everything_writable_is_a_signal() -> None:
    signals = Office(1).signals()
    assert set(signals) == set(NAMES)
    assert all(math.isfinite(value) for value in signals.values())
    assert set(LIMITS) <= set(signals)


@pytest.mark.parametrize(("hour", "setpoint", "direction"), [(13, 18.0, -1), (2, 26.0, 1)])
def test_a_room_follows_the_air_it_is_given(hour: float, setpoint: float, direction: int) -> None:
    office = Office(3, start=hour * HOUR)
    before = office.signals()["vav-1-02:zone-air-temperature"]
    office.command("vav-1-02:zone-air-temperature-setpoint", setpoint)
    run(office, 1)
    signals = office.signals()
    supplied, now = signals["vav-1-02:discharge-air-temperature"], signals["vav-1-02:zone-air-temperature"]
    assert (supplied - now) * direction > 1.0
    assert (now - before) * direction > 0.5


def test_an_air_handler_holds_the_supply_temperature_it_is_set_to() -> None:
    office = Office(3)
    office.command("ahu-2:supply-air-temperature-setpoint", 18.0)
    run(office, 1)
    assert office.signals()["ahu-2:supply-air-temperature"] == pytest.approx(18.0, abs=0.8)


def test_an_air_handler_that_is_off_moves_no_air() -> None:
    office = Office(3)
    office.command("ahu-2:operating-mode", 0)
    run(office, 0.5)
    signals = office.signals()
    assert signals["ahu-2:supply-fan-status"] == 0
    assert signals["ahu-2:supply-air-flow"] < 30
    assert signals["ahu-1:supply-fan-status"] == 1


def test_rooms_are_occupied_by_day_and_empty_by_night() -> None:
    day = trajectory(2, days=1, dt=600, names=["room-e-01:occupancy", "electricity-meter:power"])
    hour = day["seconds"] / HOUR % 24
    office_hours, night = (hour > 10) & (hour < 12), (hour > 1) & (hour < 5)
    assert day["room-e-01:occupancy"][office_hours].mean() > 0.8
    assert day["room-e-01:occupancy"][night].max() == 0
    assert day["electricity-meter:power"][office_hours].mean() > 2 * day["electricity-meter:power"][night].mean()


def test_a_stuck_damper_shows_only_after_it_is_on_and_only_where_it_should() -> None:
    healthy, faulty = Office(5), Office(5)
    run(healthy, 1)
    run(faulty, 1)
    assert dict(healthy.signals()) == dict(faulty.signals())
    faulty.fault("stuck-damper-ahu-1", True)
    assert faulty.faults == {"stuck-damper-ahu-1"}
    run(healthy, 1)
    run(faulty, 1)
    well, ill = healthy.signals(), faulty.signals()
    assert ill["ahu-1:outside-air-damper-position"] == pytest.approx(8, abs=1)
    assert ill["ahu-1:outside-air-damper-command"] - ill["ahu-1:outside-air-damper-position"] > 25
    assert ill["ahu-1:mixed-air-temperature"] > well["ahu-1:mixed-air-temperature"] + 1.5
    assert ill["ahu-1:cooling-valve-command"] > well["ahu-1:cooling-valve-command"] + 5
    assert ill["ahu-2:mixed-air-temperature"] == pytest.approx(well["ahu-2:mixed-air-temperature"], abs=0.5)
    assert ill["weather-station:outside-air-temperature"] == well["weather-station:outside-air-temperature"]


def test_a_repaired_damper_works_again() -> None:
    office = Office(5)
    office.fault("stuck-damper-ahu-1", True)
    run(office, 0.5)
    office.fault("stuck-damper-ahu-1", False)
    run(office, 0.5)
    signals = office.signals()
    assert office.faults == frozenset()
    assert signals["ahu-1:outside-air-damper-position"] == pytest.approx(
        signals["ahu-1:outside-air-damper-command"], abs=5
    )


def test_a_drifting_sensor_leaves_the_truth_behind_while_its_controller_trusts_it() -> None:
    office = Office(5)
    run(office, 1)
    assert np.allclose(office.units.supply_sensed, office.units.supply)
    office.fault("drifting-sensor-ahu-1", True)
    run(office, 3)
    assert office.signals()["ahu-1:supply-air-temperature"] == pytest.approx(16.0, abs=1.0)
    assert office.units.supply[0] < 14.0
    assert office.units.supply[1] == pytest.approx(16.0, abs=1.0)


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(KeyError):
        Office(1).fault("leaking-roof", True)


def test_the_bench_switches_faults_by_commands_and_reads_them_back() -> None:
    office = Office(1)
    for fault in FAULTS:
        assert office.signals()[f"bench:{fault}"] == 0
        office.command(f"bench:{fault}", 1)
        assert fault in office.faults
        assert office.signals()[f"bench:{fault}"] == 1
        office.command(f"bench:{fault}", 0)
    assert office.faults == frozenset()


def test_a_command_out_of_range_or_to_a_sensor_is_refused_and_changes_nothing() -> None:
    office = Office(1)
    for value in (11.0, 23.0, math.nan):
        with pytest.raises(ValueError, match="takes 12 to 22"):
            office.command("ahu-1:supply-air-temperature-setpoint", value)
    with pytest.raises(KeyError):
        office.command("ahu-1:supply-air-temperature", 15.0)
    assert office.setting("ahu-1:supply-air-temperature-setpoint") == 16.0


def test_a_setting_reads_back_before_time_passes() -> None:
    office = Office(1)
    for name, (low, high) in LIMITS.items():
        for value in (high, low):
            office.command(name, value)
            assert office.signals()[name] == value


def test_energy_is_power_over_the_time_that_stamps_the_samples() -> None:
    office = Office(1, speed=60.0)
    before, used = office.signals()["electricity-meter:energy"], 0.0
    for _ in range(120):
        office.step(60)
        used += office.signals()["electricity-meter:power"] / 3600  # one stamped second
    assert office.signals()["electricity-meter:energy"] - before == pytest.approx(used, rel=0.05)


def test_a_trajectory_has_a_row_for_every_step_and_the_names_asked_for() -> None:
    columns = trajectory(1, days=0.25, dt=60, names=["ahu-1:mixed-air-temperature"])
    assert set(columns) == {"seconds", "ahu-1:mixed-air-temperature"}
    assert all(column.shape == (360,) for column in columns.values())
    assert np.allclose(np.diff(columns["seconds"]), 60)


def test_a_trajectory_of_normal_days_stays_where_a_building_stays() -> None:
    columns = trajectory(4, days=3, dt=120)
    for ahu in ("ahu-1", "ahu-2"):
        assert 12 < columns[f"{ahu}:supply-air-temperature"].min() < columns[f"{ahu}:supply-air-temperature"].max() < 20
        assert np.ptp(columns[f"{ahu}:outside-air-damper-position"]) > 20
        assert columns[f"{ahu}:outside-air-damper-position"].min() > 30
    for room in range(1, 7):
        temperature = columns[f"vav-1-{room:02}:zone-air-temperature"]
        assert 18.5 < temperature.min() < temperature.max() < 26.5


def test_a_trajectory_can_carry_a_fault_from_a_day_on() -> None:
    name = "ahu-1:outside-air-damper-position"
    position = trajectory(4, days=1, dt=120, names=[name], faults=["stuck-damper-ahu-1"], fault_after=0.5)[name]
    assert position[:359].min() > 30
    assert position[365:].max() < 10


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(LIMITS)), st.floats(0, 1)), min_size=1, max_size=12), st.integers(0, 99)
)
def test_whatever_is_commanded_the_office_stays_a_building(orders: list[tuple[str, float]], seed: int) -> None:
    office = Office(seed)
    for name, share in orders:
        low, high = LIMITS[name]
        office.command(
            name, round(low + share * (high - low)) if name.endswith(("mode", "Mode")) else high if share > 0.5 else low
        )
        office.step(600)
    signals = office.signals()
    assert all(math.isfinite(value) for value in signals.values())
    for name, value in signals.items():
        if "temperature" in name.lower():
            assert -10 < value < 80, name
        elif name.endswith(("position", "command", "humidity")):
            assert -2 <= value <= 102, name
        else:
            assert value >= 0, name
