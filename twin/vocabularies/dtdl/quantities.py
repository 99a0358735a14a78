"""Semantic types and units of DTDL as facts: which units a type takes, and what QUDT calls them.

The types and units are those built into DTDL v2 and those of the quantitativeTypes extension (their union is accepted).
An empty QUDT name means that QUDT's published set has no unit of that size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from twin.terms import NamedNode
from twin.vocab import QUANTITYKIND, UNIT

_BITS = ("bit", "byte", "kibibit", "kibibyte", "mebibit", "mebibyte", "gibibit", "gibibyte", "tebibit", "tebibyte",
         "exbibit", "exbibyte", "zebibit", "zebibyte", "yobibit", "yobibyte")  # fmt: skip
_QUDT_BITS = {
    "bit": "BIT", "byte": "BYTE", "kibibyte": "KibiBYTE", "mebibyte": "MebiBYTE", "gibibyte": "GibiBYTE",
    "tebibyte": "TebiBYTE", "exbibyte": "ExbiBYTE", "zebibyte": "ZebiBYTE", "yobibyte": "YobiBYTE",
}  # fmt: skip
_QUDT_RATES = {"bit": "BIT-PER-SEC", "byte": "BYTE-PER-SEC"}


def _names(text: str) -> dict[str, str]:
    pairs = (word.partition("=") for word in text.split())
    return {name: qudt for name, _, qudt in pairs}


UNITS: Mapping[str, Mapping[str, str]] = {
    "AccelerationUnit": _names("centimetrePerSecondSquared=CentiM-PER-SEC2 gForce=G metrePerSecondSquared=M-PER-SEC2"),
    "AngleUnit": _names("degreeOfArc=DEG minuteOfArc=ARCMIN radian=RAD secondOfArc=ARCSEC turn=REV"),
    "AngularAccelerationUnit": _names("radianPerSecondSquared=RAD-PER-SEC2"),
    "AngularVelocityUnit": _names(
        "degreePerSecond=DEG-PER-SEC radianPerSecond=RAD-PER-SEC revolutionPerMinute=REV-PER-MIN"
        " revolutionPerSecond=REV-PER-SEC"
    ),
    "ApparentEnergyUnit": _names(
        "gigavoltAmpereHour= kilovoltAmpereHour=KiloV-A-HR megavoltAmpereHour=MegaV-A-HR voltAmpereHour=V-A-HR"
    ),
    "ApparentPowerUnit": _names(
        "gigavoltAmpere= kilovoltAmpere=KiloV-A megavoltAmpere=MegaV-A millivoltAmpere= voltAmpere=V-A"
    ),
    "AreaUnit": _names(
        "acre=AC hectare=HA squareCentimetre=CentiM2 squareFoot=FT2 squareInch=IN2 squareKilometre=KiloM2"
        " squareMetre=M2 squareMillimetre=MilliM2"
    ),
    "CapacitanceUnit": _names(
        "farad=FARAD microfarad=MicroFARAD millifarad=MilliFARAD nanofarad=NanoFARAD picofarad=PicoFARAD"
    ),
    "Unitless": _names(
        "partsPerBillion=PPB partsPerMillion=PPM partsPerQuadrillion=PPQ partsPerTrillion=PPT percent=PERCENT"
        " unity=UNITLESS"
    ),
    "CurrentUnit": _names("ampere=A kiloampere=KiloA microampere=MicroA milliampere=MilliA"),
    "DataRateUnit": {f"{bits}PerSecond": _QUDT_RATES.get(bits, "") for bits in _BITS},
    "DataSizeUnit": {bits: _QUDT_BITS.get(bits, "") for bits in _BITS},
    "DensityUnit": _names(
        "gramPerCubicMetre=GM-PER-M3 kilogramPerCubicMetre=KiloGM-PER-M3 microgramPerCubicMetre=MicroGM-PER-M3"
        " milligramPerCubicMetre=MilliGM-PER-M3"
    ),
    "LengthUnit": _names(
        "astronomicalUnit=AU centimetre=CentiM foot=FT inch=IN kilometre=KiloM metre=M micrometre=MicroM mile=MI"
        " millimetre=MilliM nanometre=NanoM nauticalMile=MI_N"
    ),
    "ChargeUnit": _names("ampereHour=A-HR coulomb=C milliampereHour=MilliA-HR"),
    "EnergyUnit": _names(
        "britishThermalUnit=BTU_IT electronvolt=EV gigajoule=GigaJ gigawattHour=GigaW-HR joule=J"
        " kiloBritishThermalUnit=KiloBTU_IT kilojoule=KiloJ kilowattHour=KiloW-HR megaelectronvolt=MegaEV"
        " megajoule=MegaJ megawattHour=MegaW-HR milliwattHour=MilliW-HR terawattHour=TeraW-HR wattHour=W-HR"
    ),
    "PowerUnit": _names(
        "britishThermalUnitPerHour=BTU_IT-PER-HR gigajoulePerHour=GigaJ-PER-HR gigawatt=GigaW horsepower=HP"
        " joulePerHour=J-PER-HR joulePerSecond=J-PER-SEC kiloBritishThermalUnitPerHour=KiloBTU_IT-PER-HR"
        " kilojoulePerHour=KiloJ-PER-HR kilojoulePerSecond=KiloJ-PER-SEC kilowatt=KiloW kilowattHourPerYear="
        " megajoulePerHour=MegaJ-PER-HR megawatt=MegaW microwatt=MicroW milliwatt=MilliW tonOfRefrigeration=TON_FG"
        " watt=W"
    ),
    "ForceUnit": _names("newton=N ounce=OZ_F pound=LB_F ton=TON_F_US"),
    "FrequencyUnit": _names("gigahertz=GigaHZ hertz=HZ kilohertz=KiloHZ megahertz=MegaHZ millihertz=MilliHZ"),
    "IlluminanceUnit": _names("footcandle=FC lux=LUX"),
    "InductanceUnit": _names("henry=H microhenry=MicroH millihenry=MilliH"),
    "IonizingRadiationDoseUnit": _names(
        "gray=GRAY microgray=MicroGRAY microsievert=MicroSV milligray=MilliGRAY millisievert=MilliSV sievert=SV"
    ),
    "IrradianceUnit": _names("wattPerSquareMetre=W-PER-M2"),
    "LuminanceUnit": _names("candelaPerSquareMetre=CD-PER-M2"),
    "LuminousFluxUnit": _names("lumen=LM"),
    "LuminousIntensityUnit": _names("candela=CD"),
    "MagneticFluxUnit": _names("maxwell=MX weber=WB"),
    "MagneticInductionUnit": _names("gauss=GAUSS tesla=T"),
    "MassUnit": _names(
        "gram=GM kilogram=KiloGM massPound=LB microgram=MicroGM milligram=MilliGM slug=SLUG tonne=TONNE"
    ),
    "MassFlowRateUnit": _names(
        "gramPerHour=GM-PER-HR gramPerSecond=GM-PER-SEC kilogramPerHour=KiloGM-PER-HR kilogramPerSecond=KiloGM-PER-SEC"
        " massPoundPerHour=LB-PER-HR"
    ),
    "PressureUnit": _names(
        "bar=BAR decapascal=DecaPA hectopascal=HectoPA inchesOfMercury=IN_HG inchesOfWater=IN_H2O kilopascal=KiloPA"
        " millibar=MilliBAR millimetresOfMercury=MilliM_HG pascal=PA poundPerSquareInch=PSI"
    ),
    "RadioactivityUnit": _names("becquerel=BQ gigabecquerel=GigaBQ kilobecquerel=KiloBQ megabecquerel=MegaBQ"),
    "ReactiveEnergyUnit": _names(
        "gigavoltAmpereReactiveHour= kilovoltAmpereReactiveHour=KiloV-A_Reactive-HR"
        " megavoltAmpereReactiveHour=MegaV-A_Reactive-HR voltAmpereReactiveHour=V-A_Reactive-HR"
    ),
    "ReactivePowerUnit": _names(
        "gigavoltAmpereReactive= kilovoltAmpereReactive=KiloV-A_Reactive megavoltAmpereReactive=MegaV-A_Reactive"
        " millivoltAmpereReactive= voltAmpereReactive=V-A_Reactive"
    ),
    "ResistanceUnit": _names("kiloohm=KiloOHM megaohm=MegaOHM milliohm=MilliOHM ohm=OHM"),
    "SoundPressureUnit": _names("bel=B decibel=DeciB"),
    "TemperatureUnit": _names("degreeCelsius=DEG_C degreeFahrenheit=DEG_F kelvin=K"),
    "TimeUnit": _names(
        "day=DAY hour=HR microsecond=MicroSEC millisecond=MilliSEC minute=MIN nanosecond=NanoSEC second=SEC year=YR"
    ),
    "TorqueUnit": _names("newtonMetre=N-M"),
    "VelocityUnit": _names(
        "centimetrePerSecond=CentiM-PER-SEC kilometrePerHour=KiloM-PER-HR kilometrePerSecond=KiloM-PER-SEC knot=KN"
        " metrePerHour=M-PER-HR metrePerSecond=M-PER-SEC milePerHour=MI-PER-HR milePerSecond=MI-PER-SEC"
    ),
    "VoltageUnit": _names("kilovolt=KiloV megavolt=MegaV microvolt=MicroV millivolt=MilliV volt=V"),
    "VolumeUnit": _names(
        "cubicCentimetre=CentiM3 cubicFoot=FT3 cubicInch=IN3 cubicMetre=M3 fluidOunce=OZ_VOL_US gallon=GAL_US litre=L"
        " millilitre=MilliL"
    ),
    "VolumeFlowRateUnit": _names(
        "cubicFootPerMinute=FT3-PER-MIN cubicMetrePerHour=M3-PER-HR cubicMetrePerMinute=M3-PER-MIN"
        " cubicMetrePerSecond=M3-PER-SEC gallonPerHour=GAL_US-PER-HR gallonPerMinute=GAL_US-PER-MIN"
        " litrePerHour=L-PER-HR litrePerMinute=L-PER-MIN litrePerSecond=L-PER-SEC millilitrePerHour=MilliL-PER-HR"
        " millilitrePerMinute=MilliL-PER-MIN millilitrePerSecond=MilliL-PER-SEC"
    ),
}  # fmt: skip
"""Unit types, each with its units: DTDL name to QUDT local name."""


@dataclass(frozen=True, slots=True)
class SemanticType:
    """What a semantic type means: the unit type it takes and the QUDT quantity kind (local name)."""

    unit_type: str
    quantity_kind: str


def _types(text: str) -> dict[str, SemanticType]:
    rows = (line.split() for line in text.strip().splitlines())
    return {name: SemanticType(unit_type, kind) for name, unit_type, kind in rows}


SEMANTIC_TYPES: Mapping[str, SemanticType] = _types("""
    Acceleration AccelerationUnit Acceleration
    Angle AngleUnit Angle
    AngularAcceleration AngularAccelerationUnit AngularAcceleration
    AngularVelocity AngularVelocityUnit AngularVelocity
    ApparentEnergy ApparentEnergyUnit ApparentEnergy
    ApparentPower ApparentPowerUnit ApparentPower
    Area AreaUnit Area
    Capacitance CapacitanceUnit Capacitance
    Concentration Unitless DimensionlessRatio
    Current CurrentUnit ElectricCurrent
    DataRate DataRateUnit DataRate
    DataSize DataSizeUnit InformationCapacity
    Density DensityUnit Density
    Distance LengthUnit Length
    ElectricCharge ChargeUnit ElectricCharge
    Energy EnergyUnit Energy
    EnergyRate PowerUnit Power
    Force ForceUnit Force
    Frequency FrequencyUnit Frequency
    Humidity DensityUnit AbsoluteHumidity
    Illuminance IlluminanceUnit Illuminance
    Inductance InductanceUnit Inductance
    IonizingRadiationDose IonizingRadiationDoseUnit AbsorbedDose
    Irradiance IrradianceUnit Irradiance
    Latitude AngleUnit Angle
    Length LengthUnit Length
    Longitude AngleUnit Angle
    Luminance LuminanceUnit Luminance
    Luminosity PowerUnit Power
    LuminousFlux LuminousFluxUnit LuminousFlux
    LuminousIntensity LuminousIntensityUnit LuminousIntensity
    MagneticFlux MagneticFluxUnit MagneticFlux
    MagneticInduction MagneticInductionUnit MagneticFluxDensity
    Mass MassUnit Mass
    MassFlowRate MassFlowRateUnit MassFlowRate
    Power PowerUnit Power
    Pressure PressureUnit Pressure
    Radioactivity RadioactivityUnit Activity
    ReactiveEnergy ReactiveEnergyUnit ReactiveEnergy
    ReactivePower ReactivePowerUnit ReactivePower
    RelativeDensity Unitless DimensionlessRatio
    RelativeHumidity Unitless RelativeHumidity
    Resistance ResistanceUnit Resistance
    SoundPressure SoundPressureUnit SoundPressureLevel
    Temperature TemperatureUnit Temperature
    Thrust ForceUnit Force
    TimeSpan TimeUnit Time
    Torque TorqueUnit Torque
    Velocity VelocityUnit Velocity
    Voltage VoltageUnit Voltage
    Volume VolumeUnit Volume
    VolumeFlowRate VolumeFlowRateUnit VolumeFlowRate
""")
"""Semantic types by name."""


def quantity_kind(semantic_type: str) -> NamedNode:
    """The QUDT quantity kind of a semantic type; raises ``KeyError`` for a name that is none."""
    return QUANTITYKIND[SEMANTIC_TYPES[semantic_type].quantity_kind]


def qudt_unit(name: str) -> NamedNode | None:
    """The QUDT unit of a DTDL unit name, or None when QUDT has none."""
    for units in UNITS.values():
        if local := units.get(name):
            return UNIT[local]
    return None
