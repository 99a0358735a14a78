"""Jobs over REST: what goes on and how far it is, asked to stop by DELETE.

Work that takes a while is started by a POST with ``Prefer: respond-async`` (RFC 7240): 202 and the job's address.
"""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from twin.api.services import Services
from twin.clock import iso
from twin.errors import Forbidden, NotFound
from twin.jobs import Job
from twin.scope import Scope

_PATH = "/api/v1/jobs"


class JobResource:
    """The routes of jobs."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def add_to(self, router: APIRouter) -> None:
        """Adds them under ``/api/v1``."""
        add = router.add_api_route
        add(
            "/jobs",
            self.listed,
            methods=["GET"],
            response_class=Response,
            summary="The jobs that go on and the newest that ended",
        )
        add(
            "/jobs/{id}",
            self.one,
            methods=["GET"],
            response_class=Response,
            summary="How far a job is, or how it ended",
        )
        add("/validations", self.validate, methods=["POST"], response_class=Response, summary="Validate a site in full")
        add("/jobs/{id}", self.cancel, methods=["DELETE"], response_class=Response, summary="Cancel a job")

    async def validate(self, request: Request, site: Annotated[str, Query(description="the site's id")]) -> Response:
        """The job that validates all of a site by every rule: its result is grouped by shape and by twin."""
        principal = self._services.principal_of(request)
        if not principal.roles & {"engineer", "admin"}:
            raise Forbidden(f"{principal.name} may not validate sites.", remedy="Ask for the role engineer.")
        return accepted(self._services.validation.start(site, principal.name))

    async def listed(
        self,
        request: Request,
        site: Annotated[str | None, Query(description="a site's id; none: all")] = None,
        kind: Annotated[str | None, Query(description="e.g. import, validation or back-fill")] = None,
        state: Annotated[str | None, Query(description="running, done, failed or cancelled")] = None,
    ) -> Response:
        """Those that go on and the newest that ended, newest first."""
        found = self._services.jobs.listed(site=site, kind=kind, state=state)
        return _answer({"jobs": [told(job) for job in found if self._sees(request, job)]})

    async def one(self, request: Request, id: str) -> Response:
        """The job; 404 for one that is not known."""
        return _answer(told(self._find(request, id)))

    async def cancel(self, request: Request, id: str) -> Response:
        """The job, asked to stop: 202, or 200 when it was cancelled before; 409 when it cannot be any more."""
        principal = self._services.principal_of(request)
        if not principal.roles & {"engineer", "admin"}:
            raise Forbidden(f"{principal.name} may not cancel jobs.", remedy="Ask for the role engineer.")
        job = self._services.jobs.cancel(self._find(request, id).id)
        return _answer(told(job), 200 if job.state == "cancelled" else 202)

    def _find(self, request: Request, id: str) -> Job:
        job = self._services.jobs.find(id)
        if not self._sees(request, job):
            raise NotFound(f"There is no job {id!r}.", remedy="List the jobs.", id=id)
        return job

    def _sees(self, request: Request, job: Job) -> bool:
        return job.site is None or Scope(self._services.principal_of(request)).sees(job.site)


def accepted(job: Job) -> Response:
    """The answer to who started a job and does not wait for it."""
    headers = {"location": f"{_PATH}/{job.id}", "preference-applied": "respond-async"}
    return _answer(told(job), 202, headers)


def does_not_wait(request: Request) -> bool:
    """Whether the request prefers to be answered before its work is done (RFC 7240, section 4.1)."""
    preferences = ",".join(request.headers.getlist("prefer")).split(",")
    return "respond-async" in (each.partition(";")[0].strip().lower() for each in preferences)


def told(job: Job) -> dict[str, Any]:
    """A job as JSON: as REST and the command line see it."""
    return {
        "id": job.id,
        "kind": job.kind,
        "what": job.what,
        "site": job.site,
        "actor": job.actor,
        "state": job.state,
        "step": job.step,
        "done": job.done,
        "total": job.total,
        "cancellable": job.cancellable,
        "cancelling": job.cancelling,
        "began": iso(job.began),
        "ended": None if job.ended is None else iso(job.ended),
        "message": job.message,
        "result": job.result,
        "error": job.error or None,
    }


def _answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(content, default=str), status, {"cache-control": "no-store", **(headers or {})}, "application/json"
    )
