"""Sites, twins, their properties and what they can tell: the part of the schema whose types refer to each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import strawberry

from twin.api.graphql.capability_parts import CapabilityInput, ModelVersion, inputs_of, model_of
from twin.api.graphql.context import RequestContext
from twin.api.graphql.fields import described
from twin.api.graphql.findings import Audit, Violation, audit_of, violations_of_twin
from twin.api.graphql.paging import Connection, Slice, connection, key_of, size, slice_of
from twin.api.graphql.present import AsOf, Present
from twin.api.graphql.property_fields import PropertyFields
from twin.api.graphql.terms import Class, Direction, Family, Kind
from twin.api.revisions import shown
from twin.errors import InvalidInput, NotFound
from twin.flows.capabilities import CapabilityRecord, TwinCapabilityRecord
from twin.flows.past_capabilities import SERVED
from twin.graph.twins.records import PropertyRecord, TwinRecord
from twin.terms import NamedNode


@strawberry.type(description="a building, plant or campus: the unit of partition and of coarse access")
class Site:
    _context: strawberry.Private[RequestContext]
    id: strawberry.ID
    name: str

    @strawberry.field
    def twins(self) -> int:
        return self._context.services.twins.counts(self._context.scope, self.id)[0]

    @strawberry.field
    def properties(self) -> int:
        return self._context.services.twins.counts(self._context.scope, self.id)[1]

    @strawberry.field
    async def violations(self) -> int:
        return (await self._context.violations()).count(self.id)

    @described("the twins that are in no other: where the tree by place begins")
    def roots(self) -> list[Twin]:
        context = self._context
        return twins_of(context, context.services.twins.roots(context.scope, self.id)[: context.limits.page])

    @described("what the vocabulary's own shapes say, run in the background")
    async def audit(self) -> Audit | None:
        return await audit_of(self._context, self.id)


def site_of(context: RequestContext, site: str) -> Site:
    """The site of an id that is known to be in scope."""
    return Site(_context=context, id=strawberry.ID(site), name=context.services.twins.site_name(site))


@strawberry.type(description="an individual: equipment, a space, a system")
class Twin:
    _context: strawberry.Private[RequestContext]
    _record: strawberry.Private[TwinRecord]
    id: strawberry.ID
    name: str
    description: str
    family: Family

    @described("that last changed the twin, its properties or their bindings: pass it on as expectedRevision")
    def revision(self) -> str:
        context = self._context
        return shown(context.services.door.revision_of(self.id, context.scope.revision))

    @strawberry.field
    def classes(self) -> list[Class]:
        return [Class.of(record) for record in self._record.classes]

    @strawberry.field
    def site(self) -> Site:
        return site_of(self._context, self._record.site)

    @described("the twin this one is in or part of")
    def place(self) -> Twin | None:
        return twin_or_none(self._context, self._record.place)

    @described("from the site's root to the parent, in the tree by place")
    def path(self) -> list[Twin]:
        return twins_of(self._context, self._context.services.twins.path(self._context.scope, self.id))

    @described("the next level of the tree by place")
    def contents(self, first: int = 100, after: str | None = None) -> TwinConnection:
        context = self._context
        key = key_of("contents", after)
        keys = context.services.twins.contents(context.scope, self.id)
        return twin_page(context, "contents", slice_of(keys, size(first, context.limits.page), key), key)

    @strawberry.field
    def has_contents(self) -> bool:
        return bool(self._context.services.twins.contents(self._context.scope, self.id))

    @described("by role (supply_air_temperature) or by name or local id; of several, the first by name")
    def property(self, role: str | None = None, name: str | None = None) -> Property | None:
        if role is None and name is None:
            raise InvalidInput("Neither role nor name says which property.", remedy="Give one of the two.")
        context = self._context
        page = context.services.twins.properties(context.scope, owner=self.id, role=role, limit=context.limits.page)
        found = properties_of(context, page.items)
        return next((each for each in found if name is None or _is_called(each._record, name)), None)

    @strawberry.field
    def properties(self, role: str | None = None, first: int = 100, after: str | None = None) -> PropertyConnection:
        context = self._context
        key = key_of("properties", after)
        page = context.services.twins.properties(
            context.scope, owner=self.id, role=role, after=key, limit=size(first, context.limits.page)
        )
        return property_page(context, "properties", Slice(page.items, page.total, page.has_next), key)

    @described("the edges to and from other twins, as they are asserted")
    def relationships(self, first: int = 100) -> list[Relationship]:
        context = self._context
        edges = context.services.twins.relationships(context.scope, self.id)[: size(first, context.limits.page)]
        context.spend(len(edges))
        return [
            Relationship(
                name=edge.name, iri=edge.iri, direction=Direction(edge.direction), twin=twin_of(context, edge.other)
            )
            for edge in edges
        ]

    @described("the twins at the other end of a relationship, named by IRI or local name")
    def related(self, relationship: str, direction: Direction = Direction.OUT, first: int = 100) -> list[Twin]:
        context = self._context
        found = context.services.twins.related(context.scope, self.id, relationship, direction.value)
        return twins_of(context, found[: size(first, context.limits.page)])

    @described("what this twin can tell by inference, or what it lacks to do so")
    async def capabilities(self) -> list[TwinCapability]:
        return twin_capabilities(self._context, (await self._context.capabilities()).for_twin(self.id))

    @strawberry.field
    async def violations(self) -> list[Violation]:
        return await violations_of_twin(self._context, self.id)


@strawberry.type(description="an edge between two twins, seen from one of them")
class Relationship:
    name: str
    iri: str
    direction: Direction
    twin: Twin


TwinConnection = Connection[Twin]


@strawberry.type(description="a readable or writable quantity of a twin")
class Property(PropertyFields):
    @described("null for a property that the model gives to no twin")
    def owner(self) -> Twin | None:
        return twin_or_none(self._context, self._record.owner)


PropertyConnection = Connection[Property]


@strawberry.type(description="what a twin of some class can tell by inference")
class Capability:
    _context: strawberry.Private[RequestContext]
    _record: strawberry.Private[CapabilityRecord]
    id: strawberry.ID
    name: str
    description: str

    @strawberry.field
    def applies_to(self) -> list[Class]:
        reader = self._context.services.twins
        return [Class.of(reader.class_record(NamedNode(iri))) for iri in self._record.applies_to]

    @strawberry.field
    def inputs(self) -> list[CapabilityInput]:
        return inputs_of(self._record)

    @strawberry.field
    def model(self) -> ModelVersion | None:
        return model_of(self._record)

    @strawberry.field
    async def twins(self) -> list[TwinCapability]:
        return twin_capabilities(self._context, (await self._context.capabilities()).twins(self.id))


@strawberry.type(description="whether a twin has what a capability needs, and its score")
class TwinCapability:
    _context: strawberry.Private[RequestContext]
    _record: strawberry.Private[TwinCapabilityRecord]
    qualifies: bool
    missing: list[str] = strawberry.field(description="in words, per missing input")

    @described("what happens, or happened then, in words")
    async def state(self) -> str:
        score, time = self._record.score_property, self._context.scope.time
        if time is None or self._record.state != SERVED or score is None:
            return self._record.state
        record = self._context.property_record(score)
        live = await self._context.values_then([record], time).live(0)
        return "scoring" if live.available else "giving no score"

    @strawberry.field
    async def capability(self) -> Capability:
        wanted = self._record.capability
        known = (await self._context.capabilities()).capabilities()
        record = next((each for each in known if each.iri == wanted), None)
        if record is None:
            raise NotFound(f"There is no capability {wanted!r} any more.", remedy="Ask again.")
        return capability_of(self._context, record)

    @strawberry.field
    def twin(self) -> Twin:
        return twin_of(self._context, self._record.twin)

    @strawberry.field
    def score(self) -> Property | None:
        iri = self._record.score_property
        return next(iter(properties_of(self._context, [iri])), None) if iri is not None else None


def twin_of(context: RequestContext, iri: str) -> Twin:
    """The twin of an IRI; raises `NotFound`."""
    return _twin(context, context.twin_record(iri))


def twin_or_none(context: RequestContext, iri: str | None) -> Twin | None:
    """The twin of an IRI, None when there is none in the scope."""
    record = context.services.twins.twin(context.scope, iri) if iri is not None else None
    return None if record is None else _twin(context, record)


def twins_of(context: RequestContext, iris: Sequence[str]) -> list[Twin]:
    """The twins of these IRIs that the scope has, in this order."""
    context.spend(len(iris))
    records = (context.services.twins.twin(context.scope, iri) for iri in iris)
    return [_twin(context, record) for record in records if record is not None]


def twin_page(context: RequestContext, kind: str, page: Slice, after: str | None) -> TwinConnection:
    """A page of twins as a Relay connection whose cursors are of this kind."""
    return connection(kind, page, after, partial(twins_of, context))


def property_of(context: RequestContext, iri: str) -> Property:
    """The property of an IRI; raises `NotFound`."""
    return _properties(context, [context.property_record(iri)])[0]


def properties_of(context: RequestContext, iris: Sequence[str]) -> list[Property]:
    """The properties of these IRIs that the scope has, in this order; their live values are read together."""
    context.spend(len(iris))
    records = (context.services.twins.property(context.scope, iri) for iri in iris)
    return _properties(context, [record for record in records if record is not None])


def property_page(context: RequestContext, kind: str, page: Slice, after: str | None) -> PropertyConnection:
    """A page of properties as a Relay connection whose cursors are of this kind."""
    return connection(kind, page, after, partial(properties_of, context))


def capability_of(context: RequestContext, record: CapabilityRecord) -> Capability:
    """The capability as the schema shows it."""
    return Capability(
        _context=context,
        _record=record,
        id=strawberry.ID(record.iri),
        name=record.name,
        description=record.description,
    )


def twin_capabilities(context: RequestContext, records: Iterable[TwinCapabilityRecord]) -> list[TwinCapability]:
    """What the twins in scope can tell."""
    visible = [each for each in records if context.services.twins.twin(context.scope, each.twin) is not None]
    context.spend(len(visible))
    return [
        TwinCapability(
            _context=context,
            _record=record,
            qualifies=record.qualifies,
            missing=list(record.missing),
        )
        for record in visible
    ]


def _twin(context: RequestContext, record: TwinRecord) -> Twin:
    return Twin(
        _context=context,
        _record=record,
        id=strawberry.ID(record.iri),
        name=record.name,
        description=record.description,
        family=Family(record.family),
    )


def _properties(context: RequestContext, records: list[PropertyRecord]) -> list[Property]:
    present: Present | AsOf
    if context.scope.time is None:
        present = Present(context.services.latest, records)
    else:
        present = context.values_then(records, context.scope.time)
    return [
        Property(
            _context=context,
            _record=record,
            _present=present,
            _index=index,
            id=strawberry.ID(record.iri),
            name=record.name,
            role=record.role,
            kind=Kind(record.kind),
            quantity_kind=record.quantity_kind,
            freshness=record.freshness,
            writable=record.writable,
            states=list(record.states),
        )
        for index, record in enumerate(records)
    ]


def _is_called(record: PropertyRecord, name: str) -> bool:
    local = record.iri.rpartition(":")[2].rpartition("#")[2].rpartition("/")[2]
    return name.casefold() in (record.name.casefold(), local.casefold())
