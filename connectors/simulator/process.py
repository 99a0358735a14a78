"""The simulator as a process of its own: both vendors over one office, told what to do on standard input.

It prints one JSON line when everything is open, answers each JSON line it reads with one, and ends with exit code 0 on
end of input, SIGTERM or SIGINT.  ``python -m connectors.simulator --help`` lists the options; README.md the commands.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from connectors.simulator.physics import FAULTS, Office, trajectory
from connectors.simulator.vendor_a import VendorA
from connectors.simulator.vendor_b import VendorB
from connectors.simulator.writes import Writes

_B_SAMPLES_AFTER = 0.35
"""Vendor B samples this share of a period after vendor A, as two makes of controllers would."""
_LONGEST_LINE = 65_536


@dataclass(frozen=True, slots=True)
class Options:
    """How the simulator runs: ports (0 picks one), seed, seconds between samples, simulated seconds in a second."""

    mqtt_port: int = 0
    opcua_port: int = 0
    seed: int = 1
    period: float = 1.0
    speed: float = 60.0


class Simulator:
    """Both vendors over one office."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._writes = Writes()
        self._office = Office(options.seed, speed=options.speed)
        self._office.step(options.period * options.speed)
        self.a = VendorA(self._office, self._writes, options.mqtt_port)
        self.b = VendorB(self._office, self._writes, options.opcua_port)

    async def start(self) -> None:
        """Opens both vendors; raises ``OSError`` when a port is taken."""
        await self.a.start()
        try:
            await self.b.start()
        except OSError:
            await self.a.stop()
            raise

    async def stop(self) -> None:
        """Closes both."""
        await self.a.stop()
        await self.b.stop()

    async def run(self) -> None:
        """Lets time pass and samples every period, until cancelled."""
        period, speed = self._options.period, self._options.speed
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            self._office.step(period * speed * (1 - _B_SAMPLES_AFTER))
            await self.a.publish()
            await asyncio.sleep(due + period * _B_SAMPLES_AFTER - clock())
            self._office.step(period * speed * _B_SAMPLES_AFTER)
            await self.b.refresh()
            due = max(due + period, clock() - period)  # after a pause go on from now, do not catch up
            await asyncio.sleep(due - clock())

    async def obey(self, line: str) -> dict[str, object]:
        """Does what one line of JSON asks; the answer says ``ok``, and ``error`` when it is not."""
        try:
            order = json.loads(line)
            if not isinstance(order, dict):
                return {"ok": False, "error": "an order is a JSON object"}
            what = order["do"]
            answer = await self._do(what, order)
        except json.JSONDecodeError as error:
            return {"ok": False, "error": f"the order is no JSON: {error}"}
        except KeyError as error:
            return {**_number(order), "ok": False, "error": f"the order does not say {error.args[0]!r}"}
        except (ValueError, TypeError, OSError) as error:
            return {**_number(order), "ok": False, "error": str(error).rstrip(".")}
        return {**_number(order), "ok": True, "do": what, **answer}

    async def _do(self, what: str, order: dict[str, object]) -> dict[str, object]:
        match what:
            case "stop-vendor-a":
                await self.a.stop()
            case "start-vendor-a":
                await self.a.start()
            case "stop-vendor-b":
                await self.b.stop()
            case "start-vendor-b":
                await self.b.start()
            case "fault":
                if order["name"] not in FAULTS:
                    raise ValueError(f"there is no fault {order['name']!r}; there are {', '.join(FAULTS)}")
                self._office.fault(str(order["name"]), order["on"] is True)
                return {"faults": sorted(self._office.faults)}
            case "past":
                hours, every = float(str(order["hours"])), float(str(order["every"]))
                return {"past": await asyncio.to_thread(past, self._options.seed, hours, every)}
            case "writes":
                return {"writes": self._writes.rows()}
            case _:
                raise ValueError(f"{what!r} is nothing this simulator does.")
        return {}


def _number(order: dict[str, object]) -> dict[str, object]:
    """The number of an order that has one, for its answer: an answer that comes late is not taken for the next one."""
    return {"number": order["number"]} if "number" in order else {}


def past(seed: int, hours: float, every: float) -> dict[str, list[float]]:
    """What the office would have shown until now: each signal every so many seconds, oldest first."""
    days = hours / 24
    columns = trajectory(seed, days, every, operators=False)
    return {name: [round(value, 3) for value in column.tolist()] for name, column in columns.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the simulator until it is told to end; the exit code is 1 only when it could not start."""
    options = _options(argv)
    try:
        return asyncio.run(_serve(options))
    except OSError as error:
        print(f"The simulator cannot start: {error}", file=sys.stderr)
        return 1


async def _serve(options: Options) -> int:
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end.set)
    simulator = Simulator(options)
    await simulator.start()
    _say({"ready": True, "mqtt": simulator.a.endpoint, "opcua": simulator.b.endpoint, "pid": os.getpid()})
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    threading.Thread(target=_read_lines, args=(loop, lines), daemon=True).start()
    tasks = [asyncio.create_task(simulator.run()), asyncio.create_task(_listen(simulator, lines))]
    tasks.append(asyncio.create_task(_until(end)))
    done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await simulator.stop()
    for task in done:
        task.result()
    return 0


async def _until(end: asyncio.Event) -> None:
    await end.wait()


async def _listen(simulator: Simulator, lines: asyncio.Queue[str | None]) -> None:
    """Obeys line by line; returns at the end of input."""
    while (line := await lines.get()) is not None:
        if line.strip():
            _say(await simulator.obey(line))


def _read_lines(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[str | None]) -> None:
    """Hands standard input over line by line, then None.  It reads the descriptor itself: a thread that waits inside
    ``sys.stdin`` would hold its lock while the interpreter shuts down."""
    rest = b""
    while block := os.read(0, _LONGEST_LINE):
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            loop.call_soon_threadsafe(lines.put_nowait, line.decode(errors="replace"))
    with suppress(RuntimeError):  # the loop may have ended first
        loop.call_soon_threadsafe(lines.put_nowait, None)


def _say(answer: dict[str, object]) -> None:
    with suppress(BrokenPipeError):  # whoever started us is gone; end of input follows
        print(json.dumps(answer), flush=True)


def _options(argv: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m connectors.simulator", description=__doc__.splitlines()[0])
    parser.add_argument("--mqtt-port", type=int, default=0, help="port of vendor A's broker; 0 picks a free one")
    parser.add_argument("--opcua-port", type=int, default=0, help="port of vendor B's server; 0 picks a free one")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same building")
    parser.add_argument("--period", type=float, default=1.0, help="seconds between samples")
    parser.add_argument("--speed", type=float, default=60.0, help="simulated seconds that pass in a second")
    given = parser.parse_args(argv)
    if given.period <= 0 or given.speed <= 0:
        parser.error("--period and --speed must be above 0.")
    return Options(given.mqtt_port, given.opcua_port, given.seed, given.period, given.speed)
