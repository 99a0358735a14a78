from __future__ import annotations

import pytest

from connectors.mqtt.settings import Broker, broker
from twin.connector import ConnectorError


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("mqtt://10.0.0.5:1884", Broker("10.0.0.5", 1884, tls=False)),
        ("mqtt://broker.example", Broker("broker.example", 1883, tls=False)),
        ("mqtts://broker.example/", Broker("broker.example", 8883, tls=True)),
        ("mqtt://[::1]:1883", Broker("::1", 1883, tls=False)),
    ],
)
def test_an_endpoint_names_the_broker(endpoint: str, expected: Broker) -> None:
    assert broker(endpoint) == expected


@pytest.mark.parametrize(
    "endpoint",
    ["", "localhost:1883", "http://localhost", "mqtt://", "mqtt://host:port", "mqtt://host/topic", "mqtt://[::1"],
)
def test_what_is_no_broker_is_refused_with_the_form(endpoint: str) -> None:
    with pytest.raises(ConnectorError, match="mqtt://host:port"):
        broker(endpoint)


def test_a_password_in_the_endpoint_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConnectorError, match="password=env:NAME") as refused:
        broker("mqtt://ann:s3cret@host")
    assert "s3cret" not in str(refused.value)
