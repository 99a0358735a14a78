"""Who may talk to a server that trusts loopback."""

from __future__ import annotations

import httpx
import pytest

from tests.api.server import Server, start
from twin.api import create
from twin.settings import ServerSettings, Settings

QUERY = {"query": "{ revision }"}


def client(server: Server, base: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(create(server.services)), base_url=base)


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:8123", "http://localhost:8123", "http://[::1]:8123", "http://LOCALHOST:80"]
)
async def test_loopback_names_with_the_servers_port_are_answered(server: Server, base: str) -> None:
    async with client(server, base) as asking:
        assert (await asking.post("/graphql", json=QUERY)).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1:9999",
        "127.0.0.1",
        "localhost.evil.example:8000",
        "",
        "::1:8000",
        "localhost:x",
    ],
)
async def test_another_host_is_misdirected(server: Server, host: str) -> None:
    async with client(server, "http://127.0.0.1:8000") as asking:
        for path in ("/", "/graphql", "/livez", "/metrics", "/api/v1/export"):
            response = await asking.get(path, headers={"host": host})
            assert (response.status_code, response.json()["code"]) == (421, "forbidden")
            assert "does not answer to the host" in response.json()["detail"]


async def test_a_host_that_is_configured_is_answered() -> None:
    settings = Settings(server=ServerSettings(allowed_hosts=("twin.example", "proxy:443")))
    server = await start(settings=settings)
    async with client(server, "http://127.0.0.1:8000") as asking:
        for host in (
            *("twin.example:8000", "twin.example", "twin.example:443", "twin.example:80"),
            *("proxy:443", "proxy", "127.0.0.1:8000"),
        ):
            assert (await asking.get("/livez", headers={"host": host})).status_code == 200, host
        for host in ("proxy:444", "proxy:80", "twin.example:8001", "127.0.0.1", "example"):
            assert (await asking.get("/livez", headers={"host": host})).status_code == 421, host


async def test_a_page_behind_a_proxy_at_the_usual_port_may_act() -> None:
    server = await start(settings=Settings(server=ServerSettings(allowed_hosts=("twin.example",))))
    async with client(server, "http://127.0.0.1:8000") as asking:
        headers = {"host": "twin.example", "origin": "https://twin.example", "sec-fetch-site": "same-origin"}
        assert (await asking.post("/graphql", json=QUERY, headers=headers)).status_code == 200
        other = {**headers, "origin": "https://twin.example:8443"}
        assert (await asking.post("/graphql", json=QUERY, headers=other)).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8001"},
        {"origin": "http://localhost:8000"},
        {"origin": "file://"},
        {"origin": "http://127.0.0.1:8000.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/graphql", "/api/v1/imports?site=x"])
async def test_a_page_of_another_origin_cannot_post(server: Server, headers: dict[str, str], path: str) -> None:
    async with client(server, "http://127.0.0.1:8000") as asking:
        response = await asking.post(path, json=QUERY, headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://127.0.0.1:8000"},
        {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    ],
)
async def test_our_own_page_and_a_program_can_post(server: Server, headers: dict[str, str]) -> None:
    async with client(server, "http://127.0.0.1:8000") as asking:
        assert (await asking.post("/graphql", json=QUERY, headers=headers)).status_code == 200


async def test_a_page_behind_a_proxy_that_ends_tls_can_post() -> None:
    server = await start(settings=Settings(server=ServerSettings(allowed_hosts=("twin.example:443", "twin.example"))))
    async with client(server, "http://127.0.0.1:8000") as asking:
        headers = {"host": "twin.example:443", "origin": "https://twin.example"}
        assert (await asking.post("/graphql", json=QUERY, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    ],
)
async def test_a_page_of_another_origin_cannot_start_a_query(server: Server, headers: dict[str, str]) -> None:
    async with client(server, "http://127.0.0.1:8000") as asking:
        response = await asking.get("/graphql", params=QUERY, headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
        {"sec-fetch-site": "same-origin", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"},
    ],
)
async def test_a_link_leads_here_from_anywhere_and_our_page_loads_its_parts(
    server: Server, headers: dict[str, str]
) -> None:
    async with client(server, "http://127.0.0.1:8000") as asking:
        assert (await asking.get("/livez", headers=headers)).status_code == 200


async def test_no_answer_lets_another_origin_read_it(server: Server) -> None:
    async with client(server, "http://127.0.0.1:8000") as asking:
        for response in (
            await asking.get("/graphql", params=QUERY, headers={"origin": "http://evil.example"}),
            await asking.options(
                "/graphql", headers={"origin": "http://evil.example", "access-control-request-method": "POST"}
            ),
        ):
            assert not [name for name in response.headers if name.startswith("access-control")]
