"""Long answers made in turns: an operation that has worked for a while lets every other request go first.

Many who follow the same in the same words are answered once for each event.

The limits bound how much one answer may hold, and still a second of work may be within them.  graphql-core completes an
answer in one go, and nothing else is served meanwhile.  It also takes fields and items that are awaitable, so that here
whatever is left after a slice of time becomes awaitable, and is awaited when the event loop has been round.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any

import orjson
from graphql.execution import ExecutionResult
from graphql.execution.executor import Executor
from graphql.language import FieldNode, OperationDefinitionNode
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

OF_THE_EVENT = frozenset(("id", "time", "receivedTime", "value", "quality", "revision", "__typename"))
"""The fields of an observation that say the same to everybody, whenever it is told."""
SLICE = 0.01
"""Seconds that an operation works before others have their turn."""


class TurnTakingExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes as graphql-core does, a slice of time in each round of the event loop.

    It relies on two methods of the pinned version: the one of a field, and the one of an item of a list.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._began = time.perf_counter()
        # One at a time, or all that wait would take their slices in the same round.
        self._turn = asyncio.Lock()

    def build_per_event_executor(self, payload: Any) -> Executor[Any]:
        """The executor of one event of a subscription."""
        _ = self._asked  # looked at once for all events, which are executed by copies of this one
        executor = super().build_per_event_executor(payload)
        executor._began = time.perf_counter()  # type: ignore[attr-defined]  # a copy of this one
        return executor

    def execute_operation(self, *args: Any, **kwargs: Any) -> Any:
        """The result; that of an event which another subscriber asked for in the same words is not made again."""
        answers = getattr(self.root_value, "answers", None)
        if answers is None or self._asked is None:
            return super().execute_operation(*args, **kwargs)
        operation, variables = self._asked
        key = (id(operation), variables)  # equal texts are one operation, as long as it is kept: see `schema`
        if key in answers:
            return ExecutionResult(answers[key][1], None)
        result = super().execute_operation(*args, **kwargs)
        if isinstance(result, ExecutionResult) and result.data is not None and not result.errors:
            answers[key] = operation, result.data  # with the operation, so that its id stays its own
        return result

    @cached_property
    def _asked(self) -> tuple[OperationDefinitionNode, bytes] | None:
        """The operation and its variables, when its events say nothing that depends on who is asking or when."""
        for selection in self.operation.selection_set.selections:
            if not isinstance(selection, FieldNode) or selection.selection_set is None:
                return None
            inner = selection.selection_set.selections
            if not all(isinstance(each, FieldNode) and each.name.value in OF_THE_EVENT for each in inner):
                return None
        try:
            return self.operation, orjson.dumps(self.variable_values.coerced, default=str, option=orjson.OPT_SORT_KEYS)
        except TypeError:
            return None

    def execute_field(self, parent_type: Any, source: Any, field_details_list: Any, path: Any, position: Any) -> Any:
        """The field's value; an awaitable of it when the slice is over and the field is more than a leaf."""
        execute = super().execute_field
        if field_details_list[0].node.selection_set is None or not self._is_over():
            return execute(parent_type, source, field_details_list, path, position)
        return self._later(lambda: execute(parent_type, source, field_details_list, path, position))

    def complete_list_item_value(
        self, item: Any, complete_results: list[Any], item_type: Any, details: Any, info: Any, path: Any, position: Any
    ) -> bool:
        """Appends the item's value, or an awaitable of it when the slice is over; whether it did the latter."""
        if details[0].node.selection_set is None or not self._is_over():
            return super().complete_list_item_value(item, complete_results, item_type, details, info, path, position)
        awaited = self._later(lambda: item)
        complete_results.append(
            self.complete_awaitable_list_item_value(awaited, item_type, details, info, path, position)
        )
        return True

    def _is_over(self) -> bool:
        return time.perf_counter() - self._began > SLICE

    async def _later(self, work: Callable[[], Any]) -> Any:
        """What the work gives, done when the loop has been round."""
        async with self._turn:
            if self._is_over():
                await asyncio.sleep(0)
                self._began = time.perf_counter()
        result = work()
        return await result if isinstance(result, Awaitable) else result
