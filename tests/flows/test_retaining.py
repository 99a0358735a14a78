"""The history keeps what its rules say: rows for a while, summaries for longer, and nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from twin.clock import NANOSECONDS, ManualClock
from twin.contracts import Reading
from twin.errors import ConfigurationError, InvalidInput
from twin.flows.retaining import Retaining
from twin.observation import ObservationBatch
from twin.settings import KeepRule, read_settings
from twin.telemetry.duckdb import DuckDBHistory
from twin.terms import NamedNode

HOUR = 3600 * NANOSECONDS
DAY = 24 * HOUR
NOW = ManualClock().now()


@dataclass
class Twins:
    """A building of two temperatures and a meter."""

    classes: ClassVar = {"urn:t1": "urn:Temperature", "urn:t2": "urn:Temperature", "urn:m": "urn:Meter"}

    def properties(self, _scope: object, limit: int) -> Any:
        return SimpleNamespace(items=list(self.classes))

    def property(self, _scope: object, iri: str) -> Any:
        series = list(self.classes).index(iri) + 1
        return SimpleNamespace(series=series, classes=[SimpleNamespace(iri=self.classes[iri])])

    def classes_below(self, name: str) -> frozenset[NamedNode]:
        if name not in self.classes.values():
            raise InvalidInput("no class")
        return frozenset([NamedNode(name)])


@pytest.fixture
async def history(tmp_path: Path) -> AsyncIterator[DuckDBHistory]:
    history = await DuckDBHistory(tmp_path / "history.duckdb").open()
    for series in (1, 2, 3):
        rows = [(series, NOW - age * HOUR // 4, float(age % 4), 0, NOW) for age in range(1, 4 * 24 * 10)]
        await history.append(ObservationBatch.of(rows))
    yield history
    await history.close()


def retaining(history: DuckDBHistory, *rules: KeepRule) -> Retaining:
    return Retaining(rules, Twins(), history, ManualClock())  # as much of a reader as it needs


async def counts(history: DuckDBHistory) -> list[int]:
    windows = await history.windows([1, 2, 3], NOW - 20 * DAY, NOW)
    return [len(windows[series]) for series in (1, 2, 3)]


async def test_the_first_rule_that_names_a_property_or_its_class_is_its_rule(history: DuckDBHistory) -> None:
    rules = KeepRule("urn:t1", "P1D"), KeepRule("urn:Temperature", "P2D"), KeepRule("*", "P3D")
    assert await retaining(history, *rules).apply() > 0
    assert await counts(history) == [96, 192, 288]
    assert await retaining(history, *rules).apply() == 0


async def test_summaries_take_the_place_of_rows_and_answer_as_they_did(history: DuckDBHistory) -> None:
    async def asked(aggregate: str) -> list[float]:
        window = await history.window(1, NOW - 9 * DAY, NOW, interval=6 * HOUR, aggregate=aggregate)
        return [*window.value.tolist(), *window.count.tolist(), *window.minimum.tolist(), *window.maximum.tolist()]

    aggregates = ("mean", "sum", "min", "max", "count", "first", "last")
    before = {aggregate: await asked(aggregate) for aggregate in aggregates}
    rule = KeepRule("*", "P2D", summarise="PT1H")
    for _ in range(2):
        await retaining(history, rule).apply()
        assert {aggregate: await asked(aggregate) for aggregate in aggregates} == before
    samples = await history.window(1, NOW - 9 * DAY, NOW - 8 * DAY)
    assert (len(samples), samples.count.tolist()[:2], samples.maximum.tolist()[:2]) == (24, [4, 4], [3.0, 3.0])
    with pytest.raises(InvalidInput, match="kept as summaries only"):
        await history.window(1, NOW - 9 * DAY, NOW, interval=HOUR, aggregate="integral", reading=Reading())


async def test_what_was_summarised_is_not_counted_twice_when_it_is_sent_again(history: DuckDBHistory) -> None:
    await retaining(history, KeepRule("*", "P2D", summarise="PT1H")).apply()
    window = await history.window(1, NOW - 9 * DAY, NOW, points=1, aggregate="count")
    rows = [(1, NOW - age * HOUR // 4, 77.0, 0, NOW) for age in range(1, 4 * 24 * 10) if age > 4 * 48]
    await history.append(ObservationBatch.of(rows))
    assert history.dropped == len(rows)
    again = await history.window(1, NOW - 9 * DAY, NOW, points=1, aggregate="count")
    assert again.value.tolist() == window.value.tolist()


async def test_summaries_go_when_their_own_time_is_over(history: DuckDBHistory) -> None:
    rule = KeepRule("*", "P2D", summarise="PT1H", keep_summaries="P5D")
    await retaining(history, rule).apply()
    assert len(await history.window(1, NOW - 20 * DAY, NOW)) == 4 * 48 + 24 * 3


async def test_rules_are_applied_while_the_server_runs(history: DuckDBHistory) -> None:
    running = asyncio.create_task(retaining(history, KeepRule("*", "P1D")).run())
    async with asyncio.timeout(30):
        while await counts(history) != [96, 96, 96]:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(
    ("keep", "summarise", "message"),
    [("90 days", "", "no length of time"), ("P1D", "PT7H", "do not divide a day"), ("P0D", "", "no length of time")],
)
def test_a_rule_that_cannot_be_is_refused_in_words(keep: str, summarise: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Retaining([KeepRule("*", keep, summarise)], Twins(), None, ManualClock())  # not reached


def test_rules_stand_in_the_configuration_file(tmp_path: Path) -> None:
    file = tmp_path / "twin.toml"
    file.write_text('[[history.rules]]\nof = "brick:Meter"\nkeep = "P90D"\nsummarise = "PT1H"\n')
    assert read_settings(file).history.rules == (KeepRule("brick:Meter", "P90D", "PT1H"),)
    file.write_text('[[history.rules]]\nof = "brick:Meter"\nkepp = "P90D"\n')
    with pytest.raises(ConfigurationError, match=r"history\.rules\.kepp"):
        read_settings(file)
