"""The suite that every connector passes, against a running device.

A connector's tests derive a class from `ConnectorContract` and give it a fixture ``device``: something that really
speaks the protocol, preferably written by others.  See ``docs/add-a-connector.md``.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import pytest

from twin.connector import (
    AddressBinding,
    AddressError,
    ConnectionSettings,
    Connector,
    ConnectorError,
    SampleBatch,
    Scalar,
    WriteError,
)
from twin.observation import Quality

DEADLINE = 20.0
"""Seconds after which a wait has failed; generous, because machines are busy."""
CYCLES = 10

T = TypeVar("T")


class Device(Protocol):
    """A device (or a broker with one behind it) that runs while the test looks at it."""

    connector: type[Connector]
    settings: ConnectionSettings
    reading: AddressBinding
    """A number that the device gives; `change` changes it."""
    command: AddressBinding
    """A number that the device takes; `written` tells which it was told last."""
    malformed: Sequence[str]
    """Texts that are no addresses of the protocol."""
    samples_itself: bool
    """Whether the device looks at its readings at intervals of its own, so that a quick change may go unseen."""

    def change(self, value: float) -> None:
        """Returns when the device has the new reading."""
        ...

    def written(self) -> float | None:
        """The last number that reached the device."""
        ...

    def number(self, raw: object) -> float:
        """The reading in a raw value that the connector delivered."""
        ...

    def raw(self, value: float) -> Scalar | bytes:
        """The command as the server's codec would hand it to the connector."""
        ...

    def stop(self) -> None:
        """The device is gone, as by a power cut; stopping it twice is allowed."""
        ...

    def start(self) -> None:
        """The device is there again, at the same address; starting it twice is allowed."""
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of a batch."""

    address: str
    value: object
    time: int
    received: int
    quality: Quality


def rows(batch: SampleBatch) -> list[Sample]:
    """The rows of a batch, after a look at its form."""
    size = len(batch)
    assert len(batch.values) == len(batch.times) == len(batch.received) == size > 0
    qualities = batch.qualities or [0] * size
    assert len(qualities) == size
    columns = zip(batch.addresses, batch.values, batch.times, batch.received, qualities, strict=True)
    return [Sample(a, v, t, r, Quality(q)) for a, v, t, r, q in columns]


Until = Callable[[Callable[[list[Sample]], bool]], Awaitable[list[Sample]]]
"""Reads on until a condition on all samples so far holds, and returns them."""


@asynccontextmanager
async def sampling(connector: Connector, *bindings: AddressBinding) -> AsyncIterator[Until]:
    """Starts the samples of the bindings and ends them when the block is left."""
    seen: list[Sample] = []

    async with aclosing(connector.samples(bindings)) as batches:

        async def until(condition: Callable[[list[Sample]], bool]) -> list[Sample]:
            async with asyncio.timeout(DEADLINE):
                while not condition(seen):
                    batch = await anext(batches)
                    seen.extend(rows(batch))
                    if batch.acknowledge is not None:
                        batch.acknowledge()
            return seen

        yield until


async def eventually(look: Callable[[], T], wanted: Callable[[T], bool]) -> T:
    """What ``look`` gives once it is as wanted, or at the deadline."""
    deadline = time.monotonic() + DEADLINE
    while not wanted(found := look()) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    return found


def left_over(tasks: set[asyncio.Task[object]], threads: set[threading.Thread]) -> list[str]:
    """What runs now and did not then."""
    running = [repr(task) for task in asyncio.all_tasks() - tasks]
    return running + [repr(thread) for thread in set(threading.enumerate()) - threads if thread.is_alive()]


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def is_a_sentence(text: str) -> bool:
    return len(text.split()) >= 4 and text[0] == text[0].upper() and text.endswith((".", "?"))


class ConnectorContract:
    """What the server relies on."""

    @pytest.fixture
    def device(self) -> Device:
        raise NotImplementedError("the derived class gives the device")

    @pytest.fixture(autouse=True)
    def _the_device_runs(self, device: Device) -> None:
        device.start()

    def test_it_is_what_the_server_takes_for_a_connector(self, device: Device) -> None:
        assert isinstance(device.connector(device.settings), Connector)
        assert device.connector.protocol.islower()
        assert device.connector.carries in ("documents", "scalars")

    async def test_the_present_value_comes_soon_after_the_start(self, device: Device) -> None:
        device.change(21.5)
        async with device.connector(device.settings) as connector, sampling(connector, device.reading) as until:
            first = (await until(lambda seen: len(seen) >= 1))[0]
        assert device.number(first.value) == 21.5
        assert first.address == device.reading.address
        assert first.quality == Quality.GOOD

    async def test_changes_come_in_order_with_their_receive_times(self, device: Device) -> None:
        device.change(0)
        started = time.time_ns()
        async with device.connector(device.settings) as connector, sampling(connector, device.reading) as until:
            await until(lambda seen: len(seen) >= 1)
            for value in range(1, 21):
                device.change(value)
            seen = await until(lambda seen: device.number(seen[-1].value) == 20)
        numbers = [device.number(each.value) for each in seen]
        assert numbers == (sorted(set(numbers)) if device.samples_itself else list(range(21)))
        received = [each.received for each in seen]
        assert received == sorted(received)
        assert started <= received[0] <= received[-1] <= time.time_ns()

    async def test_a_second_iteration_on_the_same_connection_works_like_the_first(self, device: Device) -> None:
        async with device.connector(device.settings) as connector:
            for value in (1.0, 2.0):
                device.change(value)
                async with sampling(connector, device.reading) as until:
                    await until(lambda seen, value=value: bool(seen) and device.number(seen[-1].value) == value)

    async def test_a_write_returns_when_it_was_acknowledged_and_reaches_the_device(self, device: Device) -> None:
        async with device.connector(device.settings) as connector:
            for value in (18.0, 23.0):
                await asyncio.wait_for(connector.write(device.command, device.raw(value)), DEADLINE)
                assert await eventually(device.written, lambda told, value=value: told == value) == value

    async def test_a_write_goes_through_while_samples_come(self, device: Device) -> None:
        device.change(1)
        async with device.connector(device.settings) as connector, sampling(connector, device.reading) as until:
            await until(bool)
            await asyncio.wait_for(connector.write(device.command, device.raw(19.0)), DEADLINE)
            device.change(2)
            await until(lambda seen: device.number(seen[-1].value) == 2)
        assert await eventually(device.written, lambda told: told == 19.0) == 19.0

    async def test_a_binding_that_is_read_only_is_not_written(self, device: Device) -> None:
        async with device.connector(device.settings) as connector:
            with pytest.raises(WriteError) as refused:
                await connector.write(replace(device.command, write_address=None), device.raw(1.0))
        assert is_a_sentence(str(refused.value))

    def test_an_address_of_the_protocol_is_accepted(self, device: Device) -> None:
        device.connector.check_address(device.reading.address)

    def test_an_address_of_another_form_is_refused_in_words(self, device: Device) -> None:
        assert device.malformed
        for address in device.malformed:
            with pytest.raises(AddressError) as refused:
                device.connector.check_address(address)
            assert is_a_sentence(str(refused.value)), str(refused.value)

    async def test_a_binding_that_cannot_work_disturbs_no_other(self, device: Device) -> None:
        device.change(7)
        wrong = [AddressBinding(f"wrong-{i}", each) for i, each in enumerate(device.malformed)]
        async with device.connector(device.settings) as connector, sampling(connector, *wrong, device.reading) as until:
            seen = await until(
                lambda seen: {each.address for each in seen} >= {device.reading.address, *device.malformed}
            )
        told = {each.address: each for each in seen}
        for address in device.malformed:
            assert told[address].value is None
            assert told[address].quality & Quality.CONFIGURATION
        assert device.number(told[device.reading.address].value) == 7

    async def test_an_option_that_does_not_exist_is_refused_with_the_nearest_one(self, device: Device) -> None:
        known = next(iter(device.connector.Options.__dataclass_fields__))
        options = {**device.settings.options, known + "x": "1"}
        with pytest.raises(ConnectorError, match=rf"{known}x.*{known}"):
            await device.connector(replace(device.settings, options=options)).__aenter__()

    async def test_nobody_at_the_endpoint_is_a_connector_error_in_a_sentence(self, device: Device) -> None:
        device.stop()
        with pytest.raises(ConnectorError) as failed:
            await asyncio.wait_for(device.connector(device.settings).__aenter__(), DEADLINE)
        assert is_a_sentence(str(failed.value)), str(failed.value)

    async def test_the_death_of_the_peer_ends_the_samples_by_a_connector_error(self, device: Device) -> None:
        async with device.connector(device.settings) as connector, sampling(connector, device.reading) as until:
            await until(bool)
            device.stop()
            with pytest.raises(ConnectorError) as failed:
                await until(lambda seen: False)
            assert is_a_sentence(str(failed.value)), str(failed.value)
            with pytest.raises((ConnectorError, WriteError)):
                await asyncio.wait_for(connector.write(device.command, device.raw(1.0)), DEADLINE)

    async def test_a_new_connection_works_after_the_peer_came_back(self, device: Device) -> None:
        device.stop()
        with pytest.raises(ConnectorError):
            await device.connector(device.settings).__aenter__()
        device.start()
        device.change(3)
        async with device.connector(device.settings) as connector, sampling(connector, device.reading) as until:
            assert device.number((await until(bool))[0].value) == 3

    async def test_a_caller_that_stops_waiting_leaves_nothing_running(self, device: Device) -> None:
        async with device.connector(device.settings):
            pass  # whatever is made once in a process is made now
        tasks, threads = asyncio.all_tasks(), set(threading.enumerate())

        async def read_forever() -> None:
            async with device.connector(device.settings) as connector, sampling(connector, device.reading) as until:
                reading.set()
                await until(lambda seen: False)

        reading = asyncio.Event()
        reader = asyncio.create_task(read_forever())
        await asyncio.wait_for(reading.wait(), DEADLINE)
        reader.cancel()
        done, _ = await asyncio.wait([reader], timeout=DEADLINE)
        assert done, "the connector did not end within the deadline"
        assert reader.cancelled()
        assert await eventually(lambda: left_over(tasks, threads), lambda found: not found) == []

    async def test_ten_starts_and_stops_leave_nothing_behind(self, device: Device) -> None:
        device.change(5)

        async def once() -> None:
            async with device.connector(device.settings) as connector, sampling(connector, device.reading) as until:
                await until(bool)

        await once()
        tasks, threads, files = asyncio.all_tasks(), set(threading.enumerate()), open_files()
        for _ in range(CYCLES):
            await once()
        assert await eventually(lambda: left_over(tasks, threads), lambda found: not found) == []
        assert await eventually(open_files, lambda found: found <= files) <= files
