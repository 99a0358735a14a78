"""Between OPC UA's values and ours: data values to samples, scalars to variants, status codes to quality."""

from __future__ import annotations

import math
import uuid
from datetime import UTC, datetime

from asyncua import ua

from twin.connector import Scalar, WriteError
from twin.observation import Quality

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SEVERITY = 0xC000_0000
UNCERTAIN = 0x4000_0000
CODE = 0xFFFF_0000
"""The bits of a status that say what happened; the others are flags of the notification (Part 4, 7.39)."""

_NAMES = {
    Quality.SUBSTITUTED: (
        "UncertainSubstituteValue", "UncertainInitialValue", "UncertainSimulatedValue", "UncertainTransducerInManual",
    ),
    Quality.STALE: ("UncertainLastUsableValue", "UncertainNoCommunicationLastUsableValue"),
    Quality.OUT_OF_RANGE: ("UncertainEngineeringUnitsExceeded",),
    Quality.DEVICE_FAULT | Quality.OUT_OF_RANGE: ("BadOutOfRange",),
    Quality.COMMS: (
        "BadNoCommunication", "BadCommunicationError", "BadConnectionClosed", "BadNotConnected",
        "BadServerNotConnected", "BadServerHalted", "BadShutdown", "BadDisconnect", "BadConnectionRejected",
        "BadSecureChannelClosed", "BadSessionClosed", "BadTimeout", "BadRequestTimeout", "BadWaitingForInitialData",
        "BadWaitingForResponse", "BadNoData", "BadNoDataAvailable", "BadDataLost", "BadDataUnavailable",
    ),
    Quality.CONFIGURATION: (
        "BadConfigurationError", "BadNodeIdUnknown", "BadNodeIdInvalid", "BadNodeNotInView", "BadObjectDeleted",
        "BadAttributeIdInvalid", "BadIndexRangeInvalid", "BadIndexRangeNoData", "BadDataEncodingInvalid",
        "BadDataEncodingUnsupported", "BadTypeMismatch", "BadNotReadable", "BadNotSupported", "BadNotImplemented",
        "BadNotFound", "BadUserAccessDenied", "BadSecurityModeInsufficient", "BadMonitoredItemFilterUnsupported",
    ),
}  # fmt: skip
QUALITIES = {getattr(ua.StatusCodes, name): quality for quality, names in _NAMES.items() for name in names}
"""Status codes that say more than their severity; the others are uncertain, or a fault of the device."""

WHOLE = {
    ua.VariantType.SByte: (-(2**7), 2**7 - 1),
    ua.VariantType.Byte: (0, 2**8 - 1),
    ua.VariantType.Int16: (-(2**15), 2**15 - 1),
    ua.VariantType.UInt16: (0, 2**16 - 1),
    ua.VariantType.Int32: (-(2**31), 2**31 - 1),
    ua.VariantType.UInt32: (0, 2**32 - 1),
    ua.VariantType.Int64: (-(2**63), 2**63 - 1),
    ua.VariantType.UInt64: (0, 2**64 - 1),
}
LARGEST_FLOAT = 3.402_823_466_385_288_6e38


def quality(status: int) -> Quality:
    """The quality of a value with this status code (Part 8, 6.4): what it means, or else how severe it is."""
    severity = status & SEVERITY
    if severity == 0:
        return Quality.GOOD
    return QUALITIES.get(status & CODE, Quality.UNCERTAIN if severity == UNCERTAIN else Quality.DEVICE_FAULT)


def sample(value: ua.DataValue) -> tuple[Scalar | None, int, Quality]:
    """The scalar, its source time in ns UTC (the server's time when the source gave none, else 0), and its quality.

    A value that is no scalar (an array, a structure, bytes) becomes None with `Quality.CONFIGURATION`.
    """
    status = quality(value.StatusCode.value) if value.StatusCode is not None else Quality.GOOD
    stamp = value.SourceTimestamp or value.ServerTimestamp
    time = 0 if stamp is None else nanoseconds(stamp)
    if value.Value is None or value.Value.Value is None:
        return None, time, status
    plain = None if value.Value.is_array else scalar(value.Value.Value)
    return plain, time, status if plain is not None else status | Quality.CONFIGURATION


def scalar(value: object) -> Scalar | None:
    """The value as ours, or None when it is no scalar; an enumeration is its number, a time ISO 8601 text."""
    match value:
        case bool() | float() | str():
            return value
        case int():
            return int(value)
        case ua.LocalizedText():
            return value.Text or ""
        case ua.QualifiedName():
            return value.Name or ""
        case datetime():
            return value.isoformat()
        case uuid.UUID():
            return str(value)
        case ua.StatusCode():
            return int(value.value)
        case _:
            return None


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds UTC; 0 for a time before 1970, which servers send when they have none."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    past = aware - EPOCH
    return max(0, (past.days * 86_400 + past.seconds) * 1_000_000_000 + past.microseconds * 1000)


def variant(value: Scalar | bytes, kind: ua.VariantType) -> ua.Variant:
    """The value as the server's type; raises `WriteError` when it is not one or would be cut."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    match kind:
        case ua.VariantType.Boolean:
            return ua.Variant(_truth(value), kind)
        case ua.VariantType.Double:
            return ua.Variant(_number(value), kind)
        case ua.VariantType.Float:
            number = _number(value)
            if math.isfinite(number) and abs(number) > LARGEST_FLOAT:
                raise WriteError(f"{value} is too large for the device's type Float.")
            return ua.Variant(number, kind)
        case ua.VariantType.String:
            return ua.Variant(_text(value), kind)
        case ua.VariantType.LocalizedText:
            return ua.Variant(ua.LocalizedText(_text(value)), kind)
        case _ if kind in WHOLE:
            return ua.Variant(_whole(value, kind), kind)
        case _:
            raise WriteError(f"The node is of type {kind.name}, which cannot be written.")


def _truth(value: Scalar) -> bool:
    if isinstance(value, str):
        word = value.strip().lower()
        if word not in ("true", "false", "1", "0"):
            raise WriteError(f"{value!r} is not a truth value; the device's type is Boolean.")
        return word in ("true", "1")
    if value not in (0, 1):
        raise WriteError(f"{value} is not a truth value; the device's type is Boolean.")
    return bool(value)


def _number(value: Scalar) -> float:
    try:
        return float(value)
    except ValueError:
        raise WriteError(f"{value!r} is not a number, which the device's type needs.") from None


def _whole(value: Scalar, kind: ua.VariantType) -> int:
    number = _number(value)
    if not math.isfinite(number):
        raise WriteError(f"{value} is not a whole number; the device's type is {kind.name}.")
    # Exact for integers of 64 bits; a float within rounding of a whole number came from a conversion of units.
    whole = int(value) if isinstance(value, int) else round(number)
    if abs(whole - number) > 1e-6 * max(1.0, abs(number)):
        raise WriteError(f"{value} is not a whole number; the device's type is {kind.name}.")
    least, most = WHOLE[kind]
    if not least <= whole <= most:
        raise WriteError(f"{whole} is outside {least} to {most}, the range of the device's type {kind.name}.")
    return whole


def _text(value: Scalar) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
