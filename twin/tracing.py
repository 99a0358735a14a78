"""Traces of the pipeline (OpenTelemetry): a payload, its observation, a prediction made of it, the response with it.

A batch that is sampled is a span with its stages below it.  What it brought is remembered by series, until something
newer comes; predictions and responses that read it link to it.  Without a provider nothing of this happens.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import numpy as np

from twin.errors import ConfigurationError
from twin.observation import Int32
from twin.settings import TracingSettings

_LINKS = 64
"""Links of one span at most."""
_KEPT = 4096
"""Contexts of batches that are remembered."""
_NOTHING: AbstractContextManager[None] = nullcontext()
_read: ContextVar[set[int] | None] = ContextVar("twin_series_read", default=None)


def note_read(series: Iterable[int]) -> None:
    """Notes that the response being made says something of these series; nothing when it is not traced."""
    found = _read.get()
    if found is not None:
        found.update(series)


class Tracing:
    """The traces of a server; `off` makes none.  ``ratio`` of the batches and of the responses are sampled, and every
    response whose request says that it is part of a sampled trace (W3C Trace Context)."""

    def __init__(self, provider: Any = None, ratio: float = 1.0) -> None:
        self._provider = provider
        self._tracer = None if provider is None else provider.get_tracer("twin")
        self._ratio = ratio
        self._contexts: dict[int, Any] = {}
        self._last = 0
        self._number: Int32 = np.zeros(0, np.int32)

    @property
    def on(self) -> bool:
        """Whether anything is traced."""
        return self._tracer is not None

    def batch(
        self, connection: str, addresses: Sequence[str], values: Sequence[object]
    ) -> AbstractContextManager[None]:
        """Within it a batch of a connection goes through the pipeline; its span names the first payload."""
        if self._tracer is None or random.random() >= self._ratio:  # noqa: S311 - a sample
            return _NOTHING
        said: dict[str, str | int] = {"twin.connection": connection, "twin.rows": len(addresses)}
        if addresses:
            first = values[0] if isinstance(values[0], bytes) else str(values[0]).encode()
            said["twin.address"] = addresses[0]
            said["twin.payload_sha256"] = hashlib.sha256(first).hexdigest()
        return self._span("ingest", said, ())

    def stages(self, *stages: tuple[str, float, float]) -> None:
        """Tells stages that the batch has passed: name, begin and end of each, in seconds of ``perf_counter``."""
        if self._tracer is None or not _recording():
            return
        now, here = time.time_ns(), time.perf_counter()
        for name, began, ended in stages:
            span = self._tracer.start_span(name, start_time=now - int((here - began) * 1e9))
            span.end(now - int((here - ended) * 1e9))

    def observed(self, series: Int32) -> None:
        """Notes that these series say now what the present span brought - or, outside of one, something untraced."""
        if self._tracer is None or not len(series):
            return
        number = 0
        if _recording():
            number = self._last = self._last % _KEPT + 1
            self._contexts[number] = _current().get_span_context()
            self._number[self._number == number] = 0  # whoever had this number so far is forgotten
        highest = int(series.max())
        if highest >= len(self._number):
            if not number:
                series = series[series < len(self._number)]
            else:
                grown = np.zeros(max(2 * len(self._number), highest + 1), np.int32)
                grown[: len(self._number)] = self._number
                self._number = grown
        self._number[series] = number

    def prediction(self, model: str, series: Int32) -> AbstractContextManager[None]:
        """Within it a model scores what these series say; traced when something of it is."""
        if self._tracer is None:
            return _NOTHING
        links = self._links(set(series.ravel().tolist()))
        return self._span("predict", {"twin.model": model}, links) if links else _NOTHING

    @contextmanager
    def response(self, name: str, headers: Mapping[str, str]) -> Iterator[None]:
        """Within it a response is made; what it reads (`note_read`) is linked to it."""
        if self._tracer is None:
            yield
            return
        from opentelemetry.trace import get_current_span
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = TraceContextTextMapPropagator().extract({"traceparent": headers.get("traceparent", "")})
        asked = get_current_span(parent).get_span_context().trace_flags.sampled
        if not asked and random.random() >= self._ratio:  # noqa: S311 - a sample
            yield
            return
        series: set[int] = set()
        token = _read.set(series)
        began = time.time_ns()
        try:
            yield
        finally:
            _read.reset(token)
            links = self._links(series)
            span = self._tracer.start_span(name, context=parent, links=links, start_time=began)
            span.set_attribute("twin.series", len(series))
            span.end()

    def told(self, name: str, series: int) -> None:
        """Tells that an event with the newest value of a series went out."""
        if self._tracer is not None and (links := self._links({series})):
            self._tracer.start_span(name, links=links).end()

    def close(self) -> None:
        """Sends what waits to be sent."""
        if self._provider is not None:
            self._provider.shutdown()

    @contextmanager
    def _span(self, name: str, attributes: Mapping[str, str | int], links: Iterable[Any]) -> Iterator[None]:
        assert self._tracer is not None  # noqa: S101 - whoever calls has looked
        from opentelemetry.context import Context

        # A root of its own: a batch is nobody's child.
        with self._tracer.start_as_current_span(name, context=Context(), attributes=attributes, links=tuple(links)):
            yield

    def _links(self, series: set[int]) -> list[Any]:
        from opentelemetry.trace import Link

        size = len(self._number)
        numbers = {int(self._number[each]) for each in series if 0 <= each < size} - {0}
        return [Link(self._contexts[number]) for number in sorted(numbers, reverse=True)[:_LINKS]]


def _current() -> Any:
    from opentelemetry.trace import get_current_span

    return get_current_span()


def _recording() -> bool:
    return bool(_current().is_recording())


OFF = Tracing()
"""Traces nothing, at no cost."""


def open_tracing(settings: TracingSettings, name: str) -> Tracing:
    """The tracing that the settings ask for; raises `ConfigurationError` when a package for it is missing."""
    if not settings.endpoint:
        return Tracing()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ConfigurationError(
            f"'tracing.endpoint' is set, and the package {error.name} is not installed.",
            remedy="Install it: pip install 'twin-server[tracing]'.",
        ) from error
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.endpoint)))
    return Tracing(provider, settings.ratio)
