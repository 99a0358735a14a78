"""What an HTTP connection is told: its endpoint and its options."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from connectors.options import option
from twin.connector import ConnectorError

PUSHED = "in:"
"""The endpoint of a connection that polls nothing, and what the addresses of webhooks begin with."""


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """The options of a connection; times in seconds."""

    period: float = option(10.0, minimum=0.01, maximum=86_400)
    refresh: float = option(20.0, minimum=0)
    timeout: float = option(5.0, minimum=0.1)
    parallel: int = option(4, minimum=1, maximum=64)
    bytes: int = option(1_048_576, minimum=1, maximum=67_108_864)
    lookback: float = option(3600.0, minimum=0)
    overlap: float = option(60.0, minimum=0)
    username: str = option("")
    password: str = option("", secret=True)
    bearer: str = option("", secret=True)
    key: str = option("", secret=True)
    key_header: str = option("X-Api-Key")
    ca_file: str = option("")
    certificate: str = option("")
    certificate_key: str = option("")
    content_type: str = option("application/json")
    token: str = option("", secret=True)
    signature: str = option("", secret=True)


def base(endpoint: str) -> str:
    """The endpoint without a slash at its end, empty for `PUSHED`; raises `ConnectorError` for anything else."""
    if endpoint == PUSHED:
        return ""
    try:
        url = urlsplit(endpoint)
        host, _ = url.hostname, url.port
    except ValueError:
        url, host = urlsplit(""), None
    if url.scheme not in ("http", "https") or not host or url.query or url.fragment:
        raise ConnectorError(
            f"The endpoint {endpoint!r} is not a web server's; write http://host:port or https://host, "
            "or in: where devices only send."
        )
    if url.username is not None:
        raise ConnectorError("The endpoint holds a user name; give it as the options username and password=env:NAME.")
    return endpoint.rstrip("/")
