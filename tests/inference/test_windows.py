"""Windows of readings: whole or not scored."""

from __future__ import annotations

import numpy as np

from twin.inference.windows import Windows


def windows(length: int = 3, series: list[list[int]] | None = None) -> Windows:
    table = np.array(series or [[1, 2], [3, 4]], np.int32)
    ones = np.ones(table.shape)
    return Windows(table, 60 * ones, ones, 0 * ones, length)


def push(table: Windows, values: list[list[float]], available: bool = True, doubtful: bool = False) -> None:
    shape = table.series.shape
    table.push(np.array(values), np.full(shape, available), np.full(shape, doubtful))


def test_a_window_is_ready_when_it_is_full() -> None:
    table = windows()
    for count in range(3):
        assert table.ready().tolist() == [False, False]
        assert table.filled().tolist() == [count, count]
        push(table, [[1, 2], [3, 4]])
    assert table.ready().tolist() == [True, True]


def test_readings_come_oldest_first_by_twin_window_and_feature() -> None:
    table = windows()
    for tick in range(5):
        push(table, [[tick, 10 + tick], [20 + tick, 30 + tick]])
    assert table.readings(np.array([1])).tolist() == [[[22, 32], [23, 33], [24, 34]]]


def test_values_are_converted_to_the_unit_the_model_wants() -> None:
    series = np.array([[1]], np.int32)
    table = Windows(series, np.array([[60.0]]), np.array([[5 / 9]]), np.array([[-160 / 9]]), 1)
    table.push(np.array([[212.0]]), np.array([[True]]), np.array([[False]]))
    np.testing.assert_allclose(table.readings(np.array([0])), [[[100.0]]])


def test_a_reading_that_does_not_stand_spoils_its_twin_until_it_has_left_the_window() -> None:
    table = windows()
    for _ in range(3):
        push(table, [[1, 2], [3, 4]])
    table.push(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[True, False], [True, True]]), np.zeros((2, 2), bool))
    assert table.ready().tolist() == [False, True]
    assert table.missing().tolist() == [[False, True], [False, False]]
    push(table, [[1, 2], [3, 4]])
    push(table, [[1, 2], [3, 4]])
    assert table.ready().tolist() == [False, True]
    push(table, [[1, 2], [3, 4]])
    assert table.ready().tolist() == [True, True]


def test_a_value_that_is_no_number_is_as_good_as_missing() -> None:
    table = windows(1)
    push(table, [[np.nan, 2], [3, np.inf]])
    assert table.ready().tolist() == [False, False]


def test_a_doubtful_reading_is_remembered_while_it_is_in_the_window() -> None:
    table = windows(2)
    push(table, [[1, 2], [3, 4]], doubtful=True)
    push(table, [[1, 2], [3, 4]])
    assert table.doubtful().tolist() == [True, True]
    push(table, [[1, 2], [3, 4]])
    assert table.doubtful().tolist() == [False, False]


def test_a_new_table_keeps_the_readings_of_inputs_that_stay() -> None:
    old = windows()
    for tick in range(4):
        push(old, [[tick, 10 + tick], [20 + tick, 30 + tick]])
    new = windows(series=[[3, 4], [7, 8], [1, 2]])
    new.inherit(old)
    assert new.ready().tolist() == [True, False, True]
    assert new.readings(np.array([2])).tolist() == [[[1, 11], [2, 12], [3, 13]]]
    push(new, [[24, 34], [0, 0], [4, 14]])
    assert new.readings(np.array([2])).tolist() == [[[2, 12], [3, 13], [4, 14]]]
