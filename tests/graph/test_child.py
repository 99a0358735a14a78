"""Work in a process of its own: it can be stopped from outside, and its answers can be put in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tests.shapes.graphs import turtle, with_vocabularies
from twin.graph.child import Cancelled, Stop, run
from twin.graph.validation.full import validate
from twin.graph.validation.violation_groups import by_shape, by_twin


def test_a_run_that_is_stopped_ends_at_once_and_says_so() -> None:
    stop = Stop()
    threading.Timer(0.5, stop.stop).start()

    def endless() -> Iterator[bytes]:
        while not stop.asked:
            time.sleep(0.01)
            yield b"# the child waits for more\n"

    with pytest.raises(Cancelled, match="stopped"):
        run("twin.graph.validation.process", (), endless(), 60.0, stop=stop)


def test_a_full_check_that_is_stopped_before_it_starts_does_not_run() -> None:
    stop = Stop()
    stop.stop()
    with pytest.raises(Cancelled):
        validate(with_vocabularies(), "t", stop=stop)


def test_what_a_full_check_finds_is_in_order_by_rule_and_by_twin() -> None:
    broken = turtle("ex:a a brick:Nothing ; brick:feeds ex:a . ex:b a brick:Nothing . ex:c a brick:Nought .")
    found = validate(with_vocabularies(broken), "t")
    shapes, twins = by_shape(found), by_twin(found)
    assert sum(map(len, shapes.values())) == sum(map(len, twins.values())) == len(found)
    assert next(iter(shapes)) == "urn:twin:shapes:twin#known-class"
    assert [violation.focus for violation in shapes["urn:twin:shapes:twin#known-class"]] == [
        "urn:twin:t:a",
        "urn:twin:t:b",
        "urn:twin:t:c",
    ]
    assert next(iter(twins)) == "urn:twin:t:a"
