"""The websocket protocol graphql-transport-ws, with every message checked for its form before it is handled."""

from __future__ import annotations

from typing import Any

from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler

from twin.api.graphql.context import RequestContext


class SocketHandler(BaseGraphQLTransportWSHandler[RequestContext, None]):
    """One socket: a message that is not of the protocol's form closes it with 4400 and says what is wrong."""

    async def handle_message(self, message: Any) -> None:
        """Handles a well-formed message."""
        wrong = what_is_wrong(message)
        if wrong:
            await self.handle_invalid_message(wrong)
        else:
            await super().handle_message(message)

    async def handle_task_exception(self, error: Exception) -> None:
        """Logs what an operation did not expect; that its client left while it was being told is no such thing."""
        if not isinstance(error, WebSocketDisconnected):
            await super().handle_task_exception(error)


def what_is_wrong(message: Any) -> str:
    """Why a message is not of the protocol's form; empty when it is."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return "A message is an object with a type"
    if message["type"] not in ("subscribe", "complete"):
        return ""
    if not isinstance(message.get("id"), str):
        return f"A {message['type']} message has an id, which is text"
    if message["type"] == "complete":
        return ""
    payload = message.get("payload")
    if not isinstance(payload, dict) or not isinstance(payload.get("query"), str):
        return "The payload of a subscribe message has a query, which is text"
    if not isinstance(payload.get("variables"), dict | None):
        return "The variables of a subscribe message are an object"
    if not isinstance(payload.get("operationName"), str | None):
        return "The operationName of a subscribe message is text"
    return ""
