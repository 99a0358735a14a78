"""The alerts screen: what is wrong, what a person does about it, and the contract of a property."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.plant_room import SENSORS, PlantRoom, plant_room
from tests.peers import find
from tests.server_process import eventually

pytestmark = [pytest.mark.browser, pytest.mark.peer, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlantRoom]:
    directory: Path = tmp_path_factory.mktemp("plant")
    with plant_room(directory, find("mosquitto"), "http://127.0.0.1:9/nobody") as room:
        eventually(lambda: room.graphql.ask("{ summary { live } }")["summary"]["live"] == SENSORS + 2, "all values")
        yield room


def test_an_alert_is_found_acknowledged_and_leads_to_its_property(room: PlantRoom, page: Page) -> None:
    room.values.pop("boiler/supply")
    page.goto(f"{room.server.url}alerts")
    card = page.get_by_role("link", name=re.compile("Boiler, Supply breaches its contract"))
    expect(card).to_be_visible(timeout=30_000)
    expect(card).to_contain_text("critical")
    expect(card).to_contain_text("Boiler team")
    card.click()
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("by local")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="Boiler · Supply").click()
    expect(page.get_by_text(re.compile("contract breached since"))).to_be_visible(timeout=30_000)


def test_what_follows_from_a_lost_connection_is_listed_with_it(room: PlantRoom, page: Page) -> None:
    room.broker.stop()
    page.goto(f"{room.server.url}alerts?kind=CONNECTION")
    page.get_by_role("link", name=re.compile("Plant broker is lost")).click(timeout=30_000)
    expect(page.get_by_text(f"50 of {SENSORS + 2} shown")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name=re.compile("中文")).click()
    expect(page.get_by_role("heading", name="告警", exact=True)).to_be_visible()
