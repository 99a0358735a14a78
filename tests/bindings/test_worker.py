"""A worker keeps one connection up, and loses nothing that it was given."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.bindings.fake import Device, Documents, until
from twin.bindings.health import ConnectionHealth
from twin.bindings.plan import BoundProperty, ConnectionPlan
from twin.bindings.worker import Worker
from twin.clock import SystemClock
from twin.connector import ConnectorError, SampleBatch, WriteError
from twin.contracts import Rejected
from twin.errors import InvalidInput, NotFound, Unavailable
from twin.observation import ObservationBatch

ENDPOINT = "fake://user:secret@device"


def row(series: int, address: str, **fields: Any) -> BoundProperty:
    return BoundProperty(f"urn:p{series}", series, f"urn:p{series}#binding", address, **fields)


PLAN = ConnectionPlan("urn:c", "Vendor A", "fake", ENDPOINT, {}, (row(1, "a", write_address="a/set"), row(2, "b")))


class Bench:
    """A worker on a device, what it delivered and what it said."""

    def __init__(self) -> None:
        self.device = Device(ENDPOINT)
        self.taken: list[ObservationBatch] = []
        self.states: list[str] = []
        self.fault: Callable[[], Exception | None] = lambda: None
        self.gate = asyncio.Event()
        self.gate.set()
        self.worker = Worker(PLAN, Documents, self.deliver, self.on_status, SystemClock(), first_pause=0.005)

    async def deliver(self, batch: ObservationBatch, acknowledge: Callable[[], None] | None) -> None:
        await self.gate.wait()
        if (error := self.fault()) is not None:
            raise error
        self.taken.append(batch)
        assert acknowledge is not None
        acknowledge()

    def on_status(self, health: ConnectionHealth) -> None:
        if self.states[-1:] != [health.state]:
            self.states.append(health.state)

    def values(self) -> list[tuple[int, float]]:
        return [
            (int(series), float(value))
            for batch in self.taken
            for series, value in zip(batch.series, batch.value, strict=True)
        ]

    async def connected(self) -> None:
        await until(lambda: self.device.listens_to("a"))


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    bench.worker.start()
    yield bench
    bench.gate.set()
    await bench.worker.stop()
    assert bench.device.connections == []


async def test_samples_arrive_decoded_and_are_acknowledged_after_delivery(bench: Bench) -> None:
    await bench.connected()
    bench.gate.clear()
    bench.device.send(("a", b"1.5"), ("b", b"x"), ("b", b"2"))
    await until(lambda: bench.worker.health().received == 3)
    assert bench.device.acknowledged == []
    bench.gate.set()
    await until(lambda: bench.device.acknowledged == ["a", "b", "b"])
    assert bench.values() == [(1, 1.5), (2, 2.0)]
    health = bench.worker.health()
    assert (health.state, health.received, health.decoded, health.rejected) == ("CONNECTED", 3, 2, 1)
    assert [(each.address, each.reason, each.sample) for each in health.rejections] == [("b", "not a number", "x")]
    assert (health.bindings, health.series) == (2, (1, 2))
    assert health.last_received is not None


async def test_a_batch_with_nothing_to_keep_is_quarantined_and_acknowledged(bench: Bench) -> None:
    await bench.connected()
    bench.device.send(("a", b"garbage"))
    await until(lambda: bench.device.acknowledged == ["a"])
    assert bench.taken == []


async def test_a_lost_connection_is_made_again(bench: Bench) -> None:
    await bench.connected()
    bench.device.fail("The cable was pulled.")
    await until(lambda: bench.worker.health().error == "The cable was pulled.")
    await until(lambda: bench.worker.health().error.startswith("Nothing answers"))
    bench.device.up = True
    await bench.connected()
    bench.device.send(("a", b"3"))
    await until(lambda: bench.values() == [(1, 3.0)])
    assert bench.states == ["CONNECTED", "RETRYING", "CONNECTED"]
    assert bench.worker.health().error == ""


async def test_the_log_tells_the_story_without_the_password(bench: Bench) -> None:
    await bench.connected()
    bench.device.fail(f"Lost {ENDPOINT}.")
    await until(lambda: bench.worker.health().error.startswith("Nothing answers"))
    health = bench.worker.health()
    assert health.endpoint == "fake://user:...@device"
    assert "secret" not in repr(health)
    messages = [event.message for event in health.log]
    assert messages[:2] == ["Connected to fake://user:...@device.", "Lost fake://user:...@device."]
    assert messages[2].startswith("Trying again in 0.0")


async def test_the_log_keeps_the_last_fifty_events(bench: Bench) -> None:
    plans = [replace(PLAN, rows=(row(1, "a", scale=0.0, offset=float(number)),)) for number in range(60)]
    for plan in plans:
        bench.worker.update(plan)
    log = bench.worker.health().log
    assert len(log) == 50
    assert "offset 59.0" in log[-1].message


async def test_an_unexpected_failure_of_a_connector_is_survived(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    await bench.connected()
    with caplog.at_level(logging.ERROR):
        bench.device.connections[0].inbox.put_nowait(ZeroDivisionError("oops"))
        await until(lambda: len(bench.device.identities) == 2)
    assert "failed in a way that it should not" in caplog.text
    assert any("ZeroDivisionError: oops" in event.message for event in bench.worker.health().log)


async def test_a_connector_that_cannot_even_disconnect_is_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.connected()
    leave = Documents.__aexit__

    async def stumble(self: Documents, *args: Any) -> None:
        await leave(self, *args)
        raise OSError("The socket is gone.")

    monkeypatch.setattr(Documents, "__aexit__", stumble)
    bench.device.connections[0].inbox.put_nowait(ConnectorError("Lost."))
    await until(lambda: len(bench.device.identities) == 2)
    messages = [event.message for event in bench.worker.health().log]
    assert messages[1:3] == ["Disconnecting failed (OSError: The socket is gone.).", "Lost."]


async def test_what_the_history_does_not_take_is_offered_again_before_anything_else_is_read(bench: Bench) -> None:
    await bench.connected()
    bench.fault = lambda: Unavailable("The disk is full.")
    bench.device.send(("a", b"1"))
    bench.device.send(("a", b"2"))
    await until(lambda: "The disk is full." in bench.worker.health().error)
    assert (bench.worker.health().received, bench.device.acknowledged) == (1, [])
    bench.fault = lambda: None
    await until(lambda: bench.values() == [(1, 1.0), (1, 2.0)])
    assert bench.device.acknowledged == ["a", "a"]
    assert bench.worker.health().error == ""


async def test_what_can_never_be_stored_does_not_hold_up_the_rest(bench: Bench) -> None:
    await bench.connected()
    bench.fault = lambda: InvalidInput("Series 1 is negative.")
    bench.device.send(("a", b"1"))
    await until(lambda: bench.device.acknowledged == ["a"])
    bench.fault = lambda: None
    bench.device.send(("a", b"2"))
    await until(lambda: bench.values() == [(1, 2.0)])
    assert bench.worker.health().rejections[0].reason == "Series 1 is negative."


async def test_a_changed_codec_keeps_the_connection_and_the_subscription(bench: Bench) -> None:
    await bench.connected()
    bench.worker.update(replace(PLAN, rows=(row(1, "a", scale=10.0),)))
    bench.device.send(("a", b"1"), ("b", b"2"))
    await until(lambda: bench.values() == [(1, 10.0)])
    assert (len(bench.device.identities), len(bench.device.subscriptions)) == (1, 1)
    assert bench.worker.health().rejected == 0


async def test_a_new_address_is_subscribed_on_the_same_connection(bench: Bench) -> None:
    await bench.connected()
    bench.worker.update(replace(PLAN, rows=(*PLAN.rows, row(3, "c"))))
    await until(lambda: bench.device.listens_to("c"))
    bench.device.send(("a", b"1"), ("c", b"3"))
    await until(lambda: bench.values() == [(1, 1.0), (3, 3.0)])
    assert bench.device.identities == ["urn:c"]
    assert bench.device.subscriptions == [["a", "b"], ["a", "b", "c"]]


async def test_a_batch_on_its_way_survives_a_new_subscription(bench: Bench) -> None:
    await bench.connected()
    bench.gate.clear()
    bench.device.send(("a", b"1"))
    await until(lambda: bench.worker.health().received == 1)
    bench.worker.update(replace(PLAN, rows=(*PLAN.rows, row(3, "c"))))
    bench.gate.set()
    await until(lambda: bench.device.listens_to("c"))
    assert bench.values() == [(1, 1.0)]


async def test_a_batch_on_its_way_survives_the_end(bench: Bench) -> None:
    await bench.connected()
    bench.gate.clear()
    bench.device.send(("a", b"1"))
    await until(lambda: bench.worker.health().received == 1)
    stopping = asyncio.create_task(bench.worker.stop())
    await asyncio.sleep(0)
    bench.gate.set()
    await stopping
    assert bench.values() == [(1, 1.0)]
    assert bench.states[-1] == "STOPPED"


async def test_a_connection_without_bindings_waits_for_some(bench: Bench) -> None:
    empty = Bench.__new__(Bench)
    Bench.__init__(empty)
    worker = Worker(replace(PLAN, rows=()), Documents, empty.deliver, empty.on_status, SystemClock())
    worker.start()
    await until(lambda: worker.connected)
    assert empty.device.subscriptions == []
    worker.update(PLAN)
    await until(lambda: empty.device.listens_to("a"))
    await worker.stop()


async def test_a_write_is_encoded_and_reaches_the_device(bench: Bench) -> None:
    await bench.connected()
    await bench.worker.write("urn:p1", 21.5)
    assert bench.device.writes == [("a/set", b"21.5")]


@pytest.mark.parametrize(
    ("attempt", "error", "words"),
    [
        (lambda worker: worker.write("urn:p2", 1.0), Unavailable, "where to read and not where to write"),
        (lambda worker: worker.write("urn:p9", 1.0), NotFound, "not bound"),
        (lambda worker: worker.write("urn:p1", "warm"), InvalidInput, "not a number"),
    ],
)
async def test_a_write_that_cannot_be_says_why(
    bench: Bench, attempt: Callable[[Worker], Awaitable[None]], error: type[Exception], words: str
) -> None:
    await bench.connected()
    with pytest.raises(error, match=words):
        await attempt(bench.worker)


async def test_a_refused_write_and_a_missing_connection_are_told_apart(bench: Bench) -> None:
    await bench.connected()
    bench.device.refuse = "The point is locked."
    with pytest.raises(WriteError, match="locked"):
        await bench.worker.write("urn:p1", 1.0)
    bench.device.fail("Gone.")
    await until(lambda: not bench.worker.connected)
    with pytest.raises(Unavailable, match="Vendor A is not up"):
        await bench.worker.write("urn:p1", 1.0)


async def test_the_first_samples_of_some_properties_can_be_waited_for(bench: Bench) -> None:
    await bench.connected()
    waiting = asyncio.create_task(bench.worker.first_samples({1, 2}))
    await asyncio.sleep(0)
    bench.device.send(("a", b"1"))
    await until(lambda: bench.values() == [(1, 1.0)])
    assert not waiting.done()
    bench.device.send(("b", b"nan"))
    bench.device.send(("b", b"1"))
    await waiting
    assert len(bench.taken) == 3


class Shelf:
    """A `twin.bindings.keeping.Keeping` in memory, whose disk may be full."""

    def __init__(self) -> None:
        self.full = False
        self.kept: list[tuple[str, SampleBatch]] = []
        self.rejected: list[Rejected] = []

    def keep(self, connection: str, batch: SampleBatch, now: int) -> None:
        self.kept.append((connection, batch))

    async def reject(self, connection: str, rejected: Sequence[Rejected]) -> None:
        if self.full:
            raise Unavailable("The disk is full.")
        self.rejected.extend(rejected)


async def test_a_rejected_payload_is_kept_whole_before_it_is_acknowledged() -> None:
    shelf, bench = Shelf(), Bench()
    shelf.full = True
    bench.worker = Worker(PLAN, Documents, bench.deliver, bench.on_status, SystemClock(), 0.005, shelf)
    bench.worker.start()
    await bench.connected()
    bench.device.send(("a", b"garbage" * 100), ("b", b"2"))
    await until(lambda: "The disk is full" in bench.worker.health().error)
    assert bench.device.acknowledged == []
    shelf.full = False
    await until(lambda: bench.device.acknowledged == ["a", "b"])
    assert [(each.address, each.payload, each.reason) for each in shelf.rejected] == [
        ("a", b"garbage" * 100, "not a number")
    ]
    assert [(connection, list(batch.values)) for connection, batch in shelf.kept] == [
        (PLAN.id, [b"garbage" * 100, b"2"])
    ]
    assert bench.values() == [(2, 2.0)]
    await bench.worker.stop()


async def test_a_batch_that_can_never_be_stored_is_kept_among_the_rejected() -> None:
    shelf, bench = Shelf(), Bench()
    bench.fault = lambda: InvalidInput("No such series.")
    bench.worker = Worker(PLAN, Documents, bench.deliver, bench.on_status, SystemClock(), 0.005, shelf)
    bench.worker.start()
    await bench.connected()
    bench.device.send(("a", b"1"), ("b", b"2"))
    await until(lambda: bench.device.acknowledged == ["a", "b"])
    assert [(each.payload, each.reason) for each in shelf.rejected] == [
        (b"1", "No such series."),
        (b"2", "No such series."),
    ]
    await bench.worker.stop()
