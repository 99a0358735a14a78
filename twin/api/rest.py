"""REST, where a convention exists: a twin as JSON-LD, a history as CSV, imports and exports of RDF."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from starlette.requests import Request
from starlette.responses import Response

from twin.api.as_of import services_as_of
from twin.api.histories import HistoryWindow, csv_lines
from twin.api.rest_histories import Histories
from twin.api.rest_ingest import IngestResource
from twin.api.rest_jobs import JobResource, accepted, does_not_wait
from twin.api.rest_twins import AsOf, Twins
from twin.api.services import Services
from twin.api.syntaxes import EXPORT_SYNTAXES, PREFIXES
from twin.clock import iso
from twin.errors import Forbidden, InvalidInput, NotFound
from twin.flows.exports import exported
from twin.scope import Principal, Scope
from twin.terms import Quad, RdfFormat, serialize
from twin.vocab import site_graph

_CHUNK = 1024 * 1024


class Rest:
    """The routes under ``/api/v1``."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.router = APIRouter(prefix="/api/v1")
        add = self.router.add_api_route
        Twins(services).add_to(self.router)
        JobResource(services).add_to(self.router)
        Histories(services).add_to(self.router)
        IngestResource(services).add_to(self.router)
        add(
            "/properties/{iri:path}/history.csv",
            self.history,
            methods=["GET"],
            response_class=Response,
            summary="A property's history as CSV: its samples, or buckets of an interval",
        )
        add("/imports", self.imports, methods=["POST"], response_class=Response, summary="Import RDF into a site")
        add("/models", self.models, methods=["POST"], response_class=Response, summary="Attach an ONNX model")
        add("/backups", self.backups, methods=["POST"], response_class=Response, summary="Back the server's data up")
        add("/export", self.export, methods=["GET"], response_class=Response, summary="Export sites as RDF")

    async def history(
        self,
        request: Request,
        iri: str,
        start: Annotated[str | None, Query(alias="from", description="ISO 8601; default: a day before to")] = None,
        to: Annotated[str | None, Query(description="ISO 8601; default: now")] = None,
        interval: Annotated[str | None, Query(description="PT15M or 15m; none: every sample")] = None,
        as_of: AsOf = None,
    ) -> Response:
        """``time,value,quality`` of every sample, or ``time,value,minimum,maximum,count,quality`` of buckets."""
        services, scope = await services_as_of(self._services, self._scope(request), as_of)
        record = services.twins.property(scope, iri)
        if record is None:
            raise NotFound(
                f"There is no property {iri!r}.", remedy="Search for it with GraphQL: properties(where: ...)."
            )
        window = HistoryWindow.of(start, to, interval, services.clock.now() if scope.time is None else scope.time + 1)
        if scope.time is not None:
            window = replace(window, end=min(window.end, scope.time + 1))
        return StreamingResponse(
            csv_lines(self._services.history, record, window),
            media_type="text/csv; charset=utf-8; header=present",
            headers=self._unavailable(services, scope, iri),
        )

    @staticmethod
    def _unavailable(services: Services, scope: Scope, iri: str) -> dict[str, str]:
        """As of the past, whether the connection was lost then, and since when."""
        connection = services.twins.connection_of(iri)
        if scope.time is None or services.outages is None or connection is None:
            return {}
        then = services.outages.state_at(connection, scope.time)
        lost = services.outages.lost_at([connection], scope.time)
        down = then is not None and then.state != "CONNECTED" and connection in lost
        return {"Twin-Unavailable-Since": iso(lost[connection])} if down else {}

    async def imports(
        self,
        request: Request,
        site: Annotated[str, Query(description="the site's id")],
        lenient: Annotated[bool, Query(description="repair illegal IRIs, and list the repairs")] = False,
        name: Annotated[str, Query(description="what messages call the body, e.g. its file's name")] = "the body",
    ) -> Response:
        """The report of importing the body; its content type says its syntax.  With ``Prefer: respond-async`` the job
        that does it."""
        principal = self._engineer(request, "import")
        body, format = await request.body(), request.headers.get("content-type", "")
        how: dict[str, Any] = {"site": site, "actor": principal.name, "lenient": lenient, "name": name}
        if does_not_wait(request):
            return accepted(self._services.importer.start(body, format=format, **how))
        return _json(asdict(await self._services.importer.import_text(body, format=format, **how)), 201)

    async def models(self, request: Request) -> Response:
        """The capability that the ONNX file in the body is now attached to, and the twins that it scores."""
        principal = self._engineer(request, "attach models")
        with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
            file.write(await request.body())
            file.flush()
            capability = await self._services.predictor.attach(Path(file.name), principal.name)
        scored = [record.twin for record in self._services.predictor.twins(capability.iri) if record.qualifies]
        return _json({"capability": capability.iri, "name": capability.name, "twins": scored}, 201)

    async def backups(self, request: Request) -> Response:
        """Where the backup is that was made, on the server's own disk: for a command there, which takes it away."""
        principal = self._services.principal_of(request)
        if "admin" not in principal.roles:
            raise Forbidden(f"{principal.name} may not back up.", remedy="Ask for the role admin.")
        if self._services.backups is None:
            raise NotFound("This server keeps nothing on disk.")
        made = await self._services.backups.make()
        return _json(asdict(made) | {"path": str(made.path.resolve())}, 201)

    def _engineer(self, request: Request, deed: str) -> Principal:
        principal = self._services.principal_of(request)
        if not principal.roles & {"engineer", "admin"}:
            raise Forbidden(f"{principal.name} may not {deed}.", remedy="Ask for the role engineer.")
        return principal

    async def export(
        self,
        request: Request,
        site: Annotated[str | None, Query(description="a site's id; none: all sites")] = None,
        format: Annotated[str, Query(description="nquads, trig, or turtle (of the assets alone)")] = "nquads",
        as_of: AsOf = None,
    ) -> Response:
        """What was said of the sites - assets, bindings (for those who may see them), models - as RDF."""
        services, scope = await services_as_of(self._services, self._scope(request), as_of)
        known = services.twins.sites(scope)
        if site is not None and site not in known:
            raise NotFound(f"There is no site {site!r}.", remedy=f"There are: {', '.join(known) or 'none'}.")
        syntax = EXPORT_SYNTAXES.get(format)
        if syntax is None:
            raise InvalidInput(f"There is no format {format!r}.", remedy=f"Use {', '.join(EXPORT_SYNTAXES)}.")
        quads = _exported(services, scope, known if site is None else [site], assets_only=syntax == RdfFormat.TURTLE)
        name = f"{site or 'sites'}.{syntax.file_extension}"
        return StreamingResponse(
            _file_of(quads, syntax),
            media_type=syntax.media_type,
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    def _scope(self, request: Request) -> Scope:
        return Scope(self._services.principal_of(request))


def _exported(services: Services, scope: Scope, sites: list[str], *, assets_only: bool) -> Iterator[Quad]:
    for site in sites:
        if assets_only:
            yield from services.store.quads(None, None, None, site_graph(site))
        else:
            yield from exported(services.store, site, scope)


async def _file_of(quads: Iterator[Quad], syntax: RdfFormat) -> AsyncIterator[bytes]:
    # Through a file, because a building of a million triples does not belong in memory as text.
    with tempfile.TemporaryFile() as file:
        terms = quads if syntax.supports_datasets else (quad.triple for quad in quads)
        await asyncio.to_thread(serialize, terms, file, syntax, prefixes=PREFIXES)
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
