"""Column batches: rows taken and joined keep everything that belongs to them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from twin.observation import Block, ObservationBatch

CELLS = st.one_of(st.floats(-1e6, 1e6), st.text(max_size=3), st.lists(st.floats(-10, 10), max_size=4))
ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 9), CELLS, st.integers(0, 3), st.integers(0, 2)), max_size=8
)


def batch(rows: list[tuple[int, int, object, int, int]]) -> ObservationBatch:
    plain = [(series, time, cell if isinstance(cell, float) else np.nan, 0, time) for series, time, cell, _, _ in rows]
    return ObservationBatch(
        *(getattr(ObservationBatch.of(plain), name) for name in ("series", "time", "value")),
        np.array([quality for *_, quality, _ in rows], np.uint16),
        np.array([time for _, time, *_ in rows], np.int64),
        {row: each[2] for row, each in enumerate(rows) if isinstance(each[2], str)},
        {row: Block(np.array(each[2]), step=1) for row, each in enumerate(rows) if isinstance(each[2], list)},
        np.array([origin for *_, origin in rows], np.int32) if any(origin for *_, origin in rows) else None,
    )


def told(batch: ObservationBatch) -> list[tuple[object, ...]]:
    origins = batch.origin.tolist() if batch.origin is not None else [0] * len(batch)
    return [
        (
            int(batch.series[row]),
            int(batch.time[row]),
            batch.text.get(row) if row in batch.text else batch.blocks.get(row, str(batch.value[row])),
            int(batch.quality[row]),
            origins[row],
        )
        for row in range(len(batch))
    ]


@given(st.lists(ROWS, max_size=4))
def test_joined_batches_tell_what_they_told_apart(parts: list[list[tuple[int, int, object, int, int]]]) -> None:
    batches = [batch(rows) for rows in parts]
    assert told(ObservationBatch.joined(batches)) == [row for each in batches for row in told(each)]


@given(ROWS, st.data())
def test_rows_taken_keep_their_text_block_and_origin(
    rows: list[tuple[int, int, object, int, int]], data: st.DataObject
) -> None:
    whole = batch(rows)
    chosen = data.draw(st.permutations(range(len(rows)))) if rows else []
    taken = whole.take(np.array(chosen, np.intp))
    assert told(taken) == [told(whole)[row] for row in chosen]
    assert taken.numeric().tolist() == [isinstance(rows[row][2], float) for row in chosen]


def test_a_block_equals_one_with_the_same_numbers_and_spacing() -> None:
    assert Block(np.array([1.0, np.nan]), 5) == Block(np.array([1.0, np.nan]), 5)
    assert Block(np.array([1.0]), 5) != Block(np.array([1.0]), 6)
    assert Block(np.array([1.0])) != Block(np.array([1.0, 2.0]))
