"""The vendors' devices, in a process of their own: started, asked, and ended over its standard input and output."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import TracebackType
from typing import Any, Self

from twin.errors import InvalidInput, NotFound, Unavailable

_ANSWER_TIMEOUT = 30.0
_LONGEST_ANSWER = 16 * 1024 * 1024  # a day of the building in one line
_STOP_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the two vendors answer."""

    mqtt: str
    opcua: str


class Simulator:
    """One simulator of the entry point group ``twin.simulators``; entering starts it, leaving ends it."""

    def __init__(self, name: str, *arguments: str) -> None:
        self._name = name
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None
        self._asking = asyncio.Lock()
        self._orders = itertools.count(1)

    async def __aenter__(self) -> Self:
        found = [point for point in entry_points(group="twin.simulators") if point.name == self._name]
        if not found:
            raise NotFound(f"There is no simulator {self._name!r}.", remedy="Install the package again.")
        module, _, function = found[0].value.partition(":")
        code = f"import sys; from {module} import {function}; sys.exit({function}(sys.argv[1:]))"
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            code,
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LONGEST_ANSWER,
            env={**os.environ, "MALLOC_ARENA_MAX": "2"},  # each arena keeps what its threads needed once
            start_new_session=True,  # Ctrl-C reaches the server alone, which then ends its devices in order
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _STOP_TIMEOUT)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def endpoints(self) -> Endpoints:
        """Where the vendors answer, once they do; raises `Unavailable`."""
        said = await self._line()
        return Endpoints(said["mqtt"], said["opcua"])

    async def tell(self, **command: Any) -> dict[str, Any]:
        """The answer to one command, e.g. ``do="stop-vendor-a"``; raises `InvalidInput` for one it does not take."""
        async with self._asking:
            if self._process is None or self._process.stdin is None:
                raise Unavailable("The simulated devices are not running.")
            number = next(self._orders)
            self._process.stdin.write(json.dumps({**command, "number": number}).encode() + b"\n")
            await self._process.stdin.drain()
            answer = await self._line()
            while answer.get("number", number) != number:  # the late answer to an order that was given up
                answer = await self._line()
        if answer.get("ok") is False:
            raise InvalidInput(f"The simulated devices refuse that: {answer.get('error', 'no reason given')}.")
        return answer

    async def _line(self) -> dict[str, Any]:
        if self._process is None or self._process.stdout is None:
            raise Unavailable("The simulated devices are not running.")
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), _ANSWER_TIMEOUT)
        except TimeoutError:
            line = b""
        if not line:
            raise Unavailable(
                "The simulated devices did not start or have ended.", remedy="Look at what they wrote above."
            )
        answer: dict[str, Any] = json.loads(line)
        return answer
