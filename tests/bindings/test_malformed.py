"""Malformed payloads: nothing breaks, no good value is lost, and each one refused is counted with its reason."""

from __future__ import annotations

import math
import random
import secrets
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bindings.corpus import mutated
from tests.bindings.test_table import NOW, batch, row
from twin.bindings.quarantine import Quarantine
from twin.bindings.table import Table, compile_table
from twin.observation import Quality

TOPICS = ("plain", "document", "many", "state")


def table() -> Table:
    return compile_table(
        [
            row(1, "plain", None),
            row(2, "document", "v", time_path="ts"),
            row(3, "many", "x.t"),
            row(4, "many", "list[1]"),
            row(5, "many", "v"),
            row(6, "state", "v", kind="state", states=("off", "on"), codes=(("0", "off"), ("1", "on"))),
            row(7, "good", "v", time_path="ts"),
            row(8, "+", "v"),  # every topic is another binding's as well
        ],
        "documents",
    )


def survived(table: Table, chance: random.Random, count: int) -> Counter[str]:
    """How many payloads of a batch were taken and refused for which reason; a good message stands between any two."""
    samples: list[tuple[str, object]] = []
    for number in range(count):
        samples.append((chance.choice(TOPICS), mutated(chance)))
        samples.append(("good", b'{"v": %d, "ts": %d}' % (number, 1_767_225_600_000 + number)))
    quarantine = Quarantine(entries=10**6)
    found = table.decode(batch(*samples), quarantine, NOW)
    good = found.series == 7
    assert found.value[good].tolist() == list(range(count))
    assert found.time[good].tolist() == [(1_767_225_600_000 + number) * 1_000_000 for number in range(count)]
    usable = found.quality & 0xFF00 == 0
    assert all(math.isfinite(value) for value in found.value[usable].tolist())
    assert all(time > 0 for time in found.time.tolist())
    assert not (found.quality[good] & Quality.NOT_A_NUMBER).any()
    # Every value that a binding should have got is there or was refused.
    by_topic = Counter(topic for topic, _ in samples)
    wanted = sum(by_topic[topic] * bindings for topic, bindings in (("plain", 2), ("document", 2), ("many", 4),
                                                                    ("state", 2), ("good", 2)))  # fmt: skip
    rejections = quarantine.rejections()
    assert quarantine.total == sum(each.count for each in rejections)
    assert all(each.reason and len(each.sample) <= 1000 for each in rejections)
    refused_whole = sum(each.count for each in rejections if each.reason.startswith(("no JSON", "larger")))
    assert len(found) + quarantine.total <= wanted
    assert len(found) + quarantine.total + 3 * refused_whole >= wanted  # no document: refused once for all its bindings
    kept = quarantine.taken()
    assert all(each.reason for each in kept)
    assert {each.payload for each in kept} <= {raw for _, raw in samples}
    return Counter({"taken": len(found) - 2 * count, **_reasons(quarantine)})


def _reasons(quarantine: Quarantine) -> Counter[str]:
    found: Counter[str] = Counter()
    for each in quarantine.rejections():
        reason = each.reason.split("'")[0] if "'" in each.reason else each.reason
        found[reason.strip()] += each.count
    return found


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_malformed_payloads_break_nothing_and_cost_no_good_value(seed: int) -> None:
    survived(table(), random.Random(seed), 50)  # noqa: S311 - payloads, not secrets


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_hundred_thousand_malformed_payloads_break_nothing() -> None:
    seed = secrets.randbits(32)
    chance = random.Random(seed)  # noqa: S311 - payloads, not secrets
    decoder, found, count = table(), Counter[str](), 0
    while count < 120_000:
        found += survived(decoder, chance, 200)
        count += 200
    told = ", ".join(f"{number:,} {reason}" for reason, number in found.most_common())
    print(f"\nseed {seed}: {count:,} mutated payloads, every good value kept; {told}")
