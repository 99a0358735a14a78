"""The sentences an MQTT connection ends with: what happened, and what to do."""

from __future__ import annotations

import socket
import ssl

from paho.mqtt.reasoncodes import ReasonCode

from connectors.mqtt.settings import Broker, MqttOptions

AUTHENTICATION = ("Bad user name or password", "Not authorized")


def unreachable(where: Broker, error: OSError, options: MqttOptions) -> str:
    """Why no connection came about."""
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"The certificate of {where} is not trusted ({error.verify_message}): "
                "give the file of its authority as the option ca_file."
            )
        case ssl.SSLError():
            return f"{where} does not speak TLS ({error.reason}): use mqtt://, or the port that does."
        case ConnectionRefusedError():
            return f"Nothing listens at {where}: start the broker or correct the endpoint."
        case socket.gaierror():
            return f"The name {where.host} is not known: correct the endpoint or the name service."
        case TimeoutError():
            return f"{where} did not answer within {options.connect_timeout:g} s: check the address and the firewall."
        case _:
            return f"{where} cannot be reached: {error.strerror or error}."


def refused(where: Broker, code: ReasonCode, options: MqttOptions) -> str:
    """Why the broker did not accept us (MQTT 3.1.1, 3.2.2.3)."""
    reason = code.getName()
    if reason in AUTHENTICATION:
        who = f"the user {options.username!r}" if options.username else "a client without a user name"
        return f"{where} refused {who} ({reason.lower()}): correct the options username and password=env:NAME."
    return f"{where} refused the connection: {reason.lower()}."


def lost(where: Broker, code: ReasonCode | None, options: MqttOptions, client_id: str) -> str:
    """Why an established connection ended; ``code`` is what paho made of it."""
    reason = "" if code is None else code.getName()
    if reason == "Keep alive timeout":
        return f"{where} stopped answering: nothing came within the keepalive of {options.keepalive} s."
    if reason == "Protocol error":
        return f"{where} sent what is not MQTT 3.1.1."
    twice = f"; if it happens again and again, another client calls itself {client_id!r}"
    return f"{where} closed the connection{twice if client_id else ''}."
