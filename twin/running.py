"""What the commands do: run a server, or work on a data directory - through its server when one is running."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import click

from twin.app import Application
from twin.clock import SystemClock
from twin.core import open_core
from twin.directory import DataDirectory, RunningServer
from twin.errors import InvalidInput, NotFound, TwinError, Unavailable
from twin.flows.exports import exported
from twin.flows.imports import ImportReport, Source, check_site_name, site_name_from
from twin.graph.recovery import read_artifacts
from twin.scope import Scope
from twin.serving import address, answer, listen, stopping_on_signals
from twin.settings import Settings, check_host, read_settings
from twin.terms import n_quads

Prepare = Callable[[Application], Awaitable[None]]


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

    asyncio.run(serve_directory(data, settings, ready))


async def serve_directory(data: Path, settings: Settings, ready: Prepare, stop: asyncio.Event | None = None) -> None:
    """Answers on the configured address with the directory's application; ``ready`` is awaited when it answers.

    It ends on SIGINT and SIGTERM, or when ``stop`` is set by a caller that listens for them itself.
    """
    own = stop is None
    stop = stop or asyncio.Event()
    with (
        stopping_on_signals(stop) if own else contextlib.nullcontext(),
        listen(settings.server.host, settings.server.port) as bound,
        DataDirectory(data) as directory,
    ):
        url = address(bound)
        async with Application(directory, settings, SystemClock(), url) as app:

            async def on_ready() -> None:
                directory.announce(url)
                await ready(app)
                click.echo(url)

            await answer(app.asgi, bound, on_ready, stop)


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
    if report.repair_count > len(report.repairs):
        lines.append(f"  and {report.repair_count - len(report.repairs)} more repairs")
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
    answered = ask(server, f"api/v1/imports?{query}", packed.getvalue(), "application/x-tar", "application/json")
    return json.dumps(json.loads(answered), indent=2)


def ask(server: RunningServer, path: str, body: bytes | None, content_type: str, accept: str) -> bytes:
    """What the running server answers; its problem in words otherwise."""
    headers = {"Authorization": f"Bearer {server.token}", "Accept": accept}
    if body is not None:
        headers["Content-Type"] = content_type
    request = urllib.request.Request(server.address + path, body, headers)  # noqa: S310 - our own server's address
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
        out.write(ask(server, "sparql", text.encode(), "application/sparql-query", accept))
        return
    with existing(data) as directory:
        asyncio.run(_query_offline(directory, text, accept, out))


async def _query_offline(directory: DataDirectory, text: str, accept: str, out: BinaryIO) -> None:
    async with Application(directory, Settings(), SystemClock(), "", connect=False) as app:
        answer = await app.sparql.query(text, Scope(), accept)
        out.write(await answer.read())


async def run_verify(data: Path) -> str:
    """What the check of a directory found, in words; raises `TwinError` when something is wrong."""
    with existing(data) as directory:
        core = open_core(directory, Settings(), SystemClock())
        try:
            for remembered in core.journal.artifacts().values():
                read_artifacts(directory.raw, remembered)
            broken = core.journal.broken_link()
            if broken is not None:
                raise TwinError(
                    f"The journal's chain breaks at revision {broken}: it was changed outside of Twin.",
                    remedy="Restore the directory from a backup.",
                )
            replayed = f" {core.replayed} revisions were replayed into the store." if core.replayed else ""
            return f"Revision {core.door.revision}: the journal's chain holds and the store stands with it.{replayed}"
        finally:
            core.close()


def existing(data: Path) -> DataDirectory:
    """A data directory that is there; raises `NotFound` for one that is not, instead of making it."""
    if not (data / "format").exists():
        raise NotFound(f"There is no data directory {data}.", remedy="Name one with --data, or import first.")
    return DataDirectory(data)
