"""Raw payloads come back as they came: by address and time, after restarts, within their bounds, damaged or not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.clock import NANOSECONDS, ManualClock
from twin.connector import SampleBatch
from twin.lineage.frames import frames_in, pack, span
from twin.lineage.payloads import PayloadStore

BROKER, OTHER = "urn:twin:hq:broker", "urn:twin:hq:other"
START = ManualClock().now()


def store(path: Path, clock: ManualClock | None = None, **given: object) -> PayloadStore:
    chosen = {"hours": 72, "bytes": 1 << 30} | given
    return PayloadStore(path / "payloads", clock or ManualClock(), **chosen)  # by name


def batch(*payloads: tuple[str, object], received: int = START) -> SampleBatch:
    return SampleBatch(
        [address for address, _ in payloads],
        [raw for _, raw in payloads],
        [0] * len(payloads),
        [received] * len(payloads),
    )


async def everything(payloads: PayloadStore, connection: str = BROKER) -> list[tuple[str, object]]:
    return [
        (address, raw)
        async for found in payloads.batches(connection, 0, 2**62)
        for address, raw in zip(found.addresses, found.values, strict=True)
    ]


async def test_a_payload_is_found_by_connection_address_and_receive_time(tmp_path: Path) -> None:
    payloads = store(tmp_path)
    for second in range(100):
        at = START + second * NANOSECONDS
        payloads.keep(BROKER, batch(("acme/1", b"one %d" % second), ("acme/2", b"two %d" % second), received=at), at)
        payloads.keep(OTHER, batch(("acme/1", b"other %d" % second), received=at), at)
        await payloads.flush()
    (found,) = await payloads.find(BROKER, "acme/2", START + 42 * NANOSECONDS)
    assert (found.raw, found.received) == (b"two 42", START + 42 * NANOSECONDS)
    assert len(found.digest) == 64
    near = await payloads.find(BROKER, "acme/+", START + 42 * NANOSECONDS + 5, within=10)
    assert [each.raw for each in near] == [b"one 42", b"two 42"]
    assert await payloads.find(BROKER, "acme/3", START) == []
    assert await payloads.find(BROKER, "acme/1", START + 500 * NANOSECONDS) == []
    await payloads.close()


async def test_they_are_there_after_a_restart_with_receive_times_they_did_not_have(tmp_path: Path) -> None:
    first = store(tmp_path)
    first.keep(BROKER, batch(("a", b"{}"), ("b", None), ("c", 2.5), ("d", True), received=0), START + 7)
    await first.close()
    again = store(tmp_path)
    assert await everything(again) == [("a", b"{}"), ("b", None), ("c", 2.5), ("d", True)]
    assert [each.received for each in await again.find(BROKER, "c", START + 7)] == [START + 7]
    await again.close()


async def test_keeping_is_off_for_all_or_for_single_connections(tmp_path: Path) -> None:
    payloads = store(tmp_path, hours=0, of_connection={OTHER: 1})
    payloads.keep(BROKER, batch(("a", b"1")), START)
    payloads.keep(OTHER, batch(("a", b"2")), START)
    assert await everything(payloads) == []
    assert await everything(payloads, OTHER) == [("a", b"2")]
    await payloads.close()


async def test_what_is_too_old_or_too_much_gives_way_the_oldest_first(tmp_path: Path) -> None:
    clock = ManualClock()
    payloads = store(tmp_path, clock, hours=5, of_connection={OTHER: 1})
    for _ in range(4):
        for connection in (BROKER, OTHER):
            payloads.keep(connection, batch(("a", str(clock.now()).encode()), received=clock.now()), clock.now())
        await payloads.flush()
        clock.advance(2 * 3600)
    payloads.make_room()
    assert [int(raw) for _, raw in await everything(payloads)] == [
        START + h * 3600 * NANOSECONDS for h in (4, 6)
    ]  # bytes of digits
    assert await everything(payloads, OTHER) == []
    await payloads.close()
    small = store(tmp_path, clock, hours=1000, bytes=100)
    small.make_room()
    assert [int(raw) for _, raw in await everything(small)] == [START + 6 * 3600 * NANOSECONDS]  # bytes of digits
    await small.close()


@pytest.mark.parametrize("damage", ["cut", "flip"])
async def test_a_damaged_file_gives_what_stands_before_the_damage(tmp_path: Path, damage: str) -> None:
    first = store(tmp_path)
    for number in range(3):
        first.keep(BROKER, batch(("a", b"%d" % number * 100), received=START + number), START)
        await first.flush()
    await first.close()
    (file,) = (tmp_path / "payloads").rglob("*.payloads")
    content = bytearray(file.read_bytes())
    if damage == "flip":
        content[-5] ^= 0xFF
    file.write_bytes(content if damage == "flip" else content[:-5])
    again = store(tmp_path)
    assert [raw for _, raw in await everything(again)] == [b"0" * 100, b"1" * 100]
    again.keep(BROKER, batch(("a", b"new"), received=START + 9), START)  # and what comes now is kept all the same
    assert [raw for _, raw in await everything(again)][-1] == b"new"
    await again.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(["a", "b/c", "ü"]),
                st.one_of(
                    st.binary(max_size=50), st.none(), st.booleans(), st.text(max_size=9), st.integers(-9, 2**53)
                ),
            ),
            min_size=1,
            max_size=8,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_batches_come_back_as_they_were(tmp_path: Path, groups: Sequence[Sequence[tuple[str, object]]]) -> None:
    frame, first, last = pack([(batch(*group, received=START + at), 0) for at, group in enumerate(groups)])
    path = tmp_path / "frame"
    path.write_bytes(frame)
    assert span(path) == (first, last) == (START, START + len(groups) - 1)
    (found,) = frames_in(path, START, START + len(groups))
    assert list(zip(found.addresses, found.values, strict=True)) == [pair for group in groups for pair in group]
