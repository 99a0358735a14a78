"""How a device writes its values: the parts of a binding that say what stands in a payload and in which form."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PayloadForm:
    """What is not plain JSON or a plain value with a time of a usual form; everything is None where nothing is stated.

    ``format``: ``json``, ``csv`` (a line a sample) or ``plain``.  ``packing``: numbers as bytes, e.g. ``float32-le``.
    ``bits``: which bits of a word, e.g. ``3`` or ``0-3``.  ``time_form`` and ``time_zone``: see
    `twin.bindings.stamps.time_reader`.  ``step`` and ``start`` are seconds between the values of an array and from its
    time to the first one; ``step_path`` and ``start_path`` say where in the document they stand.
    """

    format: str | None = None
    packing: str | None = None
    bits: str | None = None
    time_form: str | None = None
    time_zone: str | None = None
    step: float | None = None
    step_path: str | None = None
    start: float | None = None
    start_path: str | None = None

    def __bool__(self) -> bool:
        return self != AS_USUAL


AS_USUAL = PayloadForm()
