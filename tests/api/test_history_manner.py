"""Calendars, meters, energy and percentiles of a property's past over GraphQL, with the real history behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.server import FAN, SAT, Server
from twin.api.graphql.calendar import edges
from twin.clock import NANOSECONDS, from_iso, iso
from twin.errors import InvalidInput
from twin.telemetry.duckdb import DuckDBHistory

MINUTE = 60 * NANOSECONDS
HOUR = 60 * MINUTE


def local(zone: str, interval: str, start: str, end: str) -> list[str]:
    return [iso(edge) for edge in edges(from_iso(start), from_iso(end), interval, zone)]


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-28T23:00:00Z", 23), ("2026-10-24T22:00:00Z", 25), ("2026-06-30T22:00:00Z", 24)]
)
def test_a_day_of_daylight_saving_has_23_or_25_hours(day: str, hours: int) -> None:
    found = edges(from_iso(day), from_iso(day) + 1, "P1D", "Europe/Berlin")
    assert (iso(found[0]), (found[1] - found[0]) // HOUR) == (day, hours)
    hourly = edges(found[0], found[1], "PT1H", "Europe/Berlin")
    assert len(hourly) - 1 == hours


def test_months_weeks_and_years_begin_at_midnight_of_the_zone() -> None:
    assert local("Asia/Shanghai", "P1M", "2026-01-15", "2026-03-01") == [
        "2025-12-31T16:00:00Z", "2026-01-31T16:00:00Z", "2026-02-28T16:00:00Z", "2026-03-31T16:00:00Z",
    ]  # fmt: skip
    assert local("UTC", "P1W", "2026-01-01", "2026-01-06") == [
        "2025-12-29T00:00:00Z", "2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z",
    ]  # fmt: skip
    assert local("America/New_York", "P1Y", "2026-05-01", "2026-06-01") == [
        "2026-01-01T05:00:00Z", "2027-01-01T05:00:00Z",
    ]  # fmt: skip
    assert local("Asia/Kolkata", "PT1H", "2026-01-01T00:10:00Z", "2026-01-01T01:00:00Z") == [
        "2025-12-31T23:30:00Z", "2026-01-01T00:30:00Z", "2026-01-01T01:30:00Z",
    ]  # fmt: skip


def test_a_day_whose_midnight_is_leapt_over_begins_after_the_leap() -> None:
    assert local("America/Santiago", "P1D", "2026-09-06T12:00:00Z", "2026-09-06T13:00:00Z") == [
        "2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "interval"), [("Mars/Olympus", "P1D"), ("UTC", "P1Y2M"), ("UTC", "PT36H"), ("../x", "P1D")]
)
def test_what_no_calendar_has_is_refused_in_words(zone: str, interval: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        edges(0, HOUR, interval, zone)
    assert refusal.value.remedy


@pytest.fixture
async def real(server: Server, tmp_path: Path) -> Server:
    """The small building, whose windows come from DuckDB."""
    history = await DuckDBHistory(tmp_path / "history.duckdb").open()
    for name in ("append", "window", "windows", "latest_at"):
        setattr(server.history, name, getattr(history, name))
    server.duckdb = history  # closed by the loop's end
    return server


async def points(server: Server, arguments: str, fields: str = "value", id: str = SAT) -> list[dict[str, object]]:
    query = f"query($id: ID!) {{ property(id: $id) {{ history({arguments}) {{ points {{ {fields} }} }} }} }}"
    data = await server.data(query, id=id)
    found: list[dict[str, object]] = data["property"]["history"]["points"]
    return found


async def test_a_history_tells_percentiles_means_over_time_and_durations(real: Server) -> None:
    begin = real.clock.now()
    for minute, value in enumerate([10.0, 20.0, 20.0, 40.0]):
        real.clock.time = begin + minute * MINUTE
        await real.observe((SAT, value), (FAN, minute >= 1))
    real.clock.time = begin + 4 * MINUTE
    stretch = f'from: "{iso(begin)}", to: "{iso(real.clock.now())}"'
    whole = f"{stretch}, points: 1, aggregate:"
    try:
        assert await points(real, f"{whole} PERCENTILE, percentile: 95") == [{"value": pytest.approx(37.0)}]
        for gap, covered in (("PT1M", 240.0), ("30s", 120.0)):
            assert await points(real, f'{whole} TIME_WEIGHTED_MEAN, gap: "{gap}"', "value covered") == [
                {"value": 22.5, "covered": covered}
            ]
        assert await points(real, f'{whole} DURATIONS, gap: "5m"', "durations { state seconds }", FAN) == [
            {"durations": [{"state": False, "seconds": 60.0}, {"state": True, "seconds": 180.0}]}
        ]
        daily = f'{stretch}, interval: "P1D", timeZone: "Asia/Kolkata", aggregate: COUNT'
        assert await points(real, daily, "time value") == [{"time": "2025-12-31T18:30:00Z", "value": 4}]
        assert await points(real, f'{stretch}, interval: "P1M"', "time count") == [
            {"time": "2026-01-01T00:00:00Z", "count": 4}
        ]
        assert await points(real, f"{whole} DIFFERENCE") == [{"value": 30.0}]
        assert len(await points(real, f"{stretch}, points: 3, drawing: LTTB")) == 3
        assert await points(real, f'{stretch}, points: 1, asOf: "2020-01-01T00:00:00Z"') == []
        error = await real.error(
            f"query($id: ID!) {{ property(id: $id) {{ history({whole} INTEGRAL) {{ to }} }} }}", id=SAT
        )
        assert "counts from a zero of its own" in error["message"]
    finally:
        await real.duckdb.close()
