"""From the start of ``twin demo`` to its first live value, and the memory of everything it runs.

Without ``--quick`` also from a clean checkout - ``make demo`` with nothing but the package caches - to the first live
value in a browser.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

from benchmarks.parts.demo_server import DemoServer, ask, get
from benchmarks.report import Report, median, options
from tests.peers import PeerUnavailable, find

ROOT = Path(__file__).resolve().parent.parent
DEMO = (sys.executable, "-m", "twin.cli", "demo", "--port", "0")
PATIENCE = 120.0
SETTLING = 15.0
"""Seconds of life, with every surface asked, over which the greatest memory is taken."""
SPARQL = "PREFIX brick: <https://brickschema.org/schema/Brick#> SELECT ?unit WHERE { ?unit a brick:AHU }"


def main() -> int:
    chosen = options(__doc__ or "")
    report = Report("start")
    seconds: list[float] = []
    memory: list[dict[str, float]] = []
    shares: list[tuple[str, float]] = []
    for _ in range(1 if chosen.quick else 3):
        server = DemoServer(DEMO)
        try:
            seconds.append(server.first_live_value(PATIENCE))
            memory.append(_greatest_memory(server))
            shares = server.shares()
        finally:
            code, left = server.stop()
        if code != 0 or left:
            report.fail(f"Ctrl-C ended it with exit code {code} and {left} processes left over")
    report.figure("first_live_value_seconds", median(seconds), at_most=15)
    report.figure("resident_megabytes", median([each["rss"] for each in memory]), at_most=600)
    report.figure("proportional_megabytes", median([each["pss"] for each in memory]))
    report.figure("unshared_megabytes", median([each["uss"] for each in memory]))
    for command, megabytes in shares:
        report.note(f"{megabytes:6.0f} MB  {command}")
    if sys.flags.dont_write_bytecode:
        report.note(
            "PYTHONDONTWRITEBYTECODE is set: every start compiles what is not cached, which costs time and memory"
        )
    report.figure("processes", median([each["processes"] for each in memory]))
    if not chosen.quick:
        try:
            report.figure("clean_checkout_to_browser_seconds", _clean_checkout(), at_most=60)
        except PeerUnavailable as reason:
            report.fail(str(reason))
    return report.finish()


def _greatest_memory(server: DemoServer) -> dict[str, float]:
    """The largest memory while every surface is asked again and again."""
    address = server.address(PATIENCE)
    greatest: dict[str, float] = {}
    until = time.monotonic() + SETTLING
    while time.monotonic() < until:
        ask(address + "graphql", "{ twins(first: 100) { nodes { id name properties { nodes { value } } } } }")
        get(f"{address}sparql?query={urllib.parse.quote(SPARQL)}", "application/sparql-results+json")
        get(address)
        found = server.memory()
        if found["rss"] > greatest.get("rss", 0):
            greatest = found
        time.sleep(0.5)
    return greatest


def _clean_checkout() -> float:
    """Seconds from ``make demo`` in a copy of the checkout without any build product to a live value on the screen."""
    from playwright.sync_api import sync_playwright

    chromium = find("chromium")
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout.decode().split("\0")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        for name in filter(None, names):
            target = Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_file():
                shutil.copy2(ROOT / name, target)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        server = DemoServer(("make", "demo", "ARGS=--port 0"), Path(folder))
        try:
            page = browser.new_page(locale="en-GB")
            page.goto(server.address(10 * PATIENCE))
            count = page.get_by_role("group", name="live", exact=True).locator(".figure-count")
            count.wait_for(timeout=PATIENCE * 1000)
            while count.inner_text() == "0":
                time.sleep(0.02)
            return server.since_start()
        finally:
            server.stop()
            browser.close()


if __name__ == "__main__":
    sys.exit(main())
