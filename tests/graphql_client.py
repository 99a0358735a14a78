"""An application's side of GraphQL: queries over HTTP, subscriptions over graphql-transport-ws."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect

SET = """mutation($property: ID!, $value: Value!, $unit: String, $timeout: Float! = 30, $dryRun: Boolean! = false) {
  setProperty(property: $property, value: $value, unit: $unit, timeout: $timeout, dryRun: $dryRun) {
    id state value readBack message property { id } } }"""
OBSERVE = """subscription($properties: [ID!]!) {
  observations(properties: $properties) { id time value quality { word } property { unit { symbol } } } }"""


class GraphQL:
    """The surfaces of one server, asked over HTTP; may be used from several threads."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def answer(self, query: str, **variables: object) -> dict[str, Any]:
        """The whole answer, errors included."""
        answered: dict[str, Any] = self.http.post("/graphql", json={"query": query, "variables": variables}).json()
        return answered

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """The data; fails when there are errors."""
        answered = self.answer(query, **variables)
        assert "errors" not in answered, answered["errors"]
        data: dict[str, Any] = answered["data"]
        return data

    def refusal(self, query: str, **variables: object) -> dict[str, Any]:
        """The one error that an operation is refused with: ``message``, and its ``extensions`` ``code``, ``remedy``."""
        answered = self.answer(query, **variables)
        assert len(answered.get("errors", ())) == 1, answered
        error: dict[str, Any] = answered["errors"][0]
        return error

    def property(self, iri: str, fields: str) -> dict[str, Any]:
        """Fields of one property."""
        found: dict[str, Any] = self.ask(f"query($id: ID!) {{ property(id: $id) {{ {fields} }} }}", id=iri)["property"]
        assert found is not None, iri
        return found

    def set(self, iri: str, value: object, **more: object) -> dict[str, Any]:
        """The command, ended."""
        command: dict[str, Any] = self.ask(SET, property=iri, value=value, **more)["setProperty"]
        return command

    def sparql(self, query: str, accept: str = "application/sparql-results+json") -> list[dict[str, str]]:
        """The rows of a SELECT, each variable's text by its name."""
        answered = self.http.post("/sparql", data={"query": query}, headers={"accept": accept})
        assert answered.status_code == 200, answered.text
        return [{name: cell["value"] for name, cell in row.items()} for row in answered.json()["results"]["bindings"]]

    def ready(self) -> dict[str, Any]:
        """What ``/readyz`` says; fails when the server is not ready."""
        answered = self.http.get("/readyz")
        assert answered.status_code == 200, answered.text
        said: dict[str, Any] = answered.json()
        return said


@dataclass
class Followed:
    """One operation that is followed: what came, in order, and the error that ended it, if one did."""

    events: list[dict[str, Any]] = field(default_factory=list)
    error: Any = None
    complete: bool = False


class Follower:
    """One graphql-transport-ws connection with any number of subscriptions on it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._followed: dict[str, Followed] = {}
        self.open = True

    async def subscribe(self, query: str, variables: Mapping[str, object] | None = None) -> Followed:
        """Starts to follow; events are added as they come."""
        number, followed = str(next(self._numbers)), Followed()
        self._followed[number] = followed
        payload = {"query": query, "variables": dict(variables or {})}
        await self._socket.send(json.dumps({"id": number, "type": "subscribe", "payload": payload}))
        return followed

    async def listen(self) -> None:
        """Takes what the server sends until the socket is closed."""
        async for text in self._socket:
            message = json.loads(text)
            match message["type"]:
                case "next":
                    self._followed[message["id"]].events.append(message["payload"])
                case "error":
                    self._followed[message["id"]].error = message["payload"]
                case "complete":
                    self._followed[message["id"]].complete = True
                case "ping":
                    await self._socket.send(json.dumps({"type": "pong"}))
        self.open = False


@asynccontextmanager
async def following(url: str) -> AsyncIterator[Follower]:
    """One connection to the server at this address, acknowledged."""
    address = url.replace("http", "ws", 1) + "graphql"
    async with connect(address, subprotocols=["graphql-transport-ws"], open_timeout=60) as socket:
        await socket.send(json.dumps({"type": "connection_init"}))
        acknowledged = json.loads(await asyncio.wait_for(socket.recv(), 60))
        assert acknowledged["type"] == "connection_ack", acknowledged
        follower = Follower(socket)
        listening = asyncio.create_task(follower.listen())
        try:
            yield follower
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
