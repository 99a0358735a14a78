"""One round of scores: a reading of every input, one batch through the model, one batch of observations out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from twin.clock import Clock
from twin.flows.capabilities import Candidate, CapabilityRecord, ModelRecord, conversion, words
from twin.flows.ingest import Ingest
from twin.graph.twins.reader import PropertyRecord
from twin.inference.registry import ModelVersion
from twin.inference.windows import Windows
from twin.observation import ObservationBatch, Quality
from twin.telemetry.latest import LatestTable

Values = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]


@dataclass(slots=True)
class Service:
    """One capability with its model and the twins it serves: the rows of ``windows`` are ``served``, their score
    properties ``scores``.  ``problem`` says why it does not run; ``due`` is when the next round is (monotonic)."""

    capability: CapabilityRecord
    candidates: dict[str, Candidate] = field(default_factory=dict)
    version: ModelVersion | None = None
    problem: str = ""
    served: list[str] = field(default_factory=list)
    scores: list[PropertyRecord] = field(default_factory=list)
    windows: Windows | None = None
    standing: set[str] = field(default_factory=set)
    """Twins whose score stands now."""
    due: float = 0.0
    deployed: bool = False
    """Whether the graph has ever said that a model is attached."""

    def retire(self, problem: str = "") -> None:
        """Scores no more."""
        self.version, self.windows, self.problem, self.deployed = None, None, problem, False
        self.served, self.scores = [], []
        self.standing.clear()
        self.capability = replace(self.capability, model=None)

    def serve(self, version: ModelVersion, scores: Mapping[str, PropertyRecord]) -> None:
        """Runs the model for the qualifying twins among ``scores`` (twin to score property) from now on.

        Readings that an earlier table has already are kept.
        """
        contract = version.contract
        served = [one for one in self.candidates.values() if one.qualifies and one.twin in scores]
        table = np.empty((len(served), len(contract.inputs), 4))
        for row, candidate in enumerate(served):
            for column, feature in enumerate(contract.inputs):
                prop = candidate.inputs[feature.role]
                scale, offset = conversion(prop.unit or "", feature.unit) or (np.nan, np.nan)
                table[row, column] = prop.series, prop.freshness, scale, offset
        windows = Windows(
            table[:, :, 0].astype(np.int32), table[:, :, 1], table[:, :, 2], table[:, :, 3], contract.window
        )
        if self.windows is not None:
            windows.inherit(self.windows)
        self.windows, self.version, self.problem = windows, version, ""
        self.served = [candidate.twin for candidate in served]
        self.scores = [scores[twin] for twin in self.served]
        self.standing &= set(self.served)
        model = ModelRecord(version.digest, contract.name, contract.version, contract.description, contract.metrics)
        self.capability = replace(self.capability, model=model)

    def state(self, candidate: Candidate) -> str:
        """What happens for a twin now, in words."""
        if not candidate.qualifies:
            return "does not qualify"
        if self.version is None or self.windows is None:
            return self.problem or "no model attached"
        if candidate.twin not in self.served:
            return self.problem or "waiting for its score property"
        if candidate.twin in self.standing:
            return "scoring"
        row = self.served.index(candidate.twin)
        lacking = self.windows.missing()[row]
        filled = int(self.windows.filled()[row])
        if filled and not lacking.any():
            return f"filling its window: {filled} of {self.windows.length} readings"
        inputs = self.version.contract.inputs
        roles = [words(feature.role) for feature, gap in zip(inputs, lacking, strict=True) if gap]
        return "waiting for " + ", ".join(roles[:3]) + (f" and {len(roles) - 3} more" if len(roles) > 3 else "")


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did: scores given, scores withheld for lack of readings, seconds in the model."""

    scores: int = 0
    withheld: int = 0
    seconds: float = 0.0


async def score(service: Service, latest: LatestTable, ingest: Ingest, clock: Clock, origin: int = 0) -> Round:
    """Takes a reading of every input and delivers a score for every twin whose window is whole; ``origin`` is the
    model's number in the register of origins."""
    windows, version = service.windows, service.version
    if windows is None or version is None or not len(windows):
        return Round()
    served, scores = list(service.served), list(service.scores)
    columns = latest.live_many(windows.series.ravel(), windows.freshness.ravel())
    shape = windows.series.shape
    quality = columns.quality.reshape(shape)
    windows.push(columns.value.reshape(shape), columns.available.reshape(shape), quality != 0)
    ready = windows.ready()
    rows = np.flatnonzero(ready)
    began = clock.monotonic()
    value = np.full(len(served), np.nan)
    if len(rows):
        value[rows] = await asyncio.to_thread(_predicted, version, windows.readings(rows))
    seconds = clock.monotonic() - began
    ready &= np.isfinite(value)
    codes = np.where(windows.doubtful(), Quality.UNCERTAIN, Quality.GOOD).astype(np.uint16)
    # Why there is none: what is known against the readings, on top of "not a number", which is bad.
    against = np.bitwise_or.reduce(np.where(windows.missing(), quality, 0), axis=1)
    codes[~ready] = np.uint16(Quality.NOT_A_NUMBER) | against[~ready]
    # That a score ceased is told once, and not with every round that has none.
    ceased = np.array([twin in service.standing for twin in served]) & ~ready
    told = np.flatnonzero(ready | ceased)
    if len(told):
        now = clock.now()
        series = np.array([each.series for each in scores], np.int32)
        stamps = np.full(len(told), now, np.int64)
        origins = np.full(len(told), origin, np.int32)
        await ingest.deliver(ObservationBatch(series[told], stamps, value[told], codes[told], stamps, origin=origins))
        latest.mark_unavailable(series[ceased].tolist(), now)
        service.standing = {twin for twin, stands in zip(served, ready, strict=True) if stands}
    return Round(int(ready.sum()), int((~ready).sum()), seconds)


def _predicted(version: ModelVersion, readings: Values) -> Values:
    contract = version.contract
    output = version.model.predict({contract.input: readings})[contract.output].reshape(-1)
    return np.asarray(np.clip(output, contract.minimum, contract.maximum))
