"""The unit of what a rate amounts to over time: power becomes energy, a flow a volume."""

from __future__ import annotations

import re

from twin import units
from twin.api.graphql.values import Conversion
from twin.errors import InvalidInput
from twin.graph.twins.records import PropertyRecord

_TIME = re.compile(r"T(-?\d+)D")
_FIRST = ("J", "M3", "KiloGM")
"""Of several units without a factor, those that are meant."""


def integral_unit(record: PropertyRecord, asked: str | None) -> tuple[str | None, Conversion]:
    """The unit (IRI) in which the property's value times seconds is told, and how it is brought to it.

    The SI unit of what it amounts to unless another is asked for; none where no unit of ours measures it, the figure is
    then in the property's unit times seconds.  Raises `InvalidInput` for a unit of something else.
    """
    if record.unit is None:
        if asked is not None:
            raise InvalidInput(
                f"The model states no unit for {record.name}, so its integral has none.",
                remedy="Leave out the argument unit, or add the property's unit to the model.",
            )
        return None, (1.0, 0.0)
    source = units.unit(record.unit)
    if source.shift:
        raise InvalidInput(
            f"{source.name} counts from a zero of its own: its integral over time means nothing.",
            remedy="Ask for TIME_WEIGHTED_MEAN.",
        )
    wanted = _TIME.sub(lambda found: f"T{int(found[1]) + 1}D", source.dimension)
    if asked is not None:
        target = units.unit(asked)
        if target.dimension != wanted:
            raise InvalidInput(
                f"{source.name} over time does not amount to {target.name}.",
                remedy="Power amounts to J, W-HR or KiloW-HR; a flow to M3 or L.",
            )
        return target.iri, (source.factor / target.factor, 0.0)
    alike = [
        each for each in units.units().values() if each.dimension == wanted and each.factor == 1 and not each.shift
    ]
    alike.sort(key=lambda each: (each.name not in _FIRST, each.name))
    return (alike[0].iri, (source.factor, 0.0)) if alike else (None, (1.0, 0.0))
