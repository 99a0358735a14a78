"""The past of a property over GraphQL."""

from __future__ import annotations

import pytest

from tests.api.server import AHU, FAN, MODE, NOTE, SAT, Server
from twin.clock import NANOSECONDS, iso

MINUTE = 60 * NANOSECONDS
QUERY = """query($id: ID!, $from: DateTime, $to: DateTime, $interval: String, $points: Int,
                 $aggregate: Aggregate! = MEAN, $unit: String) {
  property(id: $id) { history(from: $from, to: $to, interval: $interval, points: $points, aggregate: $aggregate,
                              unit: $unit) {
    unit { symbol } from to points { time value minimum maximum count quality } } } }"""


@pytest.fixture
async def hour(server: Server) -> Server:
    """An hour of supply air temperature that climbs from 10 by 1 a minute, and a fan switched on half-way."""
    begin = server.clock.now()
    for minute in range(60):
        server.clock.time = begin + minute * MINUTE
        await server.observe((SAT, 10.0 + minute), (FAN, minute >= 30), (MODE, minute // 30))
    server.clock.time = begin + 60 * MINUTE
    return server


async def test_a_history_is_put_in_buckets_in_the_asked_unit(hour: Server) -> None:
    begin = hour.clock.now() - 60 * MINUTE
    data = await hour.data(QUERY, id=SAT, **{"from": iso(begin)}, interval="PT30M", unit="DEG_F")
    history = data["property"]["history"]
    assert (history["unit"], history["from"], history["to"]) == ({"symbol": "°F"}, iso(begin), iso(hour.clock.now()))
    first, second = history["points"]
    assert first == {
        "time": iso(begin), "value": pytest.approx(24.5 * 1.8 + 32), "minimum": pytest.approx(50.0),
        "maximum": pytest.approx(102.2), "count": 30, "quality": 0,
    }  # fmt: skip
    assert second["value"] == pytest.approx(54.5 * 1.8 + 32)


async def test_a_history_without_bounds_is_the_last_day(hour: Server) -> None:
    history = (await hour.data(QUERY, id=SAT))["property"]["history"]
    assert history["from"] == iso(hour.clock.now() - 24 * 60 * MINUTE)
    assert sum(point["count"] for point in history["points"]) == 60


async def test_a_sum_converts_each_of_its_terms(hour: Server) -> None:
    begin = iso(hour.clock.now() - 60 * MINUTE)
    data = await hour.data(QUERY, id=SAT, **{"from": begin}, interval="1h", aggregate="SUM", unit="DEG_F")
    celsius = sum(10.0 + minute for minute in range(60))
    assert data["property"]["history"]["points"][0]["value"] == pytest.approx(celsius * 1.8 + 32 * 60)


async def test_a_count_has_no_unit(hour: Server) -> None:
    begin = iso(hour.clock.now() - 60 * MINUTE)
    history = (await hour.data(QUERY, id=SAT, **{"from": begin}, interval="1h", aggregate="COUNT"))["property"][
        "history"
    ]
    assert (history["unit"], history["points"][0]["value"]) == (None, 60)


async def test_booleans_and_texts_are_read_by_their_last_value(hour: Server) -> None:
    await hour.observe((NOTE, "filter changed"), at=hour.clock.now() - MINUTE)
    begin = iso(hour.clock.now() - 60 * MINUTE)
    fan = (await hour.data(QUERY, id=FAN, **{"from": begin}, interval="30m"))["property"]["history"]
    note = (await hour.data(QUERY, id=NOTE, **{"from": begin}, interval="1h"))["property"]["history"]
    assert [(point["value"], point["minimum"]) for point in fan["points"]] == [(False, None), (True, None)]
    assert [point["value"] for point in note["points"]] == ["filter changed"]
    error = await hour.error(QUERY, id=FAN, aggregate="SUM")
    assert error["message"] == "Fan is a boolean; it has no sum."


async def test_histories_of_one_request_are_read_together(hour: Server) -> None:
    data = await hour.data(
        """query($id: ID!) { twin(id: $id) { properties { nodes { name
             day: history(points: 24, to: "2026-01-01T01:00:00Z") { points { count } }
             max: history(points: 24, to: "2026-01-01T01:00:00Z", aggregate: MAX) { points { value } } } } } }""",
        id=AHU,
    )
    assert [node["name"] for node in data["twin"]["properties"]["nodes"]] == ["Fan", "Note", "Supply air temperature"]
    # One read for each (window, aggregate): means; maxima; and what a boolean and a text are read by instead.
    assert sorted(len(read) for read in hour.history.reads) == [1, 1, 2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"interval": "PT0S"}, "A duration of 'PT0S' is not possible here."),
        ({"interval": "soon"}, "'soon' is not a duration."),
        ({"interval": "1s"}, "The history would have 86,401 points; at most 10,000 are sent."),
        ({"points": 0}, "A history has 1 to 10,000 points; 0 were asked for."),
        ({"points": 20_000}, "A history has 1 to 10,000 points; 20,000 were asked for."),
        ({"points": 5, "interval": "1h"}, "Both interval and points are given."),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "The history would end before it begins."),
    ],
)
async def test_a_window_that_cannot_be_is_refused(server: Server, arguments: dict[str, object], message: str) -> None:
    error = await server.error(QUERY, id=SAT, **arguments)
    assert (error["message"], error["extensions"]["code"]) == (message, "invalid-input")


@pytest.mark.parametrize("time", ["yesterday", "", "9999-12-31T23:59:59Z", "0001-01-01", 5])
async def test_a_time_that_is_none_is_refused(server: Server, time: object) -> None:
    error = await server.error(QUERY, id=SAT, **{"from": time})
    assert repr(time) in error["message"] or str(time) in error["message"]
    assert error["extensions"]["code"] == "invalid-input"


async def test_one_answer_holds_only_so_many_points(server: Server) -> None:
    fields = " ".join(f"h{n}: history(points: 10000) {{ points {{ count }} }}" for n in range(6))
    answer = await server.ask(f"query($id: ID!) {{ property(id: $id) {{ {fields} }} }}", id=SAT)
    assert answer["errors"][0]["message"] == "The answer's histories would have more than 50,000 points together."


async def test_a_history_that_fails_tells_an_id_and_nothing_else(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.history.failure = RuntimeError("disk /dev/sda is on fire")
    error = await server.error(QUERY, id=SAT)
    number = error["extensions"]["id"]
    assert error["message"] == f"Internal error {number}."
    assert error["extensions"]["code"] == "internal"
    assert "fire" not in str(error)
    assert number in caplog.text
    assert "disk /dev/sda is on fire" in caplog.text
