"""One twin over REST: read with its revision as ETag, put, patched and deleted by who says which revision they read.

Conditional requests are those of RFC 9110, section 13, and RFC 6585 (428).  A patch is an RDF Patch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from twin.api.as_of import services_as_of
from twin.api.graphql.rdf_text import names_only, quads_of
from twin.api.problems import problem
from twin.api.rdf_patch import MEDIA_TYPE, parsed_patch
from twin.api.revisions import shown
from twin.api.services import Services
from twin.api.syntaxes import PREFIXES, TWIN_SYNTAXES, negotiated
from twin.clock import NANOSECONDS
from twin.contracts import Delta
from twin.errors import Conflict, Forbidden, InvalidInput, NotFound
from twin.flows.twin_edits import check_subjects, deletion, description, replacement
from twin.graph.storable import is_wiring, placed
from twin.scope import Principal, Scope
from twin.terms import RdfFormat, serialize
from twin.vocabularies.sandbox import read_outside

AsOf = Annotated[str | None, Query(alias="asOf", description="a revision, or a time: the twin as it was then")]
Reason = Annotated[str, Query(description="why, for the record")]


class PreconditionFailed(Conflict):
    """What the request presumes of the twin does not hold."""

    http_status = (412, "Precondition failed")


class PreconditionRequired(InvalidInput):
    """The server changes twins only for who says which revision they read."""

    code = "precondition-required"
    http_status = (428, "Precondition required")


class UnsupportedType(InvalidInput):
    """The body is of a type that is not read here."""

    code = "unsupported-media-type"
    http_status = (415, "Unsupported media type")


@dataclass(frozen=True, slots=True)
class _Presumed:
    """What a changing request presumes: that the twin was not changed after ``revision``; ``stated`` tells whether the
    request said so, or only was made at that revision."""

    revision: int
    stated: bool


class Twins:
    """The resource ``/api/v1/twins/{iri}``."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def add_to(self, router: APIRouter) -> None:
        """Adds its routes."""
        path = "/twins/{iri:path}"
        add = partial(router.add_api_route, path, response_class=Response)
        add(self.read, methods=["GET"], summary="A twin as JSON-LD, with its revision as ETag")
        add(self.read, methods=["HEAD"], include_in_schema=False)
        add(self.put, methods=["PUT"], summary="Replace what is said of a twin and its properties, or make a twin")
        add(self.patch, methods=["PATCH"], summary="Change a twin by an RDF Patch")
        add(self.delete, methods=["DELETE"], summary="Take a twin away, with its properties and bindings")

    async def read(self, request: Request, iri: str, as_of: AsOf = None) -> Response:
        """The triples of a twin and of its properties."""
        services, scope = await services_as_of(self._services, self._scope(request), as_of)
        if services.twins.twin(scope, iri) is None:
            raise NotFound(f"There is no twin {iri!r}.", remedy="Search for it with GraphQL: twins(where: ...).")
        syntax = negotiated(request.headers.get("accept", ""), TWIN_SYNTAXES)
        revision = services.door.revision_of(iri, scope.revision)
        headers = self._headers(revision, syntax, scope)
        tags = _tags(request.headers.getlist("if-none-match"))
        if "*" in tags or headers["etag"] in [tag.removeprefix("W/") for tag in tags]:
            return Response(status_code=304, headers=headers)
        triples = dict.fromkeys(quad.triple for quad in description(services.store, services.twins, scope, iri))
        body = serialize(triples, format=syntax, prefixes=PREFIXES) or b""
        return Response(body, media_type=syntax.media_type, headers=headers)

    async def put(
        self,
        request: Request,
        iri: str,
        reason: Reason = "",
        site: Annotated[str | None, Query(description="of a new twin, where its IRI does not say it")] = None,
    ) -> Response:
        """The twin is what the body says afterwards; one that is not there is made."""
        principal = self._engineer(request)
        scope = Scope(principal)
        presumed = self._presumed(request, iri, scope)
        home = self._home(scope, iri, site)
        syntax = TWIN_SYNTAXES.get(_media_type(request))
        if syntax is None:
            raise UnsupportedType(
                f"A twin cannot be read from {_media_type(request) or 'a body without a content type'!r}.",
                remedy=f"Send it as one of {', '.join(TWIN_SYNTAXES)}.",
            )
        body = await request.body()
        limits = self._services.settings.imports
        read = partial(read_outside, body, syntax, "the body", limits)
        triples = [quad.triple for quad in await asyncio.to_thread(lambda: list(read()))]
        if not any(getattr(triple.subject, "value", None) == iri for triple in triples):
            raise InvalidInput(f"The body says nothing of {iri}.", remedy="To take the twin away, DELETE it.")
        new = self._services.twins.twin(scope, iri) is None
        delta = replacement(self._services.store, self._services.twins, scope, iri, home, triples)
        return await self._commit(iri, delta, scope, reason or f"Put {iri}", presumed, 201 if new else 204)

    async def patch(self, request: Request, iri: str, reason: Reason = "") -> Response:
        """The rows of the patch are applied in one revision, or none of them."""
        principal = self._engineer(request)
        scope = Scope(principal)
        presumed = self._presumed(request, iri, scope)
        home = self._known(scope, iri)
        if _media_type(request) != MEDIA_TYPE:
            response = problem(
                415,
                "Unsupported media type",
                f"A twin is patched with {MEDIA_TYPE} alone.",
                code=UnsupportedType.code,
                remedy="Send rows of an RDF Patch, such as: A <twin> <predicate> <value> .",
            )
            response.headers["accept-patch"] = MEDIA_TYPE
            return response
        try:
            rows = parsed_patch((await request.body()).decode())
        except UnicodeDecodeError as error:
            raise InvalidInput(f"The patch is not UTF-8 (byte {error.start}).", remedy="Send UTF-8.") from error
        added, removed = quads_of("A", rows.added, home), quads_of("D", rows.removed, home)
        names_only("D", removed)
        delta = placed(self._services.store, Delta(removed, added))
        if is_wiring(delta) and not principal.may_see_bindings():
            raise Forbidden(f"{principal.name} may not change bindings.", remedy="Ask for the role engineer.")
        check_subjects(self._services.twins, scope, iri, (*removed, *added))
        return await self._commit(iri, delta, scope, reason or f"Patch {iri}", presumed, 204)

    async def delete(self, request: Request, iri: str, reason: Reason = "") -> Response:
        """Nothing is said of the twin and its properties afterwards, and nothing leads to them."""
        principal = self._engineer(request)
        scope = Scope(principal)
        presumed = self._presumed(request, iri, scope)
        delta = deletion(self._services.store, self._services.twins, scope, iri, self._known(scope, iri))
        return await self._commit(iri, delta, scope, reason or f"Delete {iri}", presumed, 204)

    async def _commit(
        self, iri: str, delta: Delta, scope: Scope, reason: str, presumed: _Presumed, status: int
    ) -> Response:
        try:
            committed = await self._services.door.commit(
                delta,
                actor=scope.principal.name,
                reason=reason,
                expected_revision=presumed.revision,
                about=(iri,),
                sees=scope.sees_graph,
            )
        except Conflict as error:
            if not presumed.stated:
                raise
            raise PreconditionFailed(error.message, remedy=error.remedy, **error.details) from error
        headers = {"twin-revision": shown(committed.token)}
        if self._services.twins.twin(scope, iri) is not None:
            headers |= self._headers(self._services.door.revision_of(iri), RdfFormat.JSON_LD, scope)
        if status == 201:
            headers["location"] = f"/api/v1/twins/{iri}"
        return Response(status_code=status, headers=headers)

    def _presumed(self, request: Request, iri: str, scope: Scope) -> _Presumed:
        """What a changing request presumes; raises `PreconditionFailed` when that cannot hold, and
        `PreconditionRequired` when it had to say something."""
        known, present = self._services.twins.twin(scope, iri) is not None, self._services.door.revision
        match, none_match = (_tags(request.headers.getlist(name)) for name in ("if-match", "if-none-match"))
        if "*" in none_match and known:
            raise PreconditionFailed(f"There is a twin {iri!r} already.", remedy="Put it with If-Match.", id=iri)
        if not match:
            if known and self._services.settings.revisions.require_if_match:
                raise PreconditionRequired(
                    "This server changes a twin only for who says which revision they read.",
                    remedy="Read the twin, and send its ETag as If-Match.",
                )
            return _Presumed(present, stated=False)
        if not known:
            raise PreconditionFailed(f"There is no twin {iri!r}.", remedy="Put it without If-Match.", id=iri)
        if "*" in match:
            return _Presumed(present, stated=False)
        revisions = [revision for tag in match if (revision := _revision(tag)) is not None]
        if not revisions:
            raise PreconditionFailed(
                f"No tag of If-Match is one of {iri!r}.",
                remedy="Read the twin again, and send the ETag of that answer, unchanged.",
                revision=shown(self._services.door.revision_of(iri)),
            )
        return _Presumed(min(max(revisions), present), stated=True)

    def _headers(self, revision: int, syntax: RdfFormat, scope: Scope) -> dict[str, str]:
        # Strong: one for each syntax, and for those who see bindings.
        kind = syntax.file_extension + ("" if scope.principal.may_see_bindings() else "-")
        headers = {"etag": f'"{shown(revision)}.{kind}"', "vary": "accept", "cache-control": "private, no-cache"}
        if revision:
            time = self._services.door.journal.time_of(revision)
            headers["last-modified"] = formatdate(time // NANOSECONDS, usegmt=True)
        return headers

    def _known(self, scope: Scope, iri: str) -> str:
        record = self._services.twins.twin(scope, iri)
        if record is None:
            raise NotFound(f"There is no twin {iri!r}.", remedy="Make it with PUT.")
        return record.site

    def _home(self, scope: Scope, iri: str, site: str | None) -> str:
        record = self._services.twins.twin(scope, iri)
        if record is not None:
            return record.site
        named = site or iri.removeprefix("urn:twin:").partition(":")[0]
        known = self._services.twins.sites(scope)
        if named not in known:
            raise InvalidInput(
                f"It is not known which site {iri} would belong to.",
                remedy=f"Name one as ?site=: {', '.join(known)}." if known else "Import a site first.",
            )
        return named

    def _engineer(self, request: Request) -> Principal:
        principal = self._services.principal_of(request)
        if not principal.roles & {"engineer", "admin"}:
            raise Forbidden(f"{principal.name} may not change twins.", remedy="Ask for the role engineer.")
        return principal

    def _scope(self, request: Request) -> Scope:
        return Scope(self._services.principal_of(request))


def _tags(headers: Sequence[str]) -> list[str]:
    return [tag.strip() for header in headers for tag in header.split(",") if tag.strip()]


def _revision(tag: str) -> int | None:
    """The revision in a strong tag of ours."""
    token = tag[1:-1].partition(".")[0] if len(tag) > 2 and tag[0] == tag[-1] == '"' else ""
    return int(token) if token.isascii() and token.isdecimal() and len(token) <= 18 else None


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
