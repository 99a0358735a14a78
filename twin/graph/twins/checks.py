"""The checks that the graph states for a property: on it, on its classes, on its quantity kind; the nearest wins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from twin.errors import InvalidInput
from twin.graph.overlay import QuadView
from twin.graph.twins.records import PropertyRecord
from twin.terms import Literal, NamedNode
from twin.units import conversion, quantity_kinds, unit
from twin.vocab import QUDT, TWIN, site_graph

__all__ = ["CHECK_TERMS", "StatedChecks", "number_of", "read_checks", "scale_to", "stated_by_class"]

_LEVELS = ("minimum", "maximum", "restsBelow", "restsAbove")
_MAGNITUDES = ("maximumRate", "spikeFloor", "flatlineBand", "driftTolerance")
_PLAIN = ("spikeDeviations", "flatlineAfter", "expectedPeriod", "gapAfter")
_CHECK_OF = {
    "minimum": "range", "maximum": "range", "maximumRate": "rate", "spikeDeviations": "spike",
    "flatlineAfter": "flatline", "expectedPeriod": "period", "gapAfter": "gap", "driftTolerance": "drift",
}  # fmt: skip
_OF_WRITTEN = frozenset(("minimum", "maximum", "expectedPeriod", "gapAfter"))
"""What a class says also of a property that is written: it is no measurement, and may jump and rest."""
_OF_NO_NUMBER = frozenset(("expectedPeriod", "gapAfter"))
CHECK_TERMS = frozenset(
    (TWIN.checkedBy, TWIN.whenMissing, TWIN.withoutCheck, TWIN.comparedAlong, TWIN.basis,
     *(TWIN[name] for name in (*_LEVELS, *_MAGNITUDES, *_PLAIN)))
)  # fmt: skip
"""The predicates of a check set, and that which leads to it."""
Above = Callable[[NamedNode], Iterable[NamedNode]]


@dataclass(frozen=True, slots=True)
class StatedChecks:
    """What is stated, by the local name of the predicate and in the property's unit; ``by`` says which node states it.

    ``missing`` is the policy for what does not come, ``along`` the relationships to compare along, ``without`` the
    checks that are not made.
    """

    numbers: Mapping[str, float] = field(default_factory=dict)
    missing: str | None = None
    along: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()
    by: Mapping[str, str] = field(default_factory=dict)


def stated_by_class(view: QuadView, record: PropertyRecord, above: Above) -> StatedChecks:
    """What the classes and the quantity kind of a property say: the same for all that have these in common."""
    sets: list[NamedNode] = []
    places = {site_graph(record.site).value}
    for rank, _, level in sorted(_levels(record, above), key=lambda each: each[:2]):
        del rank
        sets += _sets(view, level, places)
    return _joined(view, record, sets, _judged(record, _OF_WRITTEN if record.writable else None))


def read_checks(view: QuadView, record: PropertyRecord, of_class: StatedChecks) -> StatedChecks:
    """What holds for a property: what it states itself, before what is stated for its classes."""
    node = NamedNode(record.iri)
    sets = sorted(_objects(view, node, TWIN.checkedBy), key=lambda each: each.value)
    own = _joined(view, record, sets, _judged(record, None)) if sets else StatedChecks()
    numbers = {**of_class.numbers, **own.numbers}
    by = {**of_class.by, **own.by}
    if record.kind == "number":
        for name, value in (("minimum", record.minimum), ("maximum", record.maximum)):
            if value is not None:
                numbers[name], by[name] = value, record.iri
    # A check that was switched off further away is on again where its figures are stated nearer.
    without = own.without | {
        each for each in of_class.without if not any(_CHECK_OF.get(n) == each for n in own.numbers)
    }
    kept = {name: value for name, value in numbers.items() if _CHECK_OF.get(name, "") not in without}
    return StatedChecks(kept, own.missing or of_class.missing, own.along or of_class.along, without, by)


def scale_to(stated: str | None, record: PropertyRecord) -> tuple[float, float] | None:
    """How a figure in a stated unit (None: that of the property) is said in the property's; None when it cannot be."""
    if stated is None or record.unit is None or stated == record.unit:
        return (1.0, 0.0) if stated is None or stated == record.unit else None
    try:
        return conversion(unit(stated), unit(record.unit), record.quantity_kind)
    except InvalidInput:
        return None


def number_of(text: str) -> float | None:
    """The number of a literal's text, None where it is none: the shapes report it, and a reader goes on."""
    try:
        return float(text)
    except ValueError:
        return None


def _levels(record: PropertyRecord, above: Above) -> Iterator[tuple[int, str, NamedNode]]:
    """Whatever may state checks for a property, each with how far it is away."""
    for cls in record.classes:
        for distance, each in enumerate(above(NamedNode(cls.iri))):
            yield distance, each.value, each
    if record.quantity_kind is not None:
        kind = quantity_kinds().get(record.quantity_kind)
        yield 10_000, "", NamedNode(record.quantity_kind)
        for broader in sorted((kind.broader if kind else frozenset()) - {record.quantity_kind}):
            yield 10_001, broader, NamedNode(broader)


def _judged(record: PropertyRecord, names: frozenset[str] | None) -> frozenset[str] | None:
    """The figures that mean something for a property's kind; None: all of them."""
    return names if record.kind == "number" else _OF_NO_NUMBER


def _sets(view: QuadView, subject: NamedNode, sites: set[str]) -> list[NamedNode]:
    """The check sets of a class: what the site says of it before what is delivered; nothing of other sites."""
    own: list[NamedNode] = []
    delivered: list[NamedNode] = []
    for quad in view.quads(subject, TWIN.checkedBy, None, None):
        graph = quad.graph_name.value if isinstance(quad.graph_name, NamedNode) else ""
        if isinstance(quad.object, NamedNode):
            if graph in sites:
                own.append(quad.object)
            elif graph.startswith("urn:twin:vocabulary:"):
                delivered.append(quad.object)
    return [*sorted(own, key=lambda each: each.value), *sorted(delivered, key=lambda each: each.value)]


def _joined(
    view: QuadView, record: PropertyRecord, sets: Iterable[NamedNode], judged: frozenset[str] | None
) -> StatedChecks:
    numbers: dict[str, float] = {}
    by: dict[str, str] = {}
    missing: str | None = None
    along: tuple[str, ...] = ()
    without: set[str] = set()
    for node in sets:
        facts: dict[str, list[str]] = {}
        for quad in view.quads(node, None, None, None):
            if isinstance(quad.object, NamedNode | Literal):
                facts.setdefault(quad.predicate.value, []).append(quad.object.value)
        said = {name: min(found) for name, found in facts.items()}
        scale = scale_to(said.get(QUDT.hasUnit.value), record)
        for name in (*_LEVELS, *_MAGNITUDES, *_PLAIN):
            number = number_of(said.get(TWIN[name].value, ""))
            if number is None or name in numbers or (judged is not None and name not in judged):
                continue
            if _CHECK_OF.get(name) in without:
                continue
            if name not in _PLAIN:
                if scale is None:
                    continue
                number = number * scale[0] + scale[1] if name in _LEVELS else number * abs(scale[0])
            numbers[name], by[name] = number, node.value
        missing = missing or said.get(TWIN.whenMissing.value)
        along = along or tuple(sorted(facts.get(TWIN.comparedAlong.value, ())))
        without |= set(facts.get(TWIN.withoutCheck.value, ()))
    return StatedChecks(numbers, missing, along, frozenset(without), by)


def _objects(view: QuadView, subject: NamedNode, predicate: NamedNode) -> list[NamedNode]:
    return [quad.object for quad in view.quads(subject, predicate, None, None) if isinstance(quad.object, NamedNode)]
