"""Webhooks: devices send values to a connection, and are answered when these are stored."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from twin.api.problems import problem, problem_of
from twin.api.services import Services
from twin.bindings.deliveries import Busy, Receipt
from twin.bindings.stamps import NotATime, nanoseconds
from twin.connector import Delivery, DeliveryRefused
from twin.errors import InvalidInput, Unavailable

TIME = "twin-time"
"""The header with the time of values that carry none of their own: sent again, they are the same values."""
_REFUSED = {
    "unauthorized": (401, "Unauthorized"),
    "forbidden": (403, "Forbidden"),
    "invalid": (400, "The request is wrong"),
    "too-large": (413, "Too large"),
}
_AGAIN_SOON, _AGAIN_LATER = "1", "5"  # seconds


class IngestResource:
    """The route ``/api/v1/ingest/<connection>``."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def add_to(self, router: APIRouter) -> None:
        """Puts the route there."""
        for method in (
            "POST",
            "PUT",
        ):  # a route each: one of both would name two operations alike (OpenAPI 3.1, 4.8.10)
            router.add_api_route(
                "/ingest/{connection:path}",
                self.take,
                methods=[method],
                operation_id=f"take_values_by_{method.lower()}",
                response_class=Response,
                summary="Values that a device sends to a connection",
            )

    async def take(
        self,
        request: Request,
        connection: str,
        address: Annotated[str, Query(description="what the values are bound to, without in:")] = "",
        batch: Annotated[bool, Query(description="the body is a JSON list, each element an item")] = False,
    ) -> Response:
        """200 when all is stored, 207 when some is, 422 when nothing can ever be; each item with its reason.  429 and
        503 with ``Retry-After`` when nothing is stored yet: send it again."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            time = nanoseconds(headers[TIME]) if TIME in headers else 0
        except NotATime:
            raise InvalidInput(f"The header {TIME} holds no time.", remedy="Write it as ISO 8601 in UTC.") from None
        delivery = Delivery(address, headers, await request.body(), batch)
        try:
            return _answer(await self._services.supervisor.accept(connection, delivery, time))
        except DeliveryRefused as refused:
            status, title = _REFUSED[refused.kind]
            response = problem(status, title, str(refused), code=refused.kind)
            if status == 401:
                response.headers["www-authenticate"] = "Bearer"
            return response
        except Busy as error:
            response = problem(429, "Too many requests", error.message, code=error.code, remedy=error.remedy)
            response.headers["retry-after"] = _AGAIN_SOON
            return response
        except Unavailable as error:
            response = problem_of(error)
            response.headers["retry-after"] = _AGAIN_LATER
            return response


def _answer(receipt: Receipt) -> Response:
    stored = sum(item.state == "stored" for item in receipt.items)
    status = 200 if stored == len(receipt.items) else 207 if stored else 422
    # A list that was stored whole needs no line an item.
    told = receipt.items if status != 200 else ()
    body: dict[str, Any] = {
        "stored": stored,
        "items": len(receipt.items),
        "observations": receipt.observations,
        "problems": [
            {"item": number, "state": item.state, "reason": item.reason}
            for number, item in enumerate(told)
            if item.state != "stored"
        ],
    }
    return Response(orjson.dumps(body), status, {"cache-control": "no-store"}, "application/json")
