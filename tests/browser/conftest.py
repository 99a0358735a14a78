"""A headless Chromium of this machine and pages in it, and a small building of its own that breaks rules."""

from __future__ import annotations

import os
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.server_process import ServerProcess

# Nothing but the page under test may make a request, and Chromium as root in a container has no sandbox to use.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SECONDS = 1000
PATIENCE = 30 * SECONDS

NewPage = Callable[..., Page]

LABORATORY = """
@prefix brick: <https://brickschema.org/schema/Brick#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix qudt: <http://qudt.org/schema/qudt/> .
@prefix unit: <http://qudt.org/vocab/unit/> .
@prefix quantitykind: <http://qudt.org/vocab/quantitykind/> .
@prefix : <urn:twin:laboratory:> .
:building a brick:Building ; rdfs:label "Laboratory" .
:ahu a brick:Air_Handling_Unit ; rdfs:label "Air handler" ; brick:hasLocation :building ;
  brick:hasPoint :supply, :return, :mixed, :exhaust, :filter .
:supply a brick:Supply_Air_Temperature_Sensor ; qudt:hasQuantityKind quantitykind:Temperature .
:return a brick:Return_Air_Temperature_Sensor ; qudt:hasQuantityKind quantitykind:Temperature .
:mixed a brick:Mixed_Air_Temperature_Sensor ; qudt:hasQuantityKind quantitykind:Temperature .
:exhaust a brick:Exhaust_Air_Temperature_Sensor ; qudt:hasQuantityKind quantitykind:Temperature .
:filter a brick:Filter_Differential_Pressure_Sensor ; qudt:hasQuantityKind quantitykind:Pressure ;
  qudt:hasUnit unit:DEG_C .
"""


def _chromium() -> Path:
    named = os.environ.get("CHROMIUM")
    candidates = [named] if named else ["/usr/bin/chromium", shutil.which("chromium"), shutil.which("google-chrome")]
    for candidate in candidates:
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    reason = f"no Chromium at {named}" if named else "no Chromium: apt-get install chromium, or name one in CHROMIUM"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = _chromium()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield chromium
        chromium.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Opens a page with a profile of its own; a script error in it fails the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_page(**options: object) -> Page:
        wanted = {"locale": "en-GB", "color_scheme": "light", "viewport": {"width": 1440, "height": 900}, **options}
        context = browser.new_context(**wanted)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page()


@pytest.fixture(scope="package")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of its own whose building breaks rules; nobody else's is broken for it."""
    directory = tmp_path_factory.mktemp("laboratory")
    with ServerProcess("serve", directory / "data", directory / "output.txt") as server:
        request = urllib.request.Request(  # noqa: S310 - the server's own address
            f"{server.url}api/v1/imports?site=laboratory", LABORATORY.encode(), {"content-type": "text/turtle"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            assert response.status == 201
        yield server
