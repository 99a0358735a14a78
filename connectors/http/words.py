"""The sentences an HTTP connection ends with: what happened, and what to do."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit


def place(endpoint: str) -> str:
    """The ``host:port`` of an endpoint."""
    return urlsplit(endpoint).netloc.rpartition("@")[2]


def unreachable(endpoint: str, error: BaseException, timeout: float) -> str:
    """Why the server could not be reached."""
    where = place(endpoint)
    match _root(error):
        case ssl.SSLCertVerificationError() as cause:
            return f"The certificate of {where} is not trusted ({cause.verify_message}): name its authority as ca_file."
        case ssl.SSLError() as cause:
            return f"{where} and we agree on no TLS ({cause.reason}): check the scheme, certificate and ca_file."
        case ConnectionRefusedError():
            return f"Nothing listens at {where}: start the device or correct the endpoint."
        case socket.gaierror():
            return f"The name {urlsplit(endpoint).hostname} is not known: correct the endpoint or the name service."
        case TimeoutError():
            return f"{where} did not answer within {timeout:g} s: check the address and the firewall."
        case cause:
            return f"{where} closed the connection without an answer ({type(cause).__name__}): is it a web server?"


def _root(error: BaseException) -> BaseException:
    """The error of the operating system below those of libraries; a time-out counts as one."""
    seen: list[BaseException] = []
    while error not in seen:
        seen.append(error)
        error = error.__cause__ or error.__context__ or error
    for each in reversed(seen):
        if isinstance(each, OSError):
            return each
    if any("Timeout" in type(each).__name__ for each in seen):
        return TimeoutError()
    return seen[-1]
