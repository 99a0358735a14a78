"""One HTTP client and what it knows of what it polls.  Imports httpx, which the connector loads to connect."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from functools import partial
from urllib.parse import urlsplit

import httpx

from connectors.http.addresses import filled, polled, written
from connectors.http.settings import HttpOptions
from connectors.http.words import place, unreachable
from twin.connector import AddressError, ConnectorError, SampleBatch, WriteError
from twin.observation import Quality

logger = logging.getLogger(__name__)
logging.getLogger("httpx").setLevel(logging.WARNING)  # a line a request otherwise, with whatever is in its URL

SHOWN = 200
"""Characters of an answer that a message quotes."""


@dataclass(frozen=True, slots=True)
class Known:
    """What was taken from an address: its last answer and how to ask whether it still stands."""

    body: bytes | None = None
    digest: bytes = b""
    quality: Quality = Quality.GOOD
    etag: str = ""
    modified: str = ""
    since: float = 0.0  # seconds since 1970, by the device's own clock where it tells one
    told: float = 0.0  # monotonic seconds


@dataclass(frozen=True, slots=True)
class _Answer:
    address: str
    known: Known
    time: int
    received: int
    failed: BaseException | None = None


class Session:
    """Polls and writes, from `open` to `close`."""

    def __init__(self, endpoint: str, options: HttpOptions) -> None:
        self._endpoint = endpoint
        self._options = options
        headers = {"User-Agent": "twin"}
        if options.bearer:
            headers["Authorization"] = f"Bearer {options.bearer}"
        if options.key:
            headers[options.key_header] = options.key
        self._client = httpx.AsyncClient(
            base_url=endpoint,
            headers=headers,
            auth=httpx.BasicAuth(options.username, options.password) if options.username else None,
            timeout=options.timeout,
            verify=_trust(options) if endpoint.startswith("https") else True,
            trust_env=False,  # a device is not behind the proxy that the environment may name
            limits=httpx.Limits(max_connections=options.parallel + 2, max_keepalive_connections=options.parallel),
        )
        self._at_once = asyncio.Semaphore(options.parallel)
        self._known: dict[str, Known] = {}
        self._not_before: dict[str, float] = {}
        self._started = time.time()

    async def open(self) -> None:
        """Returns when something listens at the endpoint; raises `ConnectorError`."""
        url = urlsplit(self._endpoint)
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            async with asyncio.timeout(self._options.timeout):
                _, writer = await asyncio.open_connection(url.hostname, port)
        except OSError as error:  # a time-out is one
            await self.close()
            raise ConnectorError(unreachable(self._endpoint, error, self._options.timeout)) from None
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async def close(self) -> None:
        """Ends all connections; safe to call twice."""
        await self._client.aclose()

    async def poll(self, addresses: Sequence[str]) -> SampleBatch | None:
        """What the addresses say that is to be told: what is new, and what has stood for as long as `refresh`.

        None when there is nothing to tell.  Raises `ConnectorError` when not one of them could be asked.
        """
        now = time.monotonic()
        due = [each for each in addresses if self._not_before.get(each, 0.0) <= now]
        answers = await asyncio.gather(*(self._get(each) for each in due))
        failures = [each.failed for each in answers if each.failed is not None]
        if failures and len(failures) == len(answers):
            raise ConnectorError(unreachable(self._endpoint, failures[0], self._options.timeout))
        told = [each for each in answers if self._to_tell(each)]
        if not told:
            return None
        return SampleBatch(
            addresses=[each.address for each in told],
            values=[each.known.body for each in told],
            times=[each.time for each in told],
            received=[each.received for each in told],
            qualities=[each.known.quality for each in told],
            # Only what is stored counts as taken: until then the whole answer is asked for again.
            acknowledge=partial(self._known.update, {each.address: each.known for each in told}),
        )

    async def write(self, address: str, body: bytes) -> None:
        """Returns when the device answered with success; raises `WriteError` or `ConnectorError`."""
        where = place(self._endpoint)
        try:
            method, path = written(address)
            answer = await self._client.request(
                method, self._endpoint + path, content=body, headers={"Content-Type": self._options.content_type}
            )
        except AddressError as error:
            raise WriteError(str(error)) from None
        except (httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout):
            raise WriteError(
                f"{where} did not answer the write to {address} within {self._options.timeout:g} s; "
                "it may still have arrived."
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ConnectorError(unreachable(self._endpoint, error, self._options.timeout)) from None
        if not answer.is_success:
            said = answer.text[:SHOWN].strip()
            raise WriteError(
                f"{where} refused the write to {address}: {answer.status_code} {answer.reason_phrase}"
                + (f" ({said})." if said else ".")
            )

    # Within

    async def _get(self, address: str) -> _Answer:
        before = self._known.get(address, Known(since=self._started - self._options.lookback))
        headers = {"If-None-Match": before.etag} if before.etag else {}
        if before.modified and not before.etag:
            headers["If-Modified-Since"] = before.modified
        try:
            path = filled(polled(address), max(0.0, before.since - self._options.overlap))
            async with (
                self._at_once,
                asyncio.timeout(2 * self._options.timeout),
                self._client.stream("GET", self._endpoint + path, headers=headers) as response,
            ):
                body = await self._body(response)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return _Answer(address, replace(before, body=None, quality=Quality.COMMS), 0, time.time_ns(), error)
        received = time.time_ns()
        self._wait_if_told(address, response)
        known = self._understood(address, before, response, body)
        stood = _seconds(response.headers.get("age"))  # a cache on the way kept it for so long
        return _Answer(address, known, received - int(stood * 1e9) if stood else 0, received)

    async def _body(self, response: httpx.Response) -> bytes | None:
        parts, size = [], 0
        async for part in response.aiter_bytes():
            size += len(part)
            if size > self._options.bytes:
                return None
            parts.append(part)
        return b"".join(parts)

    def _understood(self, address: str, before: Known, response: httpx.Response, body: bytes | None) -> Known:
        status = response.status_code
        since = _date(response.headers) or time.time()
        if status == 304 or (status == 204 and before.body is not None):
            return replace(before, since=since)
        if not response.is_success or not body:
            quality = _quality(status) if not response.is_success else Quality.CONFIGURATION
            if before.quality != quality:
                why = f"{status} {response.reason_phrase}" if body is not None else "too large an answer"
                logger.warning("%s answers %s with %s", place(self._endpoint), address, why if body else "nothing")
            return replace(before, body=None, digest=b"", quality=quality, etag="", modified="")
        headers = response.headers
        digest = hashlib.sha256(body).digest()
        return Known(
            body, digest, Quality.GOOD, headers.get("etag", ""), headers.get("last-modified", ""), since, before.told
        )

    def _to_tell(self, answer: _Answer) -> bool:
        before = self._known.get(answer.address)
        now = time.monotonic()
        same = before is not None and (before.digest, before.quality) == (answer.known.digest, answer.known.quality)
        if same and before is not None and now - before.told < self._options.refresh:
            self._known[answer.address] = replace(before, since=answer.known.since)  # nothing new up to then
            return False
        object.__setattr__(answer.known, "told", now)
        return True

    def _wait_if_told(self, address: str, response: httpx.Response) -> None:
        """A device that is asked too often says for how long it wants to be left alone."""
        if response.status_code in (429, 503) and (pause := _seconds(response.headers.get("retry-after"))):
            self._not_before[address] = time.monotonic() + min(pause, 3600.0)


def _quality(status: int) -> Quality:
    """What an answer that is no success says of the value (RFC 9110, section 15)."""
    if status in (408, 425, 429, 502, 503, 504):
        return Quality.COMMS
    return Quality.DEVICE_FAULT if status >= 500 else Quality.CONFIGURATION


def _date(headers: Mapping[str, str]) -> float:
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return 0.0


def _seconds(text: str | None) -> float:
    return float(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 8 else 0.0


def _trust(options: HttpOptions) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=options.ca_file or None)
        if options.certificate:
            context.load_cert_chain(options.certificate, options.certificate_key or None)
    except OSError as error:
        raise ConnectorError(
            f"The files ca_file, certificate and certificate_key cannot be used: {error.strerror or error}."
        ) from None
    return context
