"""What the commands do that keep a data directory safe: back it up, restore it, verify it, repair it."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
from pathlib import Path

import click

from twin.clock import SystemClock
from twin.core import open_core
from twin.directory import DataDirectory
from twin.errors import ConfigurationError, Conflict, TwinError
from twin.flows.backups import Backup, back_up_closed, check_free, copy_checked, put_in_place
from twin.flows.examining import examine, repair_store
from twin.graph.journal import Journal
from twin.graph.past.snapshots import Snapshots
from twin.running import ask, existing
from twin.settings import Settings
from twin.telemetry.duckdb import DuckDBHistory

_UNREADABLE = 2


def run_backup(target: Path, data: Path) -> None:
    """Makes a backup in the new directory ``target``, through the server that runs on the directory if one does."""
    check_free(target)
    server = DataDirectory(data).server()
    if server is None:
        with existing(data) as directory:
            made = back_up_closed(directory, target, SystemClock())
    else:
        told = json.loads(ask(server, "api/v1/backups", b"", "application/octet-stream", "application/json"))
        made = Backup(Path(told["path"]), *(told[name] for name in ("revision", "files", "bytes", "seconds")))
        try:
            put_in_place(made.path, target)
        except OSError as error:
            raise ConfigurationError(
                f"The backup could not be put into {target}: {error.strerror}.",
                remedy=f"It is whole, in {made.path}: move it from there.",
            ) from error
    click.echo(
        f"Revision {made.revision} is in {target}: "
        f"{made.files} files, {made.bytes / 1e6:,.1f} MB, in {made.seconds:.2f} s."
    )
    click.echo(f"  Put it back: twin restore {target} --data NEW-DIRECTORY")


def run_restore(backup: Path, data: Path) -> None:
    """Puts a backup back as a new data directory: its files compared, then journal, graph and history in this order."""
    check_free(data)
    partial = data.with_name(f"{data.name}.{secrets.token_hex(4)}.partial")
    try:
        stated = copy_checked(backup, partial)
        with DataDirectory(partial) as directory:
            core = open_core(directory, Settings(), SystemClock())  # brings the graph up to the journal
            try:
                revision, replayed = core.door.revision, core.replayed
                strangers = asyncio.run(_set_aside(directory.history, core.journal))
                if core.journal.oldest:  # its first changes are gone, so that a state has to stand for them
                    Snapshots(core.store, core.journal, directory.snapshots, None, keep=1, size=2**62).take()
            finally:
                core.close()
        if revision < stated:
            raise ConfigurationError(
                f"The backup holds revision {revision} and should hold {stated}.", remedy="Use another backup."
            )
        put_in_place(partial, data)
    except OSError as error:
        raise ConfigurationError(
            f"{data} could not be written: {error.strerror or error}.", remedy="See that the disk has room."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    click.echo(
        f"Revision {revision} is in {data}, with its history; {replayed} revisions were replayed into the store."
    )
    if strangers:
        click.echo(f"  {strangers} rows of the history were set aside: the journal does not know their series.")
    click.echo(f"  Look at it: twin serve --data {data}")


async def _set_aside(path: Path, journal: Journal) -> int:
    history = DuckDBHistory(path)
    await history.open()
    try:
        return await history.set_aside(journal.known_series().values())
    finally:
        await history.close()


def run_verify(data: Path) -> int:
    """Examines a directory and tells what is wrong; the exit code: 0 nothing, 1 something, 2 it cannot be read."""
    try:
        with existing(data) as directory:
            found = asyncio.run(examine(directory, Settings().validation.brick))
    except TwinError as error:
        click.echo(f"twin: {error}", err=True)
        return _UNREADABLE
    for finding in found.findings:
        click.echo(f"twin: {finding}", err=True)
    if found.findings:
        return 1
    click.echo(
        f"Revision {found.revision}: the journal's chain holds, the store is what the journal says, and files, history "
        "and models are whole."
    )
    if found.replayed:
        click.echo(f"  {found.replayed} revisions were replayed into the store.")
    return 0


def run_repair(data: Path) -> int:
    """Makes a directory's store anew if it is not what the journal says; the exit code, as that of `run_verify`."""
    clock = SystemClock()
    try:
        with existing(data) as directory:
            journal = Journal(directory.journal)
            try:
                wrong, aside = repair_store(directory, journal, Settings().validation.brick, clock.now())
                revision = journal.revision()
            finally:
                journal.close()
    except Conflict as error:
        click.echo(f"twin: {error}", err=True)
        return _UNREADABLE
    if not wrong:
        click.echo(f"Revision {revision}: the store is what the journal says; nothing was changed.")
        return 0
    for finding in wrong:
        click.echo(f"  {finding.message}")
    click.echo(f"The store was made anew from the journal; it holds revision {revision}.")
    if aside is not None:
        click.echo(f"  The damaged one is kept in {aside}; remove it when nobody needs it.")
    return 0
