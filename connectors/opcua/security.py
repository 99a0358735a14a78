"""Signed and encrypted messages: the policy, our certificate, and the server's (Part 7, 6.6).  Imports asyncua."""

from __future__ import annotations

from pathlib import Path

from asyncua import Client, ua
from asyncua.crypto import security_policies, uacrypto
from cryptography import x509

from connectors.opcua.settings import OpcUaOptions
from twin.connector import ConnectorError


async def secure(client: Client, options: OpcUaOptions) -> None:
    """Returns when the client will sign (and encrypt) what it sends; does nothing for the policy None.

    Raises `ConnectorError` for files that cannot be used, and what asyncua raises when the server cannot be asked.
    """
    if options.security == "None":
        return
    for name in ("certificate", "certificate_key"):
        if not getattr(options, name):
            raise ConnectorError(f"The security {options.security} needs the option {name}: the path of a file.")
    client.application_uri = await _application(options.certificate)
    server = options.server_certificate
    if server:
        await _application(server)
    key = _file(options.certificate_key)
    policy = getattr(security_policies, f"SecurityPolicy{options.security}")
    mode = ua.MessageSecurityMode.Sign if options.mode == "Sign" else ua.MessageSecurityMode.SignAndEncrypt
    try:
        await client.set_security(
            policy,
            _file(options.certificate),
            key,
            server_certificate=_file(server) if server else None,
            mode=mode,
        )
    except (ValueError, TypeError) as error:
        raise ConnectorError(f"The file {options.certificate_key} is no private key in PEM or DER: {error}.") from None


def _file(path: str) -> uacrypto.CertProperties:
    """The file as the library takes it, which would tell its form by the end of its name."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ConnectorError(f"The file {path} cannot be read: {error.strerror}.") from None
    return uacrypto.CertProperties(Path(path), "pem" if b"-----BEGIN" in content else "der")


async def _application(path: str) -> str:
    """The application that a certificate is for, or nothing; a server compares it with what the client says."""
    try:
        certificate = await uacrypto.load_certificate(Path(path), _file(path).extension)
    except (OSError, ValueError) as error:
        raise ConnectorError(f"The file {path} is no certificate in PEM or DER that can be read: {error}.") from None
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    return next(iter(names.get_values_for_type(x509.UniformResourceIdentifier)), "")
