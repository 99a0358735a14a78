"""Polling and writing: what each answer becomes, and when an answer counts as taken."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import aclosing

import pytest

from connectors.http.connector import HttpConnector
from tests.connectors.http.scripted import Answer, Asked, Scripted
from tests.contracts.connector import DEADLINE, rows, sampling
from twin.connector import AddressBinding, ConnectionSettings, ConnectorError, SampleBatch, WriteError
from twin.observation import Quality

A, B = AddressBinding("a", "/a", write_address="/a"), AddressBinding("b", "/b")


def connector(server: Scripted, path: str = "", **options: str) -> HttpConnector:
    return HttpConnector(ConnectionSettings("plant", server.url + path, {"period": "0.02", **options}))


def always(answer: Answer) -> Callable[[Asked], Answer]:
    return lambda _asked: answer


async def first(subject: HttpConnector, *bindings: AddressBinding) -> SampleBatch:
    async with subject, aclosing(subject.samples(bindings)) as batches, asyncio.timeout(DEADLINE):
        return await anext(batches)


@pytest.mark.parametrize(
    ("status", "quality"),
    [
        (404, Quality.CONFIGURATION), (401, Quality.CONFIGURATION), (301, Quality.CONFIGURATION),
        (500, Quality.DEVICE_FAULT), (501, Quality.DEVICE_FAULT), (503, Quality.COMMS), (429, Quality.COMMS),
        (504, Quality.COMMS), (200, Quality.CONFIGURATION),
    ],
)  # fmt: skip
async def test_an_answer_without_a_value_says_why(status: int, quality: Quality) -> None:
    with Scripted(always(Answer(status=status))) as server:
        (row,) = rows(await first(connector(server), A))
    assert (row.value, row.quality) == (None, quality)


async def test_one_address_that_fails_leaves_the_others_alone() -> None:
    with Scripted(lambda asked: Answer(b"1") if asked.path == "/a" else Answer(status=404)) as server:
        found = {row.address: (row.value, row.quality) for row in rows(await first(connector(server), A, B))}
    assert found == {"/a": (b"1", Quality.GOOD), "/b": (None, Quality.CONFIGURATION)}


async def test_one_address_that_is_silent_has_lost_communication_and_the_connection_stands() -> None:
    held = threading.Event()
    with Scripted(lambda asked: Answer(b"1", hold=None if asked.path == "/a" else held)) as server:
        found = {row.address: row.quality for row in rows(await first(connector(server, timeout="0.2"), A, B))}
        held.set()
    assert found == {"/a": Quality.GOOD, "/b": Quality.COMMS}


async def test_the_endpoints_own_path_stands_before_the_address() -> None:
    with Scripted(always(Answer(b"1"))) as server:
        await first(connector(server, "/base/"), AddressBinding("a", "/a?x=1&y={since_s}"))
    assert server.asked[0].path.startswith("/base/a?x=1&y=")


async def test_what_stands_still_is_told_again_after_its_time_and_not_before() -> None:
    with Scripted(always(Answer(b"1"))) as server:
        async with connector(server, refresh="0.2") as subject, sampling(subject, A) as until:
            seen = await until(lambda seen: len(seen) >= 3)
            assert len(server.asked) > 2 * len(seen)
        async with connector(server, refresh="0") as subject, sampling(subject, A) as until:
            server.asked.clear()
            seen = await until(lambda seen: len(seen) >= 3)
            assert len(server.asked) == len(seen)


async def test_an_answer_is_taken_only_when_it_is_acknowledged() -> None:
    def answer(asked: Asked) -> Answer:
        known = asked.headers.get("if-none-match") == '"1"'
        return Answer(b"" if known else b"42", 304 if known else 200, {"etag": '"1"'})

    with Scripted(answer) as server:
        subject = connector(server, refresh="0")
        async with subject, asyncio.timeout(DEADLINE), aclosing(subject.samples([A])) as batches:
            lost = await anext(batches)  # and never stored
            again = await anext(batches)
            assert again.acknowledge is not None
            again.acknowledge()
            stands = await anext(batches)
    assert [each.values for each in (lost, again, stands)] == [[b"42"]] * 3
    assert ["if-none-match" in each.headers for each in server.asked[:3]] == [False, False, True]


async def test_a_log_is_asked_from_before_the_last_answer_that_was_stored() -> None:
    def answer(_asked: Asked) -> Answer:
        return Answer(f"{len(server.asked)}".encode(), headers={"date": "Thu, 01 Jan 2026 00:00:00 GMT"})

    log = AddressBinding("log", "/log?since={since}&s={since_s}")
    with Scripted(answer) as server:
        subject = connector(server, lookback="7200", overlap="60")
        async with subject, asyncio.timeout(DEADLINE), aclosing(subject.samples([log])) as batches:
            started = time.time()
            await anext(batches)
            batch = await anext(batches)
            assert batch.acknowledge is not None
            batch.acknowledge()
            await anext(batches)
    since = [int(each.path.rpartition("=")[2]) for each in server.asked[:3]]
    assert abs(since[0] - (started - 7260)) < 30  # nothing is known yet, nor after what was not stored
    assert since[1] == since[0]
    # By the device's own clock.  Python's server tells a date of its own before the one of the test.
    assert since[2] in (1767225600 - 60, int(started) - 60, int(started) - 59, int(started) - 61)


async def test_a_device_that_wants_to_be_left_alone_is() -> None:
    with Scripted(always(Answer(status=429, headers={"retry-after": "3600"}))) as server:
        subject = connector(server, refresh="0")
        async with subject, aclosing(subject.samples([A])) as batches:
            await asyncio.wait_for(anext(batches), DEADLINE)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(batches), 0.3)
    assert len(server.asked) == 1


async def test_the_age_of_an_answer_from_a_cache_is_taken_off() -> None:
    with Scripted(always(Answer(b"1", headers={"age": "30"}))) as server:
        (row,) = rows(await first(connector(server), A))
    assert row.received - row.time == 30 * 10**9


async def test_an_answer_that_is_too_large_is_not_read() -> None:
    with Scripted(always(Answer(b"x" * 100_000))) as server:
        (row,) = rows(await first(connector(server, bytes="1000"), A))
    assert (row.value, row.quality) == (None, Quality.CONFIGURATION)


@pytest.mark.parametrize(
    ("options", "header", "value"),
    [
        ({"username": "u", "password": "env:HTTP_TEST_SECRET"}, "authorization", "Basic dTpzM2NyZXQ="),
        ({"bearer": "env:HTTP_TEST_SECRET"}, "authorization", "Bearer s3cret"),
        ({"key": "env:HTTP_TEST_SECRET", "key_header": "X-Vendor"}, "x-vendor", "s3cret"),
    ],
)
async def test_who_we_are_is_said(
    options: dict[str, str], header: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_TEST_SECRET", "s3cret")
    with Scripted(always(Answer(b"1"))) as server:
        async with connector(server, **options) as subject:
            await subject.write(A, b"2")
            async with sampling(subject, A) as until:
                await until(bool)
    assert [each.headers[header] for each in server.asked[:2]] == [value, value]


@pytest.mark.parametrize(("address", "method"), [("/a", "PUT"), ("POST /a", "POST"), ("PATCH /a", "PATCH")])
async def test_a_write_goes_by_the_method_of_its_address(address: str, method: str) -> None:
    with Scripted(always(Answer(status=204))) as server:
        async with connector(server) as subject:
            await subject.write(AddressBinding("a", "/a", write_address=address), b'{"v": 1}')
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == (method, "/a", b'{"v": 1}')
    assert asked.headers["content-type"] == "application/json"


async def test_a_refused_write_says_what_the_device_said() -> None:
    with Scripted(always(Answer(b"out of range", 422))) as server:
        async with connector(server) as subject:
            with pytest.raises(WriteError, match=r"422 .*out of range"):
                await subject.write(A, b"900")


async def test_a_write_without_an_answer_may_have_arrived() -> None:
    held = threading.Event()
    with Scripted(always(Answer(hold=held))) as server:
        async with connector(server, timeout="0.2") as subject:
            with pytest.raises(WriteError, match="may still have arrived"):
                await subject.write(A, b"1")
        held.set()


async def test_a_connection_that_is_only_sent_to_needs_no_server() -> None:
    subject = HttpConnector(ConnectionSettings("plant", "in:", {}))
    async with subject, aclosing(subject.samples([AddressBinding("x", "in:x"), A])) as batches:
        (row,) = rows(await asyncio.wait_for(anext(batches), DEADLINE))
        assert (row.address, row.quality) == ("/a", Quality.CONFIGURATION)
        with pytest.raises(ConnectorError, match="has no web server"):
            await subject.write(A, b"1")


@pytest.mark.parametrize("endpoint", ["", "ftp://x", "http://", "http://u:p@x", "http://x?y=1", "http://x:port"])
async def test_an_endpoint_that_is_none_is_refused_in_words(endpoint: str) -> None:
    with pytest.raises(ConnectorError, match="endpoint"):
        await HttpConnector(ConnectionSettings("plant", endpoint, {})).__aenter__()
