"""Histories going out: any selection of properties, read and written piece by piece, however long it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from twin.contracts import Aggregate, History, Window
from twin.errors import InvalidInput, NotFound
from twin.graph.twins.reader import TwinReader
from twin.graph.twins.records import PropertyRecord
from twin.observation import ObservationBatch
from twin.scope import Scope
from twin.telemetry.table_formats import Format, Piece, Told, writer

TOGETHER = 64
"""Series that are read together."""
_FIRST, _LEAST = 3600 * 1_000_000_000, 1_000_000_000  # ns of the first piece, and the shortest that pieces become
_FEW, _MANY = 10_000, 100_000  # rows of a piece below which the next is longer, and above which it is shorter
_BUCKETS = 2_000
_EVERYTHING = 10_000_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Which properties: those named, those of the twins named, and those that the other words - a site, a class, a
    role, a text in name or id - all fit; without any word none but those named."""

    properties: Sequence[str] = ()
    twins: Sequence[str] = ()
    site: str | None = None
    type: str | None = None
    role: str | None = None
    text: str | None = None

    def records(self, twins: TwinReader, scope: Scope) -> list[PropertyRecord]:
        """The properties in scope, each once; raises `NotFound` for an id or site that is not there, `InvalidInput`
        when nothing is asked for or nothing fits.  A class may be that of a property or of a twin."""
        found: dict[str, None] = {}
        for iri in self.properties:
            if twins.property(scope, iri) is None:
                raise NotFound(f"There is no property {iri!r}.", remedy="Search for it with GraphQL: properties.")
            found[iri] = None
        for iri in self.twins:
            if twins.twin(scope, iri) is None:
                raise NotFound(f"There is no twin {iri!r}.", remedy="Search for it with GraphQL: twins.")
            found.update(dict.fromkeys(twins.properties(scope, owner=iri, limit=_EVERYTHING).items))
        if any(word is not None for word in (self.site, self.type, self.role, self.text)):
            found.update(dict.fromkeys(self._fitting(twins, scope)))
        elif not self.properties and not self.twins:
            raise InvalidInput(
                "The export selects nothing.", remedy="Name properties, twins, a site, a class, a role or a query."
            )
        records = [record for iri in found if (record := twins.property(scope, iri)) is not None]
        if not records:
            raise InvalidInput("No property fits the selection.", remedy="See what GraphQL's properties(where:) finds.")
        return records

    def _fitting(self, twins: TwinReader, scope: Scope) -> Iterable[str]:
        if self.site is not None and self.site not in twins.sites(scope):
            raise NotFound(f"There is no site {self.site!r}.")
        yield from twins.properties(
            scope, site=self.site, role=self.role, type=self.type, text=self.text, limit=_EVERYTHING
        ).items
        if self.type is not None:  # all of an air handler, as well as all supply air temperatures
            for twin in twins.twins(scope, site=self.site, type=self.type, limit=_EVERYTHING).items:
                yield from twins.properties(scope, owner=twin, role=self.role, text=self.text, limit=_EVERYTHING).items


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when (ns UTC, half open), and what the samples are put together to (``interval`` None: nothing)."""

    start: int
    end: int
    interval: int | None = None
    aggregate: Aggregate = "mean"


async def exported(
    history: History, records: Sequence[PropertyRecord], span: Span, format: Format
) -> AsyncIterator[bytes]:
    """The bytes of the table, as they become due: whoever reads them slowly holds the reading of the history back."""
    table = writer(format, bucketed=span.interval is not None)
    for place in range(0, len(records), TOGETHER):
        async for piece in _pieces(history, records[place : place + TOGETHER], span):
            written = await asyncio.to_thread(table.write, piece)
            if written:
                yield written
    yield await asyncio.to_thread(table.end)


async def _pieces(history: History, records: Sequence[PropertyRecord], span: Span) -> AsyncIterator[Piece]:
    told = [Told(record.iri, record.kind, record.unit or "", record.states) for record in records]
    series = [record.series for record in records]
    place = {number: at for at, number in enumerate(series)}
    start, length = span.start, _FIRST if span.interval is None else span.interval * _BUCKETS
    while start < span.end:
        if span.interval is None:
            end = min(span.end, start + length)
            rows = await history.rows(series, start, end)
            if len(rows) > _MANY and length > _LEAST:
                length = max(length // 2, _LEAST)
            elif len(rows) < _FEW:
                length *= 2
            if len(rows):
                yield _of_rows(told, place, rows)
        else:
            # Pieces end where buckets do, so that no bucket is cut in two.
            end = min(span.end, (start // length + 1) * length)
            numbers = [record.series for record in records if record.kind == "number"]
            others = [record.series for record in records if record.kind != "number"]
            for chosen, aggregate in ((numbers, span.aggregate), (others, _of_words(span.aggregate))):
                if chosen:
                    found = await history.windows(chosen, start, end, interval=span.interval, aggregate=aggregate)
                    for one, window in found.items():
                        if len(window):
                            yield _of_window(told, place[one], window)
        start = end


def _of_words(aggregate: Aggregate) -> Aggregate:
    """What is not averaged is read by its last value, unless another one or their number is asked for."""
    return aggregate if aggregate in ("first", "last", "count") else "last"


def _of_rows(told: Sequence[Told], place: dict[int, int], rows: ObservationBatch) -> Piece:
    which = np.array([place[one] for one in rows.series.tolist()], np.int32)
    return Piece(
        told,
        which,
        rows.time,
        rows.value,
        rows.quality,
        dict(rows.text),
        dict(rows.blocks),
        rows.received,
        rows.origin if rows.origin is not None else np.zeros(len(rows), np.int32),
    )


def _of_window(told: Sequence[Told], place: int, window: Window) -> Piece:
    text = window.text or ()
    return Piece(
        told,
        np.full(len(window), place, np.int32),
        window.time,
        window.value,
        window.quality,
        dict(enumerate(text)) if told[place].kind == "text" else {},
        {},
        minimum=window.minimum,
        maximum=window.maximum,
        count=window.count,
    )
