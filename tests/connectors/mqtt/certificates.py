"""An authority and a broker's certificate, made for one test."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


def broker_certificate(directory: Path) -> str:
    """Writes ``ca.pem``, ``broker.pem`` and ``broker.key`` for 127.0.0.1; gives mosquitto's configuration of them."""
    authority = ec.generate_private_key(ec.SECP256R1())
    issuer = _name("Test authority")
    root = _certificate(issuer, issuer, authority.public_key(), ca=True).sign(authority, hashes.SHA256())
    key = ec.generate_private_key(ec.SECP256R1())
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = _certificate(_name("broker"), issuer, key.public_key(), ca=False).add_extension(address, critical=False)
    pem = serialization.Encoding.PEM
    (directory / "ca.pem").write_bytes(root.public_bytes(pem))
    (directory / "broker.pem").write_bytes(leaf.sign(authority, hashes.SHA256()).public_bytes(pem))
    (directory / "broker.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return f"certfile {directory}/broker.pem\nkeyfile {directory}/broker.key\n"


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
