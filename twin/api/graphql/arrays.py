"""Array values, such as a waveform, as a client sees them."""

from __future__ import annotations

import numpy as np
import strawberry

from twin.api.graphql.scalars import seconds
from twin.api.graphql.values import AS_STORED, Conversion
from twin.observation import Block


@strawberry.type(description="numbers that belong together, in the unit asked for; evenly spaced in time")
class ArrayValue:
    count: int
    step: float = strawberry.field(description="seconds from one to the next; 0: they are not spaced in time")
    start: float = strawberry.field(description="seconds from the observation's time to the first")
    values: list[float | None]


def array_of(block: Block, conversion: Conversion = AS_STORED) -> ArrayValue:
    """The array with its numbers converted; null stands for what is no finite number."""
    scale, offset = conversion
    values = block.values if conversion == AS_STORED else block.values * scale + offset
    numbers: list[float | None] = values.tolist()
    for hole in np.flatnonzero(~np.isfinite(values)).tolist():
        numbers[hole] = None
    return ArrayValue(count=len(numbers), step=seconds(block.step), start=seconds(block.start), values=numbers)
