"""Jobs over REST: seen, and stopped."""

from __future__ import annotations

from typing import Any

from tests.api.server import VIEWER, Server, start
from twin.jobs import Job, Jobs


class Importer:
    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs

    def start(self, data: bytes, **how: Any) -> Job:
        return self.jobs.begin("import", f"import of {how['name']}", site=how["site"], actor=how["actor"]).job


async def test_who_does_not_wait_for_an_import_is_given_its_job() -> None:
    server = await start()
    server.close()
    jobs = server.services.jobs
    server = await start(importer=Importer(jobs), jobs=jobs)
    headers = {"prefer": "respond-async, wait=10", "content-type": "text/turtle"}
    async with server.client() as client:
        answer = await client.post("/api/v1/imports?site=new&name=a.ttl", content=b"<a:a> <a:b> 1 .", headers=headers)
        found = await client.get(answer.headers["location"])
    assert (answer.status_code, answer.headers["preference-applied"]) == (202, "respond-async")
    assert found.json() == answer.json()
    assert {name: found.json()[name] for name in ("kind", "what", "site", "actor", "state")} == {
        "kind": "import", "what": "import of a.ttl", "site": "new", "actor": "local", "state": "running",
    }  # fmt: skip
    server.close()


async def test_jobs_are_listed_newest_first_and_by_what_is_asked(server: Server) -> None:
    jobs = server.services.jobs
    with jobs.run("import", "first", site="hq"):
        pass
    jobs.begin("validation", "second", site="annex")
    async with server.client() as client:
        everything = (await client.get("/api/v1/jobs")).json()["jobs"]
        hq = (await client.get("/api/v1/jobs?site=hq")).json()["jobs"]
        running = (await client.get("/api/v1/jobs?state=running&kind=validation")).json()["jobs"]
    assert [each["what"] for each in everything] == ["second", "first"]
    assert [each["state"] for each in hq] == ["done"]
    assert [each["what"] for each in running] == ["second"]


async def test_a_job_is_cancelled_once_and_stays_so(server: Server) -> None:
    jobs = server.services.jobs
    running = jobs.begin("validation", "x", site="hq")
    async with server.client() as client:
        first = await client.delete(f"/api/v1/jobs/{running.id}")
        second = await client.delete(f"/api/v1/jobs/{running.id}")
        assert (first.status_code, second.status_code, second.json()["cancelling"]) == (202, 202, True)
        jobs.change(running.id, state="cancelled", cancelling=False)
        again = await client.delete(f"/api/v1/jobs/{running.id}")
    assert (again.status_code, again.json()["state"]) == (200, "cancelled")


async def test_a_job_that_cannot_be_cancelled_says_why(server: Server) -> None:
    jobs = server.services.jobs
    with jobs.run("import", "x") as done:
        pass
    writing = jobs.begin("import", "y")
    writing.bind()
    async with server.client() as client:
        unknown = await client.delete("/api/v1/jobs/import-0")
        ended = await client.delete(f"/api/v1/jobs/{done.id}")
        bound = await client.delete(f"/api/v1/jobs/{writing.id}")
        missing = await client.get("/api/v1/jobs/import-0")
        server.principal[0] = VIEWER
        refused = await client.delete(f"/api/v1/jobs/{writing.id}")
    assert [each.status_code for each in (unknown, ended, bound, missing, refused)] == [404, 409, 409, 404, 403]
    assert ended.json()["detail"] == f"The job {done.id} has ended: it is done."
    assert all(each.json()["remedy"] for each in (unknown, ended, bound, missing, refused))
