"""Strawberry's field decorators with a description, typed: what is decorated keeps its type for the checker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import strawberry

F = TypeVar("F", bound=Callable[..., Any])


def described(text: str) -> Callable[[F], F]:
    """A field resolved by the decorated method."""
    return cast("Callable[[F], F]", strawberry.field(description=text))


def mutation(text: str) -> Callable[[F], F]:
    """A mutation carried out by the decorated method."""
    return cast("Callable[[F], F]", strawberry.mutation(description=text))


def subscription(text: str) -> Callable[[F], F]:
    """A subscription fed by the decorated generator."""
    return cast("Callable[[F], F]", strawberry.subscription(description=text))
