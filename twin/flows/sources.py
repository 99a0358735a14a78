"""Files that are read together: each in its syntax, each triple in the graph of the site where it belongs."""

from __future__ import annotations

import io
import json
import tarfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from twin.contracts import Delta
from twin.errors import InvalidInput
from twin.graph.bulk import homes
from twin.graph.canonical import canonical
from twin.graph.overlay import MemoryQuads
from twin.graph.skolem import named
from twin.jobs import Running
from twin.settings import ImportSettings
from twin.terms import BlankNode, NamedNode, Quad, RdfFormat
from twin.vocab import bindings_graph, models_graph, site_graph, vocabulary_graph
from twin.vocabularies import dtdl
from twin.vocabularies.file_kinds import check_is_text, read_whole
from twin.vocabularies.json_depth import too_deep
from twin.vocabularies.rdf_files import MEDIA_TYPES, Repairs, format_of
from twin.vocabularies.sandbox import read_outside

VOCABULARIES = frozenset(("core", "units", "brick", "saref", "crosswalk", "capabilities", "dtdl"))
"""Vocabularies that come with the installation; none is a site."""
_TWINS = frozenset(("digitalTwins", "digitalTwinsGraph", "$dtId"))
_TOLD = 5_000  # quads between two tellings of how far an import is


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


def read_sources(
    sources: Sequence[Source],
    site: str,
    repairs: Repairs | None = None,
    limits: ImportSettings | None = None,
    job: Running | None = None,
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
            stop = None if job is None else job.stop
            read = read_outside(source.data, source.syntax(), source.name, limits or ImportSettings(), repairs, stop)
            if job is not None:
                read = told(read, job, "read")
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


def told(quads: Iterable[Quad], job: Running, step: str) -> Iterator[Quad]:
    """The quads, with a job told how many there were; raises `twin.jobs.Cancelled` when it is asked to stop."""
    for number, quad in enumerate(quads):
        if number % _TOLD == 0:
            job.tell(step, number)
        yield quad


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
    if kind == "vocabulary" and of in VOCABULARIES:
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
