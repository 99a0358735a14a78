"""What every resolver of one request shares: the services, the scope, and what the request has used up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from graphql.language import DocumentNode

from twin.api.as_of import services_as_of
from twin.api.census import Census
from twin.api.graphql.limits import Limits
from twin.api.graphql.present import AsOf
from twin.api.graphql.window_loader import WindowLoader
from twin.api.services import Services
from twin.errors import Forbidden, InvalidInput, NotFound, Unavailable
from twin.flows.losses import losses_of
from twin.flows.past_capabilities import CapabilitiesThen
from twin.flows.predict import Predictor
from twin.graph.twins.records import PropertyRecord, TwinRecord
from twin.graph.validation.violations import ViolationList
from twin.scope import Scope


@dataclass
class RequestContext:
    """One operation's context.  ``lost`` counts the messages that a slow subscriber was not sent since its last event,
    ``behind`` the changes that it is late; ``connections`` keeps those of one revision as this operation shows them
    (`twin.api.graphql.wiring`), ``pasts`` the contexts of the moments that it asks as of.

    Not slotted: Strawberry writes ``connection_params`` on it when a websocket opens.
    """

    services: Services
    census: Census
    scope: Scope
    limits: Limits
    document: DocumentNode | None = None
    connection_params: object = None
    lost: int = 0
    behind: int = 0
    listed: int = field(default=0, repr=False)
    plotted: int = field(default=0, repr=False)
    connections: tuple[int, dict[str, Any]] | None = field(default=None, repr=False)
    pasts: dict[str, asyncio.Future[RequestContext]] = field(default_factory=dict, repr=False)

    def for_operation(self, document: DocumentNode) -> RequestContext:
        """A fresh context for one operation (a websocket carries many)."""
        return replace(self, document=document, lost=0, behind=0, listed=0, plotted=0, connections=None, pasts={})

    @cached_property
    def windows(self) -> WindowLoader:
        """Reads histories, those asked for together in one batch."""
        return WindowLoader(self.services.history)

    @property
    def revision(self) -> int:
        """The revision that this request sees."""
        return self.services.door.revision if self.scope.revision is None else self.scope.revision

    async def as_of(self, moment: str | None) -> RequestContext:
        """The context in which everything is told as of a revision or time; this one for none.

        Raises as `twin.api.as_of.moment_of`, and `InvalidInput` when one operation asks for too many.
        """
        if moment is None:
            return self
        if moment not in self.pasts:
            if len(self.pasts) >= self.limits.pasts:
                raise InvalidInput(
                    f"The document asks as of more than {self.limits.pasts} moments.",
                    remedy="Ask for them in several requests.",
                    limit="pasts",
                )
            self.pasts[moment] = asyncio.ensure_future(self._as_of(moment))
        return await self.pasts[moment]

    async def _as_of(self, moment: str) -> RequestContext:
        services, scope = await services_as_of(self.services, self.scope, moment)
        return replace(self, services=services, scope=scope, connections=None)

    async def violations(self) -> ViolationList:
        """The violations that stand, or stood at the moment that is asked as of."""
        services = self.services
        if services.past is None:
            return services.violations
        if services.past_violations is None:
            raise _untold("violations")
        return await services.past_violations.at(services.past)

    async def capabilities(self) -> Predictor | CapabilitiesThen:
        """What tells the capabilities, of now or of the moment that is asked as of."""
        services = self.services
        if services.past is None:
            return services.predictor
        if services.past_capabilities is None:
            raise _untold("capabilities")
        return await services.past_capabilities.at(services.past)

    def values_then(self, records: Sequence[PropertyRecord], time: int) -> AsOf:
        """What properties said at a moment of the past (ns UTC)."""
        outages, twins = self.services.outages, self.services.twins
        if outages is None:
            return AsOf(self.services.history, records, time)
        return AsOf(self.services.history, records, time, partial(losses_of(outages), twins))

    def spend(self, items: int) -> None:
        """Counts listed items; raises `InvalidInput` when one answer would hold too many of them."""
        self.listed += items
        if self.listed > self.limits.objects:
            raise InvalidInput(
                f"The answer would list more than {self.limits.objects:,} objects.",
                remedy="Ask for smaller pages (first), or in several requests.",
                limit="objects",
            )

    def spend_points(self, points: int) -> None:
        """Counts the points of a history before it is read; raises `InvalidInput` when one answer asks for too many."""
        self.plotted += points
        if self.plotted > self.limits.all_points:
            raise InvalidInput(
                f"The answer's histories would have more than {self.limits.all_points:,} points together.",
                remedy="Ask for fewer points each, or in several requests.",
                limit="all_points",
            )

    def next_event(self) -> None:
        """Begins the next event of a subscription: each may hold as much as one answer."""
        self.listed = self.plotted = 0
        self.connections = None

    def twin_record(self, iri: str) -> TwinRecord:
        """The twin; raises `NotFound` when the scope has none."""
        record = self.services.twins.twin(self.scope, iri)
        if record is None:
            raise NotFound(f"There is no twin {iri!r}.", remedy="Search with twins(where: {text: ...}).", id=iri)
        return record

    def property_record(self, iri: str) -> PropertyRecord:
        """The property; raises `NotFound` when the scope has none."""
        record = self.services.twins.property(self.scope, iri)
        if record is None:
            raise NotFound(
                f"There is no property {iri!r}.", remedy="Search with properties(where: {text: ...}).", id=iri
            )
        return record

    def site(self, site: str) -> str:
        """The site's id; raises `NotFound` when the scope has none."""
        known = self.services.twins.sites(self.scope)
        if site not in known:
            raise NotFound(
                f"There is no site {site!r}.",
                remedy=f"There are: {', '.join(known)}." if known else "Import a building first: twin import FILE.",
                id=site,
            )
        return site

    def see_bindings(self) -> None:
        """Returns when connections and bindings may be shown; raises `Forbidden` otherwise."""
        if not self.scope.principal.may_see_bindings():
            raise Forbidden(
                f"{self.scope.principal.name} may not see bindings.",
                remedy="Ask an engineer of this server for the role engineer.",
            )

    def operate(self) -> None:
        """Returns when commands may be sent; raises `Forbidden` otherwise."""
        if not self.scope.principal.roles & {"operator", "engineer", "admin"}:
            raise Forbidden(
                f"{self.scope.principal.name} may not send commands.",
                remedy="Ask an engineer of this server for the role operator.",
            )

    def change(self) -> None:
        """Returns when the graph may be changed; raises `Forbidden` otherwise."""
        if not self.scope.principal.roles & {"engineer", "admin"}:
            raise Forbidden(
                f"{self.scope.principal.name} may not change the graph.",
                remedy="Ask an administrator of this server for the role engineer.",
            )


def _untold(what: str) -> Unavailable:
    return Unavailable(f"This server does not tell the {what} of the past.", remedy="Ask for them without asOf.")
