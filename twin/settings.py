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
    """Where the server listens.  ``allowed_hosts`` are Host names accepted beside the loopback ones;
    ``sparql_origins`` are the origins of web pages elsewhere that may use the SPARQL surface."""

    host: str = "127.0.0.1"
    port: int = 8000
    allowed_hosts: tuple[str, ...] = ()
    sparql_origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SparqlSettings:
    """The analysts' readers: how many, and what one query or update may take.  ``deadline`` is in seconds."""

    readers: int = 2
    deadline: float = 10.0
    text_bytes: int = 65_536
    nesting: int = 64
    operators: int = 500
    rows: int = 1_000_000
    answer_bytes: int = 268_435_456
    reader_bytes: int = 268_435_456
    update_bytes: int = 1_000_000
    update_quads: int = 50_000
    queue: int = 64


@dataclass(frozen=True, slots=True)
class GraphqlSettings:
    """What one GraphQL document may ask for, and the seconds that a subscriber may be behind."""

    depth: int = 12
    aliases: int = 60
    tokens: int = 4_000
    page: int = 1_000
    slow_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class KeepRule:
    """How long the history keeps what is ``of`` a property (its IRI), of a class and those below it, or of all (``*``).

    Rows go after ``keep`` (ISO 8601, such as ``P90D``); with ``summarise`` (such as ``PT1H``) a summary of each stretch
    of that length takes their place, for ``keep_summaries`` (empty: for ever).
    """

    of: str = "*"
    keep: str = ""
    summarise: str = ""
    keep_summaries: str = ""


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """The embedded history: DuckDB's own memory limit and threads, and how long what is kept."""

    memory: str = "128MB"
    threads: int = 1
    rules: tuple[KeepRule, ...] = ()


@dataclass(frozen=True, slots=True)
class ValidationSettings:
    """``audit``: whether Brick's own shapes are run in the background.  ``brick``: the version a site speaks.
    ``brick_shapes``: what those shapes do to a change - ``refuse`` it, ``report`` it as a warning, or ``off``."""

    audit: bool = True
    brick: str = "1.5"
    brick_shapes: str = "report"


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """What one file from outside may take.  ``memory_bytes`` and ``cpu_seconds`` bound the process that opens it,
    ``expanded_bytes`` its triples written out, ``literal_bytes`` one value in it."""

    literal_bytes: int = 1_048_576
    expanded_bytes: int = 2_147_483_648
    memory_bytes: int = 1_073_741_824
    cpu_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class SpoolSettings:
    """Where observations wait while the history takes none: at most ``bytes`` on disk, of which ``reserve_bytes`` are
    set aside from the start for when the disk is full."""

    bytes: int = 268_435_456
    reserve_bytes: int = 8_388_608


@dataclass(frozen=True, slots=True)
class PayloadSettings:
    """Raw payloads as they came: each is kept for ``keep_hours`` (0: not at all), or for those that ``connections``
    names as ``"IRI=HOURS"``, all together in ``bytes``.  Rejected ones are kept for ``rejected_days``, in
    ``rejected_bytes``."""

    keep_hours: int = 72
    bytes: int = 2_147_483_648
    connections: tuple[str, ...] = ()
    rejected_days: int = 30
    rejected_bytes: int = 268_435_456

    def by_connection(self) -> dict[str, int]:
        """The hours of the connections that have their own; raises `ConfigurationError`."""
        found = {}
        for entry in self.connections:
            connection, _, hours = entry.rpartition("=")
            if not connection or not hours.isdecimal():
                raise ConfigurationError(
                    f"'payloads.connections' cannot be {entry!r}.", remedy='Write "IRI=HOURS", e.g. "urn:x:broker=24".'
                )
            found[connection] = int(hours)
        return found


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """What is alerted of, and whom.  A condition is raised when it stands for ``delay`` seconds, and over when it is
    gone for ``settle``; what is cleared is kept for ``keep_days``.  ``notify`` is the least severity that is told by
    webhook (signed with ``webhook_secret``) and by mail; ``mail_server`` is host:port, ``mail_security`` one of
    ``starttls``, ``tls`` and ``none``."""

    delay: float = 10.0
    settle: float = 10.0
    keep_days: float = 365.0
    notify: str = "warning"
    webhooks: tuple[str, ...] = ()
    webhook_secret: str = ""
    mail_server: str = ""
    mail_security: str = "starttls"
    mail_user: str = ""
    mail_password: str = ""
    mail_from: str = "twin@localhost"
    mail_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RevisionSettings:
    """The past: a snapshot every ``snapshot_every`` revisions (0: never for that) and ``snapshot_hours``, at most
    ``snapshots`` of them in ``snapshot_bytes``; ``keep`` revisions are kept whole (0: all).  ``pinned`` revisions of
    the past stand ready for ``pinned_seconds`` after their last use, in ``pinned_bytes``.  ``require_if_match``: a
    twin is replaced, changed or deleted over REST only by who says which revision they read."""

    snapshot_every: int = 5_000
    snapshot_hours: float = 24.0
    snapshots: int = 12
    snapshot_bytes: int = 4_294_967_296
    keep: int = 0
    pinned: int = 3
    pinned_seconds: float = 300.0
    pinned_bytes: int = 2_147_483_648
    require_if_match: bool = False


@dataclass(frozen=True, slots=True)
class TracingSettings:
    """Traces (OpenTelemetry): the ``endpoint`` that takes them as OTLP over HTTP (empty: none are made), and the
    ``ratio`` of batches and responses that are traced."""

    endpoint: str = ""
    ratio: float = 0.01


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a server can be told.  ``name`` is shown where several servers are."""

    name: str = "Twin"
    server: ServerSettings = field(default_factory=ServerSettings)
    sparql: SparqlSettings = field(default_factory=SparqlSettings)
    graphql: GraphqlSettings = field(default_factory=GraphqlSettings)
    history: HistorySettings = field(default_factory=HistorySettings)
    spool: SpoolSettings = field(default_factory=SpoolSettings)
    validation: ValidationSettings = field(default_factory=ValidationSettings)
    revisions: RevisionSettings = field(default_factory=RevisionSettings)
    imports: ImportSettings = field(default_factory=ImportSettings)
    alerts: AlertSettings = field(default_factory=AlertSettings)
    payloads: PayloadSettings = field(default_factory=PayloadSettings)
    tracing: TracingSettings = field(default_factory=TracingSettings)


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
    settings.payloads.by_connection()
    check_choice("validation.brick_shapes", settings.validation.brick_shapes, ("refuse", "report", "off"))
    check_choice("alerts.notify", settings.alerts.notify, ("notice", "warning", "critical"))
    check_choice("alerts.mail_security", settings.alerts.mail_security, ("starttls", "tls", "none"))
    _check_hooks(settings.alerts)
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
    if hint == tuple[KeepRule, ...]:
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return tuple(_build(KeepRule, item, source, f"{name}.") for item in value)
        raise ConfigurationError(f"{source}: {name!r} is a list of tables.", remedy=f"Write [[{name}]] before each.")
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


def _check_hooks(alerts: AlertSettings) -> None:
    for url in alerts.webhooks:
        if not url.startswith(("https://", "http://")):
            raise ConfigurationError(f"{url!r} is no URL that alerts can be sent to.", remedy="Write https://...")
    port = alerts.mail_server.partition(":")[2]
    if alerts.mail_server and not alerts.mail_to:
        raise ConfigurationError(
            "There is an 'alerts.mail_server', and nobody to write to.", remedy="Name alerts.mail_to."
        )
    if port and not port.isdecimal():
        raise ConfigurationError(f"'alerts.mail_server' has no port {port!r}.", remedy="Write host:port.")


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Returns for one of the choices; raises `ConfigurationError` otherwise."""
    if value not in choices:
        raise ConfigurationError(
            f"{name!r} cannot be {value!r}.", remedy=f"Write one of {', '.join(map(repr, choices))}."
        )


def check_host(host: str) -> None:
    """Returns for a loopback address; raises `ConfigurationError` otherwise, since nothing asks who is calling yet."""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
        if not loopback:
            raise ConfigurationError(
                f"{host!r} is no address that the server can listen on: it must be an IP address or localhost.",
                remedy="Listen on 127.0.0.1 (or ::1), and put a proxy that authenticates in front of it.",
            ) from None
    if not loopback:
        raise ConfigurationError(
            f"The server would listen on {host}, where others can reach it, and no authentication is configured.",
            remedy="Listen on 127.0.0.1, and put a proxy that authenticates in front of it.",
        )
