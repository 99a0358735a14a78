"""Jobs over REST: seen, and stopped."""

from __future__ import annotations

from types import SimpleNamespace
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


async def test_jobs_over_graphql_are_listed_told_and_cancelled(server: Server) -> None:
    jobs = server.services.jobs
    running = jobs.begin("validation", "validation of hq", site="hq", actor="ann")
    running.tell("validate", 5, 10)
    fields = "id kind what site actor state step done total cancellable cancelling began ended message"
    found = (await server.data(f'{{ jobs(site: "hq", state: "running") {{ {fields} }} }}'))["jobs"]
    assert [(each["kind"], each["step"], each["done"], each["total"]) for each in found] == [
        ("validation", "validate", 5, 10)
    ]
    one = await server.data(f"query($id: ID!) {{ job(id: $id) {{ {fields} }} }}", id=running.id)
    assert one["job"] == found[0]
    cancel = "mutation($id: ID!) { cancelJob(id: $id) { cancelling } }"
    assert (await server.data(cancel, id=running.id))["cancelJob"] == {"cancelling": True}
    assert running.stop.asked
    assert (await server.error(cancel, id="import-0"))["extensions"]["code"] == "not-found"
    server.principal[0] = VIEWER
    assert (await server.error(cancel, id=running.id))["extensions"]["code"] == "forbidden"


async def test_a_validation_is_asked_for_by_site() -> None:
    asked: list[tuple[str, str]] = []
    jobs: list[Jobs] = []

    def begin(site: str, actor: str) -> Job:
        asked.append((site, actor))
        return jobs[0].begin("validation", "x", site=site, actor=actor).job

    server = await start(validation=SimpleNamespace(start=begin))
    jobs.append(server.services.jobs)
    async with server.client() as client:
        answer = await client.post("/api/v1/validations?site=hq")
        nothing = await client.post("/api/v1/validations")
    assert (answer.status_code, answer.json()["kind"]) == (202, "validation")
    assert nothing.status_code == 400
    found = await server.data('mutation { validateSite(site: "hq") { kind site } }')
    assert found["validateSite"] == {"kind": "validation", "site": "hq"}
    unknown = await server.error('mutation { validateSite(site: "nowhere") { id } }')
    assert unknown["message"] == "There is no site 'nowhere'."
    assert asked == [("hq", "local"), ("hq", "local")]
    server.close()
