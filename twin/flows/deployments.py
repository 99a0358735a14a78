"""Which model serves a capability, as it stands in the graph, and the score properties of the twins it serves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from twin.contracts import Delta, GraphStore
from twin.flows.capabilities import Candidate, CapabilityRecord
from twin.terms import Literal, NamedNode, Object, Quad
from twin.vocab import QUANTITYKIND, QUDT, RDF, RDFS, TWIN, UNIT, minted, models_graph

_MODEL = "urn:twin:model:"


def score_iri(candidate: Candidate, capability: CapabilityRecord) -> str:
    """The IRI of the score that a capability gives a twin."""
    return f"{candidate.twin}:{capability.local_name}-score"


def attached_models(store: GraphStore) -> dict[str, str]:
    """Digest of the attached model by capability."""
    found: dict[str, str] = {}
    for quad in store.quads(None, TWIN.model, None, None):
        if isinstance(quad.subject, NamedNode) and isinstance(quad.object, NamedNode):
            for of in store.quads(quad.subject, TWIN.ofCapability, None, None):
                if isinstance(of.object, NamedNode) and quad.object.value.startswith(_MODEL):
                    found[of.object.value] = quad.object.value.removeprefix(_MODEL)
    return found


def deployment_delta(
    store: GraphStore,
    capability: CapabilityRecord,
    digest: str,
    sites: Iterable[str],
    qualifying: Sequence[Candidate],
    limits: tuple[float, float],
    freshness: float,
) -> Delta:
    """What has to change so that the model of this digest serves the capability at the sites, and each qualifying twin
    has its score property with values between ``limits`` that stand for ``freshness`` seconds."""
    removed: list[Quad] = []
    added: list[Quad] = []
    model = NamedNode(_MODEL + digest)
    for site in sites:
        deployment, graph = minted(site, "deployment", capability.local_name), models_graph(site)
        standing = list(store.quads(deployment, TWIN.model, None, graph))
        removed += [quad for quad in standing if quad.object != model]
        if not any(quad.object == model for quad in standing):
            added += [
                Quad(deployment, RDF.type, TWIN.Deployment, graph),
                Quad(deployment, TWIN.ofCapability, NamedNode(capability.iri), graph),
                Quad(deployment, TWIN.model, model, graph),
            ]
    for candidate in qualifying:
        added += _score_quads(store, candidate, capability, limits, freshness)
    return Delta(tuple(removed), tuple(added))


def _score_quads(
    store: GraphStore, candidate: Candidate, capability: CapabilityRecord, limits: tuple[float, float], freshness: float
) -> Iterator[Quad]:
    score, graph = NamedNode(score_iri(candidate, capability)), models_graph(candidate.site)
    if any(True for _ in store.quads(score, RDF.type, TWIN.Score, None)):
        return
    facts: list[tuple[NamedNode, Object]] = [
        (RDF.type, TWIN.Score),
        (RDF.type, TWIN.Property),
        (RDFS.label, Literal(f"{capability.name} score")),
        (TWIN.ofCapability, NamedNode(capability.iri)),
        (TWIN.role, Literal(f"{capability.local_name}_score".replace("-", "_"))),
        (QUDT.hasQuantityKind, QUANTITYKIND.Dimensionless),
        (QUDT.hasUnit, UNIT.UNITLESS),
        (TWIN.minimum, Literal(limits[0])),
        (TWIN.maximum, Literal(limits[1])),
        (TWIN.freshness, Literal(freshness)),
    ]
    yield Quad(NamedNode(candidate.twin), TWIN.hasProperty, score, graph)
    for predicate, value in facts:
        yield Quad(score, predicate, value, graph)
