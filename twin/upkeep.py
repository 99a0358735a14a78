"""What the commands do that keep a site in order: its violations listed, mended, searched anew, and jobs followed -
through the server that runs on the data directory, or on the directory itself."""

from __future__ import annotations

import asyncio
import json
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import click

from twin.clock import SystemClock
from twin.core import Core, open_core
from twin.directory import DataDirectory, RunningServer
from twin.errors import InvalidInput, NotFound
from twin.graph.child import end_all
from twin.graph.validation.violations import Standing
from twin.interrupts import EndingFirst
from twin.running import ask, existing, followed
from twin.scope import Scope
from twin.settings import Settings

_PAGE = 500
_JSON = "application/json"
_LISTED = """query($site: ID, $after: String) { violations(site: $site, first: 500, after: $after) {
  nodes { id twin severity rule value remedy repair } pageInfo { hasNextPage endCursor } } }"""
_GROUPED = """query($site: ID) { violations(site: $site, first: 500) {
  groups { count rule severity source } twins { count twin } } }"""
_MEND = """mutation($id: ID!, $dry: Boolean!) { applyRepair(violation: $id, dryRun: $dry) {
  revision sentence resolved } }"""
Row = Mapping[str, Any]


class _Site(Protocol):
    """Where violations are listed and mended."""

    def listed(self, site: str | None) -> Iterator[Row]: ...
    def grouped(self, site: str | None) -> tuple[list[Row], list[Row]]: ...
    def mend(self, number: str, dry_run: bool) -> Row: ...


class _Through:
    """Through the running server."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server

    def _ask(self, query: str, **variables: Any) -> Row:
        body = json.dumps({"query": query, "variables": variables}).encode()
        answer = json.loads(ask(self._server, "graphql", body, _JSON, _JSON))
        for error in answer.get("errors", ()):
            raise InvalidInput(error["message"], remedy=error.get("extensions", {}).get("remedy", ""))
        data: Row = answer["data"]
        return data

    def listed(self, site: str | None) -> Iterator[Row]:
        after, more = None, True
        while more:
            page = self._ask(_LISTED, site=site, after=after)["violations"]
            yield from page["nodes"]
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]

    def grouped(self, site: str | None) -> tuple[list[Row], list[Row]]:
        found = self._ask(_GROUPED, site=site)["violations"]
        return found["groups"], found["twins"]

    def mend(self, number: str, dry_run: bool) -> Row:
        done: Row = self._ask(_MEND, id=number, dry=dry_run)["applyRepair"]
        return done


class _Offline:
    """On the directory itself."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def listed(self, site: str | None) -> Iterator[Row]:
        after, more = None, True
        while more:
            page = self._core.violations.page(site, after=after, limit=_PAGE)
            for number, of, found in zip(page.cursors, page.sites, page.items, strict=True):
                repair = self._core.repairing.find(Standing(number, of, found).violation)
                yield {
                    "id": number, "twin": found.focus, "severity": found.severity, "rule": found.rule,
                    "value": found.value or found.found, "remedy": found.remedy,
                    "repair": None if repair is None else repair.sentence,
                }  # fmt: skip
            after, more = page.cursors[-1] if page.cursors else None, page.has_next

    def grouped(self, site: str | None) -> tuple[list[Row], list[Row]]:
        store = self._core.violations
        groups: list[Row] = [
            {"count": each.count, "rule": each.rule, "severity": each.severity, "source": each.source}
            for each in store.groups(site)
        ]
        return groups, [{"count": each.count, "twin": each.focus} for each in store.nodes(site, limit=_PAGE)]

    def mend(self, number: str, dry_run: bool) -> Row:
        done = asyncio.run(self._core.repairing.apply(number, actor="command line", dry_run=dry_run))
        return {"sentence": done.repair.sentence, "resolved": done.resolved}


def run_violations(site: str | None, group: str | None, data: Path) -> None:
    """Lists what stands violated: one by one with its number, or grouped by shape or by twin."""
    with _site(data, site) as place:
        if group is not None:
            by_shape, by_twin = place.grouped(site)
            for each in by_shape if group == "shape" else by_twin:
                about = f"{each['rule']} ({each['severity']}, {each['source']})" if group == "shape" else each["twin"]
                click.echo(f"{each['count']} x {about}")
            return
        for each in place.listed(site):
            value = f" [{each['value']}]" if each["value"] else ""
            click.echo(f"{each['id']}  {each['severity']}  {each['twin']}: {each['rule']}{value}")
            click.echo(f"    {each['repair'] or each['remedy']}{' (twin mend)' if each['repair'] else ''}")


def run_mend(numbers: tuple[str, ...], everything: bool, site: str | None, dry_run: bool, data: Path) -> None:
    """Mends violations that have a mechanical repair: those of these numbers, or all."""
    if bool(numbers) == everything:
        raise InvalidInput(
            "Nothing says which violations to mend." if not numbers else "Both numbers and --all are given.",
            remedy="Give the numbers that twin violations lists, or --all.",
        )
    with _site(data, site) as place:
        chosen = numbers or tuple(each["id"] for each in place.listed(site) if each["repair"])
        mended = 0
        for number in chosen:
            try:
                done = place.mend(number, dry_run)
            except NotFound:
                if not everything:
                    raise
                continue  # it went with the repair of another
            except InvalidInput as error:
                if not everything or "stands" not in error.message:
                    raise
                continue
            mended += done["resolved"]
            click.echo(f"{number}  {done['sentence']}")
        click.echo(f"{mended} violations {'would go' if dry_run else 'are gone'}.")


def run_validate(site: str, data: Path) -> None:
    """Validates all of a site by every rule, and tells what it breaks by shape."""
    server = DataDirectory(data).server()
    if server is not None:
        query = urllib.parse.urlencode({"site": site})
        job = followed(server, ask(server, f"api/v1/validations?{query}", b"", _JSON, _JSON))
    else:
        with existing(data) as directory:
            core = open_core(directory, Settings(), SystemClock())
            try:
                with EndingFirst(end_all):
                    job = asyncio.run(_validated(core, site))
            finally:
                core.close()
    click.echo(job["message"])
    for each in job["result"]["shapes"]:
        click.echo(f"  {each['count']} x {each['rule']}")


async def _validated(core: Core, site: str) -> dict[str, Any]:
    job = core.revalidation.start(site, "command line")
    await core.jobs.outcome(job.id)
    ended = core.jobs.find(job.id)
    return {"message": ended.message, "result": ended.result}


def run_jobs(data: Path) -> None:
    """Lists the jobs of the server that runs on the directory, newest first."""
    for job in json.loads(ask(_server(data), "api/v1/jobs", None, "", _JSON))["jobs"]:
        far = f" {job['step']} {job['done']} of {job['total']}" if job["state"] == "running" and job["total"] else ""
        click.echo(f"{job['id']}  {job['state']}{far}  {job['what']}  {job['message']}".rstrip())


def run_cancel(id: str, data: Path) -> None:
    """Asks a job of the running server to stop."""
    job = json.loads(ask(_server(data), f"api/v1/jobs/{urllib.parse.quote(id)}", None, "", _JSON, method="DELETE"))
    click.echo(f"{job['id']} {'is cancelled' if job['state'] == 'cancelled' else 'was asked to stop'}.")


def _server(data: Path) -> RunningServer:
    server = DataDirectory(data).server()
    if server is None:
        raise NotFound(f"No server runs on {data}.", remedy=f"Start one: twin serve --data {data}.")
    return server


@contextmanager
def _site(data: Path, site: str | None) -> Iterator[_Site]:
    server = DataDirectory(data).server()
    if server is not None:
        yield _Through(server)
        return
    with existing(data) as directory:
        core = open_core(directory, Settings(), SystemClock())
        try:
            known = core.twins.sites(Scope())
            if site is not None and site not in known:
                raise NotFound(f"There is no site {site!r}.", remedy=f"There are: {', '.join(known) or 'none'}.")
            yield _Offline(core)
        finally:
            core.close()
