"""The one place that knows every part: a data directory and settings become a running application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from starlette.types import ASGIApp

from twin.alerts.store import AlertStore
from twin.api import create
from twin.api.services import Services
from twin.bindings.plugins import InstalledConnectors
from twin.bindings.supervisor import Supervisor
from twin.bus import Topic
from twin.clock import Clock
from twin.core import Core, open_core
from twin.directory import DataDirectory
from twin.flows.actuate import Actuator
from twin.flows.alerting import Alerting
from twin.flows.backups import Backups
from twin.flows.bind import Wiring, plans
from twin.flows.checks import KnownChecks, remember
from twin.flows.conditions import Conditions
from twin.flows.contract_states import Contracts
from twin.flows.drift import Drift
from twin.flows.ingest import Ingest, availability
from twin.flows.live_values import LiveValues
from twin.flows.losses import losses_of, recorded
from twin.flows.missing import Missing
from twin.flows.past_capabilities import PastCapabilities
from twin.flows.past_violations import PastViolations
from twin.flows.predict import Predictor
from twin.flows.rebind import Rebinding
from twin.flows.reprocessing import Reprocessing
from twin.flows.retaining import Retaining
from twin.flows.spooling import SpooledHistory
from twin.flows.standing import Standings
from twin.flows.time_travel import TimeTravel
from twin.graph.child import end_all
from twin.graph.readers.service import SparqlService
from twin.lineage.keeping import RawKeeping, open_keeping
from twin.observation import ObservationBatch
from twin.scope import Scope
from twin.settings import Settings
from twin.telemetry.duckdb import DuckDBHistory
from twin.telemetry.latest import LatestTable
from twin.telemetry.outages import Outages
from twin.telemetry.quality_standing import Standing
from twin.telemetry.spool import Spool
from twin.tracing import open_tracing
from twin.vocabularies import sandbox

logger = logging.getLogger(__name__)


class Application:
    """A running application on an entered data directory; entering opens every part, leaving closes them in reverse.

    ``url`` is where it will answer.  With ``connect=False`` no connection is made and no model is run: for commands
    that only ask.
    """

    asgi: ASGIApp
    core: Core
    predictor: Predictor
    supervisor: Supervisor
    sparql: SparqlService
    observations: Topic[ObservationBatch]
    history: DuckDBHistory
    latest: LatestTable
    keeping: RawKeeping
    travel: TimeTravel
    outages: Outages
    spooled: SpooledHistory

    def __init__(
        self, directory: DataDirectory, settings: Settings, clock: Clock, url: str, *, connect: bool = True
    ) -> None:
        self.url = url
        self.scope = Scope()
        self._directory = directory
        self._settings = settings
        self.clock = clock
        self._connect = connect
        self._exit = AsyncExitStack()
        self._tasks: set[asyncio.Task[None]] = set()
        self._not_ready = "The server is starting."

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._exit.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._not_ready = "The server is stopping."
        await self._exit.aclose()

    async def _open(self) -> None:
        directory, settings, clock = self._directory, self._settings, self.clock
        core = self.core = open_core(directory, settings, clock)
        self._exit.callback(core.close)
        self._exit.push_async_callback(core.door.idle)
        self._exit.push_async_callback(core.jobs.close)
        latest = self.latest = LatestTable(clock)
        history = self.history = DuckDBHistory(
            directory.history, memory=settings.history.memory, threads=settings.history.threads
        )
        await history.open()
        self._exit.push_async_callback(history.close)
        known = await history.latest()
        latest.seed(known)
        observations = self.observations = Topic()
        checks = KnownChecks(core.twins.property_by_series, core.store, lambda: core.door.hierarchy)
        core.door.before_announcing.append(checks.forget)
        remember(checks.memory, directory.quality, known)
        self._exit.callback(checks.memory.save, directory.quality)
        spool = Spool(directory.spool, settings.spool.bytes, settings.spool.reserve_bytes)
        spooled = self.spooled = SpooledHistory(history, spool, clock)
        self._exit.push_async_callback(spooled.close)
        await spooled.recover(latest.apply)
        tracing = open_tracing(settings.tracing, settings.name)
        self._exit.callback(tracing.close)
        ingest = Ingest(latest, spooled, observations, clock, checks.check, tracing)
        outages = self.outages = Outages(directory.connections, clock)
        self._exit.callback(outages.close)
        losses = losses_of(outages)
        keeping = self.keeping = open_keeping(
            directory.origins, directory.payloads, directory.rejects, settings.payloads, clock
        )
        self._exit.push_async_callback(keeping.close)
        standing = Standing()
        standing.apply(known)
        missing = Missing(checks, standing, ingest.deliver, clock)
        ingest.committed += [standing.apply, missing.arrived]
        contracts = Contracts(core.store, lambda iri: core.twins.property(self.scope, iri), standing, clock)
        core.door.before_announcing.append(contracts.forget)
        alerts = AlertStore(directory.alerts)
        self._exit.callback(alerts.close)
        conditions = Conditions(
            lambda: self.supervisor.health(), core.twins, latest, standing, checks, contracts, core.violations,
            lambda: ingest.counts.error or spooled.reason, clock, settings.alerts.delay,
        )  # fmt: skip
        alerting = Alerting(alerts, conditions, settings.alerts, clock, url=self.url)
        stands = Standings(alerting, contracts, clock)
        live = LiveValues(core.twins, latest, history, clock, losses, keeping.origins.find, stands)
        travel = self.travel = TimeTravel(
            core.store, core.journal, core.twins, history, directory, settings, clock, core.violations.trim, losses
        )
        self._exit.push_async_callback(travel.close)
        self.sparql = SparqlService(
            core.store, core.door.changes, live, directory.checkpoints, settings.sparql, lambda: travel.services
        )
        await self.sparql.start()
        self._exit.push_async_callback(self.sparql.close)
        connectors = InstalledConnectors()
        supervisor = self.supervisor = Supervisor(
            connectors,
            ingest.deliver,
            recorded(outages, availability(latest)),
            clock,
            keeping=keeping,
            identity=directory.identity,
            stages=ingest.stages,
            tracing=tracing,
        )
        self._exit.push_async_callback(supervisor.close)
        self._wiring = Wiring(core.twins, supervisor, lambda: core.door.revision, origins=keeping.origins)
        actuator = Actuator(core.twins, supervisor, latest, observations, clock)
        self._exit.push_async_callback(actuator.close)
        rebinding = Rebinding(core.twins, core.door, supervisor, self._wiring, latest, observations, connectors, clock)
        self.predictor = Predictor(
            core.store,
            core.twins,
            core.door,
            latest,
            ingest,
            directory.models,
            clock,
            tracing=tracing,
            origins=keeping.origins,
        )
        self._exit.push_async_callback(self._cancel_tasks)
        self._exit.callback(end_all)
        self._exit.callback(sandbox.end_all)
        services = Services(
            clock=clock,
            store=core.store,
            door=core.door,
            twins=core.twins,
            violations=core.violations,
            validation=core.revalidation,
            latest=latest,
            history=history,
            observations=observations,
            ingest=ingest,
            spooled=spooled,
            supervisor=supervisor,
            actuator=actuator,
            rebinding=rebinding,
            predictor=self.predictor,
            keeping=keeping,
            checks=checks.stated,
            tracing=tracing,
            reprocessing=Reprocessing(
                lambda: plans(core.twins, self.scope),
                lambda: core.door.revision,
                connectors,
                keeping,
                history,
                latest,
                clock,
            ),
            importer=core.importer,
            jobs=core.jobs,
            repairing=core.repairing,
            alerting=alerting,
            contracts=contracts,
            sparql=self.sparql,
            pasts=travel.pasts,
            outages=outages,
            past_violations=PastViolations(core.violations),
            past_capabilities=PastCapabilities(directory.models),
            backups=Backups(directory, core.door, core.store, history, clock),
            settings=settings,
            readiness=lambda: self._not_ready,
        )
        self.asgi = create(services)
        if self._connect:
            await self.connect()
            self._start(outages.follow())
            self._start(core.door.keep_up())
            self._start(Retaining(settings.history.rules, core.twins, history, clock).run())
            self._start(self._wiring.follow(core.door.changes))
            self._start(travel.snapshotting.follow(core.door.changes))
            self._start(self.predictor.run())
            self._start(alerting.run())
            self._start(missing.run())
            self._start(Drift(core.twins, checks, history, clock).run())
            self._start(alerting.delivery.run())
            self._start(core.revalidation.follow(core.door.changes, every_site=settings.validation.audit))
            self._start(asyncio.to_thread(core.gate.prepare, core.store))
        self._not_ready = ""

    async def connect(self) -> None:
        """Returns when the bindings that the graph holds now are in force."""
        await self._wiring.refresh()

    def counts(self) -> tuple[int, int]:
        """How many twins and properties there are."""
        return self.core.twins.counts(self.scope)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("A part of the server ended: %s", error, exc_info=error)

    async def _cancel_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
