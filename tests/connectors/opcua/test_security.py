"""Signed and encrypted sessions, with certificates made for the test."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from connectors.opcua.connector import OpcUaConnector
from tests.connectors.opcua.server import OpcUaServer
from tests.contracts.connector import sampling
from twin.connector import AddressBinding, ConnectionSettings, ConnectorError

TEMPERATURE = AddressBinding("t", "ns=2;s=Temperature")
SETPOINT = AddressBinding("s", "ns=2;s=Setpoint", write_address="ns=2;s=Setpoint")


def certificate(folder: Path, name: str) -> None:
    """Writes ``<name>.pem`` and its key, which for the server is called as its library wants it; signed by itself."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"urn:test:{name}"), x509.DNSName("localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / f"{name}.pem").write_bytes(made.public_bytes(pem))
    (folder / ("server-key.pem" if name == "server" else f"{name}.key")).write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("server", "client", "stranger"):
        certificate(folder, name)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[OpcUaServer]:
    server = OpcUaServer(guarded=True, secured=folder)
    server.start()
    yield server
    server.close()


@pytest.fixture
def options(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("PLC_PASSWORD", "s3cret")
    return {
        "publishing": "0.05",
        "security": "Basic256Sha256",
        "certificate": str(folder / "client.pem"),
        "certificate_key": str(folder / "client.key"),
        "username": "ann",
        "password": "env:PLC_PASSWORD",
    }


def connector(server: OpcUaServer, options: dict[str, str]) -> OpcUaConnector:
    return OpcUaConnector(ConnectionSettings("plant", server.endpoint, options))


@pytest.mark.parametrize("mode", ["Sign", "SignAndEncrypt"])
@pytest.mark.parametrize("pinned", [False, True])
async def test_values_and_writes_pass_a_secured_session(
    server: OpcUaServer, options: dict[str, str], folder: Path, mode: str, pinned: bool
) -> None:
    server.give("Temperature", 21.5)
    if pinned:
        options["server_certificate"] = str(folder / "server.pem")
    async with connector(server, {**options, "mode": mode}) as subject, sampling(subject, TEMPERATURE) as until:
        (first,) = await until(bool)
        await subject.write(SETPOINT, 19.5 if mode == "Sign" else 22.5)
    assert first.value == 21.5
    assert server.present("Setpoint")[0] == (19.5 if mode == "Sign" else 22.5)


async def refusal(server: OpcUaServer, options: dict[str, str]) -> str:
    with pytest.raises(ConnectorError) as refused:
        await connector(server, options).__aenter__()
    assert "s3cret" not in str(refused.value)
    return str(refused.value)


async def test_a_wrong_password_is_refused_in_a_secured_session_too(
    server: OpcUaServer, options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLC_PASSWORD", "guess")
    assert "refused the user 'ann'" in await refusal(server, options)


async def test_what_the_server_does_not_offer_is_said(server: OpcUaServer, options: dict[str, str]) -> None:
    said = await refusal(server, {**options, "security": "Aes256Sha256RsaPss"})
    assert "offers no endpoint with Aes256Sha256RsaPss SignAndEncrypt" in said
    assert "offers no endpoint without encryption" in await refusal(server, {"publishing": "1"})


async def test_another_servers_certificate_is_not_taken_for_this_ones(
    server: OpcUaServer, options: dict[str, str], folder: Path
) -> None:
    await refusal(server, {**options, "timeout": "2", "server_certificate": str(folder / "stranger.pem")})


@pytest.mark.parametrize(
    ("option", "file", "said"),
    [
        ("certificate", "", "needs the option certificate"),
        ("certificate_key", "", "needs the option certificate_key"),
        ("certificate", "nowhere.pem", "cannot be read"),
        ("certificate_key", "client.pem", "is no private key"),
    ],
)
async def test_files_that_cannot_be_used_are_named(
    server: OpcUaServer, options: dict[str, str], folder: Path, option: str, file: str, said: str
) -> None:
    assert said in await refusal(server, {**options, option: str(folder / file) if file else ""})
