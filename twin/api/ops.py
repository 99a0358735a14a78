"""For whoever runs the server: is it alive, is it ready, and how is it doing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from twin.api.census import Census
from twin.api.graphql import schema_hash
from twin.api.openmetrics import MEDIA_TYPE, Measure, exposition
from twin.api.pipeline_measures import pipeline_measures
from twin.api.revisions import shown
from twin.api.services import Services
from twin.scope import Scope

_NO_STORE = {"cache-control": "no-store"}


class Operations:
    """The routes ``/livez``, ``/readyz`` and ``/metrics``."""

    def __init__(self, services: Services, census: Census) -> None:
        self._services = services
        self._census = census

    async def livez(self, _request: Request) -> Response:
        """200 as long as the event loop turns."""
        return PlainTextResponse("alive\n", headers=_NO_STORE)

    async def readyz(self, _request: Request) -> Response:
        """200 with the revision and the schema's hash once everything answers, 503 with the reason before."""
        reason = self._services.readiness()
        body = {
            "ready": not reason,
            "reason": reason,
            "revision": shown(self._services.door.revision),
            "schema": schema_hash(),
            "version": product_version(),
        }
        return Response(orjson.dumps(body), 503 if reason else 200, _NO_STORE, "application/json")

    async def metrics(self, request: Request) -> Response:
        """The figures in OpenMetrics text; connections only for those who may see them."""
        scope = Scope(self._services.principal_of(request))
        measures = [*self._measures(scope), *self._connections(scope), *self._services.measures()]
        return Response(exposition(measures).encode(), 200, _NO_STORE, MEDIA_TYPE)

    def _measures(self, scope: Scope) -> Iterator[Measure]:
        services = self._services
        counts = self._census.counts(scope)
        yield Measure("twin_build", "info", "The version that runs.", 1, {"version": product_version()})
        yield Measure("twin_process_cpu_seconds", "counter", "Processor time used by the server.", time.process_time())
        yield Measure("twin_graph_revision", "gauge", "The graph's revision.", services.door.revision)
        yield Measure("twin_twins", "gauge", "Twins in the graph.", counts.twins)
        for state, count in (
            ("live", counts.live),
            ("unavailable", counts.unavailable),
            ("unbound", counts.unbound),
        ):
            yield Measure("twin_properties", "gauge", "Properties by what they say now.", count, {"state": state})
        for site in services.twins.sites(scope):
            found = services.violations.count(site)
            yield Measure("twin_violations", "gauge", "Violations of shapes by site.", found, {"site": site})
        for name, topic in (
            ("observations", services.observations),
            ("changes", services.door.changes),
            ("commands", services.actuator.commands),
        ):
            yield Measure(
                "twin_subscribers",
                "gauge",
                "Open subscriptions, the server's own included.",
                len(topic),
                {"topic": name},
            )
        yield from self._ingest()

    def _ingest(self) -> Iterator[Measure]:
        counts = self._services.ingest.counts
        for name, help, value in (
            ("twin_ingest_batches", "Batches committed to the history and shown.", counts.batches),
            ("twin_ingest_observations", "Observations committed to the history and shown.", counts.observations),
            ("twin_ingest_doubtful", "Observations that were uncertain or bad.", counts.uncertain_or_bad),
            ("twin_ingest_refused_batches", "Batches that the history did not take.", counts.refused),
            ("twin_history_commit_seconds", "Time spent in commits of the history.", counts.history_seconds),
        ):
            yield Measure(name, "counter", help, value)
        yield Measure("twin_ingest_waiting_batches", "gauge", "Batches on their way to the history.", counts.waiting)
        yield from pipeline_measures(self._services)
        yield from self._spool()

    def _spool(self) -> Iterator[Measure]:
        spooled = self._services.spooled
        if spooled is None:
            return
        depth = spooled.depth
        age = (self._services.clock.now() - depth.oldest) / 1e9 if depth.oldest else 0.0
        for name, help, value in (
            (
                "twin_spool_active",
                "Whether observations go to the disk, because the history takes none.",
                spooled.active,
            ),
            ("twin_spool_observations", "Observations that wait on disk for the history.", depth.observations),
            ("twin_spool_bytes", "Their bytes.", depth.bytes),
            ("twin_spool_age_seconds", "How long the oldest of them has waited.", max(0.0, age)),
        ):
            yield Measure(name, "gauge", help, float(value))
        yield Measure("twin_spool_refused_batches", "counter", "Spooled batches never to be stored.", spooled.refused)

    def _connections(self, scope: Scope) -> Iterator[Measure]:
        if not scope.principal.may_see_bindings():
            return
        visible = {record.iri: record.name for record in self._services.twins.connections(scope)}
        health = [each for each in self._services.supervisor.health() if each.id in visible]
        for each in health:
            labels = {"connection": each.id, "name": visible[each.id]}
            up = float(each.state == "CONNECTED")
            yield Measure("twin_connection_up", "gauge", "Whether the connection stands.", up, labels)
            yield Measure("twin_connection_received", "counter", "Messages received.", each.received, labels)
            yield Measure("twin_connection_decoded", "counter", "Values decoded.", each.decoded, labels)
            yield Measure("twin_connection_rejected", "counter", "Values refused.", each.rejected, labels)


def product_version() -> str:
    """The version of the installed package."""
    try:
        return version("twin-server")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0"
