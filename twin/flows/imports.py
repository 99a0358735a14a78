"""Bringing a building in: parse, put each triple where it belongs, derive, publish in one revision, report.

A foreign model's violations neither block its import nor stay hidden: they are found after it and kept per node.
Importing into a site that is there already is a change like any other, which the shapes may refuse.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import tarfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from twin.contracts import Delta, Revision
from twin.errors import InvalidInput, TwinError
from twin.graph.bulk import Loaded, Text, graphs_of, homes, load_texts
from twin.graph.canonical import canonical
from twin.graph.change import ChangeDoor
from twin.graph.overlay import MemoryQuads
from twin.graph.recovery import keep_artifacts
from twin.graph.skolem import named
from twin.graph.twins.membership import Kind
from twin.settings import ImportSettings
from twin.terms import BlankNode, NamedNode, Quad, RdfFormat
from twin.vocab import bindings_graph, models_graph, site_graph, vocabulary_graph
from twin.vocabularies import dtdl
from twin.vocabularies.file_kinds import check_is_text, read_whole
from twin.vocabularies.json_depth import too_deep
from twin.vocabularies.rdf_files import MEDIA_TYPES, Repairs, base_iri, format_of, unreadable, within
from twin.vocabularies.sandbox import plain_text, read_outside

_SITE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_VOCABULARIES = frozenset(("core", "units", "brick", "saref", "crosswalk", "capabilities", "dtdl"))
_TAR = "application/x-tar"
_TWINS = frozenset(("digitalTwins", "digitalTwinsGraph", "$dtId"))
_IN_BULK = 1_000_000  # bytes; a larger import is loaded in bulk and journalled as the hash of its fsynced file
_SEPARATORS = 12  # characters around the names of a triple that is written out
_TRIPLES_ONLY = frozenset((RdfFormat.TURTLE, RdfFormat.N_TRIPLES, RdfFormat.RDF_XML))


@dataclass(frozen=True, slots=True)
class Source:
    """One file to import: its name for messages, its bytes, and its syntax (None: told by the name's suffix)."""

    name: str
    data: bytes
    media_type: str | None = None

    def syntax(self) -> RdfFormat:
        """The syntax of its RDF; raises `InvalidInput` when the name says none."""
        return MEDIA_TYPES[self.media_type] if self.media_type else format_of(self.name)

    @staticmethod
    def of(path: Path) -> Source:
        """A file from disk; raises `InvalidInput` when it cannot be read."""
        return Source(path.name, read_whole(path))


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


Validate = Callable[[str], Awaitable[int]]
"""Validates a site in full, keeps what it finds, and returns how many violations there are."""


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
        self._expect = expect
        self._door = door
        self._raw = raw
        self._validate = validate
        self._counts = counts
        self._limits = limits or ImportSettings()

    async def import_text(
        self, data: bytes, *, format: str, site: str, actor: str, lenient: bool = False, name: str = "the body"
    ) -> ImportReport:
        """Imports one body; ``format`` is its media type, ``name`` what messages call it.

        An ``application/x-tar`` holds several files that are imported together, as an interface and its twins must be.
        """
        bare = format.partition(";")[0].strip().lower()
        if bare == _TAR:
            return await self.import_sources(unpacked(data, name), site, actor, lenient=lenient)
        if bare not in MEDIA_TYPES:
            raise InvalidInput(
                f"The content type {format or '(none)'} is no RDF syntax that is read here.",
                remedy=f"Use one of {', '.join(sorted((*MEDIA_TYPES, _TAR)))}.",
            )
        return await self.import_sources([Source(name, data, bare)], site, actor, lenient=lenient)

    async def import_sources(
        self,
        sources: Sequence[Source],
        site: str,
        actor: str,
        *,
        lenient: bool = False,
        conforming: bool = False,
    ) -> ImportReport:
        """The report of importing the files together into one site, new or present.

        With ``conforming`` a new site, too, is refused when it breaks a rule.  Raises `InvalidInput` (with line and
        column where it is about text) and `ShapeViolation`; then nothing was stored.
        """
        check_site_name(site)
        seconds: dict[str, float] = {}
        started = time.perf_counter()
        repairs = Repairs()
        names = ", ".join(source.name for source in sources)
        reason = f"import of {names}"
        judged = conforming or any(True for _ in self._door.store.quads(None, None, None, site_graph(site)))
        if not judged and not lenient and self._is_new(site) and _goes_in_bulk(sources):
            revision, loaded = await self._publish(sources, site, actor, reason)
            triples, seconds["derive"] = loaded.quads, loaded.derive_seconds
        else:
            quads = await asyncio.to_thread(read_sources, sources, site, repairs if lenient else None, self._limits)
            if not quads:
                raise InvalidInput(
                    f"{names}: there is not one triple in it.", remedy="Import a file that describes a building."
                )
            seconds["parse"], started, triples = time.perf_counter() - started, time.perf_counter(), len(quads)
            revision = await self._door.commit(Delta(added=tuple(quads)), actor=actor, reason=reason, validate=judged)
        seconds["load"] = time.perf_counter() - started - seconds.get("derive", 0)
        started = time.perf_counter()
        violations, unjudged = (0, "") if conforming else await self._judged(site)
        seconds["validate"] = time.perf_counter() - started
        twins, properties = self._counts(site)
        return ImportReport(
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

    def _is_new(self, site: str) -> bool:
        quads = self._door.store.quads
        return not any(True for graph in graphs_of(site) for _ in quads(None, None, None, graph))

    async def _judged(self, site: str) -> tuple[int, str]:
        """How many violations the site has - or why that is not known, for the import itself stands."""
        try:
            return await self._validate(site), ""
        except TwinError as error:
            return 0, str(error)

    async def _publish(self, sources: Sequence[Source], site: str, actor: str, reason: str) -> tuple[Revision, Loaded]:
        """Loads triples files in bulk; the revision and what was loaded."""
        loaded: list[Loaded] = []

        def load() -> str:
            files = [(source.data, source.syntax(), source.name) for source in sources]
            plain = [plain_text(*file, self._limits) for file in files]
            texts = [Text(*text, base_iri(source.name)) for text, source in zip(plain, sources, strict=True)]
            try:
                found = load_texts(
                    self._door.store,
                    texts,
                    site,
                    self._door.derivation,
                    self._door.journal.series,
                    partial(keep_artifacts, self._raw, site),
                    partial(_storable, limits=self._limits),
                )
            except (SyntaxError, ValueError, MemoryError) as error:
                names = ", ".join(source.name for source in sources)
                raise unreadable(names, error, *(plain[0] if len(plain) == 1 else ())) from error
            loaded.append(found)
            self._expect(site, found.members)
            return found.artifact

        revision = await self._door.publish_import(graphs_of(site), load, actor=actor, reason=reason)
        return revision, loaded[0]


def read_sources(
    sources: Sequence[Source], site: str, repairs: Repairs | None = None, limits: ImportSettings | None = None
) -> list[Quad]:
    """The quads of files that are read together, each in the site's graph where it belongs; raises `InvalidInput`."""
    interfaces: list[str] = []
    graphs: list[Mapping[str, Any]] = []
    quads: list[Quad] = []
    for source in sources:
        document = _dtdl_document(source)
        if document == "interfaces":
            interfaces.append(source.data.decode("utf-8-sig"))
        elif document is not None:
            graphs.extend(document)
        else:
            read = read_outside(source.data, source.syntax(), source.name, limits or ImportSettings(), repairs)
            quads.extend(_rename_blank_nodes(read) if len(sources) > 1 else read)
    # Spelled as the store spells, so that a node gets the same name whichever way its file comes in.
    quads = named(canonical(Delta(added=tuple(quads))).added, site)
    placed = list(dict.fromkeys(_placed(quads, site)))
    if interfaces or graphs:
        known = dtdl.read_interfaces(interfaces)
        placed.extend(dtdl.interface_quads(known))
        for graph in graphs:
            placed.extend(dtdl.twin_quads(known, graph, site))
    return placed


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
    if site in _VOCABULARIES:
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


def _dtdl_document(source: Source) -> list[Mapping[str, Any]] | Literal["interfaces"] | None:
    """``"interfaces"`` for a DTDL model, the parsed documents of a digital-twins graph, None for anything else."""
    json_like = source.media_type in ("application/json", "application/ld+json") or (
        source.media_type is None and source.name.lower().endswith((".json", ".jsonld"))
    )
    if not json_like:
        return None
    check_is_text(source.data, source.name)
    try:
        document = json.loads(source.data.decode("utf-8-sig"))
    except RecursionError:
        raise too_deep(source.data, source.name) from None
    except (ValueError, UnicodeDecodeError) as error:
        line, column = getattr(error, "lineno", None), getattr(error, "colno", None)
        where = f", line {line}, column {column}" if line else ""
        raise InvalidInput(
            f"{source.name}{where}: it is not JSON: {getattr(error, 'msg', error)}.",
            remedy="Mend that line and import again; nothing was stored.",
            line=line,
            column=column,
        ) from error
    first = document[0] if isinstance(document, list) and document else document
    if not isinstance(first, dict):
        return None
    if not _TWINS.isdisjoint(first):
        found = document if isinstance(document, list) else [document]
        if not all(isinstance(each, dict) for each in found):
            raise InvalidInput(f"{source.name}: not every entry of the list is a twin.", remedy='Give each "$dtId".')
        return found
    context = first.get("@context")
    contexts = context if isinstance(context, list) else [context]
    return "interfaces" if any(str(entry).startswith("dtmi:dtdl:context") for entry in contexts) else None


def _rename_blank_nodes(quads: Iterable[Quad]) -> Iterable[Quad]:
    # Two files may use one label for two nodes.
    names: defaultdict[BlankNode, BlankNode] = defaultdict(BlankNode)
    for quad in quads:
        subject = names[quad.subject] if isinstance(quad.subject, BlankNode) else quad.subject
        target = names[quad.object] if isinstance(quad.object, BlankNode) else quad.object
        yield Quad(subject, quad.predicate, target, quad.graph_name)


def unpacked(data: bytes, name: str) -> list[Source]:
    """The files of an uncompressed tar archive; raises `InvalidInput` for what is none."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            members = [member for member in archive if member.isfile()]
            if sum(member.size for member in members) > len(data):  # a sparse file says more than it holds
                raise InvalidInput(f"{name}: the archive claims more than it holds.", remedy="Pack it again.")
            opened = ((member, archive.extractfile(member)) for member in members)
            return [Source(Path(member.name).name, file.read()) for member, file in opened if file is not None]
    except tarfile.TarError as error:
        raise InvalidInput(
            f"{name}: it is no tar archive: {error}.", remedy="Pack the files with tar, uncompressed."
        ) from error


def _placed(quads: Sequence[Quad], site: str) -> Iterable[Quad]:
    """Each quad in its graph: as its own graph's name says, else by what it is - a definition, wiring, an asset.

    The graphs of one other site become this one's; what was derived is derived anew.
    """
    said: list[tuple[Quad, NamedNode]] = []
    loose: list[Quad] = []
    asset, sites = site_graph(site), set()
    for quad in quads:
        kind, of = _graph_kind(quad)
        if kind is None:
            loose.append(Quad(quad.subject, quad.predicate, quad.object, asset))
            continue
        if kind != "vocabulary":
            sites.add(of)
        target = _graph_of(kind, of, site)
        if target is not None:
            said.append((quad, target))
    if len(sites) > 1:
        raise InvalidInput(
            f"The file holds the sites {', '.join(sorted(sites))}.",
            remedy="Export and import them one by one: twin export --site ID.",
        )
    for quad, target in said:
        yield Quad(quad.subject, quad.predicate, quad.object, target)
    home = homes(MemoryQuads(loose), asset, site)
    for quad in loose:
        graph = home.get(quad.subject, asset) if isinstance(quad.subject, NamedNode) else asset
        yield Quad(quad.subject, quad.predicate, quad.object, graph)


def _graph_kind(quad: Quad) -> tuple[str | None, str]:
    """Which of our graphs a quad names, and of what; None for any other graph."""
    graph = quad.graph_name
    if isinstance(graph, NamedNode) and graph.value.startswith("urn:twin:"):
        kind, _, of = graph.value.removeprefix("urn:twin:").partition(":")
        if of and kind in _GRAPHS:
            return kind, of
    return None, ""


def _graph_of(kind: str, of: str, site: str) -> NamedNode | None:
    if kind == "vocabulary" and of in _VOCABULARIES:
        return vocabulary_graph(of) if of == "dtdl" else None  # the others come with the installation
    make = _GRAPHS[kind]
    return make(site) if make is not None else None


_GRAPHS: Mapping[str, Callable[[str], NamedNode] | None] = {
    "site": site_graph,
    "bindings": bindings_graph,
    "models": models_graph,
    "vocabulary": vocabulary_graph,
    "inferred": None,
    "validation": None,
}
