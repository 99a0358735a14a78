"""The revisions of the graph in the explorer: what changed, what lies between, and the building as it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE, NewPage
from tests.browser.pages import address, an_air_handler, ask, change, eventually, rename, twin_address

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)

DESCRIBED = "<http://www.w3.org/2000/01/rdf-schema#comment>"


@dataclass(frozen=True)
class Renamed:
    """A twin that has another name since a revision, and the revision before that."""

    twin: dict[str, Any]
    old: str
    new: str
    before: str
    revision: str
    time: datetime


@pytest.fixture(scope="module")
def renamed(demo_server: Any) -> Iterator[Renamed]:
    twin = an_air_handler(demo_server)
    old, new = twin["name"], "Air handler of the tests"
    before = ask(demo_server, "{ revision }")["revision"]
    # A second before the change, which is all that a date field tells, must not be before the building itself.
    eventually(lambda: datetime.now(UTC) - last_change(demo_server) > timedelta(seconds=2), "the building is there")
    revision = rename(demo_server, twin, old, new)
    yield Renamed(twin, old, new, before, revision, last_change(demo_server))
    rename(demo_server, twin, new, old)


def last_change(server: Any) -> datetime:
    return datetime.fromisoformat(ask(server, "{ changes(last: 1) { time } }")["changes"][0]["time"])


def number(revision: str) -> str:
    """A revision as the explorer writes it."""
    return revision.lstrip("0") or "0"


def revision_row(page: Page, revision: str) -> Any:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=number(revision), exact=True))


def test_a_change_made_elsewhere_appears_by_itself_and_says_in_words_what_it_did(
    demo_server: Any, page: Page, renamed: Renamed
) -> None:
    page.goto(address(demo_server, "/changes"))
    expect(revision_row(page, renamed.revision)).to_be_visible()
    described = f'<{renamed.twin["id"]}> {DESCRIBED} "Serves the north side." .'
    site = renamed.twin["site"]["id"]
    revision = change(demo_server, site, "a description", add=described)
    try:
        row = revision_row(page, revision)
        expect(row).to_contain_text("a description")
        expect(row).to_contain_text("+1 −0")
        row.get_by_role("link").click()
        expect(page).to_have_url(re.compile(f"/changes/{revision}$"))
        panel = page.get_by_role("region", name=renamed.new)
        expect(panel.get_by_role("listitem")).to_have_text(["added is described as Serves the north side."])
        expect(panel.get_by_text("is described as")).to_have_attribute("title", DESCRIBED.strip("<>"))
    finally:
        change(demo_server, site, "no description", remove=described)


def test_a_new_change_waits_while_the_reader_is_at_work_in_the_list(
    demo_server: Any, page: Page, renamed: Renamed
) -> None:
    page.goto(address(demo_server, "/changes"))
    row = revision_row(page, renamed.revision)
    row.get_by_role("checkbox").check()
    place = row.bounding_box()
    described = f'<{renamed.twin["id"]}> {DESCRIBED} "Serves the south side." .'
    site = renamed.twin["site"]["id"]
    revision = change(demo_server, site, "described", add=described)
    change(demo_server, site, "described no longer", remove=described)
    show = page.get_by_role("button", name="Show 2 new changes")
    expect(show).to_be_visible()
    assert row.bounding_box() == place
    expect(revision_row(page, revision)).to_have_count(0)
    show.click()
    expect(revision_row(page, revision)).to_be_visible()


def test_older_revisions_are_reached_a_page_at_a_time(laboratory: Any, page: Page) -> None:
    for count in range(55):
        described = f'<urn:twin:laboratory:building> {DESCRIBED} "Visited {count} times." .'
        change(laboratory, "laboratory", f"visit {count}", add=described)
    last = int(ask(laboratory, "{ revision }")["revision"])
    page.goto(address(laboratory, "/changes"))
    expect(page.get_by_text("50 shown")).to_be_visible()
    oldest = page.get_by_role("rowheader", name="1", exact=True)
    expect(oldest).to_have_count(0)
    page.get_by_role("button", name="show more").click()
    expect(oldest).to_have_count(1)
    shown = page.get_by_role("table").get_by_role("rowheader").all_inner_texts()
    assert shown == [str(revision) for revision in range(last, 0, -1)]


def test_two_revisions_are_picked_and_their_difference_leaves_out_what_came_and_went(
    demo_server: Any, page: Page, renamed: Renamed
) -> None:
    site = renamed.twin["site"]["id"]
    described = f'<{renamed.twin["id"]}> {DESCRIBED} "For an hour." .'
    change(demo_server, site, "for an hour", add=described)
    last = change(demo_server, site, "over", remove=described)
    page.goto(address(demo_server, "/changes"))
    revision_row(page, last).get_by_role("checkbox").check()
    revision_row(page, renamed.before).get_by_role("checkbox").check()
    page.get_by_role("button", name=f"Compare {number(renamed.before)} and {number(last)}").click()
    expect(page).to_have_url(re.compile(rf"/changes/{renamed.before}\.\.{last}$"))
    panel = page.get_by_role("region", name=renamed.new)
    expect(panel.get_by_role("listitem")).to_have_text(
        [f"removed is called {renamed.old}", f"added is called {renamed.new}"]
    )
    expect(page.get_by_role("main")).not_to_contain_text("For an hour.")


def test_the_past_shows_the_old_name_without_live_values_or_commands_and_leads_back(
    demo_server: Any, page: Page, renamed: Renamed
) -> None:
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(address(demo_server, f"/changes/{renamed.revision}"))
    page.get_by_role("link", name="See it before").click()
    banner = page.get_by_text(re.compile(f"You see the building as of revision {number(renamed.before)}, "))
    expect(banner).to_be_visible()
    page.goto(f"{twin_address(demo_server, renamed.twin['id'])}?asOf={renamed.before}")
    sockets.clear()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(renamed.old)
    expect(page.get_by_role("treeitem", selected=True)).to_have_text(renamed.old)
    expect(page.get_by_role("columnheader", name="Hour before")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Set "))).to_have_count(0)
    values = page.get_by_role("table").first.get_by_role("cell")
    before = values.all_inner_texts()
    # In the present, values of the demo change every second.
    page.wait_for_timeout(2500)
    assert values.all_inner_texts() == before
    assert sockets == []
    # The time goes along from twin to twin.
    page.get_by_role("treeitem", selected=False).filter(has_text=re.compile("^AHU ")).first.click()
    expect(page).to_have_url(re.compile(f"asOf={renamed.before}"))
    page.go_back()
    page.get_by_role("button", name="Back to now").click()
    expect(heading).to_have_text(renamed.new)
    expect(banner).to_have_count(0)
    expect(page.get_by_role("button", name=re.compile("^Set ")).first).to_be_visible()
    eventually(lambda: bool(page.wait_for_timeout(50) or sockets), "the page follows the present again")


def test_a_date_and_time_lead_to_the_building_as_it_was_then(
    demo_server: Any, new_page: NewPage, renamed: Renamed
) -> None:
    page = new_page(timezone_id="UTC")
    page.goto(twin_address(demo_server, renamed.twin["id"]))
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(renamed.new)
    page.get_by_role("button", name="Time shown: Now").click()
    earlier = (renamed.time - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S")
    page.get_by_label("Date and time").fill(earlier)
    page.get_by_label("Date and time").press("Enter")
    expect(page).to_have_url(re.compile("asOf=" + quote(earlier, "")))
    expect(heading).to_have_text(renamed.old)


def test_the_slider_is_moved_with_the_keys_and_goes_where_it_stops(
    demo_server: Any, page: Page, renamed: Renamed
) -> None:
    revisions = [each["revision"] for each in ask(demo_server, "{ changes(last: 3) { revision } }")["changes"]]
    page.goto(address(demo_server, "/twins"))
    page.get_by_role("button", name="Time shown: Now").click()
    slider = page.get_by_role("slider")
    slider.press("ArrowLeft")
    slider.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(f"^revision {number(revisions[-2])}, "))
    expect(page).to_have_url(re.compile(f"asOf={revisions[-2]}"))
    page.get_by_role("slider").press("End")
    expect(page).not_to_have_url(re.compile("asOf"))


def test_a_twin_tells_the_last_changes_that_were_about_it(demo_server: Any, page: Page, renamed: Renamed) -> None:
    page.goto(twin_address(demo_server, renamed.twin["id"]))
    panel = page.get_by_role("region", name="Last changes")
    expect(panel.get_by_text(f"{renamed.old} becomes {renamed.new}")).to_be_visible()
    panel.get_by_role("link", name="All changes").click()
    expect(revision_row(page, renamed.revision)).to_be_visible()


@pytest.mark.parametrize("asked", ["999999999999", "2200-01-01T00:00:00Z", "yesterday"])
def test_a_time_that_never_was_is_explained_and_leads_back(demo_server: Any, page: Page, asked: str) -> None:
    page.goto(address(demo_server, f"/twins?asOf={quote(asked)}"))
    expect(page.get_by_role("alert")).to_contain_text("This time cannot be shown")
    page.get_by_role("button", name="Back to now").click()
    expect(page.get_by_role("treeitem").first).to_be_visible()
