from __future__ import annotations

import importlib
import json
from argparse import Namespace
from pathlib import Path

from pyoxigraph import RdfFormat, parse

from benchmarks.__main__ import names
from benchmarks.parts.brick_model import write_model
from benchmarks.parts.mqtt_publisher import SIZE, packets, payload


def test_every_benchmark_can_be_run_by_its_name() -> None:
    assert names() == [
        "analyst",
        "durable_ingest",
        "history",
        "import",
        "import_graph",
        "ingest",
        "latency",
        "quality",
        "raw_payloads",
        "shacl_gate",
        "sparql",
        "start",
        "timetravel",
        "volume",
    ]


def test_every_benchmark_finds_what_it_needs() -> None:
    for name in names():
        assert callable(importlib.import_module(f"benchmarks.{name}").main)


def test_a_payload_is_200_bytes_of_json_with_one_point() -> None:
    for index in (0, 7, 999_999):
        body = payload(index, 3, 1_767_225_600_123 + index, 1)
        assert len(body) == SIZE
        assert json.loads(body)["ts"] == 1_767_225_600_123 + index
        assert json.loads(body)["seq"] == index


def test_packets_are_mqtt_and_no_two_of_a_topic_have_one_time() -> None:
    chosen = Namespace(messages=1000, topics=10, prefix="bench", points=1, qos=0)
    stream = b"".join(packets(chosen, 7))
    seen = set()
    while stream:
        assert stream[0] == 0x30
        length = stream[1] & 0x7F | stream[2] << 7
        body, stream = stream[3 : 3 + length], stream[3 + length :]
        size = int.from_bytes(body[:2], "big")
        seen.add((body[2 : 2 + size], json.loads(body[2 + size :])["ts"]))
    assert len(seen) == 1000
    assert {topic for topic, _ in seen} == {b"bench/%d" % topic for topic in range(10)}


def test_the_model_has_as_many_triples_as_it_says_each_time(tmp_path: Path) -> None:
    first, second = tmp_path / "first.ttl", tmp_path / "second.ttl"
    written = write_model(first, 3_000)
    assert written >= 3_000
    assert write_model(second, 3_000) == written
    assert first.read_bytes() == second.read_bytes()
    assert len(set(parse(path=str(first), format=RdfFormat.TURTLE))) == written
