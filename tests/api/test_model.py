"""What twins can tell by inference, over GraphQL."""

from __future__ import annotations

from typing import Any

from tests.api.server import AHU, SAT, start
from twin.flows.capabilities import CapabilityRecord, ModelRecord, TwinCapabilityRecord

ANOMALY = "urn:twin:capability:air-handler-anomaly"
AHU_CLASS = "https://brickschema.org/schema/Brick#Air_Handling_Unit"
DEG_C = "http://qudt.org/vocab/unit/DEG_C"


class OneCapability:
    def capabilities(self) -> list[CapabilityRecord]:
        model = ModelRecord("ab12", "anomaly", "1", "An autoencoder.", {"f1": 0.9})
        return [CapabilityRecord(ANOMALY, "Anomaly", "", (AHU_CLASS,), (("supply_air_temperature", DEG_C),), model)]

    def for_twin(self, iri: str) -> list[TwinCapabilityRecord]:
        return [each for each in self.twins(ANOMALY) if each.twin == iri]

    def twins(self, capability: str) -> list[TwinCapabilityRecord]:
        return [
            TwinCapabilityRecord(ANOMALY, AHU, True, (), SAT, "scored"),
            TwinCapabilityRecord(ANOMALY, "urn:elsewhere", False, ("It has no fan.",), None, ""),
        ]


async def test_a_capability_tells_its_inputs_model_and_twins_in_scope() -> None:
    server = await start(predictor=OneCapability())
    data: dict[str, Any] = await server.data(
        """{ capabilities { id name appliesTo { name } inputs { role unit } model { digest name version metrics }
                            twins { twin { name } qualifies missing state score { name } } } }"""
    )
    assert data["capabilities"] == [{
        "id": ANOMALY, "name": "Anomaly", "appliesTo": [{"name": "Air_Handling_Unit"}],
        "inputs": [{"role": "supply_air_temperature", "unit": DEG_C}],
        "model": {"digest": "ab12", "name": "anomaly", "version": "1", "metrics": {"f1": 0.9}},
        "twins": [{"twin": {"name": "AHU 1"}, "qualifies": True, "missing": [], "state": "scored",
                   "score": {"name": "Supply air temperature"}}],
    }]  # fmt: skip


async def test_a_twin_tells_what_it_can() -> None:
    server = await start(predictor=OneCapability())
    data = await server.data(
        "query($id: ID!) { twin(id: $id) { capabilities { capability { name } qualifies } } }", id=AHU
    )
    assert data["twin"]["capabilities"] == [{"capability": {"name": "Anomaly"}, "qualifies": True}]
