"""The small words of the schema: classes, units, qualities and enumerations."""

from __future__ import annotations

from enum import Enum

import strawberry

from twin import units
from twin.errors import InvalidInput
from twin.graph.twins.records import ClassRecord
from twin.observation import Quality as Code


@strawberry.enum(description="what a twin is: a place, a thing in it, or neither")
class Family(Enum):
    SPACE = "space"
    EQUIPMENT = "equipment"
    OTHER = "other"


@strawberry.enum
class Kind(Enum):
    NUMBER = "number"
    BOOLEAN = "boolean"
    STATE = "state"
    TEXT = "text"
    ARRAY = "array"


@strawberry.enum
class Direction(Enum):
    OUT = "out"
    IN = "in"


@strawberry.enum
class Aggregate(Enum):
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    COUNT = "count"
    FIRST = "first"
    LAST = "last"
    PERCENTILE = "percentile"
    TIME_WEIGHTED_MEAN = "time_weighted_mean"
    INTEGRAL = "integral"
    DIFFERENCE = "difference"
    DURATIONS = "durations"


@strawberry.enum(description="what stands between two samples")
class Missing(Enum):
    HOLD = "hold"
    INTERPOLATE = "interpolate"
    NULL = "null"


@strawberry.enum(description="samples that draw the same picture as all of them, instead of buckets")
class Drawing(Enum):
    LTTB = "lttb"
    MIN_MAX = "min_max"


@strawberry.type(description="a class of a vocabulary")
class Class:
    iri: str
    name: str
    label: str
    vocabulary: str = strawberry.field(description="brick, saref, dtdl, twin or other")

    @staticmethod
    def of(record: ClassRecord) -> Class:
        """The class as the schema shows it."""
        return Class(iri=record.iri, name=record.name, label=record.label, vocabulary=record.vocabulary)


@strawberry.type(description="a unit of measure (QUDT)")
class Unit:
    iri: str
    symbol: str
    label: str


def unit_of(iri: str | None) -> Unit | None:
    """The unit of an IRI; one that no vocabulary here knows is shown by its local name, so that models from elsewhere
    stay readable."""
    if iri is None:
        return None
    try:
        known = units.unit(iri)
    except InvalidInput:
        name = iri.rpartition("/")[2].rpartition("#")[2]
        return Unit(iri=iri, symbol=name, label=name)
    return Unit(iri=known.iri, symbol=known.symbol, label=known.label)


@strawberry.type(description="what is known against a value")
class Quality:
    code: int
    word: str = strawberry.field(description="good, uncertain, bad")
    flags: list[str]


def quality_of(code: int) -> Quality:
    """A quality code in words."""
    known = Code(code)
    return Quality(code=int(known), word=known.word, flags=known.flags)
