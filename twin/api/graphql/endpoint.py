"""GraphQL over HTTP and over websockets (graphql-transport-ws), as one ASGI application.

Only ``application/json`` bodies are read: a page elsewhere can send other types without asking the browser first.
There is no page here that loads a query tool from elsewhere; a browser is sent to the explorer's.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import orjson
from cross_web import HTTPException
from graphql import GraphQLError
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult

from twin.api.census import Census
from twin.api.graphql.context import RequestContext
from twin.api.graphql.limits import Limits
from twin.api.graphql.schema import schema
from twin.api.graphql.socket import SocketHandler
from twin.api.services import Services
from twin.scope import Scope

RESPONSE_JSON = "application/graphql-response+json"
_JSON = "application/json"
_QUERY_PAGE = "/query"


class GraphQLEndpoint(GraphQL[RequestContext, None]):
    """The GraphQL endpoint of a server."""

    graphql_transport_ws_handler_class = SocketHandler

    def __init__(self, services: Services, census: Census) -> None:
        super().__init__(
            schema(),
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=timedelta(seconds=10),
        )
        self._services = services
        self._census = census
        self._limits = Limits.of(services.settings.graphql)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.run(WebSocket(scope, receive=receive, send=send))
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except HTTPException as error:
            status = 405 if "not allowed when using" in error.reason else error.status_code
            response = _refusal(request, status, error.reason)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "POST"):
            return _refusal(request, 405, "GraphQL is asked with GET or POST.")
        if request.method == "GET" and "query" not in request.query_params:
            if "text/html" in request.headers.get("accept", ""):
                return RedirectResponse(_QUERY_PAGE, status_code=303)
            return _refusal(request, 400, "The request has no query.")
        if _answer_type(request) is None:
            return _refusal(request, 406, f"GraphQL answers {RESPONSE_JSON} or {_JSON}; the request accepts neither.")
        if request.method == "POST" and not _is_json(request.headers.get("content-type", "")):
            return _refusal(request, 415, f"GraphQL reads {_JSON}. Send the query in a body of that content type.")
        if request.method == "POST" and not (await request.body()).lstrip().startswith((b"{", b"[")):
            return _refusal(request, 400, 'The body is no JSON object. Send {"query": ...}.')
        with self._services.tracing.response("graphql", request.headers):
            return await self.run(request)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> RequestContext:
        """The context of a request, or of a websocket for all its operations."""
        connection: HTTPConnection = request
        return RequestContext(
            services=self._services,
            census=self._census,
            scope=Scope(self._services.principal_of(connection)),
            limits=self._limits,
        )

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """Carries the media type that the client asked for to `create_response`."""
        response = await super().get_sub_response(request)
        response.media_type = _answer_type(request)
        return response

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """The response map; one that was never executed has no ``data``."""
        answer: dict[str, Any] = {}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        if result.data is not None or not _never_executed(result):
            answer["data"] = result.data
        if result.extensions:
            answer["extensions"] = result.extensions
        return answer  # type: ignore[return-value]  # its keys are those of GraphQLHTTPResponse

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        """The answer in the media type asked for; a request that was refused is 400 where that type allows it."""
        refused = "data" not in response_data
        status = 400 if refused and sub_response.media_type == RESPONSE_JSON else 200
        return Response(
            self.encode_json(response_data),
            status,
            {"cache-control": "no-store"},
            f"{sub_response.media_type}; charset=utf-8",
        )

    def decode_json(self, data: str | bytes) -> object:
        """Strict JSON (no NaN) within the size of a request."""
        if len(data) > self._limits.body_bytes:
            raise json.JSONDecodeError("The message is too long", "", 0)
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        """JSON text: websocket frames of this protocol are text."""
        return orjson.dumps(data).decode()


def _never_executed(result: ExecutionResult) -> bool:
    return all(error.path is None for error in result.errors or ())


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == _JSON


def _answer_type(connection: HTTPConnection) -> str | None:
    """The media type to answer with; None when the client accepts neither."""
    accepted = connection.headers.get("accept", "") or "*/*"
    best: tuple[float, int, str] | None = None
    for position, entry in enumerate(accepted.split(",")):
        kind, *parameters = (part.strip().lower() for part in entry.split(";"))
        weight = next((_weight(each[2:]) for each in parameters if each.startswith("q=")), 1.0)
        answer = {RESPONSE_JSON: RESPONSE_JSON, _JSON: _JSON, "application/*": _JSON, "*/*": _JSON}.get(kind)
        if answer and weight > 0 and (best is None or (weight, -position) > best[:2]):
            best = (weight, -position, answer)
    return best[2] if best else None


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _refusal(request: Request, status: int, sentence: str) -> Response:
    error = GraphQLError(sentence, extensions={"code": "invalid-input", "remedy": ""})
    headers = {"cache-control": "no-store"}
    if status == 405:
        headers["allow"] = "POST" if request.method == "GET" else "GET, POST"
    return Response(
        orjson.dumps({"errors": [error.formatted]}),
        status,
        headers,
        f"{_answer_type(request) or _JSON}; charset=utf-8",
    )
