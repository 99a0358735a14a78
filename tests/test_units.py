"""Units and quantity kinds as QUDT states them, and conversion between units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import InvalidInput
from twin.units import (
    Unit,
    conversion,
    convert,
    converts,
    narrowest,
    quantity_kind,
    quantity_kinds,
    unit,
    units,
)
from twin.vocab import BRICK, QUANTITYKIND, UNIT

ALL = sorted(units().values(), key=lambda each: each.iri)
PAIRS = [(one, other) for one in ALL for other in ALL if converts(one, other)]
values = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (32, "DEG_F", "DEG_C", 0),
        (212, "DEG_F", "DEG_C", 100),
        (-40, "DEG_F", "DEG_C", -40),
        (20, "DEG_C", "K", 293.15),
        (0, "K", "DEG_F", -459.67),
        (491.67, "DEG_R", "DEG_C", 0),
        (1000, "FT3-PER-MIN", "L-PER-SEC", 471.9474432),
        (1, "M3-PER-HR", "L-PER-SEC", 1 / 3.6),
        (100, "GAL_US-PER-MIN", "L-PER-SEC", 6.30901964),
        (1, "IN_H2O", "PA", 249.08891),
        (1, "PSI", "KiloPA", 6.894757293168361),
        (1, "ATM", "BAR", 1.01325),
        (1, "TON_FG", "KiloW", 3.5168528420666667),
        (12000, "BTU_IT-PER-HR", "TON_FG", 1),
        (1, "HP", "W", 745.6998715822702),
        (1, "KiloW-HR", "MegaJ", 3.6),
        (1, "THERM_US", "KiloW-HR", 29.30011111111111),
        (50, "PERCENT", "UNITLESS", 0.5),
        (400, "PPM", "PERCENT", 0.04),
        (45, "PERCENT", "PERCENT_RH", 45),
        (60, "REV-PER-MIN", "REV-PER-SEC", 1),
        (180, "DEG", "RAD", 3.141592653589793),
        (1, "FC", "LUX", 10.763910416709722),
        (1, "BTU_IT-PER-LB", "KiloJ-PER-KiloGM", 2.326),
        (1, "HR", "SEC", 3600),
        (60, "MI-PER-HR", "KiloM-PER-HR", 96.56064),
        (1, "BYTE", "BIT", 8),
    ],
)
def test_known_values_convert(value: float, source: str, target: str, expected: float) -> None:
    assert convert(value, unit(source), unit(target)) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_a_difference_of_temperatures_converts_without_the_offset_of_the_scale() -> None:
    for kind in (QUANTITYKIND.TemperatureDifference, BRICK.Differential_Temperature):
        assert convert(18, unit("DEG_F"), unit("DEG_C"), kind.value) == pytest.approx(10)
    assert convert(18, unit("DEG_F"), unit("DEG_C"), QUANTITYKIND.Temperature.value) == pytest.approx(
        -7.777777777777778
    )
    assert convert(10, unit("DEG_C"), unit("K"), BRICK.Differential_Temperature.value) == 10


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("DEG_C", "KiloW"),
        ("HZ", "REV-PER-MIN"),
        ("J", "N-M"),
        ("W", "V-A"),
        ("V-A", "V-A_Reactive"),
        ("DEG", "UNITLESS"),
        ("PA", "PERCENT"),
        ("DeciB", "UNITLESS"),
    ],
)
def test_units_of_different_quantities_do_not_convert(source: str, target: str) -> None:
    assert not converts(unit(source), unit(target))
    with pytest.raises(InvalidInput, match=f"{source} does not convert to {target}"):
        conversion(unit(source), unit(target))


@given(st.sampled_from(PAIRS), values)
def test_converting_there_and_back_gives_the_value(pair: tuple[Unit, Unit], value: float) -> None:
    one, other = pair
    there = convert(value, one, other)
    assert convert(there, other, one) == pytest.approx(value, rel=1e-9, abs=1e-6)


@given(st.sampled_from(PAIRS), values)
def test_converting_by_way_of_a_third_unit_changes_nothing(pair: tuple[Unit, Unit], value: float) -> None:
    one, other = pair
    for middle in (each for each in ALL if each.dimension == one.dimension):
        if converts(one, middle) and converts(middle, other):
            straight = convert(value, one, other)
            around = convert(convert(value, one, middle), middle, other)
            assert around == pytest.approx(straight, rel=1e-9, abs=1e-6 * max(abs(conversion(one, other)[0]), 1.0))


@given(st.sampled_from(PAIRS))
def test_what_converts_one_way_converts_the_other(pair: tuple[Unit, Unit]) -> None:
    assert converts(pair[1], pair[0])


@given(st.sampled_from(PAIRS), values, values)
def test_conversion_keeps_ratios_of_differences(pair: tuple[Unit, Unit], a: float, b: float) -> None:
    one, other = pair
    scale, _offset = conversion(one, other)
    got = convert(a, one, other) - convert(b, one, other)
    assert got == pytest.approx((a - b) * scale, rel=1e-6, abs=1e-6 * max(abs(scale), 1.0))


@pytest.mark.parametrize("name", ["DEG_C", "unit:DEG_C", UNIT.DEG_C.value, "°C", " DEG_C "])
def test_a_unit_is_found_by_name_iri_or_symbol(name: str) -> None:
    assert unit(name).iri == UNIT.DEG_C.value


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("degc", "DEG_C"),
        ("unit:DEGC", "DEG_C"),
        ("http://qudt.org/vocab/unit/CFM", "FT3-PER-MIN"),
        ("gpm", "GAL_US-PER-MIN"),
        ("KW", "KiloW"),
        ("Fahrenheit", "DEG_F"),
        ("kilowatt hours", "KiloW-HR"),
    ],
)
def test_an_unknown_unit_is_refused_with_the_nearest_name(name: str, nearest: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        unit(name)
    assert refused.value.remedy == f"Did you mean {nearest}?"


@given(st.text(max_size=30))
def test_any_text_is_a_unit_or_a_refusal(text: str) -> None:
    try:
        found = unit(text)
    except InvalidInput:
        return
    assert found.iri in units()


def test_an_unknown_quantity_kind_is_refused_with_the_nearest_name() -> None:
    assert quantity_kind("Temperature").iri == QUANTITYKIND.Temperature.value
    assert quantity_kind("quantitykind:Power").iri == QUANTITYKIND.Power.value
    assert quantity_kind(BRICK.Position.value).iri == BRICK.Position.value
    with pytest.raises(InvalidInput) as refused:
        quantity_kind(QUANTITYKIND.Temprature.value)
    assert refused.value.remedy == "Did you mean Temperature?"


def test_a_temperature_is_measured_in_degrees_and_not_in_watts() -> None:
    assert QUANTITYKIND.Temperature.value in unit("DEG_F").quantity_kinds
    assert QUANTITYKIND.DewPointTemperature.value in unit("DEG_F").quantity_kinds
    assert QUANTITYKIND.Temperature.value not in unit("KiloW").quantity_kinds
    assert QUANTITYKIND.ReactivePower.value not in unit("KiloW").quantity_kinds


@pytest.mark.parametrize(
    ("kinds", "meant"),
    [
        ({QUANTITYKIND.PressureRatio, QUANTITYKIND.RelativeHumidity}, {QUANTITYKIND.RelativeHumidity}),
        ({QUANTITYKIND.Dimensionless, QUANTITYKIND.Volume}, {QUANTITYKIND.Volume}),
        ({QUANTITYKIND.Temperature, BRICK.Differential_Temperature}, {BRICK.Differential_Temperature}),
        ({QUANTITYKIND.ElectricPower, QUANTITYKIND.ReactivePower}, {QUANTITYKIND.ReactivePower}),
        ({QUANTITYKIND.Dimensionless}, {QUANTITYKIND.Dimensionless}),
        ({QUANTITYKIND.Power, QUANTITYKIND.Volume}, {QUANTITYKIND.Power, QUANTITYKIND.Volume}),
    ],
)
def test_of_several_quantity_kinds_the_most_exact_is_meant(kinds: set[object], meant: set[object]) -> None:
    assert narrowest(kind.value for kind in kinds) == {kind.value for kind in meant}  # nodes


def test_every_unit_says_what_it_measures_in_one_dimension() -> None:
    kinds = quantity_kinds()
    for each in ALL:
        assert each.label, each.name
        assert each.factor > 0, each.name
        assert {kinds[kind].dimension for kind in each.measures} == {each.dimension}, each.name


def test_symbols_are_told_apart() -> None:
    symbols = [each.symbol for each in ALL if each.symbol]
    assert len(set(symbols)) == len(symbols)
    assert unit("UNITLESS").symbol == ""
