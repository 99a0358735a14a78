"""Violations in the explorer: found by rule and by twin, and repaired where that is mechanical."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE
from tests.browser.pages import address, ask, twin_address

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)

NO_UNIT = "A property has exactly one unit."
WRONG_UNIT = "The unit of a property measures its quantity kind."


def standing(server: Any, rule: str) -> list[str]:
    """The local names of the nodes that break a rule."""
    nodes = ask(server, "{ violations(first: 100) { nodes { twin rule } } }")["violations"]["nodes"]
    return sorted(each["twin"].rpartition(":")[2] for each in nodes if each["rule"] == rule)


def test_the_filters_are_in_the_address_and_the_rules_tell_what_to_do(laboratory: Any, page: Page) -> None:
    assert "mixed" in standing(laboratory, NO_UNIT)
    page.goto(address(laboratory, "/violations"))
    page.get_by_role("list", name="By rule").get_by_role("button", name=re.compile(f"^{WRONG_UNIT}")).click()
    expect(page).to_have_url(re.compile("rule="))
    expect(page.get_by_role("region", name=NO_UNIT)).to_have_count(0)
    group = page.get_by_role("region", name=WRONG_UNIT)
    expect(group).to_contain_text("Change the unit to one of the property's quantity kind")
    page.reload()
    expect(group).to_be_visible()
    expect(page.get_by_role("region", name=NO_UNIT)).to_have_count(0)


def test_the_violations_of_one_twin_are_told_by_twin_and_its_row_opens_it(laboratory: Any, page: Page) -> None:
    page.goto(address(laboratory, "/violations"))
    page.get_by_role("radio", name="By twin").check()
    page.get_by_role("list", name="By twin").get_by_role("button", name="filter").click()
    expect(page).to_have_url(re.compile("by=twin.*twin=|twin=.*by=twin"))
    expect(page.get_by_role("region", name="filter")).to_contain_text(WRONG_UNIT)
    page.get_by_role("radio", name="By rule").check()
    page.get_by_role("region", name=WRONG_UNIT).get_by_role("link", name="filter").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Air handler")


def test_a_severity_that_nothing_has_is_empty_and_says_how_to_go_on(laboratory: Any, page: Page) -> None:
    page.goto(address(laboratory, "/violations?severity=info"))
    page.get_by_role("main").get_by_role("link", name="Clear filters").click()
    expect(page.get_by_role("region", name=WRONG_UNIT)).to_be_visible()


def test_a_repair_shows_its_change_first_and_then_the_violation_is_gone(laboratory: Any, page: Page) -> None:
    before = ask(laboratory, "{ revision }")["revision"]
    page.goto(address(laboratory, "/violations"))
    group = page.get_by_role("region", name=NO_UNIT)
    row = group.get_by_role("row").filter(has=page.get_by_role("rowheader", name="supply"))
    row.get_by_role("button", name="Repair supply").click()
    plan = page.get_by_role("region", name="Repair")
    expect(plan.get_by_role("listitem")).to_have_text(["added supply has the unit DEG_C"])
    assert ask(laboratory, "{ revision }")["revision"] == before, "a dry run changes nothing"
    plan.get_by_role("button", name="Make this change").click()
    done = page.get_by_role("status").filter(has_text="Repaired")
    expect(done).to_be_visible()
    expect(row).to_have_count(0)
    assert "supply" not in standing(laboratory, NO_UNIT)
    done.get_by_role("link").click()
    expect(page.get_by_role("region", name="Air handler")).to_contain_text("DEG")


def test_a_twin_repairs_its_own_violations(laboratory: Any, page: Page) -> None:
    page.goto(twin_address(laboratory, "urn:twin:laboratory:ahu"))
    panel = page.get_by_role("region", name="Violations")
    panel.get_by_role("button", name="Repair return").click()
    panel.get_by_role("button", name="Make this change").click()
    expect(panel.get_by_role("status").filter(has_text="Repaired")).to_be_visible()
    expect(panel.get_by_role("button", name="Repair return")).to_have_count(0)
    expect(panel.get_by_role("button", name="Repair mixed")).to_be_visible()
    assert "return" not in standing(laboratory, NO_UNIT)


def test_a_wrong_unit_takes_a_person(laboratory: Any, page: Page) -> None:
    page.goto(address(laboratory, "/violations"))
    group = page.get_by_role("region", name=WRONG_UNIT)
    expect(group.get_by_role("rowheader", name="filter")).to_be_visible()
    expect(group.get_by_role("button", name=re.compile("^Repair"))).to_have_count(0)


def test_a_time_before_a_repair_shows_what_stood_then_and_since_when(laboratory: Any, page: Page) -> None:
    before = ask(laboratory, "{ revision }")["revision"]
    nodes = ask(laboratory, "{ violations(first: 100) { nodes { id twin rule } } }")["violations"]["nodes"]
    wanted = next(each["id"] for each in nodes if each["rule"] == NO_UNIT and each["twin"].endswith(":exhaust"))
    ask(laboratory, "mutation($id: ID!) { applyRepair(violation: $id) { revision } }", id=wanted)
    page.goto(address(laboratory, f"/violations?asOf={before}"))
    row = (
        page.get_by_role("region", name=NO_UNIT)
        .get_by_role("row")
        .filter(has=page.get_by_role("rowheader", name="exhaust"))
    )
    expect(row).to_be_visible()
    expect(row.get_by_role("button")).to_have_count(0)
    expect(row.get_by_role("link").last).to_have_attribute("href", re.compile("/changes/"))
    row.get_by_role("link", name="exhaust").click()
    expect(page).to_have_url(re.compile(f"asOf={before}"))
    panel = page.get_by_role("region", name="Violations")
    expect(panel).to_contain_text("exhaust")
    expect(page.get_by_role("region", name="Capabilities")).to_be_visible()
    page.get_by_role("button", name="Back to now").click()
    expect(panel).to_be_visible()
    expect(panel).not_to_contain_text("exhaust")
