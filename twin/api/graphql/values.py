"""Values as a client sees them: numbers in the unit asked for, states as words, booleans as booleans."""

from __future__ import annotations

import math

from twin import units
from twin.api.graphql.scalars import Value
from twin.errors import InvalidInput
from twin.graph.twins.records import PropertyRecord

Conversion = tuple[float, float]
"""Scale and offset: shown = stored * scale + offset."""
AS_STORED: Conversion = (1.0, 0.0)


def conversion_of(record: PropertyRecord, unit: str | None) -> Conversion:
    """How the property's numbers become numbers of ``unit``; raises `InvalidInput` when they cannot."""
    if unit is None:
        return AS_STORED
    if record.kind not in ("number", "array"):
        raise InvalidInput(f"{record.name} is a {record.kind} and has no unit.", remedy="Leave out the argument unit.")
    target = units.unit(unit)
    if record.unit is None:
        raise InvalidInput(
            f"The model states no unit for {record.name}, so it cannot be converted to {target.name}.",
            remedy="Leave out the argument unit, or add the property's unit to the model.",
        )
    return units.conversion(units.unit(record.unit), target, record.quantity_kind)


def number(value: float | None, conversion: Conversion = AS_STORED) -> float | None:
    """A number converted; None for none and for what is no finite number."""
    if value is None or not math.isfinite(value):
        return None
    scale, offset = conversion
    return float(value) if conversion == AS_STORED else value * scale + offset


def value_of(
    record: PropertyRecord, value: float | None, text: str | None, conversion: Conversion = AS_STORED
) -> Value | None:
    """What a stored value says: a number, a boolean, a state's word or a text; None when there is none."""
    if record.kind == "text":
        return None if text is None else Value(text)
    found = number(value, conversion)
    if found is None:
        return None
    if record.kind == "boolean":
        return Value(found != 0.0)
    if record.kind == "state":
        index = round(found)
        return Value(record.states[index]) if 0 <= index < len(record.states) else None
    return Value(found)


def shown_unit(record: PropertyRecord, unit: str | None) -> str | None:
    """The IRI of the unit in which numbers are shown."""
    return units.unit(unit).iri if unit is not None else record.unit
