"""Source times in the forms devices send them: numbers whose size tells their unit, and ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST = 2**63 - 1
# A number below each bound is taken in the unit before it: 1e11 s is the year 5138, 1e11 ms is March 1973.
_SECONDS, _MILLISECONDS, _MICROSECONDS = 1e11, 1e14, 1e17


class NotATime(ValueError):
    """What stands where the source time should be is none."""


def nanoseconds(raw: object) -> int:
    """Nanoseconds UTC of a source time, always more than 0; raises `NotATime`.

    Numbers (or texts of digits) are seconds, milliseconds, microseconds or nanoseconds since 1970 by their size: a time
    in milliseconds before March 1973 would be read as seconds.  ISO 8601 without an offset is UTC.
    """
    kind = type(raw)
    try:
        if kind is str:
            text: str = raw  # type: ignore[assignment]  # just tested
            if text[4:5] == "-":
                moment = datetime.fromisoformat(text)
                if moment.tzinfo is None:
                    moment = moment.replace(tzinfo=UTC)
                time = (moment - _EPOCH) // _MICROSECOND * 1000
            else:
                time = _by_size(float(text) if "." in text or "e" in text or "E" in text else int(text))
        elif kind is int or kind is float:
            time = _by_size(raw)  # type: ignore[arg-type]  # just tested
        else:
            raise NotATime
    except (ValueError, OverflowError):
        raise NotATime from None
    if not 0 < time <= _LAST:
        raise NotATime
    return time


def _by_size(number: float) -> int:
    if number < _SECONDS:
        return round(number * 1e6) * 1000 if type(number) is float else int(number) * 1_000_000_000
    if number < _MILLISECONDS:
        return round(number * 1e3) * 1000 if type(number) is float else int(number) * 1_000_000
    if number < _MICROSECONDS:
        return int(number) * 1000
    return int(number)
