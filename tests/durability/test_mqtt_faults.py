"""What a broker acknowledged to a device is in the history once, whatever breaks between; and it takes the product's
own acknowledgements for that."""

from __future__ import annotations

import random
import secrets
import time
from pathlib import Path

import pytest

from tests.durability.plant import SERIES, Plant, plant
from tests.durability.traffic import Traffic
from tests.server_process import eventually

RATE = 3000
"""Messages a second."""
SEEDS = 3


def traffic(running: Plant) -> Traffic:
    return Traffic(running.broker.port, RATE, SERIES, running.start)


def killed_under_way(running: Plant, chance: random.Random) -> None:
    """Kills the server at a moment at which it takes messages, and starts it anew."""
    eventually(lambda: running.metric("twin_connection_received_total"), "messages that the server received")
    time.sleep(chance.random())
    running.server.kill()
    running.started()


@pytest.mark.peer
@pytest.mark.timeout(240)
def test_nothing_acknowledged_is_lost_or_doubled_by_kills(tmp_path: Path) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    _kills(tmp_path, seed, 3)


@pytest.mark.peer
@pytest.mark.long
@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost_or_doubled_by_many_kills_in_several_seeds(tmp_path: Path) -> None:
    first = secrets.randbits(32)
    for seed in range(first, first + SEEDS):
        directory = tmp_path / str(seed)
        directory.mkdir()
        messages = _kills(directory, seed, 10)
        print(f"\nseed {seed}: 10 kills, {messages:,} messages acknowledged, 0 lost, 0 doubled")


def _kills(directory: Path, seed: int, kills: int) -> int:
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    with plant(directory) as running, traffic(running) as device:
        for _ in range(kills):
            killed_under_way(running, chance)
        eventually(lambda: running.metric("twin_connection_received_total"), "messages after the last kill")
        messages = device.finish()
        running.everything_arrived(messages)
    return messages


@pytest.mark.peer
@pytest.mark.timeout(240)
def test_acknowledging_on_arrival_does_lose_when_the_server_is_killed(tmp_path: Path) -> None:
    """The control: the same faults find a loss where there is one."""
    chance = random.Random(7)  # noqa: S311 - moments, not secrets
    with plant(tmp_path, acknowledge="received") as running, traffic(running) as device:
        for _ in range(2):
            killed_under_way(running, chance)
        messages = device.finish()
        eventually(lambda: running.seen() >= messages // 2 and _quiet(running), "the end of what the broker has")
        kept = running.kept()
    assert len(kept) == len(set(kept)) < messages


def _quiet(running: Plant) -> bool:
    before = running.metric("twin_connection_received_total")
    time.sleep(1)
    return before == running.metric("twin_connection_received_total")


@pytest.mark.peer
@pytest.mark.timeout(240)
def test_nothing_acknowledged_is_lost_or_doubled_by_a_bad_network_or_a_new_start_of_the_broker(tmp_path: Path) -> None:
    with plant(tmp_path) as running, traffic(running) as device:
        proxy = running.proxy

        def flows() -> None:
            """Returns when more messages have come."""
            before = running.metric("twin_connection_received_total") or 0
            eventually(lambda: (running.metric("twin_connection_received_total") or 0) > before, "more messages")

        flows()
        for _ in range(3):
            proxy.reset()
            flows()
        proxy.delay = 0.05
        flows()
        proxy.delay = 0
        proxy.swallow()
        eventually(lambda: not running.connected(), "the black hole is noticed")
        proxy.mend()
        flows()
        running.broker.stop()  # by a signal: it writes what it holds
        running.broker.start()
        flows()
        running.everything_arrived(device.finish())
