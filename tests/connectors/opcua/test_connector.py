from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from asyncua import ua

from connectors.opcua.connector import OpcUaConnector
from tests.connectors.opcua.proxy import proxied
from tests.connectors.opcua.server import NAMESPACE, VARIABLES, OpcUaServer
from tests.contracts.connector import DEADLINE, is_a_sentence, sampling
from tests.peers import free_port
from twin.connector import AddressBinding, ConnectionSettings, ConnectorError, Discovery, WriteError
from twin.observation import Quality


def to(endpoint: str, **options: str) -> OpcUaConnector:
    return OpcUaConnector(ConnectionSettings("test", endpoint, {"publishing": "0.05", **options}))


def node(name: str) -> AddressBinding:
    return AddressBinding(name, f"ns=2;s={name}", write_address=f"ns=2;s={name}")


@pytest.fixture(scope="module")
def server() -> Iterator[OpcUaServer]:
    server = OpcUaServer()
    server.start()
    yield server
    server.close()


@pytest.fixture
def guarded() -> Iterator[OpcUaServer]:
    server = OpcUaServer(guarded=True)
    server.start()
    yield server
    server.close()


async def test_scalars_of_every_type_arrive_as_they_are(server: OpcUaServer) -> None:
    wanted = {"Speed": 0.5, "Count": 3, "Big": 2**63, "Running": True, "Mode": 2, "Label": "idle", "Words": "warm"}
    async with to(server.endpoint) as connector, sampling(connector, *map(node, wanted)) as until:
        seen = await until(lambda seen: len({each.address for each in seen}) == len(wanted))
    found = {each.address.removeprefix("ns=2;s="): each.value for each in seen}
    assert found == wanted
    assert {name: type(value) for name, value in found.items()} == {name: type(v) for name, v in wanted.items()}


async def test_an_array_is_told_as_a_binding_that_cannot_work(server: OpcUaServer) -> None:
    async with to(server.endpoint) as connector, sampling(connector, node("Profile")) as until:
        (sample,) = await until(bool)
    assert (sample.value, sample.quality) == (None, Quality.CONFIGURATION)


async def test_the_source_time_and_the_quality_of_the_device_are_kept(server: OpcUaServer) -> None:
    source = datetime(2026, 3, 4, 5, 6, 7, 123_456, tzinfo=UTC)
    server.give("Temperature", 19.5, ua.StatusCodes.UncertainLastUsableValue, source)
    async with to(server.endpoint) as connector, sampling(connector, node("Temperature")) as until:
        (sample,) = await until(bool)
        server.give("Temperature", None, ua.StatusCodes.BadSensorFailure)
        seen = await until(lambda seen: len(seen) > 1)
    assert (sample.value, sample.quality) == (19.5, Quality.STALE)
    assert sample.time == int(source.timestamp()) * 10**9 + 123_456_000
    assert (seen[-1].value, seen[-1].quality) == (None, Quality.DEVICE_FAULT)


async def test_an_unknown_node_concerns_its_own_binding_and_is_logged(
    server: OpcUaServer, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere, elsewhere = AddressBinding("n", "ns=2;s=Nowhere"), AddressBinding("e", "nsu=urn:other;s=Mode")
    with caplog.at_level(logging.WARNING, "connectors"):
        async with to(server.endpoint) as connector, sampling(connector, nowhere, elsewhere, node("Mode")) as until:
            seen = await until(lambda seen: len(seen) >= 3)
    told = {each.address: (each.value, each.quality) for each in seen}
    assert told == {
        nowhere.address: (None, Quality.CONFIGURATION),
        elsewhere.address: (None, Quality.CONFIGURATION),
        "ns=2;s=Mode": (2, Quality.GOOD),
    }
    assert "BadNodeIdUnknown" in caplog.text
    assert "no namespace 'urn:other'" in caplog.text


async def test_a_node_is_found_by_the_uri_of_its_namespace(server: OpcUaServer) -> None:
    address = AddressBinding("m", f"nsu={NAMESPACE};s=Mode")
    async with to(server.endpoint) as connector, sampling(connector, address) as until:
        (sample,) = await until(bool)
    assert (sample.address, sample.value) == (address.address, 2)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Setpoint", 21, 21.0),
        ("Setpoint", "21.5", 21.5),
        ("Speed", 0.25, 0.25),
        ("Count", 70.00000000000001, 70),
        ("Mode", "1", 1),
        ("Running", "false", False),
        ("Running", True, True),
        ("Label", "run", "run"),
    ],
)
async def test_a_write_arrives_in_the_type_of_the_node(
    server: OpcUaServer, name: str, value: float | bool | str, expected: object
) -> None:
    async with to(server.endpoint) as connector:
        await connector.write(node(name), value)
    kind, before = VARIABLES[name]
    assert server.present(name) == (expected, kind)
    server.give(name, before)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("Temperature", 20.0, "refused the write to ns=2;s=Temperature: Bad"),
        ("Nowhere", 1, "BadNodeIdUnknown"),
        ("Count", 40_000, "range of the device's type Int16"),
        ("Count", "fast", "not a number"),
        ("Running", "perhaps", "Boolean"),
        ("Since", 5, "DateTime, which cannot be written"),
    ],
)
async def test_a_refused_write_says_why(server: OpcUaServer, name: str, value: float | str, words: str) -> None:
    async with to(server.endpoint) as connector:
        with pytest.raises(WriteError, match=words):
            await connector.write(node(name), value)
        await connector.write(node("Setpoint"), 20.0)


async def test_a_write_to_what_is_no_node_id_is_refused(server: OpcUaServer) -> None:
    async with to(server.endpoint) as connector:
        with pytest.raises(WriteError, match="is not a node id"):
            await connector.write(AddressBinding("x", "ns=2;s=Mode", write_address="Mode"), 1)


async def test_discovery_offers_every_variable_with_its_value(server: OpcUaServer) -> None:
    async with to(server.endpoint) as connector:
        assert isinstance(connector, Discovery)
        found = {each.name: each async for each in connector.discover()}
    offered = {name: found[f"Plant/{name}"] for name in VARIABLES}
    assert offered["Mode"].address == f"nsu={NAMESPACE};s=Mode"
    assert (offered["Mode"].sample, offered["Mode"].writable) == ("2", True)
    assert not offered["Temperature"].writable
    assert not any(name.startswith("Server/") for name in found)
    for candidate in found.values():
        OpcUaConnector.check_address(candidate.address)


async def test_a_user_with_the_password_from_the_environment_is_admitted(
    guarded: OpcUaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLC_PASSWORD", "s3cret")
    async with to(guarded.endpoint, username="ann", password="env:PLC_PASSWORD") as connector:
        await connector.write(node("Setpoint"), 22.0)
    monkeypatch.setenv("PLC_PASSWORD", "wrong")
    for options in ({"username": "ann", "password": "env:PLC_PASSWORD"}, {}):
        with pytest.raises(ConnectorError, match="username and password=env:NAME"):
            await to(guarded.endpoint, **options).__aenter__()


async def test_a_server_that_stops_answering_is_noticed(server: OpcUaServer) -> None:
    async with (
        proxied(server.endpoint) as proxy,
        to(proxy.endpoint, watch="0.2", timeout="0.5") as connector,
        sampling(connector, node("Mode")) as until,
    ):
        await until(bool)
        proxy.swallow()
        with pytest.raises(ConnectorError, match=r"stopped answering within 0\.2 s") as lost:
            await until(lambda seen: False)
    assert is_a_sentence(str(lost.value))


async def test_a_write_that_is_not_answered_fails_in_time(server: OpcUaServer) -> None:
    async with proxied(server.endpoint) as proxy, to(proxy.endpoint, watch="30", timeout="0.3") as connector:
        await connector.write(node("Setpoint"), 20.0)
        proxy.swallow()
        with pytest.raises(WriteError, match=r"did not acknowledge the write .* within 0\.3 s"):
            await connector.write(node("Setpoint"), 21.0)


async def test_a_silent_port_and_a_port_of_another_protocol_are_told_apart_from_a_closed_one(
    server: OpcUaServer,
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def chatty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    for behaviour, words in ((silent, "did not answer within 0.3 s"), (chatty, "check that it is an OPC UA server")):
        listener = await asyncio.start_server(behaviour, "127.0.0.1", 0)
        async with listener:
            port = listener.sockets[0].getsockname()[1]
            with pytest.raises(ConnectorError, match=words):
                await asyncio.wait_for(to(f"opc.tcp://127.0.0.1:{port}", timeout="0.3").__aenter__(), DEADLINE)
    with pytest.raises(ConnectorError, match="Nothing listens at"):
        await to(f"opc.tcp://127.0.0.1:{free_port()}").__aenter__()


async def test_a_reader_that_comes_back_with_another_address_is_told_the_new_one_alone(server: OpcUaServer) -> None:
    server.give("Temperature", 20.0)
    async with to(server.endpoint) as connector:
        async with sampling(connector, node("Temperature"), node("Count")) as until:
            await until(lambda seen: {each.address for each in seen} == {"ns=2;s=Temperature", "ns=2;s=Count"})
        async with sampling(connector, node("Temperature"), node("Speed")) as until:
            await until(bool)
            server.give("Count", 4)  # nobody asks for it any more
            server.give("Temperature", 21.0)
            seen = await until(lambda seen: seen[-1].value == 21.0)
    server.give("Count", 3)
    assert [(each.address, each.value) for each in seen] == [("ns=2;s=Speed", 0.5), ("ns=2;s=Temperature", 21.0)]


async def test_a_slow_reader_holds_the_server_back_and_loses_nothing(server: OpcUaServer) -> None:
    server.give("Temperature", 0.0)
    async with to(server.endpoint, publishing="0.01", queue="1000") as connector:
        batches = connector.samples([node("Temperature")])
        seen = list((await anext(batches)).values)
        for value in range(1, 301):
            server.give("Temperature", float(value))
        deadline = time.monotonic() + DEADLINE
        while seen[-1] != 300 and time.monotonic() < deadline:
            seen.extend((await anext(batches)).values)
            await asyncio.sleep(0.02)
        await batches.aclose()
    assert seen == [float(value) for value in range(301)]


async def test_a_value_that_stands_still_is_read_again_and_carries_the_time_at_which_it_stood(
    server: OpcUaServer,
) -> None:
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    server.give("Temperature", 18.5, source=long_ago)
    async with to(server.endpoint, refresh="0.2") as connector, sampling(connector, node("Temperature")) as until:
        seen = await until(lambda seen: len(seen) >= 3)
    assert {each.value for each in seen} == {18.5}
    assert seen[0].time == int(long_ago.timestamp()) * 10**9
    assert seen[0].time < seen[1].time < seen[2].time < seen[2].received
    assert seen[1].received - seen[1].time < 10 * 10**9
    assert seen[1].address == "ns=2;s=Temperature"


async def test_a_value_that_stands_still_is_told_once_when_nobody_wants_to_know_more(server: OpcUaServer) -> None:
    server.give("Temperature", 18.5)
    async with (
        to(server.endpoint, refresh="0") as connector,
        sampling(connector, node("Temperature"), node("Mode")) as until,
    ):
        await until(lambda seen: len(seen) >= 2)
        server.give("Mode", 1)
        seen = await until(lambda seen: seen[-1].value == 1)
    server.give("Mode", 2)
    assert [each.address for each in seen].count("ns=2;s=Temperature") == 1


def test_the_library_is_loaded_only_to_connect() -> None:
    look = (
        "import sys, connectors.opcua.connector as c; c.OpcUaConnector.check_address('i=1'); "
        "print('asyncua' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
