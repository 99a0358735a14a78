"""Alerts to a URL of somebody's: JSON by POST, signed as the Standard Webhooks specification says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

PATIENCE = 10.0
"""Seconds that the other side has to answer."""


class DeliveryError(Exception):
    """A message could not be delivered; the text says why."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One URL and the secret that messages to it are signed with (empty: they are not signed)."""

    url: str
    secret: str = ""

    @property
    def name(self) -> str:
        """What the outbox calls this hook."""
        return f"webhook {self.url}"

    def deliver(self, messages: Sequence[tuple[int, str]], now: int) -> None:
        """Returns when the other side took each message (``now`` in ns UTC); raises `DeliveryError`.  Each is sent by
        itself, with a number that stays the same when it is sent again."""
        for number, content in messages:
            self._post(f"alert-{number}", content.encode(), now // 1_000_000_000)

    def _post(self, name: str, body: bytes, seconds: int) -> None:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Twin",
            "webhook-id": name,
            "webhook-timestamp": str(seconds),
        }
        if self.secret:
            headers["webhook-signature"] = signature(self.secret, name, seconds, body)
        request = urllib.request.Request(self.url, body, headers, method="POST")  # noqa: S310 - checked to be http(s)
        try:
            with _OPENER.open(request, timeout=PATIENCE) as answer:
                answer.read(1024)
        except urllib.error.HTTPError as error:
            with error:
                raise DeliveryError(f"{self.url} answered {error.code} {error.reason}.") from error
        except (OSError, HTTPException, ValueError) as error:
            raise DeliveryError(f"{self.url} could not be reached: {error}.") from error


def signature(secret: str, name: str, seconds: int, body: bytes) -> str:
    """What proves that a message is ours: ``v1,`` and the base64 HMAC-SHA256 of ``id.timestamp.body``.

    A secret that begins with ``whsec_`` is the base64 of the key; any other is the key itself.
    """
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    digest = hmac.new(key, f"{name}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Nothing: what is signed for one place is not taken to another."""


_OPENER = urllib.request.build_opener(_NoRedirect)
