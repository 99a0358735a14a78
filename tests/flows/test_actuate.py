"""Commands: checked, sent, acknowledged, verified by reading back - or told why not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.bindings.fake import until
from tests.flows.plant import SITE, Ear, Plant, running
from twin.errors import Forbidden, InvalidInput, NotFound, Unavailable
from twin.flows import actuate
from twin.flows.actuate import Command
from twin.scope import LOCAL, Principal

SETPOINT, MODE = SITE + "setpoint", SITE + "mode"


@pytest.fixture
async def plant() -> AsyncIterator[Plant]:
    async with running() as plant:
        plant.report()
        await until(lambda: plant.live("setpoint").available)
        yield plant


def written(plant: Plant) -> list[Any]:
    return [json.loads(value) for _, value in plant.a.writes if isinstance(value, bytes)]


async def test_a_command_is_verified_when_the_device_reports_the_value(plant: Plant) -> None:
    plant.obey_at_a()
    ear = Ear(plant.actuator.commands)
    command = await plant.actuator.set_property(LOCAL, SETPOINT, 22.0)
    assert (command.state, command.value, command.actor, command.message) == ("VERIFIED", 22.0, "local", "")
    assert command.read_back == pytest.approx(22.0)
    assert written(plant) == [{"sp": 71.6}]
    assert plant.a.writes[0][0] == "acme/ahu/set"
    await until(lambda: len(ear.heard) == 4)
    assert [each.state for each in ear.heard] == ["ACCEPTED", "SENT", "ACKNOWLEDGED", "VERIFIED"]
    assert plant.actuator.find(command.id) == command
    await ear.close()


async def test_a_value_may_be_given_in_another_unit(plant: Plant) -> None:
    plant.obey_at_a()
    command = await plant.actuator.set_property(LOCAL, SETPOINT, 70, unit="DEG_F")
    assert command.value == pytest.approx(21.1111, abs=1e-4)
    assert written(plant) == [{"sp": 70.0}]


async def test_the_bounds_hold_in_every_unit(plant: Plant) -> None:
    plant.obey_at_a()
    command = await plant.actuator.set_property(LOCAL, SETPOINT, 95, unit="DEG_F")
    assert command.value == 35.0
    with pytest.raises(
        InvalidInput, match=r"95\.01 °F is outside the range of Setpoint \(50 °F to 95 °F; that is 10 °C to 35 °C\)"
    ):
        await plant.actuator.set_property(LOCAL, SETPOINT, 95.01, unit="DEG_F")


async def test_a_state_is_commanded_by_its_word(plant: Plant) -> None:
    plant.obey_at_a()
    command = await plant.actuator.set_property(LOCAL, MODE, "cooling")
    assert (command.state, command.value, command.read_back) == ("VERIFIED", "cooling", "cooling")
    assert written(plant) == [{"mode": "COOL"}]


@pytest.mark.parametrize(
    ("who", "what", "value", "unit", "error", "words"),
    [
        (Principal("vera", frozenset({"viewer"})), SETPOINT, 20.0, None, Forbidden, "vera may not send commands"),
        (LOCAL, SITE + "nothing", 20.0, None, NotFound, "no property"),
        (LOCAL, SITE + "sat", 20.0, None, Forbidden, "Supply air is read-only"),
        (LOCAL, SITE + "fan", True, None, Unavailable, "Fan is not bound"),
        (LOCAL, SETPOINT, 9.9, None, InvalidInput, "outside the range"),
        (LOCAL, SETPOINT, float("nan"), None, InvalidInput, "is a number"),
        (LOCAL, SETPOINT, True, None, InvalidInput, "is a number"),
        (LOCAL, SETPOINT, "20", None, InvalidInput, "is a number"),
        (LOCAL, SETPOINT, 20.0, "PA", InvalidInput, "does not convert"),
        (LOCAL, SETPOINT, 20.0, "DEG_X", InvalidInput, "no unit 'DEG_X'"),
        (LOCAL, MODE, "coolin", None, InvalidInput, "Did you mean 'cooling'"),
        (LOCAL, MODE, 1, None, InvalidInput, "Its states are: off, cooling"),
        (LOCAL, MODE, "off", "K", InvalidInput, "has no unit"),
        (LOCAL, SITE + "fan", "perhaps", None, InvalidInput, "true or false"),
        (LOCAL, SITE + "note", 5, None, InvalidInput, "is a text"),
    ],
)
async def test_a_command_that_cannot_be_says_why_and_sends_nothing(
    plant: Plant, who: Principal, what: str, value: object, unit: str | None, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        await plant.actuator.set_property(who, what, value, unit=unit)
    assert plant.a.writes == []


async def test_a_dry_run_checks_and_sends_nothing(plant: Plant) -> None:
    command = await plant.actuator.set_property(LOCAL, SETPOINT, 20.0, dry_run=True)
    assert (command.state, command.message) == ("ACCEPTED", "Checked; nothing was sent.")
    assert plant.a.writes == []
    with pytest.raises(NotFound):
        plant.actuator.find(command.id)


async def test_a_device_out_of_reach_takes_no_command(plant: Plant) -> None:
    plant.a.fail()
    await until(lambda: not plant.live("setpoint").available)
    with pytest.raises(Unavailable, match="cannot be reached now"):
        await plant.actuator.set_property(LOCAL, SETPOINT, 20.0)


async def test_a_refusal_of_the_device_fails_the_command_with_its_words(plant: Plant) -> None:
    plant.a.refuse = "The point is overridden by hand."
    command = await plant.actuator.set_property(LOCAL, SETPOINT, 22.0)
    assert (command.state, command.message) == ("FAILED", "The point is overridden by hand.")


async def test_a_command_that_is_not_read_back_expires_and_says_what_stands(plant: Plant) -> None:
    plant.a.obey = lambda _device, _address, _value: plant.report()
    command = await plant.actuator.set_property(LOCAL, SETPOINT, 25.0, timeout=0.3)
    assert command.state == "EXPIRED"
    assert command.read_back == pytest.approx(20.0)
    assert command.message == ("Not verified within 0.3 s: the device acknowledged it, but Setpoint still reads 20 °C.")


async def test_a_device_that_says_nothing_lets_the_command_expire(plant: Plant) -> None:
    command = await plant.actuator.set_property(LOCAL, SETPOINT, 25.0, timeout=0.05)
    assert command.message.endswith("the device acknowledged it, but Setpoint was not reported since.")
    plant.a.hold = asyncio.Event()
    command = await plant.actuator.set_property(LOCAL, SETPOINT, 25.0, timeout=0.05)
    assert "did not acknowledge it" in command.message


async def test_what_was_read_before_the_command_verifies_nothing(plant: Plant) -> None:
    plant.a.hold = asyncio.Event()
    running = asyncio.create_task(plant.actuator.set_property(LOCAL, SETPOINT, 25.0, timeout=5))
    await until(lambda: plant.a.hold)
    plant.a.hold.set()
    await until(lambda: plant.a.writes)
    plant.report(sp=76.9)
    assert not running.done()
    plant.report(sp=77.0)
    assert (await running).read_back == pytest.approx(25.0)


async def test_a_device_that_reports_changes_only_verifies_what_stands_already(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actuate, "UNCHANGED_AFTER", 0.02)
    command = await plant.actuator.set_property(LOCAL, SETPOINT, 20.0)
    assert (command.state, command.read_back) == ("VERIFIED", 20.0)
    assert "had this value before" in command.message
    assert written(plant) == [{"sp": 68.0}]


async def test_without_waiting_the_command_lives_on_by_itself(plant: Plant) -> None:
    plant.obey_at_a()
    command = await plant.actuator.set_property(LOCAL, SETPOINT, 23.0, wait=False)
    assert command.state == "ACCEPTED"
    await until(lambda: plant.actuator.find(command.id).state == "VERIFIED")


async def test_a_caller_that_leaves_does_not_take_the_command_back(plant: Plant) -> None:
    plant.obey_at_a()
    plant.a.hold = asyncio.Event()
    ear = Ear(plant.actuator.commands)
    caller = asyncio.create_task(plant.actuator.set_property(LOCAL, SETPOINT, 23.0))
    await until(lambda: len(ear.heard) == 2)
    caller.cancel()
    plant.a.hold.set()
    await until(lambda: ear.heard[-1].state == "VERIFIED")
    await ear.close()


async def test_a_newer_command_replaces_those_before_it_and_they_never_overlap(plant: Plant) -> None:
    plant.obey_at_a()
    plant.a.hold = asyncio.Event()
    ear = Ear(plant.actuator.commands)
    commands: list[Command] = []
    for value in (21.0, 22.0, 23.0):
        commands.append(await plant.actuator.set_property(LOCAL, SETPOINT, value, wait=False))
        await until(lambda: ear.heard and ear.heard[-1].id)
        await asyncio.sleep(0)
    await until(lambda: plant.actuator.find(commands[0].id).state == "SENT")
    plant.a.hold.set()
    await until(lambda: plant.actuator.find(commands[2].id).state == "VERIFIED")
    first, second, third = (plant.actuator.find(command.id) for command in commands)
    assert [body["sp"] for body in written(plant)] == [69.8, 73.4]
    assert first.state in ("VERIFIED", "FAILED")
    assert (second.state, second.message) == ("FAILED", f"Replaced by command {third.id} before it was sent.")
    await ear.close()


async def test_a_command_waiting_to_be_read_back_is_replaced_by_a_newer_one(plant: Plant) -> None:
    first = await plant.actuator.set_property(LOCAL, SETPOINT, 21.0, wait=False)
    await until(lambda: plant.actuator.find(first.id).state == "ACKNOWLEDGED")
    plant.obey_at_a()
    second = await plant.actuator.set_property(LOCAL, SETPOINT, 22.0)
    assert second.state == "VERIFIED"
    assert plant.actuator.find(first.id).message == f"Replaced by command {second.id} before it was read back."


async def test_commands_to_different_properties_do_not_wait_for_each_other(plant: Plant) -> None:
    plant.obey_at_a()
    done = await asyncio.gather(
        plant.actuator.set_property(LOCAL, SETPOINT, 24.0), plant.actuator.set_property(LOCAL, MODE, "cooling")
    )
    assert [command.state for command in done] == ["VERIFIED", "VERIFIED"]


async def test_the_last_commands_are_remembered(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actuate, "KEPT", 3)
    plant.obey_at_a()
    commands = [await plant.actuator.set_property(LOCAL, SETPOINT, 20.0 + n) for n in range(5)]
    with pytest.raises(NotFound):
        plant.actuator.find(commands[1].id)
    assert plant.actuator.find(commands[2].id) == commands[2]


async def test_closing_ends_what_is_under_way(plant: Plant) -> None:
    command = await plant.actuator.set_property(LOCAL, SETPOINT, 25.0, wait=False)
    await until(lambda: plant.actuator.find(command.id).state == "ACKNOWLEDGED")
    await plant.actuator.close()
    assert plant.actuator.find(command.id).state == "FAILED"
