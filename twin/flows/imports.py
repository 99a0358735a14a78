"""Bringing a building in: parse, put each triple where it belongs, derive, publish in one revision, report.

A foreign model's violations neither block its import nor stay hidden: they are found after it and kept per node.
Importing into a site that is there already is a change like any other, which the shapes may refuse.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from twin.contracts import Delta, Revision
from twin.errors import InvalidInput, TwinError
from twin.flows.sources import VOCABULARIES, Source, read_sources, told, unpacked
from twin.graph.bulk import Loaded, Text, graphs_of, load_texts
from twin.graph.change import ChangeDoor
from twin.graph.recovery import keep_artifacts
from twin.graph.twins.membership import Kind
from twin.jobs import Cancelled, Job, Jobs, Running
from twin.settings import ImportSettings
from twin.terms import Quad, RdfFormat
from twin.vocab import site_graph
from twin.vocabularies.rdf_files import MEDIA_TYPES, Repairs, base_iri, unreadable, within
from twin.vocabularies.sandbox import plain_text

__all__ = ["ImportReport", "Importer", "Source", "check_site_name", "read_sources", "site_name_from"]

_SITE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_TAR = "application/x-tar"
_IN_BULK = 1_000_000  # bytes; a larger import is loaded in bulk and journalled as the hash of its fsynced file
_SEPARATORS = 12  # characters around the names of a triple that is written out
_TRIPLES_ONLY = frozenset((RdfFormat.TURTLE, RdfFormat.N_TRIPLES, RdfFormat.RDF_XML))


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.  ``seconds`` tells parse, derive, load and validate apart; ``repairs`` are in words.
    ``unjudged`` says why the violations are not known although the import stands (empty: they are)."""

    site: str
    revision: int
    triples: int
    twins: int
    properties: int
    violations: int
    repairs: tuple[str, ...] = ()
    repair_count: int = 0
    unjudged: str = ""
    seconds: dict[str, float] = field(default_factory=dict)


Validate = Callable[[str, Running], Awaitable[int]]
"""Validates a site in full as a part of a job, keeps what it finds, and returns how many violations there are."""


class Importer:
    """Imports files into sites through the one door."""

    def __init__(
        self,
        door: ChangeDoor,
        raw: Path,
        validate: Validate,
        counts: Callable[[str], tuple[int, int]],
        limits: ImportSettings | None = None,
        expect: Callable[[str, dict[str, Kind] | None], None] = lambda _site, _members: None,
    ) -> None:
        self.jobs: Jobs = door.jobs
        self._expect = expect
        self._door = door
        self._raw = raw
        self._validate = validate
        self._counts = counts
        self._limits = limits or ImportSettings()

    def start(
        self, data: bytes, *, format: str, site: str, actor: str, lenient: bool = False, name: str = "the body"
    ) -> Job:
        """The job that imports one body; ``format`` is its media type, ``name`` what messages call it.

        An ``application/x-tar`` holds several files that are imported together, as an interface and its twins must be.
        Raises `InvalidInput` for what can be refused at once.
        """
        check_site_name(site)
        bare = format.partition(";")[0].strip().lower()
        if bare == _TAR:
            sources = unpacked(data, name)
        elif bare in MEDIA_TYPES:
            sources = [Source(name, data, bare)]
        else:
            raise InvalidInput(
                f"The content type {format or '(none)'} is no RDF syntax that is read here.",
                remedy=f"Use one of {', '.join(sorted((*MEDIA_TYPES, _TAR)))}.",
            )
        return self.jobs.start(
            "import",
            _reason(sources),
            lambda job: self._run(job, sources, site, actor, lenient=lenient, conforming=False),
            site=site,
            actor=actor,
        )

    async def import_text(
        self, data: bytes, *, format: str, site: str, actor: str, lenient: bool = False, name: str = "the body"
    ) -> ImportReport:
        """The report of importing one body, as `start` does it; it goes on when whoever waits for it leaves."""
        job = self.start(data, format=format, site=site, actor=actor, lenient=lenient, name=name)
        report: ImportReport = await self.jobs.outcome(job.id)
        return report

    async def import_sources(
        self,
        sources: Sequence[Source],
        site: str,
        actor: str,
        *,
        lenient: bool = False,
        conforming: bool = False,
    ) -> ImportReport:
        """The report of importing the files together into one site, new or present, as a job.

        With ``conforming`` a new site, too, is refused when it breaks a rule.  Raises `InvalidInput` (with line and
        column where it is about text), `ShapeViolation` and `twin.jobs.Cancelled`; then nothing was stored.
        """
        check_site_name(site)
        with self.jobs.run("import", _reason(sources), site=site, actor=actor) as job:
            return await self._run(job, sources, site, actor, lenient=lenient, conforming=conforming)

    async def _run(
        self, job: Running, sources: Sequence[Source], site: str, actor: str, *, lenient: bool, conforming: bool
    ) -> ImportReport:
        seconds: dict[str, float] = {}
        started = time.perf_counter()
        repairs = Repairs()
        reason = _reason(sources)
        job.tell("read")
        judged = conforming or any(True for _ in self._door.store.quads(None, None, None, site_graph(site)))
        if not judged and not lenient and self._is_new(site) and _goes_in_bulk(sources):
            revision, loaded = await self._publish(sources, site, actor, reason, job)
            triples, seconds["derive"] = loaded.quads, loaded.derive_seconds
        else:
            quads = await asyncio.to_thread(
                read_sources, sources, site, repairs if lenient else None, self._limits, job
            )
            if not quads:
                raise InvalidInput(
                    f"{_names(sources)}: there is not one triple in it.",
                    remedy="Import a file that describes a building.",
                )
            seconds["parse"], started, triples = time.perf_counter() - started, time.perf_counter(), len(quads)
            job.tell("load")
            revision = await self._door.commit(
                Delta(added=tuple(quads)), actor=actor, reason=reason, validate=judged, job=job
            )
        seconds["load"] = time.perf_counter() - started - seconds.get("derive", 0)
        started = time.perf_counter()
        violations, unjudged = (0, "") if conforming else await self._judged(site, job)
        seconds["validate"] = time.perf_counter() - started
        twins, properties = self._counts(site)
        report = ImportReport(
            site,
            revision.token,
            triples,
            twins,
            properties,
            violations,
            tuple(repairs.listed),
            repairs.count,
            unjudged,
            {name: round(value, 3) for name, value in seconds.items()},
        )
        job.came_to(
            f"Imported {triples} triples into site {site} as revision {report.revision}: {violations} violations."
            + (f" The violations are not known: {unjudged}" if unjudged else ""),
            **asdict(report),
        )
        return report

    def _is_new(self, site: str) -> bool:
        quads = self._door.store.quads
        return not any(True for graph in graphs_of(site) for _ in quads(None, None, None, graph))

    async def _judged(self, site: str, job: Running) -> tuple[int, str]:
        """How many violations the site has - or why that is not known, for the import itself stands."""
        job.free("validate")
        try:
            return await self._validate(site, job), ""
        except Cancelled:
            return 0, "Their search was cancelled. Start it again when you want to know them: twin validate."
        except TwinError as error:
            return 0, str(error)

    async def _publish(
        self, sources: Sequence[Source], site: str, actor: str, reason: str, job: Running
    ) -> tuple[Revision, Loaded]:
        """Loads triples files in bulk; the revision and what was loaded."""
        loaded: list[Loaded] = []

        def keep(texts: Sequence[Text]) -> str:
            job.tell("load")  # whoever cancels it before its files are kept finds none of them
            return keep_artifacts(self._raw, site, texts)

        def load() -> str:
            files = [(source.data, source.syntax(), source.name) for source in sources]
            plain = [plain_text(*file, self._limits, job.stop) for file in files]
            texts = [Text(*text, base_iri(source.name)) for text, source in zip(plain, sources, strict=True)]
            try:
                found = load_texts(
                    self._door.store,
                    texts,
                    site,
                    self._door.derivation,
                    self._door.journal.series,
                    keep,
                    lambda quads: told(_storable(quads, self._limits), job, "load"),
                )
            except (SyntaxError, ValueError, MemoryError) as error:
                raise unreadable(_names(sources), error, *(plain[0] if len(plain) == 1 else ())) from error
            loaded.append(found)
            self._expect(site, found.members)
            return found.artifact

        revision = await self._door.publish_import(graphs_of(site), load, actor=actor, reason=reason, job=job)
        return revision, loaded[0]


def _names(sources: Sequence[Source]) -> str:
    return ", ".join(source.name for source in sources)


def _reason(sources: Sequence[Source]) -> str:
    return f"import of {_names(sources)}"


def _goes_in_bulk(sources: Sequence[Source]) -> bool:
    large = sum(len(source.data) for source in sources) > _IN_BULK
    # Quoted triples cannot be stored; nested a hundred thousand deep they end the process that parses them.
    plain = not any(b"<<" in source.data for source in sources)
    return large and plain and all(source.syntax() in _TRIPLES_ONLY for source in sources)


def _storable(quads: Iterable[Quad], limits: ImportSettings) -> Iterator[Quad]:
    """The quads; raises ``ValueError`` when one is longer than is stored, or all of them written out are."""
    size, most = 0, limits.expanded_bytes
    for quad in within(quads, limits):
        target = quad.object
        size += len(quad.subject.value) + len(quad.predicate.value) + len(target.value) + _SEPARATORS  # type: ignore[union-attr]  # no quoted triples
        if size > most:
            raise ValueError(f"its triples are more than {most / 2**20:,.0f} MiB when they are written out")
        yield quad


def check_site_name(site: str) -> None:
    """Returns for a usable site id; raises `InvalidInput` otherwise."""
    if site in VOCABULARIES:
        raise InvalidInput(f"{site!r} is the name of a vocabulary.", remedy="Choose another site id (--site ID).")
    if not _SITE_NAME.fullmatch(site):
        raise InvalidInput(
            f"{site!r} is no site id.",
            remedy="Use 1 to 63 lower-case letters, digits, '-' and '_', starting with a letter or digit (--site ID).",
        )


def site_name_from(path: Path) -> str:
    """The site id that a file's stem suggests."""
    cleaned = re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("-_")
    return cleaned[:63] or "site"
