"""The simulator as a process: ready, told what to do, and gone without a trace."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from asyncua import Client

from connectors.simulator import process
from connectors.simulator.physics import FAULTS
from tests.connectors.simulator.clients import MqttClient, eventually


class Simulator:
    """The process and its pipes."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "connectors.simulator", "--period", "0.2", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.ready: dict[str, Any] = self._line()

    def tell(self, **order: object) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self._line()

    def end(self, number: int | None = None) -> tuple[int, str]:
        """Ends it by a signal, or by the end of its input; the exit code and what it wrote to standard error."""
        if number is not None:
            self.process.send_signal(number)
            code = self.process.wait(10)
            _, errors = self.process.communicate()
        else:
            _, errors = self.process.communicate(timeout=10)
            code = self.process.returncode
        return code, errors

    def _line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """One for all tests that leave it running."""
    yield from _running()


@pytest.fixture
def ending() -> Iterator[Simulator]:
    """One to be ended."""
    yield from _running()


def _running() -> Iterator[Simulator]:
    simulator = Simulator()
    yield simulator
    if simulator.process.poll() is None:
        simulator.process.kill()
    simulator.process.communicate()


def test_it_says_where_both_vendors_are(simulator: Simulator) -> None:
    assert simulator.ready["ready"] is True
    assert simulator.ready["mqtt"].startswith("mqtt://127.0.0.1:")
    assert simulator.ready["opcua"].startswith("opc.tcp://127.0.0.1:")
    assert simulator.ready["opcua"].endswith("/twin/")
    assert simulator.ready["pid"] == simulator.process.pid


@pytest.mark.parametrize("number", [None, signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_0_and_without_a_word(ending: Simulator, number: int | None) -> None:
    assert ending.end(number) == (0, "")


def test_a_second_one_on_the_same_port_says_so_and_ends(simulator: Simulator) -> None:
    for option, endpoint in (("--mqtt-port", "mqtt"), ("--opcua-port", "opcua")):
        port = simulator.ready[endpoint].split(":")[2].partition("/")[0]
        second = subprocess.run(
            [sys.executable, "-m", "connectors.simulator", option, port], capture_output=True, text=True, timeout=30,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert second.returncode == 1
        assert second.stdout == ""
        assert second.stderr.startswith("The simulator cannot start: ")
        assert port in second.stderr


async def test_both_vendors_sample_by_themselves(simulator: Simulator) -> None:
    async with MqttClient(simulator.ready["mqtt"]) as mqtt, Client(simulator.ready["opcua"]) as opcua:
        seen: set[Any] = set()

        async def times() -> int:
            seen.add((await opcua.get_node("ns=2;s=AHU01.TSupply").read_data_value()).SourceTimestamp)
            return len(seen)

        await eventually(lambda: len(mqtt.received) > 16)
        while await times() < 3:
            assert simulator.process.poll() is None


async def test_the_writes_of_both_vendors_can_be_asked_for(simulator: Simulator) -> None:
    before = len(simulator.tell(do="writes")["writes"])
    async with Client(simulator.ready["opcua"]) as opcua:
        await opcua.get_node("ns=2;s=AHU01.TSupplySet").write_value(15.0)
    async with MqttClient(simulator.ready["mqtt"]) as mqtt:
        mqtt.send("acme/hq/vav/101/set/sp", '{"v": 70}')
        await eventually(lambda: mqtt.last.get("acme/hq/vav/101/status", {}).get("zone", {}).get("sp_f") == 70)
    rows = simulator.tell(do="writes")["writes"][before:]
    assert [(row["vendor"], row["address"], row["value"]) for row in rows] == [
        ("vendor-b", "ns=2;s=AHU01.TSupplySet", 15.0),
        ("vendor-a", "acme/hq/vav/101/set/sp", 70),
    ]


def test_a_vendor_is_stopped_and_started_while_the_other_goes_on(simulator: Simulator) -> None:
    port = int(simulator.ready["mqtt"].rpartition(":")[2])
    assert simulator.tell(do="stop-vendor-a")["ok"] is True
    with pytest.raises(ConnectionRefusedError):
        paho.Client(paho.CallbackAPIVersion.VERSION2).connect("127.0.0.1", port)
    assert simulator.tell(do="stop-vendor-a")["ok"] is True
    assert simulator.tell(do="start-vendor-a")["ok"] is True
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    assert client.connect("127.0.0.1", port) == paho.MQTT_ERR_SUCCESS
    client.disconnect()
    assert simulator.tell(do="stop-vendor-b")["ok"] is True
    assert simulator.tell(do="start-vendor-b")["ok"] is True


def test_a_fault_is_switched_on_and_off(simulator: Simulator) -> None:
    assert simulator.tell(do="fault", name="stuck-damper-ahu-1", on=True)["faults"] == ["stuck-damper-ahu-1"]
    assert simulator.tell(do="fault", name="stuck-damper-ahu-1", on=False)["faults"] == []


@pytest.mark.parametrize("order", [{"do": "dance"}, {"what": 1}, {"do": "fault", "name": "leaking-roof", "on": True}])
def test_what_it_cannot_do_is_answered_and_it_goes_on(simulator: Simulator, order: dict[str, object]) -> None:
    answer = simulator.tell(**order)
    assert answer["ok"] is False
    assert answer["error"]
    assert simulator.tell(do="writes")["ok"] is True


def test_a_fault_that_does_not_exist_is_told_with_those_that_do(simulator: Simulator) -> None:
    told = simulator.tell(do="fault", name="leaking-roof", on=True)["error"]
    assert told.startswith("there is no fault 'leaking-roof'; there are stuck-damper-ahu-1")
    assert simulator.tell(do="fault", name="stuck-damper-ahu-1")["error"] == "the order does not say 'on'"


def test_an_answer_has_the_number_of_its_order(simulator: Simulator) -> None:
    assert simulator.tell(do="writes", number=7)["number"] == 7
    assert simulator.tell(do="dance", number=8) == {
        "number": 8,
        "ok": False,
        "error": "'dance' is nothing this simulator does",
    }
    assert "number" not in simulator.tell(do="writes")


def test_the_readme_names_every_option_command_fault_and_the_defaults() -> None:
    text = (Path(process.__file__).parent / "README.md").read_text()
    for option in fields(process.Options):
        assert f"| `--{option.name.replace('_', '-')}` | {option.default} |" in text
    for command in ("stop-vendor-a", "start-vendor-a", "stop-vendor-b", "start-vendor-b", "fault", "writes"):
        assert f'{{"do": "{command}"' in text
    for fault in FAULTS:
        assert f"| `{fault}` |" in text


def test_every_promise_is_kept_or_says_why_not() -> None:
    rules = tomllib.loads((Path(process.__file__).parent / "quality.toml").read_text())["rules"]
    for name, rule in rules.items():
        assert rule["state"] == "done" or len(rule["reason"].split()) >= 4, name
