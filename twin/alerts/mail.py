"""Alerts by e-mail: what is due together in one message, over SMTP with or without TLS."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import make_msgid

import orjson

from twin.alerts.messages import in_words
from twin.alerts.webhook import PATIENCE, DeliveryError


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail server and who is written to.  ``security`` is ``starttls``, ``tls`` or ``none``."""

    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    security: str = "starttls"
    user: str = ""
    password: str = ""

    @property
    def name(self) -> str:
        """What the outbox calls this hook."""
        return f"mail {self.host}"

    def deliver(self, messages: Sequence[tuple[int, str]], now: int) -> None:
        """Returns when the server took one mail with all of them; raises `DeliveryError`."""
        del now
        told = [orjson.loads(content) for _, content in messages]
        first = told[0]["data"]
        mail = EmailMessage()
        more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
        step = told[0]["type"].removeprefix("alert.")
        subject = f"{first['severity']} {step}: {first['message']}{more}"
        mail["Subject"] = " ".join(subject.split())[:200]
        mail["From"], mail["To"] = self.sender, ", ".join(self.recipients)
        mail["Message-ID"] = make_msgid(f"alert-{messages[0][0]}", "twin")
        mail.set_content("\n\n".join(in_words(each) for each in told) + "\n")
        try:
            self._send(mail)
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError(f"The mail server {self.host}:{self.port} took nothing: {error}.") from error

    def _send(self, mail: EmailMessage) -> None:
        context = ssl.create_default_context()
        if self.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=PATIENCE, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=PATIENCE)
        with server:
            if self.security == "starttls":
                server.starttls(context=context)
            if self.user:
                server.login(self.user, self.password)
            server.send_message(mail)
