"""Predictions: a model attached to a capability scores every twin that has what it needs, all in one batch.

A score is a property like any other: it is created through the change door and its values come in by the road of all
observations.  No score is given on readings that do not stand for the present: the property is then unavailable, and
its quality says why.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from twin.clock import Clock
from twin.contracts import GraphStore
from twin.errors import InvalidInput, TwinError
from twin.flows.capabilities import (
    CapabilityRecord,
    ModelRecord,
    TwinCapabilityRecord,
    candidates,
    converts,
    read_capabilities,
    words,
)
from twin.flows.deployments import attached_models, deployment_delta, score_iri
from twin.flows.ingest import Ingest
from twin.flows.scoring import Round, Service, score
from twin.graph.change import ChangeDoor
from twin.graph.twins.reader import TwinReader
from twin.inference.contract import Contract
from twin.inference.registry import ModelRegistry, ModelVersion
from twin.lineage.origins import UNKNOWN, Origin, Origins
from twin.scope import Scope
from twin.telemetry.latest import LatestTable
from twin.tracing import OFF, Tracing

__all__ = ["CapabilityRecord", "ModelRecord", "PredictionCounts", "Predictor", "TwinCapabilityRecord"]

_IDLE = 5.0  # seconds between looks for something to do
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class PredictionCounts:
    """What happened since the start: rounds, scores delivered, scores withheld for lack of readings, seconds spent in
    models, and the last round's error (empty: none)."""

    rounds: int = 0
    scores: int = 0
    withheld: int = 0
    seconds: float = 0.0
    error: str = ""


class Predictor:
    """Finds the twins that qualify, creates their score properties, and scores them for as long as it runs.

    ``models`` is the directory that keeps model files; ``period`` overrides the seconds between scores that a model's
    contract asks for; scores carry the number of their model in ``origins``.  Use it from the event loop's thread.
    """

    def __init__(
        self,
        store: GraphStore,
        twins: TwinReader,
        door: ChangeDoor,
        latest: LatestTable,
        ingest: Ingest,
        models: Path,
        clock: Clock,
        *,
        period: float | None = None,
        tracing: Tracing = OFF,
        origins: Origins | None = None,
    ) -> None:
        self.counts = PredictionCounts()
        self._store, self._twins, self._door = store, twins, door
        self._latest, self._ingest, self._clock = latest, ingest, clock
        self._registry = ModelRegistry(models)
        self._period = period
        self._tracing = tracing
        self._origins = origins
        self._numbers: dict[tuple[str, str], int] = {}
        self._services: dict[str, Service] = {}
        self._seen = -1
        self._followed = -1
        self._wake = asyncio.Event()
        self._deploying = asyncio.Lock()

    # -- what is known ------------------------------------------------------------------------------------------

    def capabilities(self) -> list[CapabilityRecord]:
        """All capabilities, by name, each with the model that serves it."""
        return [service.capability for service in self._current().values()]

    def for_twin(self, iri: str) -> list[TwinCapabilityRecord]:
        """What each capability that applies to the twin's class can do for it."""
        services = self._current().values()
        return [self._told(service, iri) for service in services if iri in service.candidates]

    def twins(self, capability_iri: str) -> list[TwinCapabilityRecord]:
        """Every twin of the classes that a capability applies to, by name; none for an unknown capability."""
        service = self._current().get(capability_iri)
        return [self._told(service, iri) for iri in service.candidates] if service is not None else []

    def _told(self, service: Service, iri: str) -> TwinCapabilityRecord:
        candidate = service.candidates[iri]
        score = score_iri(candidate, service.capability)
        exists = self._twins.property(Scope(), score) is not None
        return TwinCapabilityRecord(
            service.capability.iri,
            iri,
            candidate.qualifies,
            candidate.missing,
            score if exists else None,
            service.state(candidate),
        )

    # -- attaching ----------------------------------------------------------------------------------------------

    async def attach(self, path: Path, actor: str) -> CapabilityRecord:
        """Attaches a model file to the capability that its contract names, in place of the model before it.

        The file is examined and kept; each qualifying twin gets its score property in one change.  Attaching what is
        attached changes nothing.  Raises `InvalidInput` for a file that may not run or does not fit the capability,
        and what the change door raises.
        """
        version = await asyncio.to_thread(self._registry.add, Path(path))
        contract = version.contract
        service = self._fitting(contract)
        await self._deploy(service, version, actor, f"attach model {contract.name} {contract.version}")
        service = self._refreshed()[contract.capability]
        self._serve(service, version)
        service.deployed = contract.capability in attached_models(self._store)
        self._wake.set()
        return service.capability

    def _fitting(self, contract: Contract) -> Service:
        services = self._current()
        service = services.get(contract.capability)
        if service is None:
            near = get_close_matches(contract.capability, list(services), n=1)
            hint = f"Did you mean {near[0]}?" if near else "Load the capability's definition first."
            raise InvalidInput(f"The model is for {contract.capability}, which is no capability here.", remedy=hint)
        asked = dict(service.capability.inputs)
        for feature in contract.inputs:
            if feature.role not in asked or not converts(asked[feature.role], feature.unit):
                raise InvalidInput(
                    f"The model needs {words(feature.role)}, for which the capability {service.capability.name} does"
                    " not ask in a unit that converts.",
                    remedy="Add the input to the capability, or train the model on the inputs it has.",
                )
        return service

    async def _deploy(self, service: Service, version: ModelVersion, actor: str, reason: str) -> None:
        async with self._deploying:
            sites = self._twins.sites(Scope())
            qualifying = [candidate for candidate in service.candidates.values() if candidate.qualifies]
            limits = (version.contract.minimum, version.contract.maximum)
            freshness = 6 * (self._period or version.contract.period)
            delta = deployment_delta(
                self._store, service.capability, version.digest, sites, qualifying, limits, freshness
            )
            if delta:
                await self._door.commit(delta, actor=actor, reason=reason)

    # -- following the graph --------------------------------------------------------------------------------------

    def _current(self) -> dict[str, Service]:
        """The services as of the graph's present revision."""
        return self._services if self._seen == self._door.revision else self._refreshed()

    def _refreshed(self) -> dict[str, Service]:
        revision = self._door.revision
        found: dict[str, Service] = {}
        for capability in read_capabilities(self._store):
            known = self._services.get(capability.iri)
            service = known or Service(capability)
            service.capability = replace(capability, model=known.capability.model if known else None)
            service.candidates = {one.twin: one for one in candidates(capability, self._twins, Scope())}
            found[capability.iri] = service
        self._services, self._seen = found, revision
        for service in found.values():
            if service.version is not None:
                self._serve(service, service.version)
        return found

    def _serve(self, service: Service, version: ModelVersion) -> None:
        found = {}
        for candidate in service.candidates.values():
            score = self._twins.property(Scope(), score_iri(candidate, service.capability))
            if score is not None:
                found[candidate.twin] = score
        service.serve(version, found)

    async def follow(self) -> None:
        """Brings everything to the graph's present revision: models attached before the start are loaded, twins that
        came to qualify get their score property."""
        revision = self._door.revision
        if self._followed == revision:
            return
        services = self._current()
        attached = attached_models(self._store)
        for service in list(services.values()):
            await self._adopt(service, attached.get(service.capability.iri))
            if service.version is None:
                continue
            try:
                reason = f"score the twins that qualify for {service.capability.name}"
                await self._deploy(service, service.version, "twin", reason)
            except TwinError as error:  # a shape may refuse it; the next revision may not
                service.problem = str(error)
        self._followed = revision
        self._current()

    async def _adopt(self, service: Service, digest: str | None) -> None:
        """Runs the model that the graph says is attached; it may have been taken back, or put back, by another."""
        if digest is None:
            if service.deployed:
                service.retire()
            return
        service.deployed = True
        if service.version is not None and service.version.digest == digest:
            return
        try:
            version = await asyncio.to_thread(self._registry.find, digest)
        except TwinError as error:
            service.retire(str(error))
        else:
            self._serve(service, version)

    # -- scoring ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Scores every period until cancelled.  A failing round is logged and told in ``counts``; the next goes on."""
        while True:
            now = self._clock.monotonic()
            try:
                await self.follow()
                due = [service for service in self._services.values() if service.version and service.due <= now]
                await self.score(service.capability.iri for service in due)
                self.counts.error = ""
            except Exception as error:  # whatever a history or a model raises, predictions go on with the next round
                self.counts.error = str(error)
                _LOG.warning("a round of predictions failed: %s", error, exc_info=True)
                due = [service for service in self._services.values() if service.due <= now]
            for service in due:
                following = service.due + self._period_of(service)
                service.due = following if following > now else now + self._period_of(service)
            waiting = [service.due for service in self._services.values() if service.version]
            pause = min([*waiting, now + _IDLE]) - self._clock.monotonic()
            self._wake.clear()
            try:
                async with asyncio.timeout(max(0.01, pause)):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _scored(self, service: Service) -> Round:
        version, windows = service.version, service.windows
        if version is None or windows is None:
            return Round()
        model = f"{version.contract.name} {version.contract.version}"
        with self._tracing.prediction(model, windows.series):
            origin = self._origin_of(service, version, model)
            return await score(service, self._latest, self._ingest, self._clock, origin)

    def _origin_of(self, service: Service, version: ModelVersion, model: str) -> int:
        """The number of a model that serves a capability; it is given once, and looked up after that."""
        key = (version.digest, service.capability.iri)
        if self._origins is not None and key not in self._numbers:
            codec = f"model: {model}; capability: {service.capability.iri}"
            origin = Origin("model", version.digest, codec=codec, revision=self._door.revision)
            self._numbers[key] = self._origins.number(origin)
        return self._numbers.get(key, UNKNOWN)

    def _period_of(self, service: Service) -> float:
        return self._period or (service.version.contract.period if service.version is not None else _IDLE)

    async def score(self, capabilities: Iterable[str] | None = None) -> int:
        """One round: a reading of every input, and a score for every twin whose window is whole; returns how many.

        ``capabilities`` are IRIs; None means all that have a model.
        """
        services = self._current()
        counts = self.counts
        counts.rounds += 1
        given = 0
        for iri in list(services) if capabilities is None else capabilities:
            if iri in services:
                done = await self._scored(services[iri])
                given += done.scores
                counts.scores += done.scores
                counts.withheld += done.withheld
                counts.seconds += done.seconds
        return given
