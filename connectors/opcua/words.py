"""The sentences an OPC UA connection ends with: what happened, and what to do."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from asyncua import ua

from connectors.opcua.settings import OpcUaOptions

AUTHENTICATION = (
    ua.StatusCodes.BadUserAccessDenied,
    ua.StatusCodes.BadIdentityTokenRejected,
    ua.StatusCodes.BadIdentityTokenInvalid,
)
UNTRUSTED = (
    ua.StatusCodes.BadSecurityChecksFailed,
    ua.StatusCodes.BadCertificateUntrusted,
    ua.StatusCodes.BadCertificateInvalid,
    ua.StatusCodes.BadCertificateUriInvalid,
    ua.StatusCodes.BadCertificateTimeInvalid,
)


def place(endpoint: str) -> str:
    """The ``host:port`` of an endpoint."""
    return urlsplit(endpoint).netloc


def status_name(error: ua.UaError) -> str:
    """The name of the status in an error, e.g. ``BadNotWritable``."""
    code = getattr(error, "code", None)
    return ua.StatusCode(code).name if isinstance(code, int) else str(error) or type(error).__name__


def unreachable(endpoint: str, error: Exception, options: OpcUaOptions) -> str:
    """Why no session came about."""
    where = place(endpoint)
    match error:
        case ua.UaStatusCodeError() if error.code in AUTHENTICATION:
            who = f"the user {options.username!r}" if options.username else "an anonymous client"
            return f"{where} refused {who} ({status_name(error)}): correct the options username and password=env:NAME."
        case ua.UaStatusCodeError() if error.code in UNTRUSTED:
            return f"{where} does not trust our certificate ({status_name(error)}): let its administrator accept it."
        case ua.UaStatusCodeError():
            return f"{where} refused the session: {status_name(error)}."
        case ua.UaError() if "No matching endpoints" in str(error):
            wanted = "without encryption" if options.security == "None" else f"with {options.security} {options.mode}"
            return f"{where} offers no endpoint {wanted}: set the options security and mode to what it offers."
        case ua.UaError():
            return f"{where} did not answer as an OPC UA server does: {error}."
        case TimeoutError():
            return (
                f"{where} did not answer within {options.timeout:g} s: "
                "check the address, the firewall and that it is an OPC UA server."
            )
        case ConnectionRefusedError():
            return f"Nothing listens at {where}: start the server or correct the endpoint."
        case socket.gaierror():
            return f"The name {urlsplit(endpoint).hostname} is not known: correct the endpoint or the name service."
        case _:
            return f"{where} closed the connection while it was made ({error}): check that it is an OPC UA server."
