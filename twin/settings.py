"""The one configuration file, ``twin.toml``: typed, with every default here, and an unknown key named with its nearest.

Secrets never stand in the file: a value ``env:NAME`` is read from the environment, ``file:PATH`` from a file.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import tomllib
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from twin.errors import ConfigurationError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the server listens.  ``allowed_hosts`` are Host names accepted beside the loopback ones."""

    host: str = "127.0.0.1"
    port: int = 8000
    allowed_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SparqlSettings:
    """The analysts' readers: how many, and what one query may take.  ``deadline`` is in seconds."""

    readers: int = 2
    deadline: float = 10.0
    text_bytes: int = 65_536
    nesting: int = 64
    operators: int = 500
    rows: int = 1_000_000
    queue: int = 64


@dataclass(frozen=True, slots=True)
class GraphqlSettings:
    """What one GraphQL document may ask for."""

    depth: int = 12
    aliases: int = 60
    tokens: int = 4_000
    page: int = 1_000


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """The embedded history: DuckDB's own memory limit and threads."""

    memory: str = "128MB"
    threads: int = 1


@dataclass(frozen=True, slots=True)
class ValidationSettings:
    """``audit``: whether Brick's own shapes are run in the background.  ``brick``: the version a site speaks."""

    audit: bool = True
    brick: str = "1.5"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a server can be told.  ``name`` is shown where several servers are."""

    name: str = "Twin"
    server: ServerSettings = field(default_factory=ServerSettings)
    sparql: SparqlSettings = field(default_factory=SparqlSettings)
    graphql: GraphqlSettings = field(default_factory=GraphqlSettings)
    history: HistorySettings = field(default_factory=HistorySettings)
    validation: ValidationSettings = field(default_factory=ValidationSettings)


def read_settings(path: Path | None) -> Settings:
    """The settings of a ``twin.toml`` (defaults without one); raises `ConfigurationError` for what it cannot mean."""
    if path is None:
        return Settings()
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"The configuration file {path} cannot be read: {error.strerror}.", remedy="Name an existing file."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}.", remedy="Mend the line it names.") from error
    settings = _build(Settings, table, str(path), "")
    check_host(settings.server.host)
    return settings


def _build(kind: type[T], table: dict[str, Any], source: str, prefix: str) -> T:
    known = {entry.name for entry in fields(kind)}  # type: ignore[arg-type]  # every kind here is a dataclass
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            raise ConfigurationError(
                f"{source}: there is no setting {prefix + key!r}.",
                remedy=f"Did you mean {prefix + near[0]!r}?" if near else f"Known here: {', '.join(sorted(known))}.",
            )
        values[key] = _value(hints[key], value, source, prefix + key)
    return kind(**values)


def _value(hint: Any, value: Any, source: str, name: str) -> Any:
    if is_dataclass(hint):
        if not isinstance(value, dict):
            raise ConfigurationError(f"{source}: {name!r} is a table.", remedy=f"Write [{name}] and its keys below.")
        return _build(hint, value, source, f"{name}.")  # type: ignore[arg-type]  # a class, not an instance
    if isinstance(value, str) and hint is str:
        return secret(value)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not 0 < value < float("inf"):
            raise ConfigurationError(f"{source}: {name!r} must be greater than 0 and finite, not {value}.")
        return float(value)
    if hint is int and isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise ConfigurationError(f"{source}: {name!r} cannot be negative.")
        return value
    if hint is bool and isinstance(value, bool):
        return value
    if hint == tuple[str, ...] and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    expected = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}.get(
        hint, "a list of texts"
    )
    raise ConfigurationError(f"{source}: {name!r} must be {expected}, not {value!r}.")


def secret(value: str) -> str:
    """The value itself, or what ``env:NAME`` / ``file:PATH`` refers to; raises `ConfigurationError`."""
    if value.startswith("env:"):
        found = os.environ.get(value[4:])
        if found is None:
            raise ConfigurationError(f"The environment has no variable {value[4:]}.", remedy="Set it before starting.")
        return found
    if value.startswith("file:"):
        try:
            return Path(value[5:]).read_text("utf-8").strip()
        except OSError as error:
            raise ConfigurationError(f"The secret file {value[5:]} cannot be read: {error.strerror}.") from error
    return value


def check_host(host: str) -> None:
    """Returns for a loopback address; raises `ConfigurationError` otherwise, since nothing asks who is calling yet."""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise ConfigurationError(
            f"The server would listen on {host}, where others can reach it, and no authentication is configured.",
            remedy="Listen on 127.0.0.1, and put a proxy that authenticates in front of it.",
        )
