"""What an OPC UA connection is told: its endpoint and its options."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from connectors.options import option
from twin.connector import ConnectorError


@dataclass(frozen=True, slots=True)
class OpcUaOptions:
    """The options of a connection; times in seconds."""

    username: str = option("")
    password: str = option("", secret=True)
    security: str = option("None", choices=("None", "Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"))
    mode: str = option("SignAndEncrypt", choices=("Sign", "SignAndEncrypt"))
    certificate: str = option("")
    certificate_key: str = option("")
    server_certificate: str = option("")
    publishing: float = option(0.5, minimum=0.01, maximum=60)
    sampling: float = option(-1.0, minimum=-1)
    refresh: float = option(20.0, minimum=0)
    queue: int = option(100, minimum=1, maximum=10_000)
    timeout: float = option(4.0, minimum=0.1)
    watch: float = option(2.5, minimum=0.1)


def server(endpoint: str) -> str:
    """The endpoint, when it is ``opc.tcp://host:port/path``; raises `ConnectorError` for anything else."""
    try:
        url = urlsplit(endpoint)
        host, _ = url.hostname, url.port
    except ValueError:
        url, host = urlsplit(""), None
    if url.scheme != "opc.tcp" or not host:
        raise ConnectorError(f"The endpoint {endpoint!r} is not an OPC UA server's; write opc.tcp://host:port/path.")
    if url.username is not None:
        raise ConnectorError("The endpoint holds a user name; give it as the options username and password=env:NAME.")
    return endpoint if url.port else endpoint.replace(url.netloc, f"{url.netloc}:4840", 1)
