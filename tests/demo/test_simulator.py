"""Telling the devices what to do: each answer belongs to its order, however late it comes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from twin.demo import simulator as module
from twin.demo.simulator import Simulator
from twin.errors import InvalidInput, Unavailable

DEVICES = """
import json, sys, time
def main(arguments):
    print(json.dumps({"ready": True, "mqtt": "a", "opcua": "b"}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        time.sleep(order.get("late", 0))
        print(json.dumps({"number": order["number"], "ok": order["do"] != "fail", "do": order["do"]}), flush=True)
    return 0
"""


class _Point:
    name, value = "slow", "slow_devices:main"


async def test_the_late_answer_to_an_order_that_was_given_up_is_not_taken_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow_devices.py").write_text(DEVICES)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(module, "entry_points", lambda group: [_Point])
    async with Simulator("slow") as devices:
        assert (await devices.endpoints()).mqtt == "a"
        monkeypatch.setattr(module, "_ANSWER_TIMEOUT", 0.2)
        with pytest.raises(Unavailable):
            await devices.tell(do="first", late=1.0)
        monkeypatch.setattr(module, "_ANSWER_TIMEOUT", 30.0)
        assert (await devices.tell(do="second"))["do"] == "second"
        with pytest.raises(InvalidInput, match="refuse"):
            await devices.tell(do="fail")
        assert [each["do"] for each in await asyncio.gather(*(devices.tell(do=name) for name in "abc"))] == list("abc")
