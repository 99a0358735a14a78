"""How a vendor codes a quantity: its unit, its words, and the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connectors.simulator.readings import OPERATING_MODES, RUN_STATES


@dataclass(frozen=True, slots=True)
class Coding:
    """What a vendor sends for a value ``x`` of ours: ``x * scale + offset``, or the code of its state, or a ``text``.

    ``codes`` holds the vendor's code for each state index; ``unit`` is the QUDT name of what results, empty when the
    codes say it all.  ``factor`` is what a receiver multiplies the raw number by to get to ``unit`` (1 nearly always).
    """

    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    factor: float = 1.0
    digits: int = 4
    codes: Sequence[object] = field(default=())
    words: Sequence[str] = field(default=())
    text: str = ""

    def encode(self, value: float) -> object:
        """The vendor's form of a value of ours."""
        if self.text:
            return self.text
        if self.codes:
            return self.codes[round(value)]
        return round(value * self.scale + self.offset, self.digits)

    def decode(self, raw: object) -> float:
        """Our value of what a client sent; raises ``ValueError`` when the device cannot take it."""
        if self.codes:
            for index, code in enumerate(self.codes):
                if type(code) is type(raw) and code == raw:
                    return float(index)
            raise ValueError(f"{raw!r} is none of {list(self.codes)}.")
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            raise ValueError(f"{raw!r} is no number.")
        return (raw - self.offset) / self.scale


CELSIUS = Coding("DEG_C")
PERCENT = Coding("PERCENT")
PPM = Coding("PPM", digits=1)
KILOWATTS = Coding("KiloW")
FAHRENHEIT = Coding("DEG_F", scale=1.8, offset=32.0)
CUBIC_FEET_A_MINUTE = Coding("FT3-PER-MIN", scale=1 / 0.4719474432, digits=2)
INCHES_OF_WATER = Coding("IN_H2O", scale=1 / 249.08891, digits=5)
FRACTION = Coding("PERCENT", scale=0.01, factor=100.0, digits=5)
CUBIC_METRES_AN_HOUR = Coding("M3-PER-HR", scale=3.6, digits=3)
KILOPASCALS = Coding("KiloPA", scale=0.001, digits=6)
PASCALS = Coding("PA", digits=2)
WATTS = Coding("W", scale=1000.0, digits=1)
KILOWATT_HOURS = Coding("KiloW-HR", digits=3)
HERTZ = Coding("HZ", digits=3)
HUMIDITY = Coding("PERCENT_RH", digits=2)
IRRADIANCE = Coding("W-PER-M2", digits=1)
SWITCH = Coding(codes=(False, True), words=("false", "true"))


def states(codes: Mapping[str, object]) -> Coding:
    """The coding of operating modes, run states or a boolean, from our words to the vendor's codes."""
    for words in (OPERATING_MODES, RUN_STATES, ("false", "true")):
        if set(words) == set(codes):
            return Coding(codes=tuple(codes[word] for word in words), words=words)
    raise ValueError(f"{sorted(codes)} are the words of no set of states.")
