"""Harbour Office brought in by its owner: its devices in a process of their own, `twin import`, and `twin serve`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.graphql_client import GraphQL
from tests.server_process import ServerProcess, twin
from twin.demo import building
from twin.demo.simulator import Simulator

AHU_1 = "urn:twin:office:ahu-1"
SWAP = """mutation($property: ID!, $to: BindingInput!, $dryRun: Boolean! = false, $observe: Float! = 4) {
  swapBinding(property: $property, to: $to, dryRun: $dryRun, observe: $observe) { revision report {
    seconds samplesBefore samplesAfter meanBefore meanAfter meanDifference timeOffset statesAgree equivalent message
  } } }"""
ROLLBACK = "mutation($revision: String!) { rollback(revision: $revision) { revision } }"


@dataclass
class Office:
    """The office's server, and the devices behind it, which can be cut off and asked what reached them."""

    server: ServerProcess
    graphql: GraphQL
    devices: Simulator

    async def swap(self, move: dict[str, Any]) -> str:
        """Moves one property to the other vendor; the revision that holds it."""
        done = await asyncio.to_thread(self.graphql.ask, SWAP, property=move["property"], to=move["to"])
        revision: str = done["swapBinding"]["revision"]
        return revision

    async def swap_back(self, revisions: list[str]) -> None:
        """Takes swaps back, the latest first."""
        while revisions:
            await asyncio.to_thread(self.graphql.ask, ROLLBACK, revision=revisions.pop())

    async def writes(self) -> list[tuple[str, str]]:
        """The vendor and address of every write that reached a device, oldest first."""
        told = await self.devices.tell(do="writes")
        return [(each["vendor"], each["address"]) for each in told["writes"]]

    async def eventually(self, condition: Any, what: str, seconds: float = 90) -> None:
        """Returns when the condition holds; fails when it does not in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not await asyncio.to_thread(condition):
            assert loop.time() < deadline, f"not within {seconds:g} s: {what}\n{self.server.output}"
            await asyncio.sleep(0.1)


@asynccontextmanager
async def living_office(directory: Path) -> AsyncIterator[Office]:
    """The office in a new data directory, served, with a value from both vendors."""
    async with Simulator("office") as devices:
        endpoints = await devices.endpoints()
        wiring = directory / "bindings.ttl"
        wiring.write_text(building.bindings(endpoints.mqtt, endpoints.opcua))
        data = directory / "data"
        files = [*building.model_files(), wiring]
        done = await asyncio.to_thread(twin, "import", *files, "--site", "office", "--data", data)
        assert done.returncode == 0, done.stderr
        server = ServerProcess("serve", data, directory / "output.txt")
        await asyncio.to_thread(server.start)
        try:
            with GraphQL(server.url) as graphql:
                office = Office(server, graphql, devices)
                await office.eventually(
                    lambda: graphql.ask("{ summary { unavailable } }")["summary"]["unavailable"] == 0,
                    "every property has a value",
                )
                yield office
        except BaseException:
            server.kill()
            raise
        await asyncio.to_thread(server.stop)
