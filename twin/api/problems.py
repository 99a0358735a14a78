"""Errors over HTTP: a JSON problem (RFC 9457) with the sentence, the code and the remedy - never an internal."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from twin.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    ShapeViolation,
    TwinError,
    Unavailable,
)

_log = logging.getLogger("twin.api")

MEDIA_TYPE = "application/problem+json"
_STATUS: Sequence[tuple[type[TwinError], int, str]] = (
    (ShapeViolation, 422, "The change breaks a rule"),
    (InvalidInput, 400, "The request is wrong"),
    (NotFound, 404, "Not found"),
    (Conflict, 409, "Conflict"),
    (Forbidden, 403, "Forbidden"),
    (Unavailable, 503, "Unavailable"),
)


class TooLarge(InvalidInput):
    """The request has more bytes than are read."""

    code = "too-large"


def status_of(error: TwinError) -> tuple[int, str]:
    """The HTTP status and the title for an error."""
    own: tuple[int, str] | None = getattr(error, "http_status", None)
    if own is not None:
        return own
    if isinstance(error, TooLarge):
        return 413, "Too large"
    return next(((status, title) for kind, status, title in _STATUS if isinstance(error, kind)), (500, "Error"))


def problem(
    status: int, title: str, detail: str, *, code: str, remedy: str = "", details: Mapping[str, Any] | None = None
) -> Response:
    """A problem as a response."""
    body = {"title": title, "status": status, "detail": detail, "code": code, "remedy": remedy, **(details or {})}
    return Response(orjson.dumps(body, default=str), status, {"cache-control": "no-store"}, MEDIA_TYPE)


def problem_of(error: TwinError) -> Response:
    """The response for an error."""
    status, title = status_of(error)
    return problem(status, title, error.message, code=error.code, remedy=error.remedy, details=error.details)


async def on_twin_error(_request: Request, error: Exception) -> Response:
    """Answers a `TwinError` that a route raised."""
    if not isinstance(error, TwinError):
        raise error
    return problem_of(error)


async def on_http_error(_request: Request, error: Exception) -> Response:
    """Answers what routing itself refuses: an unknown path, a method that is not there."""
    if not isinstance(error, HTTPException):
        raise error
    sentences = {404: "There is nothing at this path.", 405: "This path does not take that method."}
    response = problem(
        error.status_code,
        "Not found" if error.status_code == 404 else "The request is wrong",
        sentences.get(error.status_code, str(error.detail)),
        code="not-found" if error.status_code == 404 else "invalid-input",
    )
    response.headers.update(error.headers or {})
    return response


async def on_invalid_parameters(_request: Request, error: Exception) -> Response:
    """Answers parameters that a route cannot take, each in words."""
    found = error.errors() if hasattr(error, "errors") else []
    sentences = [f"{'.'.join(str(step) for step in each['loc'][1:])}: {each['msg']}" for each in found]
    return problem(
        400,
        "The request is wrong",
        "; ".join(sentences) + ".",
        code="invalid-input",
        remedy="Correct the parameters named.",
    )


class Internals:
    """Catches what no route expected: it is logged under an id, and the client is told the id alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except TwinError as error:
            if started:
                raise
            await problem_of(error)(scope, receive, send)
        except Exception:
            number = uuid.uuid4().hex[:12]
            _log.exception("Internal error %s at %s %s", number, scope["method"], scope["path"])
            if started:
                raise  # the connection is cut: half an answer must not look like a whole one
            response = problem(
                500,
                "Internal error",
                f"Internal error {number}.",
                code="internal",
                remedy=f"Look for {number} in the server's log.",
                details={"id": number},
            )
            await response(scope, receive, send)
