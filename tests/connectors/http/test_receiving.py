"""Webhooks: who may send, and what is in what they send."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
from pathlib import Path

import pytest

from connectors.http.connector import HttpConnector
from twin.connector import ConnectionSettings, Delivery, DeliveryRefused

BEARER = {"authorization": "Bearer s3cret"}


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "s3cret")


def received(delivery: Delivery, **options: str) -> list[tuple[str, bytes]]:
    settings = ConnectionSettings("plant", "in:", options or {"token": "env:HOOK"})
    return list(HttpConnector.receive(settings, delivery))


def refusal(delivery: Delivery, **options: str) -> str:
    with pytest.raises(DeliveryRefused) as refused:
        received(delivery, **options)
    assert "s3cret" not in str(refused.value)
    return refused.value.kind


def test_a_body_is_one_item_for_its_address() -> None:
    assert received(Delivery("gas", BEARER, b'[{"v": 1}]')) == [("in:gas", b'[{"v": 1}]')]


def test_lines_and_batches_are_items_each() -> None:
    lines = {**BEARER, "content-type": "application/x-ndjson; charset=utf-8"}
    assert received(Delivery("g", lines, b'{"v": 1}\n\n{"v": 2}\n')) == [("in:g", b'{"v": 1}'), ("in:g", b'{"v": 2}')]
    found = received(Delivery("g", BEARER, b'[{"v": 1}, 7]', batch=True))
    assert [json.loads(payload) for _, payload in found] == [{"v": 1}, 7]


def test_a_body_that_is_packed_is_unpacked_within_bounds() -> None:
    headers = {**BEARER, "content-encoding": "gzip"}
    assert received(Delivery("g", headers, gzip.compress(b"21.5"))) == [("in:g", b"21.5")]
    bomb = gzip.compress(b"x" * 10_000_000)
    assert refusal(Delivery("g", headers, bomb)) == "too-large"
    assert refusal(Delivery("g", headers, b"no gzip")) == "invalid"
    assert refusal(Delivery("g", {**BEARER, "content-encoding": "br"}, b"x")) == "invalid"


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic s3cret"}, {"x-api-key": "s3cre"}]
)
def test_who_does_not_know_the_token_is_refused(headers: dict[str, str]) -> None:
    assert refusal(Delivery("g", headers, b"1")) == "unauthorized"


def test_the_token_may_come_as_a_key_and_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    options = {"token": f"file:{tmp_path}/token"}
    assert received(Delivery("g", {"x-api-key": "s3cret"}, b"1"), **options) == [("in:g", b"1")]


@pytest.mark.parametrize("header", ["x-hub-signature-256", "x-signature"])
def test_a_signed_body_is_taken_and_a_changed_one_is_not(header: str) -> None:
    signature = hmac.new(b"s3cret", b"21.5", hashlib.sha256).hexdigest()
    options = {"signature": "env:HOOK"}
    headers = {header: f"sha256={signature}"}
    assert received(Delivery("g", headers, b"21.5"), **options) == [("in:g", b"21.5")]
    assert refusal(Delivery("g", headers, b"99.9"), **options) == "unauthorized"
    assert refusal(Delivery("g", {}, b"21.5"), **options) == "unauthorized"


def test_nobody_may_send_to_a_connection_that_has_no_secret() -> None:
    assert refusal(Delivery("g", BEARER, b"1"), period="5") == "forbidden"


@pytest.mark.parametrize(
    ("body", "batch"), [(b"", False), (b" \n", False), (b"{}", True), (b"[]", True), (b"[" * 9999, True)]
)
def test_what_has_no_items_is_refused(body: bytes, batch: bool) -> None:
    assert refusal(Delivery("g", BEARER, body, batch)) == "invalid"


def test_too_many_items_are_refused() -> None:
    headers = {**BEARER, "content-type": "application/x-ndjson"}
    assert refusal(Delivery("g", headers, b"1\n" * 10_001)) == "too-large"
