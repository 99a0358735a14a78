"""What devices send to us: who may, and what is in it."""

from __future__ import annotations

import hashlib
import hmac
import json
import zlib
from collections.abc import Mapping

from connectors.http.settings import PUSHED, HttpOptions
from twin.connector import Delivery, DeliveryRefused

MOST = 10_000
"""Items of one request."""
_LINES = ("application/x-ndjson", "application/jsonl", "application/json-lines", "application/jsonlines")
_SIGNATURES = ("x-hub-signature-256", "x-signature-256", "x-signature")


def items(delivery: Delivery, options: HttpOptions) -> list[tuple[str, bytes]]:
    """The address and the payload of every item; raises `DeliveryRefused`.

    A body of JSON lines is an item a line, one of a JSON list with ``batch`` an item an element, any other one item.
    """
    _allow(delivery, options)
    body = _unpacked(delivery, options.bytes)
    address = PUSHED + delivery.address
    kind = delivery.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _LINES:
        found = [line for line in body.splitlines() if line.strip()]
    elif delivery.batch:
        found = _elements(body)
    else:
        found = [body]
    if not found or not body.strip():
        raise DeliveryRefused("invalid", "The body is empty.")
    if len(found) > MOST:
        raise DeliveryRefused("too-large", f"The body has {len(found)} items; send at most {MOST} at a time.")
    return [(address, each) for each in found]


def _allow(delivery: Delivery, options: HttpOptions) -> None:
    if not (options.token or options.signature):
        raise DeliveryRefused(
            "forbidden", "Nobody may send to this connection: give it the option token=env:NAME, or signature=env:NAME."
        )
    if options.token and not _same(_bearer(delivery.headers), options.token):
        raise DeliveryRefused("unauthorized", "The token of the connection is missing or wrong.")
    if options.signature:
        made = hmac.new(options.signature.encode(), delivery.body, hashlib.sha256).hexdigest()
        sent = next((delivery.headers[name] for name in _SIGNATURES if name in delivery.headers), "")
        if not _same(sent.removeprefix("sha256="), made):
            raise DeliveryRefused("unauthorized", "The signature of the body is missing or wrong.")


def _bearer(headers: Mapping[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _unpacked(delivery: Delivery, most: int) -> bytes:
    coding = delivery.headers.get("content-encoding", "identity").strip().lower()
    if coding == "identity":
        body = delivery.body
    elif coding in ("gzip", "deflate"):
        try:
            body = zlib.decompressobj(47).decompress(delivery.body, most + 1)
        except zlib.error:
            raise DeliveryRefused("invalid", f"The body is not {coding}, as its content-encoding says.") from None
    else:
        raise DeliveryRefused("invalid", f"The content-encoding {coding[:40]!r} is not known; send gzip or none.")
    if len(body) > most:
        raise DeliveryRefused("too-large", f"The body has more than {most} bytes; send less at a time.")
    return body


def _elements(body: bytes) -> list[bytes]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise DeliveryRefused("invalid", "The body is no JSON list, of which each element would be an item.")
    return [json.dumps(each).encode() for each in found]
