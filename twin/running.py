"""What the commands do: run a server, or work on a data directory - through its server when one is running."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import gc
import io
import json
import re
import socket
import sys
import tarfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import click

from twin.app import Application
from twin.clock import SystemClock
from twin.core import open_core
from twin.directory import DataDirectory, RunningServer
from twin.errors import InvalidInput, NotFound, Unavailable
from twin.flows.exports import exported
from twin.flows.imports import ImportReport, Source, check_site_name, site_name_from
from twin.graph.child import end_all
from twin.interrupts import EndingFirst
from twin.scope import Scope
from twin.serving import address, answer, listen, run, stopping_on_signals
from twin.settings import Settings, check_host, read_settings
from twin.terms import n_quads
from twin.vocabularies import sandbox

_LOOK = 0.25  # seconds between two looks at a job
Prepare = Callable[[Application], Awaitable[None]]
_NOT_CODE = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|<[^<>\s]*>|#[^\n]*')
_STAR = re.compile(r"^\s*(?:(?:PREFIX\s+\S*\s*|BASE)\s+)*SELECT\s+(?:DISTINCT\s+|REDUCED\s+)?\*", re.IGNORECASE)
_VARIABLE = re.compile(r"[?$](\w+)")
Place = tuple[socket.socket, DataDirectory]


def configured(config: Path | None, host: str | None, port: int | None) -> Settings:
    """The settings of the file with what the command line says on top."""
    settings = read_settings(config)
    server = settings.server
    settings = replace(
        settings,
        server=replace(server, host=host or server.host, port=server.port if port is None else port),
    )
    check_host(settings.server.host)
    return settings


def run_server(data: Path, config: Path | None, host: str | None, port: int | None) -> None:
    """Runs a server on the directory until SIGINT or SIGTERM."""
    settings = configured(config, host, port)

    async def ready(app: Application) -> None:
        click.echo(f"Data in {data}.")

    run(serve_directory(data, settings, ready))


async def serve_directory(data: Path, settings: Settings, ready: Prepare) -> None:
    """Answers on the configured address with the directory's application until SIGINT or SIGTERM; ``ready`` is awaited
    when it answers."""
    stop = asyncio.Event()
    with stopping_on_signals(stop), claimed(data, settings) as place:
        await serve_claimed(place, settings, ready, stop)


@contextlib.contextmanager
def claimed(data: Path, settings: Settings) -> Iterator[Place]:
    """A server's address and directory, both its own from now on; raises in words when either is taken."""
    with listen(settings.server.host, settings.server.port) as bound, DataDirectory(data) as directory:
        yield bound, directory


async def serve_claimed(place: Place, settings: Settings, ready: Prepare, stop: asyncio.Event) -> None:
    """Answers at the place until ``stop`` is set; ``ready`` is awaited when it answers."""
    bound, directory = place
    url = address(bound)
    if not await asyncio.to_thread(sandbox.isolated):
        click.echo("This system takes the network away from no process (unshare -rn): files are opened without that.")
    async with Application(directory, settings, SystemClock(), url) as app:

        async def on_ready() -> None:
            directory.announce(url)
            await ready(app)
            # What is there now stays: looking through all of it for garbage would hold up every request for a while.
            gc.freeze()
            click.echo(url)

        try:
            await answer(app.asgi, bound, on_ready, stop)
        finally:
            gc.unfreeze()  # what ends with the process is taken down in order


def run_import(files: Sequence[Path], site: str | None, lenient: bool, data: Path, config: Path | None) -> None:
    """Imports the files into one site and prints the report."""
    sources = [Source.of(file) for file in files]
    name = site or site_name_from(files[0])
    check_site_name(name)
    server = DataDirectory(data).server()
    if server is not None:
        click.echo(_import_through(server, sources, name, lenient))
        return
    settings = read_settings(config)
    with DataDirectory(data) as directory:
        core = open_core(directory, settings, SystemClock())
        try:
            with EndingFirst(sandbox.end_all, end_all):
                report = asyncio.run(core.importer.import_sources(sources, name, "command line", lenient=lenient))
            click.echo(told(report, data))
            for group in core.violations.groups(name)[:10]:
                click.echo(f"  {group.count} x {group.rule}")
        finally:
            core.close()


def told(report: ImportReport, data: Path) -> str:
    """An import report in words."""
    lines = [
        f"Imported {report.triples} triples into site {report.site} as revision {report.revision}: "
        f"{report.twins} twins, {report.properties} properties, {report.violations} violations.",
        "  " + ", ".join(f"{step} {seconds:.2f} s" for step, seconds in report.seconds.items()),
    ]
    if report.unjudged:
        lines.append(f"  The violations are not known: {report.unjudged}")
    lines += [f"  repaired: {repair}" for repair in report.repairs]
    lines.append(f"  Look at it: twin serve --data {data}")
    return "\n".join(lines)


def _import_through(server: RunningServer, sources: Sequence[Source], site: str, lenient: bool) -> str:
    # Together, because an interface and its twins, or a building and its bindings, say nothing apart.
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for source in sources:
            member = tarfile.TarInfo(source.name)
            member.size = len(source.data)
            archive.addfile(member, io.BytesIO(source.data))
    names = ", ".join(source.name for source in sources)
    query = urllib.parse.urlencode({"site": site, "lenient": str(lenient).lower(), "name": names})
    path = f"api/v1/imports?{query}"
    begun = ask(server, path, packed.getvalue(), "application/x-tar", "application/json", prefer="respond-async")
    return json.dumps(followed(server, begun)["result"], indent=2)


def followed(server: RunningServer, begun: bytes) -> dict[str, Any]:
    """A job of the running server when it has ended; a terminal is told how far it is while it goes on.

    An interrupt cancels the job and waits until it has ended.  Raises `InvalidInput` with its error when it failed.
    """
    job: dict[str, Any] = json.loads(begun)
    path, told = f"api/v1/jobs/{job['id']}", ""

    def look() -> None:
        nonlocal job
        job = json.loads(ask(server, path, None, "", "application/json"))

    try:
        while job["state"] == "running":
            time.sleep(_LOOK)
            look()
            step = f"{job['step']} {job['done']:,}" + (f" of {job['total']:,}" if job["total"] else "")
            if job["state"] == "running" and step != told and sys.stderr.isatty():
                told = step
                click.echo(f"  {step}", err=True)
    except KeyboardInterrupt:
        with contextlib.suppress(InvalidInput):  # it has ended meanwhile, or writes already and stands
            ask(server, path, None, "", "application/json", method="DELETE")
        while job["state"] == "running":
            time.sleep(_LOOK)
            look()
        click.echo(f"twin: The job is {job['state']}. {job['message']}", err=True)
        raise
    if job["state"] != "done":
        error = job["error"] or {"detail": job["message"]}
        raise InvalidInput(error["detail"], remedy=error.get("remedy", ""), violations=error.get("violations", ()))
    return job


def ask(
    server: RunningServer,
    path: str,
    body: bytes | None,
    content_type: str,
    accept: str,
    *,
    method: str | None = None,
    prefer: str = "",
) -> bytes:
    """What the running server answers; its problem in words otherwise."""
    headers = {"Authorization": f"Bearer {server.token}", "Accept": accept}
    if body is not None:
        headers["Content-Type"] = content_type
    if prefer:
        headers["Prefer"] = prefer
    request = urllib.request.Request(  # noqa: S310 - our own server's address
        server.address + path, body, headers, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=600) as response:  # noqa: S310
            return bytes(response.read())
    except urllib.error.HTTPError as error:
        text = error.read()
        try:
            problem = json.loads(text)
            message, remedy = problem.get("detail") or problem.get("title") or str(error), problem.get("remedy", "")
            violations = problem.get("violations", ())
        except (ValueError, AttributeError):
            message, remedy, violations = str(error), "", ()
        raise InvalidInput(message, remedy=remedy, violations=violations) from error
    except OSError as error:
        raise Unavailable(
            f"The server at {server.address} does not answer: {error}.", remedy="See whether it is still running."
        ) from error


def run_attach(file: Path, data: Path) -> None:
    """Attaches a model through the server that runs on the directory, and tells which twins it scores."""
    server = DataDirectory(data).server()
    if server is None:
        raise NotFound(f"No server runs on {data}.", remedy=f"Start one: twin serve --data {data}.")
    body = Source.of(file).data
    attached = json.loads(ask(server, "api/v1/models", body, "application/octet-stream", "application/json"))
    click.echo(f"Attached to {attached['name']}; it scores {len(attached['twins'])} twins.")
    for twin in attached["twins"]:
        click.echo(f"  {twin}")


def run_export(site: str | None, data: Path, out: BinaryIO) -> None:
    """Writes the asserted quads of the sites: assets, bindings, models, and the classes that came with them."""
    server = DataDirectory(data).server()
    if server is not None:
        query = f"?{urllib.parse.urlencode({'site': site})}" if site else ""
        out.write(ask(server, f"api/v1/export{query}", None, "", "application/n-quads"))
        return
    with existing(data) as directory:
        core = open_core(directory, Settings(), SystemClock())
        try:
            sites = core.twins.sites(Scope())
            if site is not None and site not in sites:
                raise NotFound(f"There is no site {site!r}.", remedy=f"There are: {', '.join(sites) or 'none'}.")
            for one in sites if site is None else [site]:
                out.write(n_quads(exported(core.store, one, Scope())))
        finally:
            core.close()


def run_query(text: str, data: Path, out: BinaryIO) -> None:
    """Runs a SPARQL query through the running server, or on the directory itself."""
    server = DataDirectory(data).server()
    accept = "text/csv, application/n-triples;q=0.9"
    if server is not None:
        found = ask(server, "sparql", text.encode(), "application/sparql-query", accept)
    else:
        with existing(data) as directory:
            found = asyncio.run(_query_offline(directory, text, accept))
    out.write(in_the_order_asked(text, found))


async def _query_offline(directory: DataDirectory, text: str, accept: str) -> bytes:
    async with Application(directory, Settings(), SystemClock(), "", connect=False) as app:
        answer = await app.sparql.query(text, Scope(), accept)
        return await answer.read()


def in_the_order_asked(text: str, found: bytes) -> bytes:
    """The CSV of a ``SELECT *`` with its columns as the query names them first; any other answer as it is.

    The engine sorts them by name; SPARQL 1.1 leaves the order open.
    """
    bare = _NOT_CODE.sub(" ", text)
    if not _STAR.search(bare):
        return found
    rows = list(csv.reader(io.StringIO(found.decode(), newline="")))
    if not rows:
        return found
    named = list(dict.fromkeys(_VARIABLE.findall(bare)))
    columns = sorted(range(len(rows[0])), key=lambda each: named.index(rows[0][each]) if rows[0][each] in named else -1)
    answer = io.StringIO(newline="")
    csv.writer(answer).writerows([row[column] for column in columns] if row else [] for row in rows)
    return answer.getvalue().encode()


def existing(data: Path) -> DataDirectory:
    """A data directory that is there; raises `NotFound` for one that is not, instead of making it."""
    if not (data / "format").exists():
        raise NotFound(f"There is no data directory {data}.", remedy="Name one with --data, or import first.")
    return DataDirectory(data)
