"""Whether a data directory is in order: its journal, the files that it refers to, its store, history and models."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from twin.directory import DataDirectory
from twin.errors import ConfigurationError, TwinError, Unavailable
from twin.flows.lifetimes import Lifetimes
from twin.flows.rebuilding import rebuilt
from twin.graph.child import run
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
from twin.graph.recovery import read_artifacts, sync_directory
from twin.graph.validation.full import validate
from twin.graph.validation.gate import Gate, our_shapes
from twin.graph.validation.violations import ViolationList, ViolationStore
from twin.graph.violation import Violation
from twin.telemetry.duckdb import DuckDBHistory
from twin.vocab import site_of_graph

_MODEL = re.compile(r"[0-9a-f]{64}")
_REFERENCE = "graph.expected"
_DEADLINE = 86_400.0  # seconds; a store of ten million triples takes some minutes


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, in words, and what to do about it."""

    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"


@dataclass(frozen=True, slots=True)
class Examined:
    """What an examination found: the journal's revision, what is wrong, and what was compared, in words."""

    revision: int
    replayed: int
    findings: tuple[Finding, ...]


async def examine(directory: DataDirectory, brick: str) -> Examined:
    """What is wrong with an entered data directory that no server has open; its store is brought up to the journal
    as a start does.  Raises `TwinError` when there is nothing that the rest could be compared with: no journal."""
    journal = Journal(directory.journal)
    try:
        findings = list(of_journal(journal, directory))
        replayed = 0
        if not findings:
            try:
                replayed, of_store = examine_store(directory, journal, brick)
            except ConfigurationError as error:  # it cannot be made anew to compare it with
                of_store = [Finding(error.message, error.remedy)]
            findings += of_store
        findings += of_models(directory.models)
        if directory.history.exists():
            findings += await of_history(directory.history, journal)
        return Examined(journal.revision(), replayed, tuple(findings))
    finally:
        journal.close()


def of_journal(journal: Journal, directory: DataDirectory) -> Iterator[Finding]:
    """A broken chain, and the files of imports that are missing or changed."""
    broken = journal.broken_link()
    if broken is not None:
        yield Finding(
            f"The journal's chain breaks at revision {broken}: it was changed outside of Twin.",
            "Restore the directory from a backup.",
        )
    for revision, remembered in journal.artifacts().items():
        try:
            read_artifacts(directory.raw, remembered)
        except TwinError as error:
            yield Finding(f"Revision {revision}: {error.message}", error.remedy)


def examine_store(directory: DataDirectory, journal: Journal, brick: str) -> tuple[int, list[Finding]]:
    """How many revisions the store was behind, and where it is not what the journal says; it must not be open."""
    with _anew(directory, journal, brick) as reference:
        replayed, wrong = _compared(directory.path, reference, brick)
        if not wrong and directory.violations.exists():
            wrong += of_violations(directory, journal, reference)
        return replayed, wrong


def repair_store(directory: DataDirectory, journal: Journal, brick: str, now: int) -> tuple[list[Finding], Path | None]:
    """What was wrong with the store, which was made anew if anything was, and where the old one is kept then.

    The store must not be open.  Raises `ConfigurationError` when the journal or its files do not hold what it takes.
    """
    for finding in of_journal(journal, directory):
        raise ConfigurationError(finding.message, remedy=finding.remedy)
    with _anew(directory, journal, brick) as reference:
        _, wrong = _compared(directory.path, reference, brick)
        if not wrong:
            return [], None
        when = datetime.fromtimestamp(now / 1e9, UTC)
        aside = directory.path / f"{directory.graph.name}.damaged-{when:%Y%m%dT%H%M%S.%fZ}"
        if directory.graph.exists():
            directory.graph.rename(aside)
        reference.rename(directory.graph)
        sync_directory(directory.path)
        return wrong, aside if aside.exists() else None


@contextmanager
def _anew(directory: DataDirectory, journal: Journal, brick: str) -> Iterator[Path]:
    """Where a store stands, within it, that was made from the journal."""
    reference = directory.path / _REFERENCE
    shutil.rmtree(reference, ignore_errors=True)  # of an examination that was cut off
    try:
        store, _ = rebuilt(directory, journal, reference, brick)
        store.close()
        del store
        yield reference
    finally:
        shutil.rmtree(reference, ignore_errors=True)


def _compared(data: Path, reference: Path, brick: str) -> tuple[int, list[Finding]]:
    # In a process of its own, because a damaged store can end the one that reads it.
    remedy = f"Make it anew from the journal: twin repair --data {data}."
    try:
        told = run("twin.flows.store_comparison", [str(data), str(reference), brick], (), _DEADLINE)[0]
    except Unavailable as error:
        return 0, [Finding(f"The graph store ended the process that read it: {error.message}", remedy)]
    return int(told["replayed"]), [Finding(message, remedy) for message in told["wrong"]]


def of_violations(directory: DataDirectory, journal: Journal, graph: Path) -> list[Finding]:
    """Sites whose violations are not those that a full check finds in the store ``graph``, which is in order; sites
    that the next start of a server will validate anyway are passed over."""
    store, kept = OxigraphStore(graph), ViolationStore(directory.violations)
    gate = Gate(our_shapes())
    found: list[Finding] = []
    try:
        Lifetimes(store, journal, kept, ("twin", "user")).open()
        due = kept.due()
        for site in (site for each in store.graphs() if (site := site_of_graph(each)) is not None):
            if site in due:
                continue
            expected = {each.identity for each in (*validate(store, site), *gate.by_users(store, site))}
            listed = {each.identity for each in _listed(kept, site)}
            if expected != listed:
                found.append(
                    Finding(
                        f"The violations of the site {site} are not what a full check finds: "
                        f"{len(expected - listed)} are missing, {len(listed - expected)} are too many.",
                        f"Delete {directory.violations}: the next start of the server validates every site anew.",
                    )
                )
    finally:
        kept.close()
        store.close()
    return found


def _listed(violations: ViolationList, site: str) -> Iterator[Violation]:
    for source in ("twin", "user"):
        after, more = None, True
        while more:
            page = violations.page(site, after=after, limit=10_000, source=source)
            yield from page.items
            after, more = page.cursors[-1] if page.cursors else None, page.has_next


def of_models(models: Path) -> Iterator[Finding]:
    """Model files that do not have the content that they are named after."""
    for path in sorted(models.glob("*.onnx")):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if _MODEL.fullmatch(path.stem) and digest != path.stem:
            yield Finding(f"The model file {path} was changed.", "Restore it from a backup, or attach the model again.")


async def of_history(path: Path, journal: Journal) -> list[Finding]:
    """A history that cannot be read to its end, and rows that belong to no property."""
    history = DuckDBHistory(path)
    try:
        await history.open()
    except TwinError as error:
        return [Finding(error.message, error.remedy)]
    try:
        known = set(journal.known_series().values())
        strangers = {series: rows for series, rows in (await history.rows_by_series()).items() if series not in known}
    except TwinError as error:
        return [Finding(error.message, error.remedy)]
    finally:
        await history.close()
    if not strangers:
        return []
    return [
        Finding(
            f"{sum(strangers.values())} rows of the history are of {len(strangers)} series that the journal does not "
            "know.",
            "Restore journal and history from one backup: twin restore sets such rows aside.",
        )
    ]
