"""The explorer as a person uses it, in a real browser, on the living demo building."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.conftest import PATIENCE, NewPage
from tests.browser.pages import address, an_air_handler, ask, eventually, property_row, twin_address

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE)


def test_the_first_page_names_the_building_and_counts_live_and_unavailable_properties(
    demo_server: Any, page: Page
) -> None:
    page.goto(demo_server.url)
    summary = ask(demo_server, "{ summary { name } }")["summary"]
    expect(page.get_by_role("heading", level=1)).to_have_text(summary["name"])
    live = page.get_by_role("group", name="live", exact=True)
    unavailable = page.get_by_role("group", name="unavailable", exact=True)

    def counts_agree() -> bool:
        now = ask(demo_server, "{ summary { live unavailable } }")["summary"]
        return live.inner_text().startswith(f"{now['live']:,}\n") and unavailable.inner_text().startswith(
            f"{now['unavailable']:,}\n"
        )

    expect(live).to_be_visible()
    eventually(counts_agree, "the page's counts are the server's")
    assert not live.inner_text().startswith("0\n")


def test_a_value_changes_while_it_is_watched(demo_server: Any, page: Page) -> None:
    twin = an_air_handler(demo_server)
    page.goto(twin_address(demo_server, twin["id"]))
    expect(page.get_by_role("heading", level=1)).to_have_text(twin["name"])
    values = page.get_by_role("table").first.get_by_role("cell").and_(page.locator(".is-number:not(.age)"))
    expect(values.filter(has_text=re.compile(r"\d")).first).to_be_visible()
    before = values.all_inner_texts()
    eventually(lambda: values.all_inner_texts() != before, "one of the air handler's values changes")


def test_a_setpoint_is_written_and_its_verification_and_new_value_are_seen(demo_server: Any, page: Page) -> None:
    query = """{ properties(where: {writable: true}, first: 200) {
        nodes { id name kind value available minimum maximum owner { id } } } }"""
    target = next(
        each
        for each in ask(demo_server, query)["properties"]["nodes"]
        if each["kind"] == "NUMBER" and each["available"] and None not in (each["minimum"], each["maximum"])
    )
    middle = (target["minimum"] + target["maximum"]) / 2
    wanted = round(middle if abs(middle - target["value"]) > 1 else middle + 1, 1)

    page.goto(twin_address(demo_server, target["owner"]["id"]))
    page.get_by_role("button", name=f"Set {target['name']}", exact=True).click()
    page.get_by_label("New value").fill(str(wanted))
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status", name="Command")).to_contain_text("verified by read-back")
    shown = re.compile(rf"^{re.escape(f'{wanted:g}')}(\.0+)?$")
    expect(property_row(page, target["name"]).get_by_text(shown)).to_be_visible()


def test_a_value_out_of_range_is_not_sent_and_the_range_is_named(demo_server: Any, page: Page) -> None:
    query = "{ properties(where: {writable: true}, first: 200) { nodes { name kind maximum owner { id } } } }"
    nodes = ask(demo_server, query)["properties"]["nodes"]
    target = next(each for each in nodes if each["kind"] == "NUMBER" and each["maximum"] is not None)
    page.goto(twin_address(demo_server, target["owner"]["id"]))
    page.get_by_role("button", name=f"Set {target['name']}", exact=True).click()
    page.get_by_label("New value").fill(str(target["maximum"] + 1000))
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text(f"{target['maximum']:g}")
    expect(page.get_by_role("status", name="Command")).to_have_count(0)


def test_dark_mode_renders_every_screen_and_no_request_leaves_loopback(demo_server: Any, new_page: NewPage) -> None:
    page = new_page(color_scheme="dark")
    requested: list[str] = []
    page.context.on("request", lambda request: requested.append(request.url))
    page.on("websocket", lambda socket: requested.append(socket.url))
    twin = an_air_handler(demo_server)
    screens = {
        "/": "heading",
        f"/twin/{quote(twin['id'], safe='')}": "figure",
        "/query": "tablist",
        "/connections": "heading",
        "/violations": "heading",
        "/changes": "table",
        "/changes/000000000001": "region",
    }
    for path, role in screens.items():
        page.goto(address(demo_server, path))
        expect(page.get_by_role("main").get_by_role(role).first).to_be_visible()
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert max(int(part) for part in re.findall(r"\d+", ground)[:3]) < 64, f"{path} is not dark: {ground}"
    assert {urlsplit(url).hostname for url in requested if not url.startswith(("data:", "blob:"))} == {"127.0.0.1"}


def test_a_saved_sparql_query_runs_and_shows_rows(demo_server: Any, page: Page) -> None:
    saved = ask(demo_server, "{ savedQueries { title language } }")["savedQueries"]
    title = next(each["title"] for each in saved if each["language"] == "sparql")
    page.goto(address(demo_server, "/query"))
    page.get_by_role("tab", name="SPARQL").click()
    page.get_by_role("button", name=title.partition(":")[0]).click()
    page.get_by_role("button", name="Run").click()
    results = page.get_by_role("region", name="Results")
    expect(results).to_contain_text(re.compile(r"\d rows? in"))
    expect(results.get_by_role("table").get_by_role("row").nth(1)).to_be_visible()


def test_a_saved_query_runs_by_the_keys_that_are_named_where_it_was_chosen(demo_server: Any, page: Page) -> None:
    page.goto(address(demo_server, "/query"))
    page.get_by_role("button", name="The building in numbers").click()
    page.keyboard.press("Control+Enter")
    name = ask(demo_server, "{ summary { name } }")["summary"]["name"]
    expect(page.get_by_role("region", name="Results")).to_contain_text(name)


def test_the_query_in_the_address_is_there_again_after_a_reload(demo_server: Any, page: Page) -> None:
    page.goto(address(demo_server, "/query#language=graphql&text=" + quote("{ summary { name } }")))
    expect(page.get_by_label("GraphQL query")).to_contain_text("summary")
    page.keyboard.press("Control+Home")
    page.get_by_label("GraphQL query").press("Control+Enter")
    name = ask(demo_server, "{ summary { name } }")["summary"]["name"]
    expect(page.get_by_label("Results").last).to_contain_text(name)
    page.reload()
    expect(page.get_by_label("GraphQL query")).to_contain_text("summary")


def test_a_broken_query_is_explained(demo_server: Any, page: Page) -> None:
    page.goto(address(demo_server, "/query#language=sparql&text=" + quote("SELECT * WHERE { ?s ?p }")))
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("alert")).to_contain_text("The query was not answered")


def test_the_connections_page_shows_both_connections_connected(demo_server: Any, page: Page) -> None:
    known = ask(demo_server, "{ connections { name } }")["connections"]
    assert len(known) >= 2
    page.goto(address(demo_server, "/connections"))
    for connection in known:
        card = page.get_by_role("link", name=re.compile(re.escape(connection["name"])))
        expect(card).to_contain_text(re.compile(r"\bconnected\b"), use_inner_text=True)
    page.get_by_role("link", name=re.compile(re.escape(known[0]["name"]))).click()
    expect(page.get_by_role("region", name="Log")).to_be_visible()


def test_the_tree_is_walked_with_the_keyboard_and_enter_opens_a_twin(demo_server: Any, page: Page) -> None:
    page.goto(address(demo_server, "/twins"))
    tree = page.get_by_role("tree")
    first = tree.get_by_role("treeitem").first
    name = ask(demo_server, "{ sites { roots { name } } }")["sites"][0]["roots"][0]["name"]
    expect(first).to_have_attribute("aria-expanded", "true")
    expect(tree.get_by_role("treeitem").nth(1)).to_have_text(name)
    first.focus()
    page.keyboard.press("ArrowDown")
    expect(tree.locator(":focus")).to_have_text(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_search_is_reached_with_a_slash_and_goes_to_the_hit(demo_server: Any, page: Page) -> None:
    twin = an_air_handler(demo_server)
    page.goto(demo_server.url)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type(twin["name"])
    hit = page.get_by_role("option").filter(has_text=twin["name"]).first
    expect(hit).to_be_visible()
    hit.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(twin["name"])
    expect(page.get_by_role("treeitem", selected=True)).to_contain_text(twin["name"])


def test_a_lost_subscription_is_said_and_comes_back_by_itself(demo_server: Any, page: Page) -> None:
    sockets: list[WebSocketRoute] = []
    refusing = False

    def on_socket(socket: WebSocketRoute) -> None:
        if refusing:
            socket.close(code=1011)
            return
        socket.connect_to_server()
        sockets.append(socket)

    page.route_web_socket(re.compile("/graphql$"), on_socket)
    page.goto(twin_address(demo_server, an_air_handler(demo_server)["id"]))
    expect(page.get_by_role("table").first).to_be_visible()
    eventually(lambda: bool(page.wait_for_timeout(50) or sockets), "the page subscribes")
    refusing = True
    sockets[0].close(code=1011)
    lost = page.get_by_text("Connection lost, retrying")
    expect(lost).to_be_visible()
    refusing = False
    expect(lost).to_be_hidden()
    assert len(sockets) == 2


def test_a_browser_in_chinese_gets_chinese_words(demo_server: Any, new_page: NewPage) -> None:
    page = new_page(locale="zh-CN")
    page.goto(demo_server.url)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.get_by_role("group", name="不可用", exact=True)).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("group", name="unavailable", exact=True)).to_be_visible()


def test_an_unknown_twin_says_what_to_do(demo_server: Any, page: Page) -> None:
    page.goto(twin_address(demo_server, "urn:twin:nowhere:nothing"))
    expect(page.get_by_text("There is no such twin")).to_be_visible()
