"""The schema, and how a request is admitted to it: bounded, parsed and validated once for each document text."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import strawberry
from graphql import GraphQLError, build_schema, lexicographic_sort_schema, parse, print_schema, validate
from graphql.language import DocumentNode, OperationDefinitionNode
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StreamResult
from strawberry.types.execution import ExecutionContext, ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType

from twin.api.graphql.context import RequestContext
from twin.api.graphql.errors import refusal, shown
from twin.api.graphql.limits import Limits, check_document, check_text
from twin.api.graphql.mutation import Mutation
from twin.api.graphql.query import Query
from twin.api.graphql.scalars import SCALARS
from twin.api.graphql.subscription import Subscription
from twin.api.graphql.turns import TurnTakingExecutor
from twin.errors import InvalidInput, TwinError

_KEPT_DOCUMENTS = 128
_JUDGED_AT_ONCE = 1_024  # characters; longer documents are judged beside the event loop
_KEPT_CHARACTERS = 8_192  # a syntax tree is a hundred times its text; longer documents are parsed each time


@dataclass(frozen=True, slots=True)
class Admitted:
    """A document that is small enough, and what validation has against it."""

    document: DocumentNode
    errors: tuple[GraphQLError, ...]

    @property
    def operations(self) -> int:
        """How many operations the document has."""
        return sum(isinstance(each, OperationDefinitionNode) for each in self.document.definitions)


class Admission(SchemaExtension):
    """Hands the admitted document to the execution, and tells a slow subscriber what it lost."""

    def on_parse(self) -> Iterator[None]:
        """The document was parsed when it was admitted."""
        self.execution_context.graphql_document = self.execution_context.context.document
        yield

    def on_validate(self) -> Iterator[None]:
        """The document was validated when it was admitted."""
        self.execution_context.pre_execution_errors = []
        yield

    def get_results(self) -> dict[str, Any]:
        """``{"lost": n}`` on the first event after n were lost, ``{"behind": n}`` when it is n changes late."""
        context: RequestContext = self.execution_context.context
        told = {"lost": context.lost, "behind": context.behind}
        context.lost = context.behind = 0
        return {name: count for name, count in told.items() if count}


class TwinSchema(strawberry.Schema):
    """The schema with its admission: every operation, over whichever transport, passes `execute` or `stream`."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts, execution_context_class=TurnTakingExecutor)
        self._judging = ThreadPoolExecutor(1, thread_name_prefix="graphql admission")

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Nothing: `twin.api.graphql.errors` logs what has to be logged, once."""

    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any | None = None,
        root_value: Any | None = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """The result of a query or a mutation; subscriptions are refused, because one answer cannot hold them."""
        context: RequestContext = context_value  # type: ignore[assignment]  # the endpoint gives it
        admitted = await self._admitted(query, operation_name, context.limits)
        if isinstance(admitted, PreExecutionError):
            return admitted
        allowed = set(allowed_operation_types or OperationType) - {OperationType.SUBSCRIPTION}
        result = await super().execute(
            query,
            variable_values,
            context.for_operation(admitted.document),
            root_value,
            operation_name,
            allowed,
            operation_extensions,
        )
        return _as_shown(result)

    async def stream(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any | None = None,
        root_value: Any | None = None,
        operation_name: str | None = None,
        operation_extensions: dict[str, Any] | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
    ) -> AsyncGenerator[Any, None]:
        """The results of any operation, one by one."""
        context: RequestContext = context_value  # type: ignore[assignment]  # the endpoint gives it
        admitted = await self._admitted(query, operation_name, context.limits)
        if isinstance(admitted, PreExecutionError):
            return _once(admitted)
        inner = await super().stream(
            query,
            variable_values,
            context.for_operation(admitted.document),
            root_value,
            operation_name,
            operation_extensions,
            allowed_operation_types,
        )
        return _each_as_shown(inner)

    async def _admitted(self, query: str | None, operation: str | None, limits: Limits) -> Admitted | PreExecutionError:
        """The document, if it may be run.  A long one is judged in a thread, one after the other: whether its fields
        can be merged takes time with the square of their number."""
        if query is None or len(query) <= _JUDGED_AT_ONCE:
            return self._admit(query, operation, limits)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._judging, self._admit, query, operation, limits)

    def _admit(self, query: str | None, operation: str | None, limits: Limits) -> Admitted | PreExecutionError:
        try:
            if not isinstance(query, str) or not query.strip():
                raise InvalidInput("The request has no query.", remedy="Send the GraphQL text as query.")
            short = len(query) <= _KEPT_CHARACTERS
            admitted = _admitted_before(self, query, limits) if short else admit(self, query, limits)
        except TwinError as error:
            return PreExecutionError(data=None, errors=[refusal(error)])
        except GraphQLError as error:
            return PreExecutionError(data=None, errors=[shown(error)])
        if admitted.errors:
            return PreExecutionError(data=None, errors=[shown(error) for error in admitted.errors])
        if operation is None and admitted.operations > 1:
            # Strawberry would run the first one, whichever the client meant.
            several = InvalidInput(
                f"The document has {admitted.operations} operations, and the request names none of them.",
                remedy="Name the one to run as operationName.",
            )
            return PreExecutionError(data=None, errors=[refusal(several)])
        return admitted


def admit(schema: strawberry.Schema, query: str, limits: Limits) -> Admitted:
    """The parsed document of a text within the limits.

    Raises `InvalidInput` for one beyond them and `GraphQLError` for one that does not parse.
    """
    check_text(query, limits)
    document = parse(query, max_tokens=limits.tokens)
    check_document(document, limits)
    return Admitted(document, tuple(validate(schema._schema, document)))


_admitted_before = lru_cache(_KEPT_DOCUMENTS)(admit)


def _as_shown(result: ExecutionResult) -> ExecutionResult:
    if result.errors:
        result.errors = [shown(error) for error in result.errors]
    return result


async def _each_as_shown(results: StreamResult) -> AsyncGenerator[Any, None]:
    async with aclosing(results) as stream:
        async for result in stream:
            yield _as_shown(result) if isinstance(result, ExecutionResult) else result
            # A socket that takes an event at once never suspends: without this, a burst to many subscribers would hold
            # up every other request until its last event is sent.
            await asyncio.sleep(0)


async def _once(result: ExecutionResult) -> AsyncGenerator[ExecutionResult, None]:
    yield result


@cache
def schema() -> TwinSchema:
    """The one schema of the product."""
    return TwinSchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        extensions=[Admission],
        config=StrawberryConfig(scalar_map=SCALARS),
    )


@cache
def schema_text() -> str:
    """The schema in the GraphQL schema language, sorted, so that equal schemas are equal texts."""
    return print_schema(lexicographic_sort_schema(build_schema(schema().as_str()))) + "\n"


def schema_hash() -> str:
    """SHA-256 of `schema_text`: what an application compares to know that nothing moved under it."""
    return hashlib.sha256(schema_text().encode()).hexdigest()
