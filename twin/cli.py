"""The command line, ``twin``.

Every mistake is one sentence and its remedy on standard error, with a non-zero exit; never a traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from twin import __version__, interrupts
from twin.errors import TwinError

P = ParamSpec("P")
R = TypeVar("R")
DEFAULT_DATA = Path("twin-data")


def sentences(command: Callable[P, R]) -> Callable[P, R]:
    """A command whose errors are told in words and end it with exit code 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except TwinError as error:
            click.echo(f"twin: {error}", err=True)
            for violation in error.details.get("violations", ())[:20]:
                click.echo(f"  {violation['twin']}: {violation['rule']} {violation['remedy']}".rstrip(), err=True)
            sys.exit(1)
        except KeyboardInterrupt:
            sys.exit(interrupts.status())
        except BrokenPipeError:
            # The reader of our output has gone (``twin export | head``): nothing is left to say.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except Exception as error:  # a defect of ours: told in one line, its traceback only to who asks for it
            if os.environ.get("TWIN_DEBUG"):
                raise
            click.echo(
                f"twin: an internal error stopped this command: {type(error).__name__}: {error}. "
                "Set TWIN_DEBUG=1 to see where, and report it.",
                err=True,
            )
            sys.exit(70)

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="twin")
def main() -> None:
    """A digital-twin knowledge-graph server."""


_path = click.Path(path_type=Path)
_data = click.option("--data", type=_path, default=DEFAULT_DATA, show_default=True, help="The data directory.")
_config = click.option("--config", type=_path, default=None, help="The configuration file, twin.toml.")
_host = click.option("--host", default=None, help="The address to listen on (default 127.0.0.1).")
_port = click.option("--port", type=click.IntRange(0, 65535), default=None, help="Default 8000; 0 picks a free one.")


@main.command()
@_data
@_config
@_host
@_port
@sentences
def serve(data: Path, config: Path | None, host: str | None, port: int | None) -> None:
    """Runs the server on a data directory."""
    from twin.running import run_server

    run_server(data, config, host, port)


@main.command()
@click.option("--data", type=_path, default=None, help="Keep state here (default: a temporary directory).")
@_config
@_host
@_port
@click.option("--fault", multiple=True, help="Start with this fault switched on (stuck-damper-ahu-1, ...).")
@sentences
def demo(data: Path | None, config: Path | None, host: str | None, port: int | None, fault: tuple[str, ...]) -> None:
    """Starts a living building with every surface up."""
    from twin.demo.run import run_demo

    run_demo(data, config, host, port, fault)


@main.command("import")
@click.argument("files", nargs=-1, required=True, type=_path)
@click.option("--site", default=None, help="The site to import into (default: the first file's stem).")
@click.option("--lenient", is_flag=True, help="Repair illegal IRIs, and list every repair; keep good rows.")
@click.option("--history", is_flag=True, help="The files are tables of past values: CSV, NDJSON, Parquet, Arrow.")
@click.option("--dry-run", is_flag=True, help="With --history: judge every row, and keep none.")
@_data
@_config
@sentences
def import_(
    files: tuple[Path, ...],
    site: str | None,
    lenient: bool,
    history: bool,
    dry_run: bool,
    data: Path,
    config: Path | None,
) -> None:
    """Imports a building: Turtle, N-Triples, N-Quads, TriG, JSON-LD, RDF/XML, DTDL and digital-twin graphs in JSON.

    With --history, tables of past values.
    """
    if history:
        from twin.history_commands import run_history_import

        sys.exit(0 if run_history_import(files, lenient, dry_run, data) else 1)
    from twin.running import run_import

    run_import(files, site, lenient, data, config)


@main.command()
@click.option("--site", default=None, help="One site only (default: all).")
@click.option("--history", is_flag=True, help="Write past values instead, of what the options below select.")
@click.option("--property", multiple=True, help="A property's id; may be given several times.")
@click.option("--twin", multiple=True, help="A twin's id: all its properties.")
@click.option("--class", "type", default=None, help="Of properties or of their twins, e.g. brick:AHU.")
@click.option("--role", default=None, help="E.g. supply_air_temperature.")
@click.option("--text", default=None, help="Searched in name and id.")
@click.option("--query", default=None, help="SPARQL whose first column is properties or twins.")
@click.option("--from", "start", default=None, help="ISO 8601 (default: a day before --to).")
@click.option("--to", default=None, help="ISO 8601 (default: now).")
@click.option("--interval", default=None, help="PT15M or 15m (default: every sample).")
@click.option("--aggregate", default=None, help="Of an interval: mean, min, max, sum, count, first, last.")
@click.option("--format", default=None, help="ndjson, csv, parquet or arrow.")
@_data
@sentences
def export(site: str | None, history: bool, type: str | None, start: str | None, data: Path, **selected: Any) -> None:
    """Writes the sites' assets, bindings and models to standard output as N-Quads; with --history, past values."""
    if history:
        from twin.history_commands import run_history_export

        run_history_export({**selected, "site": site, "class": type, "from": start}, data, sys.stdout.buffer)
        return
    from twin.running import run_export

    run_export(site, data, sys.stdout.buffer)


@main.command()
@click.argument("connection")
@click.option("--from", "start", default=None, help="Received from then on, ISO 8601 (default: a day before --to).")
@click.option("--to", "end", default=None, help="ISO 8601 (default: now).")
@click.option("--property", multiple=True, help="Of this property only; may be given several times.")
@click.option("--apply", is_flag=True, help="Write what differs, instead of telling it only.")
@_data
@sentences
def reprocess(
    connection: str, start: str | None, end: str | None, property: tuple[str, ...], apply: bool, data: Path
) -> None:
    """Decodes the raw payloads of a CONNECTION again, through its bindings as they are now."""
    from twin.history_commands import run_reprocess

    run_reprocess(connection, start, end, property, apply, data)


@main.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@_data
@sentences
def query(file: Path, data: Path) -> None:
    """Runs a SPARQL query from a file (or - for standard input) and writes its results as CSV or N-Triples."""
    from twin.running import run_query

    text = sys.stdin.read() if str(file) == "-" else _read(file)
    run_query(text, data, sys.stdout.buffer)


_site = click.option("--site", default=None, help="One site only (default: all).")


@main.command()
@_site
@click.option("--group", type=click.Choice(["shape", "twin"]), default=None, help="How often, by rule or by node.")
@_data
@sentences
def violations(site: str | None, group: str | None, data: Path) -> None:
    """Lists what breaks a rule, each with its number and what to do about it."""
    from twin.upkeep import run_violations

    run_violations(site, group, data)


@main.command()
@click.argument("numbers", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every violation that has a mechanical repair.")
@_site
@click.option("--dry-run", is_flag=True, help="Judge and tell the repairs, and make none.")
@_data
@sentences
def mend(numbers: tuple[str, ...], everything: bool, site: str | None, dry_run: bool, data: Path) -> None:
    """Applies the mechanical repairs of violations, by the numbers that twin violations lists."""
    from twin.upkeep import run_mend

    run_mend(numbers, everything, site, dry_run, data)


@main.command()
@click.argument("site")
@_data
@sentences
def validate(site: str, data: Path) -> None:
    """Validates all of a SITE by every rule, and tells what it breaks."""
    from twin.upkeep import run_validate

    run_validate(site, data)


@main.group(invoke_without_command=True)
@_data
@click.pass_context
@sentences
def jobs(context: click.Context, data: Path) -> None:
    """Lists the jobs of the running server: imports, validations, large edits of the class tree."""
    if context.invoked_subcommand is None:
        from twin.upkeep import run_jobs

        run_jobs(data)


@jobs.command()
@click.argument("id")
@_data
@sentences
def cancel(id: str, data: Path) -> None:
    """Cancels a job of the running server."""
    from twin.upkeep import run_cancel

    run_cancel(id, data)


@main.group()
def model() -> None:
    """Models on capabilities."""


@model.command()
@click.argument("file", type=_path)
@_data
@sentences
def attach(file: Path, data: Path) -> None:
    """Attaches an ONNX model to the capability that its contract names, on the running server."""
    from twin.running import run_attach

    run_attach(file, data)


@main.command()
@click.argument("files", nargs=-1, required=True, type=_path)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each file.")
@sentences
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Checks files without storing anything: exit 0 valid, 1 invalid with reasons, 2 unreadable."""
    from twin.checking import check_files

    sys.exit(check_files(files, as_json, click.echo))


@main.command()
@sentences
def schema() -> None:
    """Prints the GraphQL schema."""
    from twin.api.graphql import schema_text

    click.echo(schema_text())


@main.command()
@sentences
def connectors() -> None:
    """Lists the connectors that are installed."""
    from twin.bindings.plugins import InstalledConnectors

    for protocol in InstalledConnectors():
        click.echo(protocol)


@main.command()
@click.argument("directory", type=_path)
@_data
@sentences
def backup(directory: Path, data: Path) -> None:
    """Copies the data directory into a new DIRECTORY, while its server goes on working if one runs."""
    from twin.safekeeping import run_backup

    run_backup(directory, data)


@main.command()
@click.argument("directory", type=_path)
@_data
@sentences
def restore(directory: Path, data: Path) -> None:
    """Puts the backup in DIRECTORY back as a new data directory."""
    from twin.safekeeping import run_restore

    run_restore(directory, data)


@main.command()
@_data
@sentences
def verify(data: Path) -> None:
    """Compares journal, files, store, history and models: exit 0 all is well, 1 something is wrong, 2 unreadable."""
    from twin.safekeeping import run_verify

    sys.exit(run_verify(data))


@main.command()
@_data
@sentences
def repair(data: Path) -> None:
    """Makes a damaged or short graph store anew from the journal, and keeps the damaged one beside it."""
    from twin.safekeeping import run_repair

    sys.exit(run_repair(data))


def _read(file: Path) -> str:
    from twin.errors import InvalidInput

    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.", remedy="Name an existing file.") from error


if __name__ == "__main__":
    interrupts.handle(sys.argv[1:])
    main()
