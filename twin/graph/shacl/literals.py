"""XSD literals: which are well-formed, and how two compare (SPARQL 1.1's operators, XSD 1.1's partial orders)."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import isinf, isnan

from twin.terms import Literal
from twin.vocab import RDF, XSD

__all__ = ["compare", "is_well_formed"]

_INTEGERS: dict[str, tuple[int | None, int | None]] = {
    "integer": (None, None),
    "long": (-(2**63), 2**63 - 1),
    "int": (-(2**31), 2**31 - 1),
    "short": (-(2**15), 2**15 - 1),
    "byte": (-(2**7), 2**7 - 1),
    "nonNegativeInteger": (0, None),
    "positiveInteger": (1, None),
    "nonPositiveInteger": (None, 0),
    "negativeInteger": (None, -1),
    "unsignedLong": (0, 2**64 - 1),
    "unsignedInt": (0, 2**32 - 1),
    "unsignedShort": (0, 2**16 - 1),
    "unsignedByte": (0, 2**8 - 1),
}
_ZONE = r"(?P<zone>Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)?"
_YEAR = r"(?P<year>-?(?:[1-9]\d{3,}|0\d{3}))"
_MONTH = r"(?P<month>0[1-9]|1[0-2])"
_DAY = r"(?P<day>0[1-9]|[12]\d|3[01])"
_TIME = r"(?P<hour>[01]\d|2[0-4]):(?P<minute>[0-5]\d):(?P<second>[0-5]\d(?:\.\d+)?)"
_MOMENTS = {
    "dateTime": f"{_YEAR}-{_MONTH}-{_DAY}T{_TIME}{_ZONE}",
    "dateTimeStamp": f"{_YEAR}-{_MONTH}-{_DAY}T{_TIME}{_ZONE}",
    "date": f"{_YEAR}-{_MONTH}-{_DAY}{_ZONE}",
    "time": f"{_TIME}{_ZONE}",
    "gYear": f"{_YEAR}{_ZONE}",
    "gYearMonth": f"{_YEAR}-{_MONTH}{_ZONE}",
    "gMonth": f"--{_MONTH}{_ZONE}",
    "gMonthDay": f"--{_MONTH}-{_DAY}{_ZONE}",
    "gDay": f"---{_DAY}{_ZONE}",
}
_DURATION = re.compile(
    r"(?P<sign>-?)P(?=.)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_FORMS: dict[str, re.Pattern[str]] = {
    "boolean": re.compile(r"true|false|0|1"),
    "decimal": re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)", re.ASCII),
    "double": re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?INF|NaN", re.ASCII),
    "float": re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?INF|NaN", re.ASCII),
    "hexBinary": re.compile(r"(?:[0-9a-fA-F]{2})*"),
    "base64Binary": re.compile(
        r"(?:(?:[A-Za-z0-9+/] ?){4})*(?:(?:[A-Za-z0-9+/] ?){2}[AEIMQUYcgkosw048] ?=|[A-Za-z0-9+/] ?[AQgw] ?= ?=)?"
    ),
    "language": re.compile(r"[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*"),
    "anyURI": re.compile(r"[^\x00-\x20<>\"{}|\\^`]*"),
    "NCName": re.compile(r"[^\W\d][\w.\-·]*"),
    "Name": re.compile(r"(?:[^\W\d]|:)[\w.\-·:]*"),
    "NMTOKEN": re.compile(r"[\w.\-·:]+"),
    "normalizedString": re.compile(r"[^\t\r\n]*"),
    "token": re.compile(r"(?:[^\s]+(?: [^\s]+)*)?"),
    "duration": _DURATION,
    "yearMonthDuration": re.compile(r"-?P(?=.)(?:\d+Y)?(?:\d+M)?", re.ASCII),
    "dayTimeDuration": re.compile(r"-?P(?=.)(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?", re.ASCII),
    **{name: re.compile(r"[+-]?\d+", re.ASCII) for name in _INTEGERS},
    **{name: re.compile(form, re.ASCII) for name, form in _MOMENTS.items()},
}
_NUMBERED = frozenset((*_INTEGERS, *_MOMENTS, "decimal", "duration", "yearMonthDuration", "dayTimeDuration"))
_LONGEST = 4000  # digits: no number of the world is longer, and arithmetic on such takes time
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAY_SECONDS = 86_400
_FURTHEST_ZONE = 14 * 3600  # how far from UTC a time without a time zone can be (XSD 1.1, part 2, D.2.2)
_XSD = str(XSD)


@lru_cache(maxsize=4096)
def is_well_formed(literal: Literal) -> bool:
    """Whether the text of a literal is one of its datatype's; true for datatypes that are not XSD's."""
    name = literal.datatype.value
    if not name.startswith(_XSD):
        return name != RDF.langString.value or bool(literal.language)
    name = name.removeprefix(_XSD)
    form = _FORMS.get(name)
    if form is None:
        return True
    # Collapsing white space is the rule for all of these but the plain strings.
    text = literal.value if name in ("normalizedString", "token") else literal.value.strip(" \t\r\n")
    match = form.fullmatch(text)
    if match is None or (name in _NUMBERED and len(text) > _LONGEST):
        return False
    if name in _INTEGERS:
        low, high = _INTEGERS[name]
        return (low is None or int(text) >= low) and (high is None or int(text) <= high)
    if name == "dateTimeStamp" and match["zone"] is None:
        return False
    return _moment_is_one(match) if name in _MOMENTS else True


def _moment_is_one(match: re.Match[str]) -> bool:
    parts = match.groupdict()
    day, month, year = (int(parts[name]) if parts.get(name) else None for name in ("day", "month", "year"))
    if day is not None and month is not None and day > _DAYS[month - 1]:
        return False
    if day == 29 and month == 2 and year is not None and not _is_leap(year):
        return False
    midnight = parts.get("hour") == "24"
    return not midnight or (parts["minute"] == "00" and float(parts["second"]) == 0)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def compare(one: Literal, other: Literal) -> int | None:
    """-1, 0 or 1 as ``one`` is before, level with or after ``other``; None when they do not compare.

    Numbers compare across their types, a time with a zone and one without only where no zone could change the answer,
    strings by code point, ``false`` before ``true``.
    """
    first, second = _ordered(one), _ordered(other)
    if first is None or second is None or first[0] != second[0]:
        return None
    return _COMPARISONS[first[0]](first[1], second[1])


def _sign(one: object, other: object) -> int | None:
    if one == other:
        return 0
    return -1 if one < other else 1  # type: ignore[operator]


def _numbers(one: Fraction | float, other: Fraction | float) -> int | None:
    if (isinstance(one, float) and isnan(one)) or (isinstance(other, float) and isnan(other)):
        return None
    return _sign(one, other)


def _moments(one: tuple[Fraction, bool], other: tuple[Fraction, bool]) -> int | None:
    if one[1] == other[1]:
        return _sign(one[0], other[0])
    if abs(one[0] - other[0]) <= _FURTHEST_ZONE:
        return None
    return _sign(one[0], other[0])


def _durations(one: tuple[int, Fraction], other: tuple[int, Fraction]) -> int | None:
    """Months and seconds: comparable when the answer is the same from each of XSD's four reference dates."""
    signs = {
        _sign(days_one * _DAY_SECONDS + one[1], days_other * _DAY_SECONDS + other[1])
        for days_one, days_other in zip(_days_of(one[0]), _days_of(other[0]), strict=True)
    }
    return signs.pop() if len(signs) == 1 else None


def _days_of(months: int) -> list[int]:
    starts = ((1696, 9), (1697, 2), (1903, 3), (1903, 7))
    return [_days_before(year, month + months, 1) - _days_before(year, month, 1) for year, month in starts]


def _days_before(year: int, month: int, day: int) -> int:
    """Days to a date of the proleptic Gregorian calendar, whatever the size of the year."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year


_COMPARISONS: dict[str, Callable[..., int | None]] = {
    "number": _numbers,
    "text": _sign,
    "boolean": _sign,
    "duration": _durations,
    **dict.fromkeys(_MOMENTS, _moments),
}


@lru_cache(maxsize=4096)
def _ordered(literal: Literal) -> tuple[str, object] | None:
    """The kind of order a literal is in and its place in it; None for none or for an ill-formed literal."""
    if literal.language:
        return None
    name = literal.datatype.value.removeprefix(_XSD)
    if not is_well_formed(literal):
        return None
    text = literal.value.strip(" \t\r\n")
    if name == "string":
        return "text", literal.value
    if name == "boolean":
        return "boolean", text in ("true", "1")
    if name in _INTEGERS or name == "decimal":
        return "number", Fraction(Decimal(text))
    if name in ("double", "float"):
        number = float(text)
        return "number", number if isnan(number) or isinf(number) else Fraction(number)
    if name in ("duration", "yearMonthDuration", "dayTimeDuration"):
        return "duration", _duration(text)
    if name in _MOMENTS:
        kind = "dateTime" if name == "dateTimeStamp" else name
        return kind, _moment(_FORMS[name].fullmatch(text))
    return None


def _duration(text: str) -> tuple[int, Fraction] | None:
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    parts = match.groupdict()
    months = int(parts["years"] or 0) * 12 + int(parts["months"] or 0)
    hours = int(parts["days"] or 0) * 24 + int(parts["hours"] or 0)
    seconds = (hours * 60 + int(parts["minutes"] or 0)) * 60 + Fraction(parts["seconds"] or 0)
    return (-months, -seconds) if parts["sign"] else (months, Fraction(seconds))


def _moment(match: re.Match[str] | None) -> tuple[Fraction, bool] | None:
    """Seconds from the year 0, in UTC where the zone is known, and whether it is."""
    if match is None:
        return None
    parts = match.groupdict()
    days = _days_before(int(parts.get("year") or 1972), int(parts.get("month") or 1), int(parts.get("day") or 1))
    seconds = int(parts.get("hour") or 0) * 3600 + int(parts.get("minute") or 0) * 60
    total = days * _DAY_SECONDS + seconds + Fraction(parts.get("second") or 0)
    zone = parts["zone"]
    if zone is None:
        return Fraction(total), False
    if zone != "Z":
        offset = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
        total += offset if zone[0] == "-" else -offset
    return Fraction(total), True
