"""Where a value came from, and decoding again, in the explorer; in English and Chinese."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE
from tests.browser.pages import address, an_air_handler, property_row, twin_address

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)


def test_a_property_tells_where_its_value_came_from(demo_server: Any, page: Page) -> None:
    page.goto(twin_address(demo_server, an_air_handler(demo_server)["id"]))
    name = "Supply air temperature setpoint"
    property_row(page, name).get_by_role("button", name=name, exact=True).click()
    told = page.get_by_role("region", name="Where the value came from")
    expect(told).to_contain_text(re.compile("binding · Vendor"))
    expect(told).to_contain_text("Decoded by")
    expect(told).to_contain_text("Payload, ")
    told.get_by_role("link").click()
    expect(page).to_have_url(re.compile("/connections/"))


def test_payloads_of_a_connection_are_decoded_again_as_a_report_first(demo_server: Any, page: Page) -> None:
    page.goto(address(demo_server, "/connections"))
    page.get_by_role("link", name=re.compile("Vendor A")).click()
    panel = page.get_by_role("region", name="Rejected payloads")
    panel.get_by_role("button", name="Decode again").click()
    panel.get_by_role("button", name="See what would differ").click()
    expect(panel.get_by_role("status")).to_contain_text("Nothing was changed.")
    expect(panel.get_by_role("status")).to_contain_text(re.compile("[1-9][0-9]* values the same"))
    # What other tests did to this building's bindings may make a difference: then, and only then, it can be written.
    told = re.search(r"([\d,]+) otherwise, ([\d,]+) new", panel.get_by_role("status").inner_text())
    assert told is not None
    differ = sum(int(count.replace(",", "")) for count in told.groups())
    write = panel.get_by_role("button", name=re.compile("^Write"))
    expect(write).to_have_count(1 if differ else 0)
    if differ:
        expect(write).to_have_text(f"Write {differ:,} {'value' if differ == 1 else 'values'}")
