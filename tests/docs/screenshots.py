"""Takes the pictures of docs/images anew from a running demo: ``python -m tests.docs.screenshots http://127.0.0.1:8000/``.

Let the demo run for a few minutes first, so that the charts have something to show; then look at the pictures.
"""

from __future__ import annotations

import shutil
import sys
from urllib.parse import quote, urlencode

from playwright.sync_api import Page, sync_playwright

from tests.docs.pages import ROOT

IMAGES = ROOT / "docs" / "images"
AIR_HANDLER = "urn:twin:office:ahu-1"
QUIET = 3000  # milliseconds in which charts and values settle


def overview(page: Page, url: str) -> None:
    """The first page."""
    page.goto(url)
    page.get_by_role("heading", level=1).wait_for()


def twin(page: Page, url: str) -> None:
    """An air handler with a day of three of its temperatures."""
    shown = [("property", f"{AIR_HANDLER}:{name}-air-temperature") for name in ("supply", "return", "outside")]
    page.goto(f"{url}twin/{quote(AIR_HANDLER, safe='')}?{urlencode([*shown, ('span', '24h')])}")
    page.get_by_role("heading", name="AHU 1", level=1).wait_for()


def past(page: Page, url: str) -> None:
    """The same air handler as of the building's second revision."""
    page.goto(f"{url}twin/{quote(AIR_HANDLER, safe='')}?asOf=000000000002")
    page.get_by_role("heading", name="AHU 1", level=1).wait_for()


def main(url: str) -> None:
    """Takes every picture."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for show, height in ((overview, 600), (twin, 900), (past, 600)):
            page = browser.new_page(viewport={"width": 1440, "height": height}, color_scheme="light", locale="en-GB")
            show(page, url)
            page.wait_for_timeout(QUIET)
            page.screenshot(path=IMAGES / f"{show.__name__}.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/") + "/")
