"""Rejected payloads are on disk when `reject` returns, whole, and give way by age and by bytes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from twin.clock import NANOSECONDS, ManualClock
from twin.contracts import Rejected
from twin.errors import Unavailable
from twin.lineage.rejects import RejectStore

BROKER = "urn:twin:hq:broker"


def store(path: Path, clock: ManualClock | None = None, *, bytes: int = 1 << 20, days: int = 30) -> RejectStore:
    return RejectStore(path / "rejects.sqlite", clock or ManualClock(), bytes=bytes, days=days)


def rejected(payload: object, received: int | None = None, reason: str = "no JSON") -> Rejected:
    return Rejected("acme/ahu", payload, ManualClock().now() if received is None else received, reason)


async def test_what_was_rejected_is_there_after_a_restart_whole_and_in_order(tmp_path: Path) -> None:
    payloads = [b"{", b"\x00\xff" * 1000, "text", 3, 2.5, True, None, [1, 2]]
    first = store(tmp_path)
    await first.reject(BROKER, [rejected(each) for each in payloads])
    await first.close()
    again = store(tmp_path)
    kept = await again.page(BROKER, 100)
    assert [each.rejected.payload for each in reversed(kept)] == payloads
    assert kept[0].rejected.reason == "no JSON"
    assert (await again.count(BROKER)).payloads == len(payloads)
    await again.close()


async def test_another_process_sees_it_as_soon_as_reject_returns(tmp_path: Path) -> None:
    rejects = store(tmp_path)
    await rejects.reject(BROKER, [rejected(b"{")])
    with sqlite3.connect(tmp_path / "rejects.sqlite") as other:
        assert other.execute("SELECT count(*) FROM reject").fetchone() == (1,)
    other.close()
    await rejects.close()


async def test_the_oldest_give_way_to_newer_ones_by_bytes_and_by_age(tmp_path: Path) -> None:
    clock = ManualClock()
    rejects = store(tmp_path, clock, bytes=50_000, days=2)
    for number in range(200):
        await rejects.reject(BROKER, [rejected(b"%d" % number + b"x" * 1000, clock.now())])
    count = await rejects.count(BROKER)
    assert 20 < count.payloads < 50
    assert count.bytes <= 50_000
    newest = (await rejects.page(BROKER, 1))[0]
    assert newest.rejected.payload == b"199" + b"x" * 1000
    assert rejects.dropped == 200 - count.payloads
    clock.advance(3 * 86_400)
    await rejects.reject(BROKER, [rejected(b"late", clock.now())])
    assert [each.rejected.payload for each in await rejects.page(BROKER, 100)] == [b"late"]
    await rejects.close()


async def test_they_are_read_by_connection_page_and_period_and_can_be_forgotten(tmp_path: Path) -> None:
    rejects = store(tmp_path)
    start = ManualClock().now()
    for number in range(10):
        await rejects.reject(BROKER, [rejected(b"%d" % number, start + number * NANOSECONDS)])
    await rejects.reject("urn:other", [rejected(b"not ours", start)])
    page = await rejects.page(BROKER, 3)
    following = await rejects.page(BROKER, 3, before=page[-1].id)
    assert [each.rejected.payload for each in (*page, *following)] == [b"9", b"8", b"7", b"6", b"5", b"4"]
    chosen = await rejects.since(BROKER, start + 2 * NANOSECONDS, start + 5 * NANOSECONDS, 0, 100)
    assert [each.rejected.payload for each in chosen] == [b"2", b"3", b"4"]
    await rejects.forget([each.id for each in chosen])
    assert (await rejects.count(BROKER)).payloads == 7
    await rejects.close()


async def test_a_disk_that_refuses_is_told_so_that_nothing_is_acknowledged(tmp_path: Path) -> None:
    rejects = store(tmp_path)
    with sqlite3.connect(tmp_path / "rejects.sqlite") as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON reject BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
    other.close()
    with pytest.raises(Unavailable, match="disk is full"):
        await rejects.reject(BROKER, [rejected(b"{")])
    assert (await rejects.count(BROKER)).payloads == 0
    await rejects.close()
