"""Traces link a payload, its observation, a prediction made of it and the response that carried it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.api.kept import kept
from tests.api.server import CO2, SAT, Server
from tests.bindings.fake import CONNECTORS, Device, until
from twin.bindings.plan import BoundProperty, ConnectionPlan
from twin.bindings.supervisor import Supervisor
from twin.clock import SystemClock
from twin.errors import ConfigurationError
from twin.flows.ingest import Ingest
from twin.observation import ObservationBatch
from twin.settings import TracingSettings
from twin.tracing import Tracing, open_tracing

ASK = "query($id: ID!) { property(id: $id) { value } }"


class Traced:
    """A server whose connections and surfaces are traced, with what was."""

    def __init__(self, server: Server, ratio: float) -> None:
        self.server = server
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracing = Tracing(provider, ratio)
        self.ingest = Ingest(
            server.latest, server.services.history, server.observations, server.clock, tracing=self.tracing
        )
        server.services = replace(server.services, ingest=self.ingest, tracing=self.tracing)
        self.supervisor = Supervisor(
            CONNECTORS, self.ingest.deliver, lambda _health: None, SystemClock(), tracing=self.tracing
        )

    def spans(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    async def connect(self) -> Device:
        device = Device("fake://traced")
        row = BoundProperty(SAT, self.server.series(SAT), f"{SAT}#binding", "a")
        await self.supervisor.configure([ConnectionPlan("urn:c", "C", "fake", "fake://traced", {}, (row,))])
        await until(lambda: device.listens_to("a"))
        return device


@pytest.fixture
async def traced(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Traced]:
    async with kept(tmp_path) as (server, _):
        traced = Traced(server, getattr(request, "param", 1.0))
        yield traced
        await traced.supervisor.close()
        traced.tracing.close()


def linked(span: ReadableSpan) -> set[int]:
    return {link.context.span_id for link in span.links}


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.span_id


async def test_a_payload_its_observation_a_prediction_and_a_response_are_linked(traced: Traced) -> None:
    device = await traced.connect()
    device.send(("a", b"20.5"))
    await until(lambda: traced.spans("ingest"))
    (ingest,) = traced.spans("ingest")
    said: dict[str, Any] = dict(ingest.attributes or {})
    assert (said["twin.connection"], said["twin.address"], said["twin.rows"]) == ("urn:c", "a", 1)
    assert len(said["twin.payload_sha256"]) == 64
    for stage in ("decode", "convert", "check", "commit", "latest", "subscribers"):
        (span,) = traced.spans(stage)
        assert span.parent is not None
        assert span.parent.span_id == id_of(ingest)

    server = traced.server
    sat, score = server.series(SAT), server.series(CO2)
    now = server.clock.now()
    with traced.tracing.prediction("anomaly 1", np.array([[sat]], np.int32)):
        await traced.ingest.deliver(ObservationBatch.of([(score, now, 0.7, 0, now)]))
    (predicted,) = traced.spans("predict")
    assert linked(predicted) == {id_of(ingest)}

    assert (await server.data(ASK, id=SAT))["property"]["value"] == 20.5
    await server.data(ASK, id=CO2)
    observation, prediction = traced.spans("graphql")
    assert linked(observation) == {id_of(ingest)}
    assert linked(prediction) == {id_of(predicted)}


async def test_a_response_is_part_of_the_trace_that_its_request_names(traced: Traced) -> None:
    async with traced.server.client(traceparent=f"00-{'ab' * 16}-{'cd' * 8}-01") as client:
        await client.post("/graphql", json={"query": ASK, "variables": {"id": SAT}})
    (response,) = traced.spans("graphql")
    assert response.context is not None
    assert response.context.trace_id == int("ab" * 16, 16)
    assert response.parent is not None
    assert response.parent.span_id == int("cd" * 8, 16)


async def test_a_newer_value_that_was_not_traced_takes_the_link_away(traced: Traced) -> None:
    device = await traced.connect()
    device.send(("a", b"20.5"))
    await until(lambda: traced.spans("ingest"))
    await traced.server.observe((SAT, 21.0), at=SystemClock().now())
    await traced.server.data(ASK, id=SAT)
    (response,) = traced.spans("graphql")
    assert linked(response) == set()


@pytest.mark.parametrize("traced", [1e-12], indirect=True)
async def test_what_is_not_sampled_makes_no_span(traced: Traced) -> None:
    device = await traced.connect()
    device.send(("a", b"20.5"))
    await until(lambda: traced.server.latest.live(traced.server.series(SAT), 1e9).value == 20.5)
    await traced.server.data(ASK, id=SAT)
    assert traced.exporter.get_finished_spans() == ()


def test_without_an_endpoint_nothing_is_traced_and_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not open_tracing(TracingSettings(), "Twin").on
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ConfigurationError, match="twin-server\\[tracing\\]"):
        open_tracing(TracingSettings(endpoint="http://127.0.0.1:4318/v1/traces"), "Twin")
