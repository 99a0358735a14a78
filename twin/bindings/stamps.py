"""Source times in the forms devices send them: numbers whose size tells their unit, ISO 8601, RFC 2822, and what must
be told: Excel's serial numbers, .NET's and Windows' ticks, patterns, and the zone of times without one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

import numpy as np

from twin.errors import InvalidInput
from twin.observation import Int64

ReadTime = Callable[[object], int]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST = 2**63 - 1
_SECOND = 1_000_000_000
# A number below each bound is taken in the unit before it: 1e11 s is the year 5138, 1e11 ms is March 1973.
_SECONDS, _MILLISECONDS, _MICROSECONDS = 1e11, 1e14, 1e17
_FRACTION = re.compile(r"[.,](\d{7,})")
_LONGEST = 64
_DAY = 86_400 * _SECOND
_UNITS = {"s": _SECOND, "ms": 1_000_000, "us": 1000, "ns": 1}
_TICKS = {"dotnet-ticks": 62_135_596_800, "filetime": 11_644_473_600}
"""Tenths of a microsecond since year 1 (.NET) and since 1601 (Windows): the seconds from there to 1970."""
_EXCEL_EPOCH_DAYS = 25_569
"""The serial number of 1970-01-01 (the system of 1900, as Excel and LibreOffice count from March 1900 on)."""
FORMS = ("auto", *_UNITS, "iso", "rfc2822", "excel", *_TICKS)


class NotATime(ValueError):
    """What stands where the source time should be is none."""


def nanoseconds(raw: object) -> int:
    """Nanoseconds UTC of a source time, always more than 0; raises `NotATime`.

    Numbers (or texts of digits) are seconds, milliseconds, microseconds or nanoseconds since 1970 by their size: a time
    in milliseconds before March 1973 would be read as seconds.  Texts are ISO 8601 (without an offset: UTC) or
    RFC 2822.
    """
    kind = type(raw)
    try:
        if kind is int or kind is float:
            time = _by_size(raw)  # type: ignore[arg-type]  # just tested
        elif kind is str:
            time = _of_text(raw, UTC)  # type: ignore[arg-type]  # just tested
        else:
            raise NotATime
    except (ValueError, OverflowError):
        raise NotATime from None
    if not 0 < time <= _LAST:
        raise NotATime
    return time


def nanoseconds_of(stamps: Sequence[int]) -> Int64 | None:
    """`nanoseconds` of whole numbers, all at once; None when one of them is no time."""
    try:
        raw = np.array(stamps, np.int64)
    except OverflowError:
        return None
    factor = np.ones(len(raw), np.int64)
    for bound, unit in ((_MICROSECONDS, 1000), (_MILLISECONDS, 1_000_000), (_SECONDS, _SECOND)):
        factor[raw < int(bound)] = unit
    if ((raw <= 0) | (raw > _LAST // factor)).any():
        return None
    return raw * factor


def time_reader(form: str | None, zone: str | None) -> ReadTime:
    """A function from what stands in a payload to nanoseconds UTC, more than 0; it raises `NotATime`.

    ``form`` None or ``auto``: as `nanoseconds`.  Else one of `FORMS`, or a pattern of ``strptime`` such as
    ``%d/%m/%Y %H:%M:%S``.  ``zone`` (IANA, e.g. ``Asia/Shanghai``) is that of times without an offset; None: UTC.  Of
    an hour that comes twice, when clocks are put back, the first is meant.  Raises `InvalidInput` for another form or
    zone.
    """
    form = form or "auto"
    if form == "auto" and zone is None:
        return nanoseconds
    place = _zone(zone)
    read = _form(form, place)

    def checked(raw: object) -> int:
        try:
            time = read(raw)
        except (ValueError, OverflowError, TypeError):
            raise NotATime from None
        if not 0 < time <= _LAST:
            raise NotATime
        return time

    return checked


def _form(form: str, zone: tzinfo) -> ReadTime:
    if form in ("auto", "iso", "rfc2822"):
        return lambda raw: _by_size(raw) if type(raw) in (int, float) else _of_text(_text(raw), zone)  # type: ignore[arg-type]  # tested
    if form in _UNITS:
        unit = _UNITS[form]
        return lambda raw: _scaled(_number(raw), unit)
    if form in _TICKS:
        shift = _TICKS[form] * 10_000_000
        return lambda raw: (int(_number(raw)) - shift) * 100
    if form == "excel":
        return lambda raw: _local(_scaled(_number(raw), _DAY) - _EXCEL_EPOCH_DAYS * _DAY, zone)
    if "%" in form:
        return lambda raw: _moment(datetime.strptime(_text(raw), form), zone)  # noqa: DTZ007 - the zone is put in next
    raise InvalidInput(
        f"{form[:60]!r} is no form of a time.",
        remedy=f"Write one of {', '.join(FORMS)}, or a pattern such as %d/%m/%Y.",
    )


def _zone(name: str | None) -> tzinfo:
    if name is None or name in ("UTC", "Z"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise InvalidInput(
            f"{name[:60]!r} is no time zone.", remedy="Write one of the IANA database, such as Europe/Berlin."
        ) from None


def _of_text(text: str, zone: tzinfo) -> int:
    text = text.strip()
    if len(text) > _LONGEST:
        raise NotATime
    try:
        return _by_size(int(text) if text.isdigit() else float(text))
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            return _moment(parsedate_to_datetime(text), zone)
        except Exception:  # the library raises whatever comes of a text that is no date
            raise NotATime from None
    fine = _FRACTION.search(text)  # a datetime ends at microseconds
    return _moment(moment, zone) + (int(fine[1][6:9].ljust(3, "0")) if fine else 0)


def _moment(moment: datetime, zone: tzinfo) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return (moment - _EPOCH) // _MICROSECOND * 1000


def _local(time: int, zone: tzinfo) -> int:
    """The same reading of a clock on the wall, in a zone instead of UTC."""
    if zone is UTC:
        return time
    wall = (_EPOCH + timedelta(microseconds=time // 1000)).replace(tzinfo=zone)
    return _moment(wall, zone) + time % 1000


def _number(raw: object) -> int | float:
    if type(raw) is int or type(raw) is float:
        return raw
    text = _text(raw)
    return int(text) if text.isdigit() else float(text)


def _text(raw: object) -> str:
    if isinstance(raw, bytes) and len(raw) <= _LONGEST:
        raw = raw.decode()
    if not isinstance(raw, str) or len(raw) > _LONGEST:
        raise NotATime
    return raw.strip()


def _scaled(number: float, unit: int) -> int:
    """A count of units in nanoseconds; of one with a fraction, to the microsecond that a double can hold."""
    if isinstance(number, int):
        return number * unit
    if not math.isfinite(number):
        raise NotATime
    return round(number * (unit / 1000)) * 1000 if unit >= 1000 else round(number * unit)


def _by_size(number: float) -> int:
    if number < _SECONDS:
        return _scaled(number, _SECOND)
    if number < _MILLISECONDS:
        return _scaled(number, 1_000_000)
    if number < _MICROSECONDS:
        return int(number) * 1000
    return int(number)
