"""Histories over REST: exports of any selection, back-fill, the lineage of a value."""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, get_args

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from starlette.requests import Request
from starlette.responses import Response

from twin.api.histories import HistoryWindow
from twin.api.raw_shown import as_json, shown_payload
from twin.api.rest_jobs import accepted, does_not_wait
from twin.api.revisions import shown
from twin.api.services import Services
from twin.clock import from_iso
from twin.contracts import Aggregate
from twin.errors import Forbidden, InvalidInput, NotFound, Unavailable
from twin.flows.history_in import BackfillReport, backfill
from twin.flows.history_out import Selection, Span, exported
from twin.flows.lineage import Lineage, Version, lineage_of
from twin.jobs import Running
from twin.lineage.origins import Origin
from twin.observation import Quality
from twin.scope import Scope
from twin.telemetry.table_formats import MEDIA_TYPES, format_named, stamp

Named = Annotated[list[str] | None, Query(description="may be given several times")]


class Histories:
    """The routes of histories."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def add_to(self, router: APIRouter) -> None:
        """Adds them under ``/api/v1``."""
        add = router.add_api_route
        add(
            "/history/export",
            self.export,
            methods=["GET"],
            response_class=Response,
            summary="The histories of a selection of properties as NDJSON, CSV, Parquet or Arrow",
        )
        add(
            "/history/import",
            self.imported,
            methods=["POST"],
            response_class=Response,
            summary="Keep a table of past values (back-fill)",
        )
        add(
            "/connections/{iri:path}/rejected",
            self.rejected,
            methods=["GET"],
            response_class=Response,
            summary="The payloads of a connection that could not be decoded",
        )
        add(
            "/properties/{iri:path}/lineage",
            self.lineage,
            methods=["GET"],
            response_class=Response,
            summary="Where a value came from: origin, raw payload, codec, checks and corrections",
        )

    async def export(
        self,
        request: Request,
        property: Named = None,
        twin: Named = None,
        site: str | None = None,
        type: Annotated[str | None, Query(alias="class", description="of properties or of their twins")] = None,
        role: str | None = None,
        text: Annotated[str | None, Query(description="searched in name and id")] = None,
        query: Annotated[str | None, Query(description="SPARQL whose first column is properties or twins")] = None,
        start: Annotated[str | None, Query(alias="from", description="ISO 8601; default: a day before to")] = None,
        to: Annotated[str | None, Query(description="ISO 8601; default: now")] = None,
        interval: Annotated[str | None, Query(description="PT15M or 15m; none: every sample")] = None,
        aggregate: Annotated[str, Query(description="of an interval: mean, min, max, sum, first, last ...")] = "mean",
        format: Annotated[str | None, Query(description="ndjson, csv, parquet or arrow; default: by Accept")] = None,
    ) -> Response:
        """The table, streamed as it is read: a client that reads slowly holds the reading back."""
        services, scope = self._services, Scope(self._services.principal_of(request))
        properties, twins = list(property or ()), list(twin or ())
        if query is not None:
            for iri in await self._found(query, scope):
                (properties if services.twins.property(scope, iri) is not None else twins).append(iri)
            if not properties and not twins:
                raise InvalidInput("The query finds nothing.", remedy="Let its first column be properties or twins.")
        records = Selection(properties, twins, site, type, role, text).records(services.twins, scope)
        window = HistoryWindow.of(start, to, interval, services.clock.now())
        if aggregate not in get_args(Aggregate):
            raise InvalidInput(
                f"There is no aggregate {aggregate[:40]!r}.", remedy=f"Use {', '.join(get_args(Aggregate))}."
            )
        chosen = format_named(format or _accepted(request.headers.get("accept", "")))
        span = Span(window.start, window.end, window.interval, aggregate)  # type: ignore[arg-type]  # just tested
        return StreamingResponse(
            exported(services.history, records, span, chosen),
            media_type=MEDIA_TYPES[chosen],
            headers={"content-disposition": f'attachment; filename="history.{chosen}"', "cache-control": "no-store"},
        )

    async def _found(self, query: str, scope: Scope) -> list[str]:
        if self._services.sparql is None:
            raise Unavailable("This server answers no SPARQL.", remedy="Name properties or twins.")
        answer = await self._services.sparql.query(query, scope, "text/csv")
        rows = csv.reader(io.StringIO((await answer.read()).decode(), newline=""))
        next(rows, None)
        return list(dict.fromkeys(row[0] for row in rows if row and row[0]))

    async def imported(
        self,
        request: Request,
        lenient: Annotated[bool, Query(description="keep the good rows of a table that has bad ones")] = False,
        dry_run: Annotated[bool, Query(alias="dryRun", description="judge every row, and keep none")] = False,
        format: Annotated[str | None, Query(description="default: by the content type")] = None,
        name: Annotated[str, Query(description="what the job calls the table, e.g. its file's name")] = "a table",
    ) -> Response:
        """What became of each row of the body: 201 when all that can be are kept, 422 when none is.  With ``Prefer:
        respond-async`` the job that does it."""
        principal = self._services.principal_of(request)
        if not principal.roles & {"engineer", "admin"}:
            raise Forbidden(f"{principal.name} may not import histories.", remedy="Ask for the role engineer.")
        chosen = format_named(format or request.headers.get("content-type", ""))
        kept = tempfile.NamedTemporaryFile(prefix="twin-table-")  # noqa: SIM115 - the job closes it
        try:
            async for part in request.stream():
                await asyncio.to_thread(kept.write, part)
            kept.flush()
        except BaseException:
            kept.close()
            raise
        services, scope = self._services, Scope(principal)

        async def work(running: Running) -> BackfillReport:
            try:
                report = await backfill(
                    Path(kept.name), chosen, scope, services.twins, services.history, services.latest,
                    None if services.keeping is None else services.keeping.origins, services.clock, running,
                    lenient=lenient, dry_run=dry_run,
                )  # fmt: skip
                running.came_to(report.message, report=report_told(report))
                return report
            finally:
                kept.close()

        job = services.jobs.start("back-fill", f"back-fill from {name[:200]}", work, actor=principal.name)
        if does_not_wait(request):
            return accepted(job)
        report = await services.jobs.outcome(job.id)
        status = 201 if report.applied else 200 if dry_run else 422
        return Response(orjson.dumps(report_told(report)), status, media_type="application/json")

    async def rejected(
        self,
        request: Request,
        iri: str,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        before: Annotated[int | None, Query(description="the id that the page begins below")] = None,
    ) -> Response:
        """The rejected payloads of a connection that are kept, newest first."""
        services, scope = self._services, Scope(self._services.principal_of(request))
        if not scope.principal.may_see_bindings():
            raise Forbidden(f"{scope.principal.name} may not see bindings.", remedy="Ask for the role engineer.")
        if iri not in {record.iri for record in services.twins.connections(scope)}:
            raise NotFound(f"There is no connection {iri!r}.", remedy="See GraphQL's connections.")
        if services.keeping is None:
            raise Unavailable("This server keeps no payloads.", remedy="See the settings payloads.*.")
        count = await services.keeping.rejects.count(iri)
        page = await services.keeping.rejects.page(iri, limit, before)
        items = [
            {
                "id": each.id,
                "received": stamp(each.rejected.received),
                "address": each.rejected.address,
                "reason": each.rejected.reason,
                **asdict(shown_payload(each.rejected.payload)),
            }
            for each in page
        ]
        body = {"total": count.payloads, "bytes": count.bytes, "items": items}
        return Response(orjson.dumps(body), media_type="application/json")

    async def lineage(
        self,
        request: Request,
        iri: str,
        at: Annotated[str | None, Query(description="ISO 8601: the newest value up to then; default: of all")] = None,
    ) -> Response:
        """Everything that is known of how a value came about; 404 when there is none."""
        services, scope = self._services, Scope(self._services.principal_of(request))
        if not scope.principal.may_see_bindings():
            raise Forbidden(f"{scope.principal.name} may not see bindings.", remedy="Ask for the role engineer.")
        record = services.twins.property(scope, iri)
        if record is None:
            raise NotFound(f"There is no property {iri!r}.", remedy="Search for it with GraphQL: properties.")
        try:
            moment = None if at is None else from_iso(at)
        except ValueError as error:
            raise InvalidInput(f"{at!r} is not a time.", remedy="Write 2026-01-01T00:00:00Z.") from error
        found = await lineage_of(record, moment, services.history, services.keeping, services.checks)
        if found is None:
            raise NotFound(f"{record.name} has no value up to then.", remedy="Ask for a later time.")
        return Response(orjson.dumps(_told(found)), media_type="application/json")


def report_told(report: BackfillReport) -> dict[str, Any]:
    """A report as JSON: as REST and the command line see it."""
    times = {name: None if at is None else stamp(at) for name, at in (("first", report.first), ("last", report.last))}
    return {**asdict(report), **times, "message": report.message}


def _accepted(accept: str) -> str:
    offered: Sequence[str] = [media.partition(";")[0] for media in MEDIA_TYPES.values()]
    for each in accept.split(","):
        bare = each.partition(";")[0].strip().lower()
        if bare in offered:
            return bare
    return "ndjson"


def _told(lineage: Lineage) -> dict[str, Any]:
    return {
        "property": lineage.record.iri,
        "unit": lineage.record.unit,
        **_version(lineage.standing),
        "payloads": [
            {
                "received": stamp(each.received),
                "address": each.address,
                "sha256": each.digest,
                "json": as_json(each.raw),
                **asdict(shown_payload(each.raw)),
            }
            for each in lineage.payloads
        ],
        "payloadKeptUntil": None if lineage.kept_until is None else stamp(lineage.kept_until),
        "checks": [
            {"name": name, "value": value, "statedBy": lineage.stated.get(name)}
            for name, value in sorted(lineage.checks.items())
        ],
        "versions": [_version(each) for each in lineage.versions],
    }


def _version(version: Version) -> dict[str, Any]:
    quality = Quality(version.quality)
    said: Any = version.text if version.text is not None else version.value
    if version.block is not None:
        said = version.block.values.tolist()
    return {
        "version": version.version,
        "time": stamp(version.time),
        "received": stamp(version.received),
        "value": None if said != said else said,
        "quality": {"word": quality.word, "flags": quality.flags},
        "origin": None if version.origin is None else _origin(version.origin),
    }


def _origin(origin: Origin) -> dict[str, Any]:
    return {
        "number": origin.number,
        "kind": origin.kind,
        "subject": origin.subject,
        "connection": origin.connection or None,
        "address": origin.address or None,
        "codec": origin.codec or None,
        "revision": shown(origin.revision) if origin.revision else None,
        "since": stamp(origin.since),
    }
