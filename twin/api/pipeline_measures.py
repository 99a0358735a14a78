"""The figures of the pipeline: what passes each stage and how long it takes, and what becomes of raw payloads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from twin.api.openmetrics import Buckets, Measure
from twin.api.services import Services
from twin.stages import BOUNDS, Stage


def pipeline_measures(services: Services) -> Iterator[Measure]:
    """The measures, those of one name together."""
    stages = services.ingest.stages
    named: list[tuple[str, Stage]] = [(entry.name, getattr(stages, entry.name)) for entry in fields(stages)]
    for name, stage in named:
        yield Measure("twin_stage_rows", "counter", "Rows that passed a stage.", stage.rows, {"stage": name})
    for name, stage in named:
        buckets = Buckets(BOUNDS, stage.buckets, stage.seconds)
        yield Measure(
            "twin_stage_seconds", "histogram", "Time that a batch spent in a stage.", 0, {"stage": name}, buckets
        )
    for topic, ended in (
        ("observations", services.observations.ended_slow),
        ("commands", services.actuator.commands.ended_slow),
    ):
        yield Measure("twin_subscribers_ended", "counter", "Subscribers that were too slow.", ended, {"topic": topic})
    if services.keeping is None:
        return
    payloads, rejects = services.keeping.payloads.counts, services.keeping.rejects
    for name, help, value in (
        ("twin_payloads_kept", "Raw payloads written.", payloads.payloads),
        ("twin_payloads_dropped", "Raw payloads that the disk was too slow or too full for.", payloads.dropped),
        ("twin_payload_raw_bytes", "Bytes of raw payloads.", payloads.raw_bytes),
        ("twin_payload_written_bytes", "Bytes of raw payloads on disk, compressed.", payloads.written_bytes),
        ("twin_rejects_kept", "Rejected payloads written.", rejects.total),
        ("twin_rejects_dropped", "Rejected payloads that gave way to newer ones.", rejects.dropped),
    ):
        yield Measure(name, "counter", help, value)
