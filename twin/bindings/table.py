"""The compiled table of one connection: raw sample batches in, columns of observations out.

One dictionary look-up finds the codecs of an address; a document is parsed once however many properties are in it, and
documents of plain numbers are decoded in columns; scales and units are applied to whole columns.  Nothing here waits or
fails for one bad value: it is refused with its reason and the others go on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from math import nan
from time import perf_counter

import numpy as np

from twin.bindings.codec import Codec, DecodeError, compile_codec, loads
from twin.bindings.columns import Bulk, Columns, Rows, bulk
from twin.bindings.filters import FilterTree
from twin.bindings.plan import BoundProperty, Carries, ConnectionPlan
from twin.bindings.quarantine import Quarantine
from twin.connector import AddressBinding, SampleBatch
from twin.errors import InvalidInput
from twin.observation import Block, ObservationBatch, Quality

__all__ = ["BoundProperty", "ConnectionPlan", "Fault", "Table", "compile_table"]

_REMEMBERED_ADDRESSES = 100_000
_BAD = 0xFF00


@dataclass(frozen=True, slots=True)
class Fault:
    """A property whose binding could not be compiled, and why; the others of its connection work."""

    property: str
    binding: str
    message: str


@dataclass(frozen=True, slots=True)
class _Route:
    """The codecs of one address by slot; ``plain`` are those that need no JSON document, ``by_path``: some do.  With
    ``bulk``, documents are decoded in columns, and by the codecs only where that does not go."""

    codecs: tuple[tuple[int, Codec], ...]
    plain: tuple[tuple[int, Codec], ...]
    by_path: bool
    bulk: Bulk | None


class _Rows:
    """Decoded values as growing columns: which codec, which sample of the batch, raw number, source time."""

    __slots__ = ("blocks", "origins", "slots", "texts", "times", "values")

    def __init__(self) -> None:
        self.slots: list[int] = []
        self.origins: list[int] = []
        self.values: list[float] = []
        self.times: list[int] = []
        self.texts: dict[int, str] = {}
        self.blocks: dict[int, Block] = {}

    def add(self, slot: int, origin: int, value: float | str | Block, time: int) -> None:
        if isinstance(value, str):
            self.texts[len(self.values)] = value
            value = nan
        elif isinstance(value, Block):
            self.blocks[len(self.values)] = value
            value = nan
        self.slots.append(slot)
        self.origins.append(origin)
        self.values.append(value)
        self.times.append(time)

    def as_columns(self) -> Rows:
        return Rows(
            np.array(self.slots, np.int32),
            np.array(self.origins, np.int64),
            np.array(self.values, np.float64),
            np.array(self.times, np.int64),
        )


class Table:
    """What `compile_table` makes.  Use it from one thread.

    ``spent`` are the seconds that the last batch took to be decoded, and then to be converted.
    """

    def __init__(self, codecs: Iterable[Codec], faults: tuple[Fault, ...], documents: bool) -> None:
        self._codecs = tuple(codecs)
        self.faults = faults
        self.spent = 0.0, 0.0
        self._by_property = {codec.row.property: codec for codec in self._codecs}
        exact: dict[str, list[int]] = {}
        self._filters = FilterTree()
        for slot, codec in enumerate(self._codecs):
            if documents and "+" in codec.row.address.split("/"):
                self._filters.add(codec.row.address, slot)
            else:
                exact.setdefault(codec.row.address, []).append(slot)
        self._exact = exact
        self._routes: dict[str, _Route] = {}
        self._bulks: dict[tuple[int, ...], tuple[Bulk | None]] = {}  # made once for all topics of the same bindings
        self._series = np.array([codec.row.series for codec in self._codecs], np.int32)
        self._origin = np.array([codec.row.origin for codec in self._codecs], np.int32)
        self._scale = np.array([codec.scale for codec in self._codecs], np.float64)
        self._offset = np.array([codec.offset for codec in self._codecs], np.float64)

    def codec(self, property: str) -> Codec | None:
        """The codec of a property bound here."""
        return self._by_property.get(property)

    def addresses(self) -> tuple[AddressBinding, ...]:
        """What the connector is to read: every address once, or the filter that it is read with."""
        rows: dict[str, BoundProperty] = {}
        for codec in self._codecs:
            rows.setdefault(codec.row.read_with or codec.row.address, codec.row)
        return tuple(AddressBinding(row.binding, address, row.write_address) for address, row in rows.items())

    def decode(self, batch: SampleBatch, quarantine: Quarantine, now: int) -> ObservationBatch:
        """The observations in a batch of raw samples; what cannot be decoded goes to the quarantine.

        Samples of addresses that nothing is bound to are passed over.  A sample without receive time gets ``now`` (ns
        UTC), one without source time its receive time.  A number that is not finite becomes NaN with the code
        NOT_A_NUMBER.  No value at all is refused, and is NaN as well where the device says that it is bad.
        """
        began = perf_counter()
        columns, rows = Columns(), _Rows()
        routes = self._routes
        for origin, (address, raw) in enumerate(zip(batch.addresses, batch.values, strict=True)):
            route = routes.get(address) or self._resolve(address)
            if route.bulk is None or not columns.add(route.bulk, origin, raw):
                self._one(batch, origin, route, rows, quarantine, now)
        decoded, left = columns.rows()
        for origin in left:
            address = batch.addresses[origin]
            self._one(batch, origin, routes.get(address) or self._resolve(address), rows, quarantine, now)
        texts, blocks = rows.texts, rows.blocks
        if rows.slots:
            decoded, place = decoded.with_others(rows.as_columns())
            places = place.tolist()
            texts = {places[row]: text for row, text in texts.items()}
            blocks = {places[row]: block for row, block in blocks.items()}
        converting = perf_counter()
        observations = self._observations(batch, decoded, texts, blocks, now)
        self.spent = converting - began, perf_counter() - converting
        return observations

    def _one(
        self, batch: SampleBatch, origin: int, route: _Route, rows: _Rows, quarantine: Quarantine, now: int
    ) -> None:
        """One sample by its codecs."""
        address, raw, received = batch.addresses[origin], batch.values[origin], batch.received[origin] or now
        codecs, document = route.codecs, None
        if raw is None:
            _take_nothing(batch, origin, route, rows, quarantine, now)
            return
        if route.by_path:
            try:
                document = loads(raw)
            except DecodeError as error:
                quarantine.add(address, str(error), raw, received)
                codecs = route.plain
        for slot, codec in codecs:
            try:
                if codec.many is None:
                    rows.add(slot, origin, *codec.extract(raw, document))
                    continue
                refuse = partial(_refuse, quarantine, address, raw, received)
                for value, time in codec.samples(raw, document, refuse):
                    rows.add(slot, origin, value, time)
            except DecodeError as error:
                quarantine.add(address, str(error), raw, received)

    def _observations(
        self, batch: SampleBatch, rows: Rows, texts: dict[int, str], blocks: dict[int, Block], now: int
    ) -> ObservationBatch:
        slot, origin = rows.slot, rows.origin
        with np.errstate(over="ignore", invalid="ignore"):  # what is no finite number is marked as such below
            value = rows.value * self._scale[slot] + self._offset[slot]
        received = np.asarray(batch.received, np.int64)[origin]
        received = np.where(received <= 0, now, received)
        time = np.where(rows.time == 0, np.asarray(batch.times, np.int64)[origin], rows.time)
        time = np.where(time <= 0, received, time)
        if batch.qualities is None:
            quality = np.zeros(len(slot), np.uint16)
        else:
            quality = np.asarray(batch.qualities, np.uint16)[origin]
        no_number = ~np.isfinite(value)
        if no_number.any():
            no_number[list(texts)] = False
            no_number[list(blocks)] = False
            value[no_number] = nan
            quality[no_number & (quality & _BAD == 0)] |= np.uint16(Quality.NOT_A_NUMBER)
        for row, block in blocks.items():
            known = np.isfinite(block.values)
            if not known.all():
                quality[row] |= np.uint16(Quality.UNCERTAIN if known.any() else Quality.NOT_A_NUMBER)
        return ObservationBatch(self._series[slot], time, value, quality, received, texts, blocks, self._origin[slot])

    def _resolve(self, address: str) -> _Route:
        slots = list(self._exact.get(address, ()))
        if self._filters:
            slots += self._filters.find(address)
        if len(self._routes) >= _REMEMBERED_ADDRESSES:  # a device that makes up addresses must not fill the memory
            self._routes.clear()
        codecs = tuple((slot, self._codecs[slot]) for slot in slots)
        plain = tuple(pair for pair in codecs if pair[1].pick is None)
        known = self._bulks.get(tuple(slots))
        if known is None:
            known = self._bulks[tuple(slots)] = (bulk(codecs),)
        route = _Route(codecs, plain, by_path=len(plain) < len(codecs), bulk=known[0])
        self._routes[address] = route
        return route


def compile_table(rows: Iterable[BoundProperty], carries: Carries) -> Table:
    """The table of a connection's bindings; a binding that cannot work becomes a `Fault` of the table."""
    codecs, faults = [], []
    for row in rows:
        try:
            codecs.append(compile_codec(row, carries))
        except InvalidInput as error:
            faults.append(Fault(row.property, row.binding, str(error)))
    return Table(codecs, tuple(faults), carries == "documents")


def _refuse(quarantine: Quarantine, address: str, raw: object, time: int, reason: str) -> None:
    quarantine.add(address, reason, raw, time)


def _take_nothing(
    batch: SampleBatch, origin: int, route: _Route, rows: _Rows, quarantine: Quarantine, now: int
) -> None:
    quality = Quality(batch.qualities[origin]) if batch.qualities is not None else Quality.GOOD
    why = f" ({', '.join(quality.flags)})" if quality else ""
    if route.codecs:
        quarantine.add(batch.addresses[origin], f"no value{why}", None, batch.received[origin] or now)
    if quality.bad:
        for slot, _codec in route.codecs:
            rows.add(slot, origin, nan, 0)
