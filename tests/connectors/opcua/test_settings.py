from __future__ import annotations

import pytest

from connectors.opcua.settings import server
from twin.connector import ConnectorError


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("opc.tcp://plc:4841/a/b", "opc.tcp://plc:4841/a/b"),
        ("opc.tcp://plc/a", "opc.tcp://plc:4840/a"),
        ("opc.tcp://[::1]", "opc.tcp://[::1]:4840"),
    ],
)
def test_an_endpoint_names_the_server_and_4840_is_understood(endpoint: str, expected: str) -> None:
    assert server(endpoint) == expected


@pytest.mark.parametrize("endpoint", ["", "plc:4840", "opc.https://plc", "opc.tcp://", "opc.tcp://plc:x"])
def test_what_is_no_server_is_refused_with_the_form(endpoint: str) -> None:
    with pytest.raises(ConnectorError, match=r"opc\.tcp://host:port/path"):
        server(endpoint)


def test_a_password_in_the_endpoint_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConnectorError, match="password=env:NAME") as refused:
        server("opc.tcp://ann:s3cret@plc")
    assert "s3cret" not in str(refused.value)
