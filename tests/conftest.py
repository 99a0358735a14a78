"""One living demo building for the whole session, and an application's way of asking it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.graphql_client import GraphQL
from tests.server_process import ServerProcess

_LINES = 60
_RUNNING = pytest.StashKey[ServerProcess]()


@pytest.fixture(scope="session")
def demo_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """``twin demo`` in a process of its own, started by the first test that wants it; ``.url`` is its address.

    It is everybody's: a test that writes puts back what it changed.  At the end it must stop on Ctrl-C with exit code
    0, without a traceback, and with nothing left running.
    """
    directory = tmp_path_factory.mktemp("demo")
    server = ServerProcess("demo", directory / "data", directory / "output.txt")
    request.config.stash[_RUNNING] = server
    with server:
        yield server


@pytest.fixture(scope="session")
def demo(demo_server: ServerProcess) -> Iterator[GraphQL]:
    """The demo building's surfaces, asked over HTTP."""
    with GraphQL(demo_server.url) as client:
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
    """Shows beside a failure what the demo server said."""
    report: pytest.TestReport = yield
    server = item.config.stash.get(_RUNNING, None)
    if report.failed and server is not None and "demo_server" in getattr(item, "fixturenames", ()):
        report.sections.append(("The demo server said", "\n".join(server.output.splitlines()[-_LINES:])))
    return report
