"""What the browser's tests share: asking the server beside the page, and the addresses of screens."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Locator, Page

from tests.browser.conftest import PATIENCE

LABEL = "<http://www.w3.org/2000/01/rdf-schema#label>"


def ask(server: Any, query: str, **variables: object) -> dict[str, Any]:
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(  # noqa: S310 - the server's own address
        server.url.rstrip("/") + "/graphql", body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        answer = json.load(response)
    assert "errors" not in answer, answer["errors"]
    data: dict[str, Any] = answer["data"]
    return data


def eventually(condition: Callable[[], bool], what: str, seconds: float = PATIENCE / 1000) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)


def address(server: Any, path: str) -> str:
    return str(server.url).rstrip("/") + path


def twin_address(server: Any, iri: str) -> str:
    return address(server, f"/twin/{quote(iri, safe='')}")


def an_air_handler(server: Any) -> dict[str, Any]:
    data = ask(server, '{ twins(where: {class: "brick:AHU"}, first: 1) { nodes { id name site { id } } } }')
    twin: dict[str, Any] = data["twins"]["nodes"][0]
    return twin


def property_row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name, exact=True))


def change(server: Any, site: str, reason: str, *, add: str = "", remove: str = "") -> str:
    """The revision that a change of the graph became."""
    data = ask(
        server,
        """mutation ($site: ID!, $reason: String!, $add: String!, $remove: String!) {
            applyChange(site: $site, reason: $reason, add: $add, remove: $remove) { revision } }""",
        site=site,
        reason=reason,
        add=add,
        remove=remove,
    )
    return str(data["applyChange"]["revision"])


def rename(server: Any, twin: dict[str, Any], old: str, new: str) -> str:
    """The revision in which a twin got another name."""
    return change(
        server,
        twin["site"]["id"],
        f"{old} becomes {new}",
        add=f"<{twin['id']}> {LABEL} {json.dumps(new)} .",
        remove=f"<{twin['id']}> {LABEL} {json.dumps(old)} .",
    )
