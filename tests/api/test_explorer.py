"""The web explorer's files and pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.server import Server
from twin.api import application


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "built"
    (directory / "assets").mkdir(parents=True)
    (directory / "index.html").write_text("<title>Explorer</title>")
    (directory / "assets" / "main-ab12.js").write_text("export {}")
    (directory / "theme.js").write_text("//")
    (tmp_path / "secret.txt").write_text("hush")
    monkeypatch.setattr(application, "explorer_directory", lambda: directory)
    return directory


async def test_every_page_of_the_explorer_is_the_same_document(server: Server, built: Path) -> None:
    async with server.client() as client:
        for path in ("/", "/query", "/twins/urn:twin:hq:ahu-1", "/twins/https%3A%2F%2Fa.example%2Fahu.1"):
            response = await client.get(path)
            assert (response.status_code, response.text) == (200, "<title>Explorer</title>")
            assert response.headers["content-type"] == "text/html; charset=utf-8"
            assert response.headers["cache-control"] == "no-cache"
            assert "frame-ancestors 'none'" in response.headers["content-security-policy"]


async def test_files_with_a_hash_in_their_name_are_kept_and_others_asked_for_again(server: Server, built: Path) -> None:
    async with server.client() as client:
        hashed = await client.get("/assets/main-ab12.js")
        plain = await client.get("/theme.js")
        again = await client.get("/theme.js", headers={"if-none-match": plain.headers["etag"]})
    assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert hashed.headers["content-type"] == "text/javascript; charset=utf-8"
    assert hashed.headers["x-content-type-options"] == "nosniff"
    assert plain.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")


async def test_a_file_that_is_not_there_is_no_page(server: Server, built: Path) -> None:
    async with server.client() as client:
        for path in ("/assets/old-cd34.js", "/favicon.ico", "/missing.css"):
            assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/sparql/nothing", "/v2/models", "/rdf-graphs", "/readyz/x", "/graphql/x"]
)
async def test_an_unknown_api_path_is_a_problem_and_no_page(server: Server, built: Path, path: str) -> None:
    async with server.client() as client:
        response = await client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")


async def test_nothing_outside_the_directory_is_served(server: Server, built: Path) -> None:
    async with server.client() as client:
        for path in (
            "/../secret.txt",
            "/%2e%2e/secret.txt",
            "/assets/..%2f..%2fsecret.txt",
            "/%2Fetc%2Fpasswd",
            "/a%00b",
        ):
            assert "hush" not in (await client.get(path)).text


async def test_without_a_build_the_first_page_says_how_to_make_one(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "explorer_directory", lambda: tmp_path / "nothing")
    async with server.client() as client:
        first, other = await client.get("/"), await client.get("/query")
    assert (first.status_code, other.status_code) == (200, 404)
    assert "make explorer" in first.text
    assert "npm run build" in first.text
    assert "src=" not in first.text


async def test_other_methods_than_reading_are_refused(server: Server, built: Path) -> None:
    async with server.client() as client:
        response = await client.post("/query", json={})
    assert response.status_code == 405
