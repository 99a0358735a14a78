"""What an MQTT connection is told: its endpoint and its options."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from connectors.options import option
from twin.connector import ConnectorError


@dataclass(frozen=True, slots=True)
class MqttOptions:
    """The options of a connection; times in seconds."""

    client_id: str = option("")
    username: str = option("")
    password: str = option("", secret=True)
    ca_file: str = option("")
    qos: int = option(1, minimum=0, maximum=1)
    session: str = option("persistent", choices=("clean", "persistent"))
    acknowledge: str = option("stored", choices=("received", "stored"))
    reading: str = option("bulk", choices=("bulk", "plain"))
    keepalive: int = option(10, minimum=1, maximum=65_535)
    connect_timeout: float = option(5.0, minimum=0.1)
    write_timeout: float = option(5.0, minimum=0.1)
    queue: int = option(50_000, minimum=1)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is."""

    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Who:
    """How we call ourselves to the broker, and whether it is to remember us while we are away."""

    client_id: str
    lasting: bool


def who(options: MqttOptions, identity: str) -> Who:
    """The client of a connection: by its option, else by the connection's identity, which gives 23 letters and digits
    (MQTT 3.1.1, 3.1.3.1: what every broker takes).

    A session lasts only where a name does, and only for messages that are acknowledged.
    """
    client_id = options.client_id or (f"twin{identity[:19]}" if identity else "")
    return Who(client_id, bool(client_id) and options.session == "persistent" and options.qos > 0)


def broker(endpoint: str) -> Broker:
    """The broker of ``mqtt://host:port`` or ``mqtts://host:port``; raises `ConnectorError` for anything else."""
    try:
        url = urlsplit(endpoint)
        host, port = url.hostname, url.port
    except ValueError:
        host, port, url = None, None, urlsplit("")
    if url.scheme not in ("mqtt", "mqtts") or not host or url.path.strip("/"):
        raise ConnectorError(
            f"The endpoint {endpoint!r} is not an MQTT broker's; write mqtt://host:port, or mqtts:// for TLS."
        )
    if url.username is not None:
        raise ConnectorError("The endpoint holds a user name; give it as the options username and password=env:NAME.")
    tls = url.scheme == "mqtts"
    return Broker(host, port or (8883 if tls else 1883), tls)
