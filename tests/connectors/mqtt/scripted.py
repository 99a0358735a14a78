"""A broker that answers as it is told, for what a real one does not do on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum


class Packet(IntEnum):
    """The packets of a client that are answered (MQTT 3.1.1, 2.2.1)."""

    CONNECT = 0x10
    PUBLISH = 0x30
    SUBSCRIBE = 0x80
    PINGREQ = 0xC0
    DISCONNECT = 0xE0


@dataclass
class Script:
    """What to answer; None is silence.  ``pushed`` is sent right after the acceptance, as raw packets."""

    accept: int | None = 0
    subscription: int | None = 1
    publish: bool = True
    ping: bool = True
    pushed: bytes = b""


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[str]:
    """Runs the broker and gives its endpoint."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                kind, body = await _packet(reader)
                answer = _answer(script, kind, body)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone, which ends the conversation
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind = (await reader.readexactly(1))[0]
    length, shift = 0, 0
    while True:
        digit = (await reader.readexactly(1))[0]
        length |= (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            return kind & 0xF0, await reader.readexactly(length)


def _answer(script: Script, kind: int, body: bytes) -> bytes | None:
    match kind:
        case Packet.CONNECT:
            return b"" if script.accept is None else bytes((0x20, 2, 0, script.accept)) + script.pushed
        case Packet.SUBSCRIBE:
            if script.subscription is None:
                return b""
            codes = bytes([script.subscription]) * _filters(body[2:])
            return bytes((0x90, 2 + len(codes))) + body[:2] + codes
        case Packet.PUBLISH:
            size = int.from_bytes(body[:2], "big")
            return b"\x40\x02" + body[2 + size : 4 + size] if script.publish else b""
        case Packet.PINGREQ:
            return b"\xd0\x00" if script.ping else b""
        case Packet.DISCONNECT:
            return None
        case _:
            return b""


def _filters(body: bytes) -> int:
    count = 0
    while body:
        body = body[3 + int.from_bytes(body[:2], "big") :]
        count += 1
    return count
