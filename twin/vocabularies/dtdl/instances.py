"""What a twin in Azure Digital Twins JSON becomes in a site's graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from twin.errors import InvalidInput
from twin.terms import Literal, NamedNode, Object, Quad
from twin.vocab import BRICK, QUDT, RDF, RDFS, TWIN, minted, site_graph
from twin.vocabularies.dtdl.dtmi import child
from twin.vocabularies.dtdl.interfaces import Content, EnumSchema, InterfaceSet
from twin.vocabularies.dtdl.problems import Problem, refuse
from twin.vocabularies.dtdl.to_graph import quantity, role, text, value_kind

KNOWN_RELATIONS: Mapping[str, NamedNode] = {
    "feeds": BRICK.feeds,
    "isFedBy": BRICK.isFedBy,
    "hasPart": BRICK.hasPart,
    "isPartOf": BRICK.isPartOf,
    "hasPoint": BRICK.hasPoint,
    "isPointOf": BRICK.isPointOf,
    "hasLocation": BRICK.hasLocation,
    "isLocationOf": BRICK.isLocationOf,
    "isLocatedIn": TWIN.isLocatedIn,
    "locatedIn": TWIN.isLocatedIn,
}
"""Relations whose name says what they mean everywhere; any other keeps its own IRI."""


def twin_quads(interfaces: InterfaceSet, document: str | bytes | Mapping[str, Any], site: str) -> Iterator[Quad]:
    """The twins, properties and relations of an Azure Digital Twins document, in the site's graph.

    ``document`` is ``{"digitalTwins": [...], "relationships": [...]}`` (also inside ``digitalTwinsGraph``) or one twin
    object.  A twin is ``urn:twin:<site>:<$dtId>``, a property ``<twin>:<content>``; each Telemetry and Property content
    of its interfaces makes a property, whether or not the document gives a value.  DTDL has no ranges: a property's
    ``minimum`` and ``maximum`` may stand in ``$metadata.<content>``.  Raises `twin.errors.InvalidInput` with every
    problem, before the first quad.
    """
    value = document if isinstance(document, Mapping) else _json(document)
    graph = value.get("digitalTwinsGraph", value)
    if "$dtId" in graph:
        twins, relationships, alone = [graph], [], True
    else:
        twins, relationships, alone = graph.get("digitalTwins", []), graph.get("relationships", []), False
    reader = _Instances(interfaces, site)
    quads: list[Quad] = []
    for index, twin in enumerate(twins):
        quads += reader.twin(twin, "" if alone else f"/digitalTwins/{index}")
    for index, relationship in enumerate(relationships):
        quads += reader.relationship(relationship, f"/relationships/{index}")
    if not twins and not relationships:
        reader.bad("instance.empty", "", "The document holds no twin.", 'Give "$dtId" or "digitalTwins".')
    if reader.problems:
        raise refuse(reader.problems)
    yield from quads


def _json(document: str | bytes) -> Mapping[str, Any]:
    raw = document.encode() if isinstance(document, str) else document
    try:
        value = orjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise InvalidInput(
            f"The text is no JSON: {error.msg} (line {error.lineno}, column {error.colno}).",
            remedy="Correct the text there.",
        ) from None
    if not isinstance(value, dict):
        raise InvalidInput("A document of twins is an object.", remedy='Give "$dtId" or "digitalTwins".')
    return value


class _Instances:
    """Reads twins against the interfaces they are of; collects problems."""

    def __init__(self, interfaces: InterfaceSet, site: str) -> None:
        self.problems: list[Problem] = []
        self._interfaces = interfaces
        self._site = site
        self._graph = site_graph(site)
        self._models: dict[str, str] = {}
        self._said: set[NamedNode] = set()

    def bad(self, rule: str, path: str, message: str, remedy: str, dtmi: str = "") -> None:
        self.problems.append(Problem(rule, dtmi, path, message, remedy))

    def twin(self, value: object, path: str) -> Iterator[Quad]:
        """The quads of one twin object."""
        name = value.get("$dtId") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(name, str) or not name:
            self.bad("instance.id", path, "The twin has no $dtId.", 'Add "$dtId".')
            return
        model = self._model(value, path, f"The twin {name}")
        if model is None:
            return
        if name in self._models:
            self.bad("instance.twice", path, f"The twin {name} is given twice.", "Keep one of them.", model)
            return
        self._models[name] = model
        label = next((value[key] for key in ("displayName", "name") if isinstance(value.get(key), str)), name)
        yield from self._individual((name,), model, value, label, path)

    def _individual(
        self, local: tuple[str, ...], model: str, value: Mapping[str, Any], label: str, path: str
    ) -> Iterator[Quad]:
        iri = minted(self._site, *local)
        yield self._quad(iri, RDF.type, NamedNode(model))
        yield self._quad(iri, RDFS.label, Literal(label))
        contents = {content.name: content for content in self._interfaces.contents(model)}
        for key in value:
            if not key.startswith("$") and key not in contents:
                self.bad("instance.member", f"{path}/{key}", f"The interface has no content {key}.",
                         "Remove it, or add it to the interface.", model)  # fmt: skip
        metadata = value.get("$metadata")
        for content in contents.values():
            if content.kind == "Component":
                yield from self._component(iri, local, content, value, path)
            elif value_kind(content) is not None:
                held = metadata.get(content.name) if isinstance(metadata, dict) else None
                yield from self._property(iri, local, content, held if isinstance(held, dict) else {}, path)

    def _component(
        self, owner: NamedNode, local: tuple[str, ...], content: Content, value: Mapping[str, Any], path: str
    ) -> Iterator[Quad]:
        if not isinstance(content.schema, str) or content.schema not in self._interfaces.interfaces:
            return
        held = value.get(content.name)
        part = (*local, content.name)
        yield self._quad(owner, BRICK.hasPart, minted(self._site, *part))
        label = text(content.label, content.name)
        inner = held if isinstance(held, dict) else {}
        yield from self._individual(part, content.schema, inner, label, f"{path}/{content.name}")

    def _property(
        self, owner: NamedNode, local: tuple[str, ...], content: Content, metadata: Mapping[str, Any], path: str
    ) -> Iterator[Quad]:
        iri = minted(self._site, *local, content.name)
        kind = value_kind(content) or "number"
        quantity_kind, unit = quantity(content)
        yield self._quad(owner, TWIN.hasProperty, iri)
        yield self._quad(iri, RDF.type, NamedNode(content.dtmi))
        yield self._quad(iri, RDFS.label, Literal(text(content.label, content.name)))
        yield self._quad(iri, TWIN.role, Literal(role(content.name)))
        yield self._quad(iri, TWIN.valueKind, Literal(kind))
        yield self._quad(iri, QUDT.hasQuantityKind, quantity_kind)
        if unit is not None:
            yield self._quad(iri, QUDT.hasUnit, unit)
        if isinstance(content.schema, EnumSchema):
            yield from self._states(iri, content.schema)
        if content.writable:
            yield self._quad(iri, TWIN.writable, Literal(True))
        for bound, predicate in (("minimum", TWIN.minimum), ("maximum", TWIN.maximum)):
            if bound not in metadata:
                continue
            number = metadata[bound]
            if isinstance(number, int | float) and not isinstance(number, bool):
                yield self._quad(iri, predicate, Literal(float(number)))
            else:
                self.bad("instance.range", f"{path}/$metadata/{content.name}/{bound}", f"{bound} is no number.",
                         "Write a number in the property's unit.", content.dtmi)  # fmt: skip

    def _states(self, prop: NamedNode, enum: EnumSchema) -> Iterator[Quad]:
        """The states of a property, said once for all properties of the site that share the enum."""
        states = minted(self._site, *enum.dtmi.split(":"))
        yield self._quad(prop, TWIN.states, states)
        if states in self._said:
            return
        self._said.add(states)
        yield self._quad(states, RDF.type, TWIN.StateSet)
        for index, (name, _) in enumerate(enum.values):
            state = minted(self._site, *child(enum.dtmi, "enumValues", name).split(":"))
            yield self._quad(states, TWIN.state, state)
            yield self._quad(state, TWIN["index"], Literal(index))
            yield self._quad(state, TWIN.word, Literal(name))

    def relationship(self, value: object, path: str) -> Iterator[Quad]:
        """The quad of one relationship object."""
        if not isinstance(value, dict):
            self.bad("instance.object", path, "A relationship is an object.", "Write it as one.")
            return
        fields = [value.get(key) for key in ("$sourceId", "$relationshipName", "$targetId")]
        source, name, target = fields
        if not isinstance(source, str) or not isinstance(name, str) or not isinstance(target, str):
            self.bad("instance.relationship", path, "The relationship lacks its source, its name or its target.",
                     'Give "$sourceId", "$relationshipName" and "$targetId".')  # fmt: skip
            return
        model = self._models.get(source)
        if model is None:
            self.bad(
                "instance.source", path, f"The source {source} is no twin of this document.", "Give that twin too."
            )
            return
        own = next((held for held in self._interfaces.contents(model)
                    if held.kind == "Relationship" and held.name == name), None)  # fmt: skip
        if own is None:
            self.bad("instance.relationship", path, f"The interface of {source} has no relationship {name}.",
                     "Correct the name, or add it to the interface.", model)  # fmt: skip
            return
        predicate = KNOWN_RELATIONS.get(name, NamedNode(own.dtmi))
        yield self._quad(minted(self._site, source), predicate, minted(self._site, target))

    def _model(self, value: Mapping[str, Any], path: str, what: str) -> str | None:
        metadata = value.get("$metadata")
        model = metadata.get("$model") if isinstance(metadata, dict) else None
        if not isinstance(model, str):
            self.bad(
                "instance.model",
                path,
                f"{what} does not say its interface.",
                'Add "$metadata": {"$model": "dtmi:..."}.',
            )
        elif model not in self._interfaces.interfaces:
            self.bad("instance.model", f"{path}/$metadata/$model", f"{what} is of {model}, which is not given.",
                     "Give the interface too.", model)  # fmt: skip
        else:
            return model
        return None

    def _quad(self, subject: NamedNode, predicate: NamedNode, value: Object) -> Quad:
        return Quad(subject, predicate, value, self._graph)
