"""Histories on the command line: tables out and in, through the running server or offline."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import click

from twin.api.histories import HistoryWindow
from twin.api.rest_histories import report_told
from twin.app import Application
from twin.clock import SystemClock
from twin.directory import DataDirectory, RunningServer
from twin.errors import InvalidInput, NotFound, Unavailable
from twin.flows.history_in import BackfillReport, backfill
from twin.flows.history_out import Selection, Span, exported
from twin.running import ask, existing
from twin.scope import Scope
from twin.settings import Settings
from twin.telemetry.table_formats import MEDIA_TYPES, Format, format_named

_WITHIN = 3600.0  # seconds that a server may take for one table


def run_history_export(parameters: Mapping[str, Any], data: Path, out: BinaryIO) -> None:
    """Writes the table of a selection; ``parameters`` are those of ``/api/v1/history/export``."""
    given = {name: value for name, value in parameters.items() if value not in (None, (), [])}
    server = DataDirectory(data).server()
    if server is not None:
        with _open(server, f"api/v1/history/export?{urllib.parse.urlencode(given, doseq=True)}", None, {}) as answer:
            shutil.copyfileobj(answer, out)
        return
    with existing(data) as directory:
        asyncio.run(_export_offline(directory, given, out))


async def _export_offline(directory: DataDirectory, given: Mapping[str, Any], out: BinaryIO) -> None:
    if "query" in given:
        raise InvalidInput("A query is asked of a running server.", remedy="Start it: twin serve.")
    async with Application(directory, Settings(), SystemClock(), "", connect=False) as app:
        selection = Selection(
            given.get("property", ()),
            given.get("twin", ()),
            given.get("site"),
            given.get("class"),
            given.get("role"),
            given.get("text"),
        )
        records = selection.records(app.core.twins, Scope())
        window = HistoryWindow.of(given.get("from"), given.get("to"), given.get("interval"), app.clock.now())
        span = Span(window.start, window.end, window.interval, given.get("aggregate", "mean"))
        async for part in exported(app.history, records, span, format_named(given.get("format", "ndjson"))):
            out.write(part)


def run_history_import(files: Sequence[Path], lenient: bool, dry_run: bool, data: Path) -> bool:
    """Keeps tables of past values, each with its report; whether all could be kept."""
    whole = True
    server = DataDirectory(data).server()
    for file in files:
        if not file.is_file():
            raise InvalidInput(f"There is no file {file}.", remedy="Name an existing file.")
        format = format_named(file.suffix)
        if server is not None:
            report = _import_through(server, file, format, lenient, dry_run)
        else:
            with existing(data) as directory:
                report = asyncio.run(_import_offline(directory, file, format, lenient, dry_run))
        click.echo(f"{file.name}: {report['message'] if not dry_run else _judged(report)}")
        for reason, count in list(report["reasons"].items())[:10]:
            click.echo(f"  {count} x {reason}")
        for problem in report["problems"][:10]:
            click.echo(f"  row {problem['row']}: {problem['reason']}")
        whole = whole and (report["applied"] or (dry_run and not report["rejected"]))
    return whole


def _judged(report: Mapping[str, Any]) -> str:
    return f"{report['accepted']} of {report['rows']} rows can be kept."


async def _import_offline(
    directory: DataDirectory, file: Path, format: Format, lenient: bool, dry_run: bool
) -> Mapping[str, Any]:
    async with Application(directory, Settings(), SystemClock(), "", connect=False) as app:
        with app.core.jobs.run("back-fill", file.name) as job:
            report: BackfillReport = await backfill(
                file, format, Scope(), app.core.twins, app.history, app.latest, app.keeping.origins, app.clock, job,
                lenient=lenient, dry_run=dry_run,
            )  # fmt: skip
    return report_told(report)


def _import_through(
    server: RunningServer, file: Path, format: Format, lenient: bool, dry_run: bool
) -> Mapping[str, Any]:
    query = {"lenient": str(lenient).lower(), "dryRun": str(dry_run).lower(), "name": file.name}
    headers = {"Content-Type": MEDIA_TYPES[format], "Content-Length": str(file.stat().st_size)}
    with (
        file.open("rb") as body,
        _open(server, f"api/v1/history/import?{urllib.parse.urlencode(query)}", body, headers) as answer,
    ):
        found: Mapping[str, Any] = json.loads(answer.read())
        return found


def _open(server: RunningServer, path: str, body: Any, headers: Mapping[str, str]) -> Any:
    asked = {"Authorization": f"Bearer {server.token}", **headers}
    request = urllib.request.Request(server.address + path, body, asked)  # noqa: S310 - our own server's address
    try:
        return urllib.request.urlopen(request, timeout=_WITHIN)  # noqa: S310
    except urllib.error.HTTPError as error:
        text = error.read()
        told = json.loads(text) if text.startswith(b"{") else {}
        if "problems" in told:  # a table of which nothing was kept: its report
            return io.BytesIO(text)
        kind = NotFound if error.code == 404 else Unavailable if error.code >= 500 else InvalidInput
        raise kind(told.get("detail") or str(error), remedy=told.get("remedy", "")) from error
    except OSError as error:
        raise Unavailable(
            f"The server at {server.address} does not answer: {error}.", remedy="See whether it is still running."
        ) from error


_AGAIN = """mutation($connection: ID!, $from: DateTime, $to: DateTime, $properties: [ID!], $dryRun: Boolean!) {
  reprocess(connection: $connection, from: $from, to: $to, properties: $properties, dryRun: $dryRun) {
    message unmatched rescued reasons { reason count }
    byProperty { property same new changed largestDifference } differences { property time before after } } }"""


def run_reprocess(
    connection: str, start: str | None, end: str | None, properties: Sequence[str], apply: bool, data: Path
) -> None:
    """Decodes a connection's payloads again through the running server, and tells what differs."""
    server = DataDirectory(data).server()
    if server is None:
        raise NotFound(f"No server runs on {data}.", remedy=f"Start one: twin serve --data {data}.")
    variables = {
        "connection": connection,
        "from": start,
        "to": end,
        "properties": list(properties) or None,
        "dryRun": not apply,
    }
    body = json.dumps({"query": _AGAIN, "variables": variables}).encode()
    answer = json.loads(ask(server, "graphql", body, "application/json", "application/json"))
    for error in answer.get("errors", ()):
        raise InvalidInput(error["message"], remedy=error.get("extensions", {}).get("remedy", ""))
    told = answer["data"]["reprocess"]
    click.echo(told["message"])
    if told["rescued"]:
        click.echo(f"{told['rescued']} of the payloads were rejected when they came.")
    if told["unmatched"]:
        click.echo(f"{told['unmatched']} values that nothing decodes to now stay.")
    for each in told["byProperty"]:
        largest = f", by {each['largestDifference']:g} at most" if each["changed"] else ""
        click.echo(f"  {each['property']}: {each['same']} same, {each['changed']} changed{largest}, {each['new']} new")
    for each in told["reasons"]:
        click.echo(f"  rejected: {each['count']} x {each['reason']}")
    for each in told["differences"][:10]:
        click.echo(f"  {each['time']} {each['property']}: {each['before']} -> {each['after']}")
