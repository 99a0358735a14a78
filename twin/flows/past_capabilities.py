"""What twins could tell by inference at a revision of the past: read from the graph as it was."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from weakref import WeakKeyDictionary

from twin.errors import TwinError
from twin.flows.capabilities import (
    Candidate,
    CapabilityRecord,
    ModelRecord,
    TwinCapabilityRecord,
    candidates,
    read_capabilities,
)
from twin.flows.deployments import attached_models, score_iri
from twin.graph.past.pinned import Past
from twin.graph.twins.reader import TwinReader
from twin.inference.registry import ModelRegistry
from twin.scope import Scope

__all__ = ["SERVED", "CapabilitiesThen", "PastCapabilities"]

SERVED = "scored by its model"
"""The state of a twin that had a model and a score property: its score says whether it was given."""


@dataclass(frozen=True, slots=True)
class _Then:
    """One capability with the twins that it applied to, and whether the graph named a model for it."""

    record: CapabilityRecord
    candidates: dict[str, Candidate]
    attached: bool


class CapabilitiesThen:
    """The capabilities of one state of the graph; answers as `twin.flows.predict.Predictor` does for the present."""

    def __init__(self, known: dict[str, _Then], twins: TwinReader) -> None:
        self._known = known
        self._twins = twins

    def capabilities(self) -> list[CapabilityRecord]:
        """All capabilities, by name, each with the model that served it."""
        return [then.record for then in self._known.values()]

    def for_twin(self, iri: str) -> list[TwinCapabilityRecord]:
        """What each capability that applied to the twin's class could do for it."""
        return [self._told(then, iri) for then in self._known.values() if iri in then.candidates]

    def twins(self, capability_iri: str) -> list[TwinCapabilityRecord]:
        """Every twin of the classes that a capability applied to, by name; none for an unknown capability."""
        then = self._known.get(capability_iri)
        return [] if then is None else [self._told(then, iri) for iri in then.candidates]

    def _told(self, then: _Then, iri: str) -> TwinCapabilityRecord:
        candidate = then.candidates[iri]
        score = score_iri(candidate, then.record)
        exists = self._twins.property(Scope(), score) is not None
        if not candidate.qualifies:
            state = "does not qualify"
        elif not then.attached:
            state = "no model attached"
        else:
            state = SERVED if exists else "waiting for its score property"
        return TwinCapabilityRecord(
            then.record.iri, iri, candidate.qualifies, candidate.missing, score if exists else None, state
        )


class PastCapabilities:
    """Reads the capabilities of pasts, each once; ``models`` is the directory that keeps model files."""

    def __init__(self, models: Path) -> None:
        self._models = ModelRegistry(models)
        self._read: WeakKeyDictionary[Past, CapabilitiesThen] = WeakKeyDictionary()

    async def at(self, past: Past) -> CapabilitiesThen:
        """The capabilities as they were at its revision."""
        found = self._read.get(past)
        if found is None:
            twins = await past.twins()
            found = self._read[past] = await asyncio.to_thread(self._then, past, twins)
        return found

    def _then(self, past: Past, twins: TwinReader) -> CapabilitiesThen:
        attached = attached_models(past.store)
        known: dict[str, _Then] = {}
        for record in read_capabilities(past.store):
            applied = {one.twin: one for one in candidates(record, twins, Scope())}
            digest = attached.get(record.iri)
            known[record.iri] = _Then(replace(record, model=self._model(digest)), applied, digest is not None)
        return CapabilitiesThen(known, twins)

    def _model(self, digest: str | None) -> ModelRecord | None:
        if digest is None:
            return None
        try:
            contract = self._models.find(digest).contract
        except TwinError as error:  # its file is gone; which one it was is known all the same
            return ModelRecord(digest, digest[:12], "", error.message)
        return ModelRecord(digest, contract.name, contract.version, contract.description, contract.metrics)
