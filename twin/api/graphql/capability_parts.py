"""What a capability asks for, and the model that serves it."""

from __future__ import annotations

import strawberry

from twin.api.graphql.scalars import Value
from twin.flows.capabilities import CapabilityRecord


@strawberry.type(description="an input that a capability asks of a twin")
class CapabilityInput:
    role: str
    unit: str | None


@strawberry.type(description="one immutable model file, named by its digest")
class ModelVersion:
    digest: str
    name: str
    version: str
    description: str
    metrics: Value | None = strawberry.field(description="what its training measured, by name")


def inputs_of(record: CapabilityRecord) -> list[CapabilityInput]:
    """The inputs of a capability."""
    return [CapabilityInput(role=role, unit=unit) for role, unit in record.inputs]


def model_of(record: CapabilityRecord) -> ModelVersion | None:
    """The model that serves a capability, None when there is none."""
    model = record.model
    if model is None:
        return None
    return ModelVersion(
        digest=model.digest,
        name=model.name,
        version=model.version,
        description=model.description,
        metrics=Value(dict(model.metrics)) if model.metrics else None,
    )
