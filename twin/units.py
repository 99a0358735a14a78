"""Units of measure and quantity kinds as QUDT states them, and the conversion between units.

The facts stand in ``ontologies/units.ttl`` and are read once, when the first unit is asked for.
Values convert as in QUDT: SI value = (value + offset) * multiplier.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType

from twin.data import data_directory
from twin.errors import InvalidInput
from twin.terms import Literal, NamedNode, read_file
from twin.vocab import QUANTITYKIND, QUDT, RDF, RDFS, SKOS, UNIT

__all__ = [
    "QuantityKind",
    "Unit",
    "conversion",
    "convert",
    "converts",
    "narrowest",
    "quantity_kind",
    "quantity_kinds",
    "unit",
    "units",
]

_FOR_WANT_OF_BETTER = frozenset(QUANTITYKIND[name].value for name in ("Dimensionless", "DimensionlessRatio"))
_DIMENSION = "http://qudt.org/vocab/dimensionvector/"


@dataclass(frozen=True, slots=True)
class QuantityKind:
    """A kind of quantity: ``broader`` holds it and every kind it is a case of.

    ``covers`` holds besides the kinds it is a case of in name only, in whose units it is not measured.
    ``dimension`` is QUDT's vector.  A value of a ``difference`` kind (a temperature difference) converts
    without the offset of its scale.
    """

    iri: str
    label: str
    dimension: str
    broader: frozenset[str]
    covers: frozenset[str]
    difference: bool


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measure: SI value = (value + ``shift``) * ``factor``.

    ``quantity_kinds`` are the IRIs of all kinds it measures, ``measures`` only the broadest of them;
    ``symbol`` is for display (empty for a plain number); ``dimension`` is QUDT's vector,
    such as ``A0E0L0I0M0H1T0D0``.
    """

    iri: str
    name: str
    symbol: str
    label: str
    quantity_kinds: frozenset[str]
    measures: frozenset[str]
    dimension: str
    factor: float
    shift: float


def units() -> Mapping[str, Unit]:
    """Every unit known, by IRI."""
    return _facts().units


def quantity_kinds() -> Mapping[str, QuantityKind]:
    """Every quantity kind known, by IRI."""
    return _facts().kinds


def unit(name_or_iri: str) -> Unit:
    """The unit of an IRI, a QUDT name (``DEG_C``, ``unit:DEG_C``) or a symbol (``°C``).

    Raises `twin.errors.InvalidInput` with the nearest name when there is none.
    """
    known = units()
    name = name_or_iri.strip()
    found = known.get(name) or known.get(str(UNIT) + name.removeprefix("unit:"))
    if found is None and name:
        found = next((each for each in known.values() if each.symbol == name), None)
    if found is not None:
        return found
    local = _local(name).removeprefix("unit:")
    near = _nearest(local, {word: each.name for each in known.values() for word in _words_for(each)})
    raise InvalidInput(
        f"There is no unit {name_or_iri!r}.",
        remedy=f"Did you mean {near}?" if near else "Use a QUDT unit such as DEG_C, KiloW or L-PER-SEC.",
        unit=name_or_iri,
    )


def quantity_kind(name_or_iri: str) -> QuantityKind:
    """The quantity kind of an IRI or a QUDT name (``Temperature``).

    Raises `twin.errors.InvalidInput` with the nearest name when there is none.
    """
    known = quantity_kinds()
    name = name_or_iri.strip()
    local = _local(name).removeprefix("quantitykind:")
    found = known.get(name) or known.get(str(QUANTITYKIND) + local)
    if found is not None and (":" not in name or found.iri == name or name.startswith("quantitykind:")):
        return found
    near = _nearest(local, {_local(iri): _local(iri) for iri in known})
    raise InvalidInput(
        f"There is no quantity kind {name_or_iri!r}.",
        remedy=f"Did you mean {near}?" if near else "Use a QUDT quantity kind such as Temperature or Power.",
        quantity_kind=name_or_iri,
    )


def conversion(source: Unit, target: Unit, kind: str | None = None) -> tuple[float, float]:
    """``(scale, offset)`` such that a value in ``target`` is ``value * scale + offset`` of one in ``source``.

    ``kind`` is the IRI of the quantity kind of the value: one of a difference (``TemperatureDifference``,
    ``brick:Differential_Temperature``) has offset 0.  Raises `twin.errors.InvalidInput` when the units
    differ in dimension or, with one dimension, measure different things (hertz and radians per second).
    """
    if source.iri == target.iri:
        return 1.0, 0.0
    if not converts(source, target):
        raise InvalidInput(
            f"{source.name} does not convert to {target.name}: they measure different quantities.",
            remedy=f"Use a unit of {_in_words(target)} instead of {source.name}.",
            source=source.iri,
            target=target.iri,
        )
    exact = _facts().exact
    (source_factor, source_shift), (target_factor, target_shift) = exact[source.iri], exact[target.iri]
    scale = source_factor / target_factor
    known = quantity_kinds().get(kind) if kind else None
    if known is not None and known.difference:
        return float(scale), 0.0
    return float(scale), float(source_shift * scale - target_shift)


def converts(source: Unit, target: Unit) -> bool:
    """Whether values of one unit can be given in the other; see `conversion`."""
    if source.dimension != target.dimension:
        return False
    kinds = quantity_kinds()
    return any(a in kinds[b].broader or b in kinds[a].broader for a in source.measures for b in target.measures)


def convert(value: float, source: Unit, target: Unit, kind: str | None = None) -> float:
    """The value of ``source`` in ``target``; see `conversion`."""
    scale, offset = conversion(source, target, kind)
    return value * scale + offset


def narrowest(kinds: Iterable[str]) -> frozenset[str]:
    """The quantity kinds (IRIs) of ``kinds`` that no other of them says more exactly.

    A class often names a broad kind beside the one meant: of pressure ratio and relative humidity, the latter; of
    dimensionless and volume, the volume.
    """
    named = frozenset(kinds)
    known = quantity_kinds()
    said_better = {each for iri in named if iri in known for each in known[iri].covers - {iri}}
    left = named - said_better
    return left - _FOR_WANT_OF_BETTER or left


def _in_words(target: Unit) -> str:
    return " or ".join(sorted(quantity_kinds()[iri].label for iri in target.measures))


def _local(iri: str) -> str:
    return iri.rpartition("/")[2].rpartition("#")[2]


def _words_for(each: Unit) -> tuple[str, ...]:
    return (each.name, each.label, each.symbol, *_facts().trade_words.get(each.iri, ()))


def _nearest(name: str, candidates: dict[str, str]) -> str:
    folded = {word.casefold(): target for word, target in reversed(candidates.items()) if word}
    return folded.get(next(iter(get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)), ""), "")


@dataclass(frozen=True, slots=True)
class _Facts:
    units: Mapping[str, Unit]
    kinds: Mapping[str, QuantityKind]
    exact: Mapping[str, tuple[Decimal, Decimal]]  # factor and shift as written: 5/9 to 20 digits
    trade_words: Mapping[str, tuple[str, ...]]  # CFM, GPM: only to name the right unit in an error


@cache
def _facts() -> _Facts:
    stated: dict[str, dict[str, list[str]]] = {}
    for quad in read_file(data_directory("ontologies") / "units.ttl"):
        if isinstance(quad.subject, NamedNode) and isinstance(quad.object, NamedNode | Literal):
            values = stated.setdefault(quad.subject.value, {}).setdefault(quad.predicate.value, [])
            values.append(quad.object.value)

    def all_of(iri: str, predicate: NamedNode) -> list[str]:
        return stated[iri].get(predicate.value, [])

    def one_of(iri: str, predicate: NamedNode, default: str = "") -> str:
        return next(iter(all_of(iri, predicate)), default)

    def closure(iri: str, *predicates: NamedNode) -> frozenset[str]:
        above = (each for predicate in predicates for each in all_of(iri, predicate))
        return frozenset({iri}).union(*(closure(each, *predicates) for each in above))

    kinds = {
        iri: QuantityKind(
            iri=iri,
            label=one_of(iri, RDFS.label) or _local(iri).replace("_", " ").lower(),
            dimension=one_of(iri, QUDT.hasDimensionVector).removeprefix(_DIMENSION),
            broader=closure(iri, SKOS.broader),
            covers=closure(iri, SKOS.broader, SKOS.broadMatch),
            difference=one_of(iri, QUDT.isDeltaQuantity) == "true",
        )
        for iri in stated
        if QUDT.QuantityKind.value in all_of(iri, RDF.type)
    }
    found: dict[str, Unit] = {}
    exact: dict[str, tuple[Decimal, Decimal]] = {}
    for iri in stated:
        if QUDT.Unit.value not in all_of(iri, RDF.type):
            continue
        measures = frozenset(all_of(iri, QUDT.hasQuantityKind))
        exact[iri] = (
            Decimal(one_of(iri, QUDT.conversionMultiplier, "1")),
            Decimal(one_of(iri, QUDT.conversionOffset, "0")),
        )
        found[iri] = Unit(
            iri=iri,
            name=iri.removeprefix(str(UNIT)),
            symbol=one_of(iri, QUDT.symbol),
            label=one_of(iri, RDFS.label),
            quantity_kinds=frozenset(kind.iri for kind in kinds.values() if kind.broader & measures),
            measures=measures,
            dimension=one_of(iri, QUDT.hasDimensionVector).removeprefix(_DIMENSION),
            factor=float(exact[iri][0]),
            shift=float(exact[iri][1]),
        )
    words = {iri: tuple(all_of(iri, SKOS.altLabel)) for iri in found if all_of(iri, SKOS.altLabel)}
    return _Facts(MappingProxyType(found), MappingProxyType(kinds), exact, words)
