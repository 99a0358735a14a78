"""PUBLISH packets out of a stream, however it is cut."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from connectors.mqtt.packets import PublishStream, Taken


def packet(head: int, body: bytes) -> bytes:
    length, size = bytearray(), len(body)
    while True:
        size, digit = size >> 7, size & 0x7F
        length.append(digit | 0x80 if size else digit)
        if not size:
            return bytes([head]) + bytes(length) + body


@dataclass(frozen=True)
class Publish:
    topic: str
    payload: bytes
    mid: int

    def packet(self) -> bytes:
        topic = self.topic.encode()
        mid = self.mid.to_bytes(2, "big") if self.mid else b""
        return packet(0x32 if self.mid else 0x30, len(topic).to_bytes(2, "big") + topic + mid + self.payload)


TOPICS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30)
PUBLISHES = st.builds(Publish, TOPICS, st.binary(max_size=300), st.integers(0, 65_535))
OTHERS = st.builds(packet, st.sampled_from([0x20, 0x40, 0x90, 0xB0, 0xD0, 0x34]), st.binary(max_size=200))


@given(st.lists(PUBLISHES | OTHERS, max_size=30), st.lists(st.integers(1, 400)), st.integers(1, 40))
def test_however_the_stream_is_cut_every_packet_comes_once_and_in_order(
    sent: list[Publish | bytes], cuts: list[int], room: int
) -> None:
    data = b"".join(each if isinstance(each, bytes) else each.packet() for each in sent)
    stream = PublishStream()
    messages, others = [], b""
    while data:
        cut = cuts.pop() if cuts else len(data)
        part, data = data[:cut], data[cut:]
        while part or stream.held_back:
            taken = stream.take(part, room)
            assert len(taken.topics) <= room
            messages += zip(taken.topics, taken.payloads, taken.mids, strict=True)
            others += taken.others
            part = b""
    publishes = [each for each in sent if isinstance(each, Publish)]
    assert messages == [(each.topic, each.payload, each.mid) for each in publishes]
    assert others == b"".join(each for each in sent if isinstance(each, bytes))


@given(st.lists(st.binary(max_size=200), max_size=10))
def test_what_is_no_mqtt_does_not_raise_and_is_not_made_up(noise: list[bytes]) -> None:
    stream = PublishStream()
    came = b"".join(noise)
    for part in noise:
        taken = stream.take(part, 1000)
        assert sum(map(len, taken.payloads)) + len(taken.others) <= len(came)
        assert all(taken.topics)


def test_a_publish_that_is_not_well_formed_is_left_to_whoever_reads_the_rest() -> None:
    topic_longer_than_the_packet = packet(0x30, b"\x00\x09short")
    not_utf_8 = packet(0x30, b"\x00\x02\xff\xfex")
    quality_3 = packet(0x36, b"\x00\x01a\x00\x01x")
    without_identifier = packet(0x32, b"\x00\x01a\x00")
    for each in (topic_longer_than_the_packet, not_utf_8, quality_3, without_identifier):
        assert PublishStream().take(each, 10) == Taken([], [], [], each)


def test_a_length_without_an_end_is_not_waited_for() -> None:
    endless = b"\x30\xff\xff\xff\xff\x01"
    assert PublishStream().take(endless, 10) == Taken([], [], [], endless)


def test_a_large_packet_in_many_parts_is_put_together_once() -> None:
    large = Publish("large", bytes(3_000_000), 0)
    data = large.packet()
    stream = PublishStream()
    came = [stream.take(data[start : start + 1000], 10) for start in range(0, len(data), 1000)]
    assert [payload for taken in came for payload in taken.payloads] == [large.payload]
