"""Following over graphql-transport-ws, through a real socket."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.api.server import AHU, CO2, FAN, SAT, VIEWER, Server
from tests.graph.building import add
from twin import serving
from twin.api.census import Census
from twin.api.graphql.context import RequestContext
from twin.api.graphql.limits import Limits
from twin.api.graphql.schema import schema
from twin.observation import ObservationBatch
from twin.scope import Scope
from twin.settings import GraphqlSettings, Settings

OBSERVE = """subscription($properties: [ID!], $twins: [ID!], $maxRate: Float) {
  observations(properties: $properties, twins: $twins, maxRate: $maxRate) {
    id value time receivedTime quality { word } revision property { name } } }"""


class Client:
    """One graphql-transport-ws connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            message: dict[str, Any] = json.loads(await self.socket.recv())
            return message

    async def subscribe(self, query: str, operation: str = "1", **variables: Any) -> None:
        await self.send(id=operation, type="subscribe", payload={"query": query, "variables": variables})

    async def next(self) -> dict[str, Any]:
        message = await self.receive()
        assert message["type"] == "next", message
        payload: dict[str, Any] = message["payload"]
        return payload


@asynccontextmanager
async def connected(port: int, **headers: str) -> AsyncIterator[Client]:
    async with connect(
        f"ws://127.0.0.1:{port}/graphql",
        subprotocols=["graphql-transport-ws"],
        close_timeout=1,
        additional_headers=headers,
    ) as socket:
        client = Client(socket)
        await client.send(type="connection_init")
        assert (await client.receive())["type"] == "connection_ack"
        yield client


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_subscriber_gets_the_present_value_and_then_what_comes(server: Server) -> None:
    await server.observe((SAT, 18.0))
    async with server.listening() as port, connected(port) as client:
        await client.subscribe(OBSERVE, properties=[SAT])
        first = (await client.next())["data"]["observations"]
        assert first == {
            "id": SAT, "value": 18.0, "time": "2026-01-01T00:00:00Z", "receivedTime": "2026-01-01T00:00:00Z",
            "quality": {"word": "good"}, "revision": "000000000003", "property": {"name": "Supply air temperature"},
        }  # fmt: skip
        server.clock.advance(1)
        await server.observe((SAT, 19.0), (CO2, 700.0))
        second = (await client.next())["data"]["observations"]
        assert (second["id"], second["value"], second["time"]) == (SAT, 19.0, "2026-01-01T00:00:01Z")


async def test_the_properties_of_a_twin_are_selected_also_those_it_gets_later(server: Server) -> None:
    async with server.listening() as port, connected(port) as client:
        await client.subscribe(OBSERVE, twins=[AHU])
        await until(lambda: len(server.observations) == 1)
        await server.observe((CO2, 700.0), (FAN, True))
        assert (await client.next())["data"]["observations"]["id"] == FAN
        await server.building.door.commit(
            add('<urn:twin:hq:ahu-1:new> a brick:Sensor ; rdfs:label "New" ; brick:isPointOf :ahu-1 .'),
            actor="a",
            reason="b",
        )
        await server.observe(("urn:twin:hq:ahu-1:new", 5.0))
        event = (await client.next())["data"]["observations"]
        assert (event["property"]["name"], event["revision"]) == ("New", "000000000004")


async def test_without_a_filter_everything_in_scope_is_told(server: Server) -> None:
    async with server.listening() as port, connected(port) as client:
        await client.subscribe(OBSERVE)
        await until(lambda: len(server.observations) == 1)
        await server.observe((CO2, 700.0), (SAT, 18.0))
        assert [(await client.next())["data"]["observations"]["id"] for _ in range(2)] == [CO2, SAT]


async def test_what_is_older_than_what_was_told_is_not_told_nor_the_same_twice(server: Server) -> None:
    now = server.clock.now()
    async with server.listening() as port, connected(port) as client:
        await client.subscribe(OBSERVE, properties=[SAT, CO2])
        await until(lambda: len(server.observations) == 1)
        await server.observe((SAT, 18.0), at=now + 20)
        await server.observe((SAT, 17.0), at=now + 10)  # of the other connection, at a handover
        await server.observe((SAT, 18.0), at=now + 20)  # of a subscription made anew
        await server.observe((CO2, 700.0), at=now + 5)
        await server.observe((SAT, 18.0), at=now + 20, quality=0x0001)
        await server.observe((SAT, 19.0), at=now + 30)
        told = [(await client.next())["data"]["observations"] for _ in range(4)]
    assert [(each["id"], each["value"]) for each in told] == [(SAT, 18.0), (CO2, 700.0), (SAT, 18.0), (SAT, 19.0)]


async def test_many_who_follow_the_same_are_told_the_same_and_each_in_the_words_it_asked_in(server: Server) -> None:
    words = "subscription($unit: String) { observations { id value(unit: $unit) revision } }"
    every = [(words, None), (words, None), (words, "DEG_F"), (words.replace("revision", "time"), None)]
    async with server.listening() as port, AsyncExitStack() as sockets:
        clients = [await sockets.enter_async_context(connected(port)) for _ in every]
        for client, (text, unit) in zip(clients, every, strict=True):
            await client.subscribe(text, unit=unit)
        await until(lambda: len(server.observations) == len(every))
        for value in (20.0, 30.0):
            server.clock.advance(1)
            await server.observe((SAT, value))
            told = [(await client.next())["data"]["observations"] for client in clients]
            assert [each["value"] for each in told] == [value, value, value * 1.8 + 32, value]
            assert [sorted(each) for each in told] == [["id", "revision", "value"]] * 3 + [["id", "time", "value"]]
        before = told[0]["revision"]
        await server.building.door.commit(add(":later a brick:Room ."), actor="a", reason="a room")
        server.clock.advance(1)
        await server.observe((SAT, 40.0))
        assert (await clients[0].next())["data"]["observations"]["revision"] != before


async def test_a_bad_value_is_null(server: Server) -> None:
    async with server.listening() as port, connected(port) as client:
        await client.subscribe(OBSERVE, properties=[SAT])
        await until(lambda: len(server.observations) == 1)
        await server.observe((SAT, 99.0), quality=0x0200)
        event = (await client.next())["data"]["observations"]
        assert (event["value"], event["quality"]) == (None, {"word": "bad"})


async def test_with_a_rate_the_newest_wins(server: Server) -> None:
    async with server.listening() as port, connected(port) as client:
        await client.subscribe(OBSERVE, properties=[SAT, CO2], maxRate=1)
        await until(lambda: len(server.observations) == 1)
        for value in range(5):
            await server.observe((SAT, float(value)), at=server.clock.now() + value)
        assert (await client.next())["data"]["observations"]["value"] == 0.0
        server.clock.advance(1)
        await server.observe((CO2, 700.0))
        values = [(await client.next())["data"]["observations"]["value"] for _ in range(2)]
        assert sorted(values) == [4.0, 700.0]


async def test_a_slow_subscriber_gets_the_newest_and_is_told_what_it_did_not_get(server: Server) -> None:
    async with server.listening() as port, connected(port) as client:
        await client.subscribe(OBSERVE, properties=[SAT, CO2])
        await until(lambda: len(server.observations) == 1)
        server.observations.publish(_batch(server, 400.0, CO2))
        for value in range(299):
            # No turn of the loop for the subscriber in between.
            server.observations.publish(_batch(server, float(value)))
        event = await client.next()
        assert event["extensions"] == {"lost": 254}
        assert event["data"]["observations"]["value"] == 400.0  # seldom told, and not lost among those of another
        values = [(await client.next())["data"]["observations"]["value"] for _ in range(45)]
        assert values == [float(value) for value in range(254, 299)]


async def test_a_subscriber_that_does_not_catch_up_is_told_and_ended(server: Server) -> None:
    server.services = replace(server.services, settings=Settings(graphql=GraphqlSettings(slow_seconds=0.05)))
    async with server.listening() as port, connected(port) as client:
        await client.subscribe(OBSERVE, properties=[SAT])
        await until(lambda: len(server.observations) == 1)
        (behind,) = server.observations._subscriptions
        while not behind._ended:
            for value in range(1000):
                server.observations.publish(_batch(server, float(value)))
            _stall(0.06)
        while "errors" not in (event := await client.next()):
            pass
        assert event["errors"][0]["extensions"]["code"] == "too-slow"
        assert server.observations.ended_slow == 1
        assert len(server.observations) == 0


async def test_a_client_that_does_not_read_at_all_is_cut_and_keeps_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "UNREAD", 0.2)
    server.services = replace(server.services, settings=Settings(graphql=GraphqlSettings(slow_seconds=0.2)))
    async with server.listening() as port:
        silent = await connect(
            f"ws://127.0.0.1:{port}/graphql", subprotocols=["graphql-transport-ws"], ping_interval=None, max_queue=1
        )
        await silent.send(json.dumps({"type": "connection_init"}))
        await silent.recv()
        silent.transport.pause_reading()
        wide = " ".join(f"p{number}: property {{ id name freshness owner {{ id name }} }}" for number in range(50))
        everything = {"query": f"subscription {{ observations {{ {wide} }} }}"}
        await silent.send(json.dumps({"id": "1", "type": "subscribe", "payload": everything}))
        await until(lambda: len(server.observations) == 1)
        async with asyncio.timeout(60):
            values = itertools.count()
            while len(server.observations):
                for value in itertools.islice(values, 200):
                    server.observations.publish(_batch(server, float(value)))
                await asyncio.sleep(0.002)
        silent.transport.abort()


def _stall(seconds: float) -> None:
    """Lets time pass in which nobody gets a turn of the loop."""
    time.sleep(seconds)


def _batch(server: Server, value: float, iri: str = SAT) -> ObservationBatch:
    return ObservationBatch.of([(server.series(iri), int(value), value, 0, int(value))])


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"properties": []}, "The subscription selects nothing."),
        ({"properties": ["urn:nobody"]}, "There is no property 'urn:nobody'."),
        ({"twins": ["urn:nobody"]}, "There is no twin 'urn:nobody'."),
        ({"maxRate": 0}, "maxRate cannot be 0."),
        ({"maxRate": -1}, "maxRate cannot be -1."),
    ],
)
async def test_a_subscription_that_cannot_be_is_refused_in_words(
    server: Server, variables: dict[str, Any], message: str
) -> None:
    async with server.listening() as port, connected(port) as client:
        await client.subscribe(OBSERVE, **variables)
        error = (await client.next())["errors"][0]
        assert error["message"] == message
        assert error["extensions"]["code"] in ("invalid-input", "not-found")
        assert (await client.receive())["type"] == "complete"
    assert len(server.observations) == 0


async def test_changes_are_replayed_and_then_told_without_a_gap(server: Server) -> None:
    query = "subscription($since: String) { changes(since: $since) { revision reason added } }"
    async with server.listening() as port, connected(port) as client:
        await client.subscribe(query, since="000000000001")
        replayed = [(await client.next())["data"]["changes"] for _ in range(2)]
        assert [change["reason"] for change in replayed] == ["wire", "more points"]
        await server.building.door.commit(add(":room-3 a brick:Room ."), actor="a", reason="a room")
        change = (await client.next())["data"]["changes"]
        assert change == {"revision": "000000000004", "reason": "a room", "added": 1}
        # The revision told is seen by a query from then on.
        await client.subscribe('{ revision twin(id: "urn:twin:hq:room-3") { name } }', "2")
        assert (await client.next())["data"] == {"revision": "000000000004", "twin": {"name": "room-3"}}
        assert (await client.receive())["type"] == "complete"


async def test_what_a_slow_reader_of_changes_missed_comes_from_the_journal(server: Server) -> None:
    door = server.building.door
    async with server.listening() as port, connected(port) as client:
        await client.subscribe("subscription { changes { revision } }")
        await until(lambda: len(door.changes) == 1)
        for number in range(3):
            await door.commit(add(f":room-{number + 3} a brick:Room ."), actor="a", reason="a room")
        last = door.find(door.revision)
        for _ in range(300):  # more than its queue holds, and nothing new in them
            door.changes.publish(last)
        told = [(await client.next())["data"]["changes"]["revision"] for _ in range(3)]
        assert told == ["000000000004", "000000000005", "000000000006"]


async def test_a_slow_reader_of_changes_is_told_how_late_it_is(server: Server) -> None:
    door = server.building.door
    old = door.find(door.revision)
    async with server.listening() as port, connected(port) as client:
        await client.subscribe("subscription { changes { revision } }")
        await until(lambda: len(door.changes) == 1)
        # More than its queue holds, before it can take anything.
        door.before_announcing.append(lambda _revision: [door.changes.publish(old) for _ in range(300)] and None)
        await door.commit(add(":room-3 a brick:Room ."), actor="a", reason="a room")
        event = await client.next()
        assert event["data"]["changes"]["revision"] == "000000000004"
        assert event["extensions"] == {"behind": 1}


async def test_changes_from_the_future_are_refused(server: Server) -> None:
    async with server.listening() as port, connected(port) as client:
        await client.subscribe('subscription { changes(since: "000000000099") { revision } }')
        assert (await client.next())["errors"][0]["message"] == "Revision '000000000099' does not exist yet."


async def test_changes_before_the_oldest_that_is_kept_are_refused(server: Server) -> None:
    server.building.journal.trim(2)
    async with server.listening() as port, connected(port) as client:
        await client.subscribe('subscription { changes(since: "000000000001") { revision } }')
        error = (await client.next())["errors"][0]
        assert (error["extensions"]["code"], error["extensions"]["oldest"]) == ("revision-too-old", "000000000002")
        await client.subscribe('subscription { changes(since: "000000000002") { revision } }', "2")
        while (message := await client.receive())["id"] != "2":
            pass
        assert message["payload"]["data"]["changes"]["revision"] == "000000000003"


async def test_a_viewer_is_not_told_of_changes_that_are_wiring_alone(server: Server) -> None:
    server.principal[0] = VIEWER
    data = await server.data("{ changes { reason } }")
    assert [change["reason"] for change in data["changes"]] == ["move in", "more points"]


async def test_each_step_of_a_command_is_told(server: Server) -> None:
    async with server.listening() as port, connected(port) as client:
        await client.subscribe("subscription { commands { state value property { name } } }")
        await until(lambda: len(server.devices.commands) == 1)
        await client.subscribe("mutation($id: ID!) { setProperty(property: $id, value: 600) { state } }", "2", id=CO2)
        states = []
        while len(states) < 2:
            message = await client.receive()
            if message["id"] == "1":
                states.append(message["payload"]["data"]["commands"]["state"])
        assert states == ["ACCEPTED", "VERIFIED"]


async def test_every_stream_ends_when_its_socket_dies(server: Server) -> None:
    topics = (server.observations, server.building.door.changes, server.devices.commands)
    async with server.listening() as port:
        async with connected(port) as client:
            await client.subscribe(OBSERVE)
            await client.subscribe("subscription { changes { revision } }", "2")
            await client.subscribe("subscription { commands { state } }", "3")
            await until(lambda: [len(topic) for topic in topics] == [1, 1, 1])
            client.socket.transport.abort()
        await until(lambda: [len(topic) for topic in topics] == [0, 0, 0])


async def test_a_client_that_leaves_while_it_is_told_is_no_error(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    send = ASGIWebSocketAdapter.send_json

    async def leaving(adapter: ASGIWebSocketAdapter, message: Any) -> None:
        if message["type"] in ("next", "complete"):
            raise WebSocketDisconnected
        await send(adapter, message)

    monkeypatch.setattr(ASGIWebSocketAdapter, "send_json", leaving)
    async with server.listening() as port, connected(port) as client:
        await client.subscribe(OBSERVE)
        await until(lambda: len(server.observations) == 1)
        await server.observe((SAT, 1.0))
        await until(lambda: len(server.observations) == 0)
    assert caplog.records == []


async def test_a_stream_ends_when_its_client_says_so(server: Server) -> None:
    async with server.listening() as port, connected(port) as client:
        await client.subscribe(OBSERVE)
        await until(lambda: len(server.observations) == 1)
        await client.send(id="1", type="complete")
        await until(lambda: len(server.observations) == 0)


async def test_a_document_that_is_wrong_is_refused_and_the_socket_lives_on(server: Server) -> None:
    async with server.listening() as port, connected(port) as client:
        await client.subscribe("subscription { observation { id } }")
        refused = await client.receive()
        assert refused["type"] == "error"
        assert refused["payload"][0]["extensions"]["code"] == "invalid-input"
        await client.subscribe("{ revision", "2")
        assert "Syntax Error" in (await client.receive())["payload"][0]["message"]
        await client.subscribe("{ revision }", "3")
        assert (await client.next())["data"] == {"revision": "000000000003"}


async def test_a_burst_of_events_lets_others_take_their_turn_between_them(server: Server) -> None:
    await server.observe((SAT, 1.0), (CO2, 2.0), (FAN, 1.0))
    context = RequestContext(server.services, Census(server.services), Scope(), Limits())
    turns, told = 0, []

    async def another() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(another())
    events = await schema().stream("subscription { observations { id } }", context_value=context)
    async for _ in events:
        told.append(turns)
        if len(told) == 3:
            break
    await events.aclose()
    other.cancel()
    assert told == sorted(set(told))


async def test_a_page_of_another_origin_cannot_open_a_socket(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    async with server.listening() as port:
        for headers in (
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": f"http://127.0.0.1:{port + 1}"},
        ):
            with pytest.raises(InvalidStatus, match="403"):
                async with connected(port, **headers):
                    pass
        async with connected(port, Origin=f"http://127.0.0.1:{port}") as client:
            await client.subscribe("{ revision }")
            await client.next()
    assert capsys.readouterr().err == ""  # whoever knocks cannot fill the log


@pytest.mark.parametrize(
    "message",
    ["{", "[]", "null", '{"type": 5}', '{"type": "subscribe", "id": [], "payload": {"query": "{ revision }"}}',
     '{"type": "subscribe", "id": "1", "payload": "x"}', '{"type": "subscribe", "id": "1"}',
     '{"type": "subscribe", "id": "1", "payload": {"query": "{ revision }", "variables": []}}',
     '{"type": "complete"}', '{"type": "shout"}'],
)  # fmt: skip
async def test_a_message_that_is_none_of_the_protocol_closes_the_socket(server: Server, message: str) -> None:
    async with server.listening() as port, connected(port) as client:
        await client.socket.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            await client.receive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4400
