"""Loading a large site: the parser's own loader into graphs that no scope sees, and everything else set by set.

Twice the time of a bare load, where going quad by quad through Python takes nine times.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from twin.contracts import Delta
from twin.graph.derivation import Derivation
from twin.graph.hierarchy import Hierarchy
from twin.graph.overlay import QuadView
from twin.graph.oxigraph import OxigraphStore
from twin.graph.site_columns import (
    DEFINITIONS,
    HAS_TREE,
    WIRING,
    SiteColumns,
    columns_of_quads,
    columns_of_store,
    derived_text,
    properties_of,
)
from twin.graph.skolem import SKOLEM, named
from twin.graph.twins.membership import Kind, members_of
from twin.terms import NamedNode, Quad, RdfFormat, parse
from twin.vocab import RDF, TWIN, bindings_graph, inferred_graph, site_graph, vocabulary_graph


@dataclass(frozen=True, slots=True)
class Text:
    """RDF text to load: its bytes, syntax, and what its relative IRIs are relative to."""

    data: bytes
    syntax: RdfFormat
    base: str


Checked = Callable[[Iterable[Quad]], Iterable[Quad]]
"""Lets quads through, or raises what is wrong with the first that must not be stored."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded: what the journal is to remember of the kept texts, how many quads there are without those that
    follow, and the seconds until the texts were loaded and after that."""

    artifact: str
    quads: int
    members: dict[str, Kind] | None
    load_seconds: float
    derive_seconds: float


def graphs_of(site: str) -> tuple[NamedNode, ...]:
    """The graphs that loading a site may fill."""
    return (site_graph(site), bindings_graph(site), vocabulary_graph(site), inferred_graph(site))


def load_texts(
    store: OxigraphStore,
    texts: Sequence[Text],
    site: str,
    derivation: Derivation,
    register: Callable[[Sequence[str]], object],
    keep: Callable[[Sequence[Text]], str],
    checked: Checked = lambda quads: quads,
) -> Loaded:
    """Loads triples texts into the hidden, empty graphs of a site, with what follows from them.

    ``derivation`` is that of the vocabularies as they are; classes that the texts bring are added to it.  ``register``
    is given the properties found, ``keep`` the texts from which the import can be loaded again: the texts themselves,
    or the quads as they stand where nodes were named or moved.  While the store loads in one thread, what follows is
    read from the texts and loaded in another.  Raises ``SyntaxError`` for a text that cannot be parsed, and what
    ``checked`` raises, through which all quads go; what was loaded then stays for the caller to drop.
    """
    home = site_graph(site)
    asserted = [graph for graph in graphs_of(site) if graph != inferred_graph(site)]
    began = time.perf_counter()

    def follow(columns: SiteColumns, derivation: Derivation) -> dict[str, Kind]:
        properties = properties_of(columns, derivation)
        registered = pool.submit(register, [node[1:-1] for node in properties])
        members = members_of(columns.classes, properties)
        _load_derived(store, columns, properties, derivation, site)
        registered.result()
        return members

    def read_and_follow() -> dict[str, Kind] | None:
        columns = _read(texts, checked)
        return follow(columns, derivation) if columns.plain else None

    with ThreadPoolExecutor(3) as pool:
        loading = pool.submit(_load, store, texts, home)
        following = pool.submit(read_and_follow)
        loading.result()
        counted = pool.submit(lambda: sum(store.count(graph) for graph in asserted))
        loaded = time.perf_counter()
        members = following.result()
        if members is None:
            counted.result()
            if _skolemise(store, home, site) + _rehome(store, site):
                texts = [Text(b"".join(store.dump(graph) for graph in asserted), RdfFormat.N_QUADS, home.value)]
            follow(columns_of_store(store, site), Derivation(store, Hierarchy(store)))
            counted = pool.submit(lambda: sum(store.count(graph) for graph in asserted))
        artifact = keep(texts)
        return Loaded(artifact, counted.result(), members, loaded - began, time.perf_counter() - loaded)


def _load(store: OxigraphStore, texts: Sequence[Text], home: NamedNode) -> None:
    for text in texts:
        store.bulk_load_text(text.data, text.syntax, home, text.base)


def _read(texts: Sequence[Text], checked: Checked) -> SiteColumns:
    columns = SiteColumns()
    for text in texts:
        columns_of_quads(checked(parse(text.data, format=text.syntax, base_iri=text.base)), columns)
    return columns


def _load_derived(
    store: OxigraphStore, columns: SiteColumns, properties: list[str], derivation: Derivation, site: str
) -> None:
    for piece in derived_text(columns, properties, derivation):
        store.bulk_load_text(piece, RdfFormat.N_TRIPLES, inferred_graph(site), site_graph(site).value)


def reload_texts(store: OxigraphStore, texts: Sequence[Text], site: str) -> None:
    """Loads the artifacts of an import again, into the emptied graphs of its site."""
    for text in texts:
        target = None if text.syntax == RdfFormat.N_QUADS else site_graph(site)
        store.bulk_load_text(text.data, text.syntax, target, text.base)
    columns, derivation = columns_of_store(store, site), Derivation(store, Hierarchy(store))
    _load_derived(store, columns, properties_of(columns, derivation), derivation, site)


def derived_anew(store: OxigraphStore, sites: Iterable[str], derivation: Derivation) -> Delta:
    """What has to change so that the inferred graphs of the sites say what follows now."""
    removed: list[Quad] = []
    added: list[Quad] = []
    for site in sites:
        graph = inferred_graph(site)
        columns = columns_of_store(store, site)
        wanted = {
            Quad(quad.subject, quad.predicate, quad.object, graph): None
            for piece in derived_text(columns, properties_of(columns, derivation), derivation)
            for quad in parse(piece, format=RdfFormat.N_TRIPLES)
        }
        standing = dict.fromkeys(store.quads(None, None, None, graph))
        removed += [quad for quad in standing if quad not in wanted]
        added += [quad for quad in wanted if quad not in standing]
    return Delta(tuple(removed), tuple(added))


def _skolemise(store: OxigraphStore, graph: NamedNode, site: str) -> int:
    """How many quads had blank nodes, which have names now."""
    old = store.blank_quads(graph)
    store.exchange(old, named(old, site))
    return len(old)


def _rehome(store: OxigraphStore, site: str) -> int:
    """Moves what does not belong to the assets; how many quads moved."""
    home = site_graph(site)
    target = homes(store, home, site)
    old = [quad for subject in target for quad in store.quads(subject, None, None, home)]
    store.exchange(old, [Quad(quad.subject, quad.predicate, quad.object, target[quad.subject]) for quad in old])  # type: ignore[index]  # found by these subjects
    return len(old)


def homes(view: QuadView, graph: NamedNode, site: str) -> dict[NamedNode, NamedNode]:
    """Where the subjects of a graph belong that are no assets of the site: definitions in its vocabulary, wiring in its
    bindings - and with each the nameless nodes that it is made of."""
    found: dict[NamedNode, NamedNode] = {}
    for predicate, values, target in (
        *((predicate, (None,), vocabulary_graph(site)) for predicate in HAS_TREE),
        (RDF.type, DEFINITIONS, vocabulary_graph(site)),
        (RDF.type, WIRING, bindings_graph(site)),
    ):
        for value in values:
            for quad in view.quads(None, predicate, value, graph):
                if isinstance(quad.subject, NamedNode):
                    found[quad.subject] = target
    ahead = list(found)
    while ahead:
        subject = ahead.pop()
        for quad in view.quads(subject, None, None, graph):
            part = quad.object
            if isinstance(part, NamedNode) and part not in found and _is_part(quad.predicate, part):
                found[part] = found[subject]
                ahead.append(part)
    return found


def _is_part(predicate: NamedNode, node: NamedNode) -> bool:
    return predicate == TWIN.stateEntry or node.value.startswith(SKOLEM)
