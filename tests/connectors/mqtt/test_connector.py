from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import TypeVar

import paho.mqtt.client as paho
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion

from connectors.mqtt import session, wire
from connectors.mqtt.connector import MqttConnector
from tests.connectors.mqtt.certificates import broker_certificate
from tests.connectors.mqtt.scripted import Script, scripted
from tests.contracts.connector import DEADLINE, eventually, is_a_sentence, sampling
from tests.mosquitto import Mosquitto
from tests.peers import free_port, peer
from twin.connector import AddressBinding, ConnectionSettings, ConnectorError, WriteError
from twin.observation import Quality

T = TypeVar("T")
SWITCH = AddressBinding("switch", "switch", write_address="switch")


def to(endpoint: str, identity: str = "", **options: str) -> MqttConnector:
    return MqttConnector(ConnectionSettings("test", endpoint, options, identity))


def publish(topic: str, payload: bytes) -> bytes:
    """A PUBLISH packet at QoS 0."""
    body = len(topic.encode()).to_bytes(2, "big") + topic.encode() + payload
    length, size = bytearray(), len(body)
    while True:
        size, digit = size >> 7, size & 0x7F
        length.append(digit | 0x80 if size else digit)
        if not size:
            return b"\x30" + length + body


async def published(
    connector: MqttConnector, binding: AddressBinding, value: float | str | bytes, wanted: Awaitable[T]
) -> T:
    """Writes again and again until what is wanted came: nobody tells when a subscription stands."""
    waiting = asyncio.ensure_future(wanted)
    while not waiting.done():
        await connector.write(binding, value)
        await asyncio.wait([waiting], timeout=0.05)
    return waiting.result()


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(peer("mosquitto"), tmp_path_factory.mktemp("mosquitto")) as broker:
        yield broker


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(peer("mosquitto"), tmp_path_factory.mktemp("guarded"), users={"ann": "s3cret"}) as broker:
        yield broker


def retained(broker: Mosquitto, values: dict[str, str]) -> None:
    """Returns when the broker has the messages and will give them to whoever subscribes."""
    host, _, port = broker.endpoint.removeprefix("mqtt://").partition(":")
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect(host, int(port))
    client.loop_start()
    for topic, value in values.items():
        client.publish(topic, value, qos=1, retain=True).wait_for_publish(DEADLINE)
    client.disconnect()
    client.loop_stop()


@pytest.mark.peer
class TestWithMosquitto:
    async def test_a_wildcard_subscribes_once_and_samples_carry_the_topics_they_came_on(
        self, mosquitto: Mosquitto
    ) -> None:
        every = AddressBinding("every", "wild/+/sat")
        async with to(mosquitto.endpoint) as connector, sampling(connector, every, every) as until:
            await published(connector, AddressBinding("w", "x", "wild/first/sat"), "here", until(bool))
            before = len(await until(bool))
            for unit in ("ahu1", "ahu2"):
                await connector.write(AddressBinding("w", "x", f"wild/{unit}/sat"), 20.5)
            seen = await until(lambda seen: seen[-1].address == "wild/ahu2/sat")
            seen = [each for each in seen[before:] if each.address != "wild/first/sat"]
        assert [(each.address, each.value) for each in seen] == [
            ("wild/ahu1/sat", b"20.5"),
            ("wild/ahu2/sat", b"20.5"),
        ]

    @pytest.mark.parametrize(
        ("value", "payload"),
        [(21.5, b"21.5"), (3, b"3"), (True, b"true"), ("on", b"on"), (b"\x00raw", b"\x00raw"), ("", b"")],
    )
    async def test_a_scalar_is_published_as_its_text_and_bytes_as_they_are(
        self, mosquitto: Mosquitto, value: float | bool | str | bytes, payload: bytes
    ) -> None:
        binding = AddressBinding("echo", "echo/+", write_address="echo/here")
        async with to(mosquitto.endpoint) as connector, sampling(connector, binding) as until:
            seen = await published(connector, binding, value, until(bool))
        assert seen[0].value == payload

    async def test_a_user_with_the_password_from_the_environment_is_admitted(
        self, guarded: Mosquitto, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BROKER_PASSWORD", "s3cret")
        async with to(guarded.endpoint, username="ann", password="env:BROKER_PASSWORD") as connector:
            await connector.write(SWITCH, "on")

    @pytest.mark.parametrize("name", ["ann", ""])
    async def test_a_refused_user_is_told_which_options_to_correct(
        self, guarded: Mosquitto, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setenv("BROKER_PASSWORD", "wrong")
        options = {"username": name, "password": "env:BROKER_PASSWORD"} if name else {}
        with pytest.raises(ConnectorError, match=f"refused.*{name}.*username and password=env:NAME"):
            await to(guarded.endpoint, **options).__aenter__()

    async def test_what_was_not_acknowledged_comes_again_in_the_next_connection(self, mosquitto: Mosquitto) -> None:
        options = {"identity": "0123456789abcdef" * 4}  # all else is so by default
        binding = AddressBinding("again", "again", write_address="again")
        async with to(mosquitto.endpoint, **options) as connector:
            batches = connector.samples([binding])
            unacknowledged = await published(connector, binding, "first", anext(batches))
            await batches.aclose()
        assert unacknowledged.acknowledge is not None
        async with to(mosquitto.endpoint, **options) as connector:
            async with asyncio.timeout(DEADLINE):
                batch = await anext(connector.samples([binding]))
            assert batch.values[0] == b"first"
            unacknowledged.acknowledge()  # of an ended connection: must do nothing
            assert batch.acknowledge is not None
            batch.acknowledge()

    async def test_a_session_that_is_forgotten_keeps_nothing(self, mosquitto: Mosquitto) -> None:
        identity = "f" * 64
        binding = AddressBinding("forget", "forget", write_address="forget")
        async with to(mosquitto.endpoint, identity) as connector:
            batches = connector.samples([binding])
            await published(connector, binding, "first", anext(batches))
            await batches.aclose()
        await to(mosquitto.endpoint, identity).forget()
        async with to(mosquitto.endpoint, identity) as connector, sampling(connector, binding) as until:
            seen = await published(connector, binding, "second", until(bool))
        assert seen[0].value == b"second"

    async def test_who_passes_by_leaves_no_session_behind(self, mosquitto: Mosquitto) -> None:
        binding = AddressBinding("passing", "passing", write_address="passing")
        async with to(mosquitto.endpoint) as connector:
            batches = connector.samples([binding])
            await published(connector, binding, "first", anext(batches))
            await batches.aclose()
        async with to(mosquitto.endpoint) as connector, sampling(connector, binding) as until:
            seen = await published(connector, binding, "second", until(bool))
        assert seen[0].value == b"second"

    @pytest.mark.parametrize("missing", ["_create_socket", "_packet_queue"])
    async def test_without_what_is_private_in_paho_the_same_arrives_and_is_acknowledged(
        self, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch, missing: str
    ) -> None:
        if missing == "_create_socket":
            monkeypatch.delattr(wire.WiredClient, missing)
        else:
            monkeypatch.setattr(wire, "queue", lambda *_: False)
            monkeypatch.setattr(session, "queue", lambda *_: False)
        binding = AddressBinding("plain", f"plain/{missing}", write_address=f"plain/{missing}")
        async with (
            to(mosquitto.endpoint, identity=f"plain{missing}") as connector,
            sampling(connector, binding) as until,
        ):
            await published(connector, binding, "first", until(bool))
            for number in range(50):
                await connector.write(binding, number)
            seen = await until(lambda seen: seen[-1].value == b"49")
        assert [each.value for each in seen if each.value != b"first"] == [str(n).encode() for n in range(50)]
        async with to(mosquitto.endpoint, identity=f"plain{missing}") as connector:
            with pytest.raises(TimeoutError):  # nothing that was acknowledged comes again
                await asyncio.wait_for(anext(connector.samples([binding])), 0.3)

    async def test_a_batch_needs_no_acknowledgement_when_nothing_in_it_does(self, mosquitto: Mosquitto) -> None:
        binding = AddressBinding("q", "quick", write_address="quick")
        async with to(mosquitto.endpoint, qos="0") as connector:
            batches = connector.samples([binding])
            batch = await published(connector, binding, "1", anext(batches))
            await batches.aclose()
        assert batch.acknowledge is None

    async def test_a_reader_that_comes_back_with_another_address_is_told_the_new_one_alone(
        self, mosquitto: Mosquitto
    ) -> None:
        retained(mosquitto, {"back/old": "1", "back/gone": "2", "back/new": "3"})
        old, gone, new = (AddressBinding(name, f"back/{name}", f"back/{name}") for name in ("old", "gone", "new"))
        async with to(mosquitto.endpoint) as connector:
            async with sampling(connector, old, gone) as until:
                await until(lambda seen: len(seen) == 2)
            async with sampling(connector, old, new) as until:
                await until(bool)
                await connector.write(gone, "4")  # nobody asks for it any more
                await connector.write(old, "5")
                seen = await until(lambda seen: seen[-1].value == b"5")
        assert [(each.address, each.value) for each in seen] == [("back/new", b"3"), ("back/old", b"5")]

    async def test_many_filters_are_subscribed_in_several_packets(self, mosquitto: Mosquitto) -> None:
        bindings = [AddressBinding(str(i), f"many/{i}") for i in range(1201)]
        async with to(mosquitto.endpoint) as connector, sampling(connector, *bindings) as until:
            seen = await published(connector, AddressBinding("w", "x", "many/1200"), "1", until(bool))
        assert seen[0].address == "many/1200"

    # When a handshake fails, paho leaves its socket to the garbage collector.
    @pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
    async def test_tls_to_a_port_without_it_says_so(self, mosquitto: Mosquitto) -> None:
        with pytest.raises(ConnectorError) as failed:
            await to(mosquitto.endpoint.replace("mqtt:", "mqtts:"), connect_timeout="2").__aenter__()
        assert is_a_sentence(str(failed.value))


@pytest.mark.peer
class TestWithMosquittoOverTls:
    @pytest.fixture(scope="class")
    @classmethod
    def encrypted(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
        directory = tmp_path_factory.mktemp("tls")
        with Mosquitto(peer("mosquitto"), directory, configuration=broker_certificate(directory)) as broker:
            yield broker.endpoint.replace("mqtt:", "mqtts:"), directory / "ca.pem"

    async def test_a_broker_whose_authority_is_given_is_trusted(self, encrypted: tuple[str, Path]) -> None:
        endpoint, authority = encrypted
        async with to(endpoint, ca_file=str(authority)) as connector, sampling(connector, SWITCH) as until:
            seen = await published(connector, SWITCH, "on", until(bool))
        assert seen[0].value == b"on"

    # When a handshake fails, paho leaves its socket to the garbage collector.
    @pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
    async def test_a_broker_of_an_unknown_authority_is_not(self, encrypted: tuple[str, Path]) -> None:
        endpoint, _ = encrypted
        with pytest.raises(ConnectorError, match=r"is not trusted .* ca_file"):
            await to(endpoint).__aenter__()

    async def test_a_client_in_clear_is_told_in_a_sentence(self, encrypted: tuple[str, Path]) -> None:
        endpoint, _ = encrypted
        with pytest.raises(ConnectorError) as failed:
            await to(endpoint.replace("mqtts:", "mqtt:"), connect_timeout="2").__aenter__()
        assert is_a_sentence(str(failed.value))


class TestWithAScriptedBroker:
    @pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 200])
    async def test_every_refusal_is_a_sentence(self, code: int) -> None:
        async with scripted(Script(accept=code)) as endpoint:
            with pytest.raises(ConnectorError) as failed:
                await asyncio.wait_for(to(endpoint).__aenter__(), DEADLINE)
            assert is_a_sentence(str(failed.value)), str(failed.value)

    async def test_a_server_that_says_nothing_is_given_up(self) -> None:
        async with scripted(Script(accept=None)) as endpoint:
            with pytest.raises(ConnectorError, match="check that it is an MQTT broker"):
                await to(endpoint, connect_timeout="0.2").__aenter__()

    async def test_a_refused_subscription_concerns_its_own_binding(self) -> None:
        async with scripted(Script(subscription=0x80)) as endpoint, to(endpoint) as connector:
            async with sampling(connector, AddressBinding("a", "a/+")) as until:
                (sample,) = await until(bool)
            assert (sample.address, sample.value) == ("a/+", None)
            assert sample.quality == Quality.CONFIGURATION
            await connector.write(SWITCH, "on")

    async def test_a_write_that_is_not_acknowledged_fails_in_time(self) -> None:
        async with scripted(Script(publish=False)) as endpoint, to(endpoint, write_timeout="0.2") as connector:
            with pytest.raises(WriteError, match=r"did not acknowledge.*within 0\.2 s"):
                await connector.write(SWITCH, "on")

    async def test_a_broker_that_stops_answering_is_noticed_by_the_keepalive(self) -> None:
        async with (
            scripted(Script(ping=False)) as endpoint,
            to(endpoint, keepalive="1") as connector,
            sampling(connector, SWITCH) as until,
        ):
            with pytest.raises(ConnectorError, match=r"nothing came within the keepalive of 1 s"):
                await until(lambda seen: False)

    async def test_a_write_under_way_when_the_connection_is_lost_fails_with_the_reason(self) -> None:
        async with scripted(Script(publish=False, ping=False)) as endpoint, to(endpoint, keepalive="1") as connector:
            with pytest.raises(ConnectorError, match="stopped answering"):
                await asyncio.wait_for(connector.write(SWITCH, "on"), DEADLINE)

    async def test_a_wildcard_is_not_written(self) -> None:
        async with scripted(Script()) as endpoint, to(endpoint) as connector:
            with pytest.raises(WriteError, match="full topic"):
                await connector.write(AddressBinding("w", "a", "a/+"), "on")

    async def test_a_topic_that_is_not_text_is_dropped_and_the_rest_arrives(self) -> None:
        broken = b"\x30\x05\x00\x02\xff\xfex"
        script = Script(pushed=broken + publish("ok", b"1"))
        async with (
            scripted(script) as endpoint,
            to(endpoint) as connector,
            sampling(connector, AddressBinding("ok", "ok")) as until,
        ):
            seen = await until(bool)
        assert [(each.address, each.value) for each in seen] == [("ok", b"1")]

    @settings(max_examples=30, deadline=None)
    @given(st.data())
    async def test_both_ways_of_reading_give_the_same(self, data: st.DataObject) -> None:
        sent = data.draw(st.lists(st.tuples(st.text(min_size=1, max_size=8), st.binary(max_size=300)), max_size=20))
        pushed = b"".join(publish(topic, payload) for topic, payload in sent)
        seen = {}
        for reading in ("bulk", "plain"):
            script = Script(pushed=pushed + publish("end", b""))
            async with (
                scripted(script) as endpoint,
                to(endpoint, reading=reading) as connector,
                sampling(connector, SWITCH) as until,
            ):
                came = await until(lambda seen: seen[-1:] and seen[-1].address == "end")
            seen[reading] = [(each.address, each.value) for each in came]
        assert seen["bulk"] == seen["plain"]
        assert len(seen["bulk"]) == len(sent) + 1

    async def test_an_empty_and_a_large_payload_arrive_as_they_are(self) -> None:
        large = bytes(range(256)) * 8192
        script = Script(pushed=publish("empty", b"") + publish("large", large))
        async with (
            scripted(script) as endpoint,
            to(endpoint) as connector,
            sampling(connector, SWITCH) as until,
        ):
            seen = await until(lambda seen: len(seen) >= 2)
        assert [(each.address, each.value) for each in seen] == [("empty", b""), ("large", large)]

    async def test_the_socket_is_read_no_further_than_the_queue_is_long(self) -> None:
        pushed = b"".join(publish("n", str(i).encode()) for i in range(50_000))
        async with (
            scripted(Script(pushed=pushed)) as endpoint,
            to(endpoint, queue="100") as connector,
            sampling(connector, SWITCH) as until,
        ):
            waiting = connector._session._inbox  # the queue itself is what must stay bounded
            assert await eventually(lambda: len(waiting), lambda found: found >= 100) == 100
            seen = await until(lambda seen: len(seen) >= 50_000)
        assert [each.value for each in seen] == [str(i).encode() for i in range(50_000)]

    @settings(max_examples=60, deadline=None)
    @given(st.binary(min_size=1, max_size=60))
    async def test_whatever_comes_from_the_wire_ends_in_samples_or_a_sentence(self, noise: bytes) -> None:
        async with scripted(Script(pushed=noise + publish("end", b""))) as endpoint:
            values: list[object] = []
            ending = "It went on until we stopped it."
            try:
                async with to(endpoint, keepalive="1") as connector:
                    values = await _samples_within(connector, 0.05)
            except ConnectorError as error:
                ending = str(error)
            assert is_a_sentence(ending), ending
            assert all(isinstance(value, bytes) for value in values)


async def _samples_within(connector: MqttConnector, seconds: float) -> list[object]:
    """The values that came within the time."""
    seen: list[object] = []
    batches = connector.samples([SWITCH])
    try:
        async with asyncio.timeout(seconds):
            async for batch in batches:
                seen.extend(batch.values)
    except TimeoutError:
        pass  # the time is up, which is how it is meant to end
    finally:
        await batches.aclose()
    return seen


async def test_a_name_that_does_not_exist_is_said_to_be_unknown() -> None:
    with pytest.raises(ConnectorError, match=r"twin\.invalid is not known"):
        await asyncio.wait_for(to("mqtt://twin.invalid").__aenter__(), DEADLINE)


async def test_a_closed_port_is_said_to_be_closed() -> None:
    with pytest.raises(ConnectorError, match="Nothing listens at"):
        await to(f"mqtt://127.0.0.1:{free_port()}").__aenter__()


async def test_a_missing_file_of_authorities_is_named() -> None:
    with pytest.raises(ConnectorError, match=r"/nowhere/ca\.pem"):
        await to("mqtts://127.0.0.1", ca_file="/nowhere/ca.pem").__aenter__()
