"""PUBLISH packets taken out of a broker's bytes, many at a time (MQTT 3.1.1, 3.3)."""

from __future__ import annotations

from dataclasses import dataclass

_PUBLISH, _QOS_2 = 0x30, 0x04
_REMEMBERED_TOPICS = 100_000


@dataclass(frozen=True, slots=True)
class Taken:
    """Messages in columns of one length - topics, payloads, packet identifiers (0: QoS 0) - and the other packets."""

    topics: list[str]
    payloads: list[bytes]
    mids: list[int]
    others: bytes = b""


class PublishStream:
    """Takes a stream apart: PUBLISH at QoS 0 and 1 become messages, every other packet is left as it stands.

    A PUBLISH that is not well-formed is left to the others as well: whoever reads them knows what to say of it.
    """

    def __init__(self) -> None:
        self._rest = b""  # what could not be taken yet: from the beginning of a packet on
        self._parts: list[bytes] = []  # what came since, while that packet is not whole
        self._missing = 0  # bytes to wait for before it is worth looking again
        self._topics: dict[bytes, str] = {}
        self.held_back = False
        """Whether a packet that is whole waits only for room."""

    def take(self, data: bytes, room: int) -> Taken:
        """What is whole in all that has come so far, with at most ``room`` messages."""
        self._missing -= len(data)
        if self._missing > 0:
            self._parts.append(data)
            return Taken([], [], [])
        data = b"".join((self._rest, *self._parts, data)) if self._rest else data
        self._parts.clear()
        topics: list[str] = []
        payloads: list[bytes] = []
        mids: list[int] = []
        others: list[bytes] = []
        known = self._topics
        position, end = 0, len(data)
        self.held_back, self._missing = False, 0
        while position < end:
            head = data[position]
            start = position + 2
            if start > end:
                break
            length = data[position + 1]
            if length > 0x7F:
                length &= 0x7F
                shift = 7
                while start < end and shift < 28:
                    digit = data[start]
                    start += 1
                    length |= (digit & 0x7F) << shift
                    if digit <= 0x7F:
                        break
                    shift += 7
                else:
                    if shift < 28:
                        break  # the length itself is not whole
                    others.append(data[position:])  # a length of more than four bytes: no packet, and no end to it
                    position = end
                    break
            stop = start + length
            if stop > end:
                self._missing = stop - end
                break
            if head & 0xF0 == _PUBLISH and not head & _QOS_2 and length > 2:
                if len(topics) >= room:
                    self.held_back = True
                    break
                body = start + 2 + (data[start] << 8 | data[start + 1])
                name = data[start + 2 : body]
                topic = known.get(name)
                if topic is None:
                    topic = self._named(name)
                payload = body + 2 if head & 0x06 else body
                if topic and payload <= stop:
                    topics.append(topic)
                    payloads.append(data[payload:stop])
                    mids.append(data[body] << 8 | data[body + 1] if head & 0x06 else 0)
                    position = stop
                    continue
            others.append(data[position:stop])
            position = stop
        self._rest = data[position:]
        return Taken(topics, payloads, mids, b"".join(others))

    def _named(self, name: bytes) -> str:
        """The topic as text, kept for the next time; empty when it is none."""
        try:
            topic = name.decode()
        except UnicodeDecodeError:
            return ""
        if len(self._topics) >= _REMEMBERED_TOPICS:  # a device that makes up topics must not fill the memory
            self._topics.clear()
        self._topics[name] = topic
        return topic
