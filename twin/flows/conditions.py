"""What is wrong now, as conditions: of connections, properties, contracts, rules and the history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from twin.alerts.records import Condition, Consequence, Severity
from twin.bindings.health import ConnectionHealth
from twin.clock import NANOSECONDS, Clock
from twin.flows.checks import KnownChecks
from twin.flows.contract_states import Contracts
from twin.graph.twins.reader import TwinReader
from twin.graph.twins.records import PropertyRecord
from twin.graph.validation.violations import ViolationGroup, ViolationStore
from twin.observation import Float64, Int32, Quality
from twin.scope import Scope
from twin.telemetry.latest import NEVER, LatestTable
from twin.telemetry.quality_standing import LASTING, PASSING, Standing

GRACE = 30.0
"""Seconds that a connection has, after it came up, before what it does not deliver is missed."""
BURSTS = 3.0
"""Spikes and jumps of late that are worth telling."""
_SLOW, _FAST = 1.5, 0.5
_CONSEQUENCES = 1000  # nodes that break one rule, of which more are only counted
_RULES_EVERY = 30.0  # seconds
_SILENCE = ("freshness", "period")
"""Clauses of a contract that a lost connection breaches."""


@dataclass(slots=True)
class Found:
    """Everything that is wrong, by key, and which of it follows from what: key to the key of its cause."""

    conditions: dict[str, Condition] = field(default_factory=dict)
    folded: dict[str, str] = field(default_factory=dict)

    def add(self, condition: Condition) -> None:
        """Takes one condition."""
        self.conditions[condition.key] = condition


class Conditions:
    """Looks over everything that can be wrong; called about once a second, it costs little when nothing is.

    ``delay`` is how many seconds a condition stands before it is raised; ``trouble`` says
    why the history takes nothing (empty: it does).
    """

    def __init__(
        self,
        health: Callable[[], Sequence[ConnectionHealth]],
        twins: TwinReader,
        latest: LatestTable,
        standing: Standing,
        checks: KnownChecks,
        contracts: Contracts,
        violations: ViolationStore,
        trouble: Callable[[], str],
        clock: Clock,
        delay: float = 10.0,
    ) -> None:
        self._health = health
        self._twins = twins
        self._property_of = twins.property_by_series
        self._latest = latest
        self._standing = standing
        self._checks = checks
        self._contracts = contracts
        self._violations = violations
        self._trouble = trouble
        self._clock = clock
        self._delay = delay
        self._reasons: dict[str, str] = {}
        self._bound: dict[str, tuple[int, tuple[int, ...], Int32, Float64]] = {}
        self._rules: tuple[int, float, list[Condition]] = (-1, 0.0, [])

    def found(self) -> Found:
        """Everything that is wrong now."""
        found = Found()
        now = self._clock.now()
        down = self._connections(found, now)
        silent = self._unavailable(found, down, now)
        self._quality(found, down, silent, now)
        self._breaches(found, down)
        for condition in self._broken_rules():
            found.add(condition)
        if trouble := self._trouble():
            found.add(
                Condition(
                    key="storage:history",
                    kind="storage",
                    severity="critical",
                    message=f"The history takes no values: {trouble}",
                    about="urn:twin:server:history",
                    since=now,
                    delay=min(self._delay, 5.0),
                )
            )
        return found

    def _connections(self, found: Found, now: int) -> dict[int, str]:
        """Adds the connections that are lost; the series bound in them, each with the key of the alert."""
        down: dict[int, str] = {}
        for health in self._health():
            if health.state == "CONNECTED":
                self._reasons.pop(health.id, None)
                continue
            key = f"connection:{health.id}"
            down.update(dict.fromkeys(health.series, key))
            if health.state == "CONNECTING" and now - health.since <= GRACE * NANOSECONDS:
                continue
            why = self._reasons.setdefault(health.id, health.error or "it does not connect")
            records = [record for each in health.series if (record := self._property_of(each)) is not None]
            site = records[0].site if records else health.id.removeprefix("urn:twin:").partition(":")[0]
            since = health.since
            found.add(
                Condition(
                    key=key,
                    kind="connection",
                    severity="critical",
                    message=f"The connection {health.name} is lost: {why}",
                    about=health.id,
                    since=since,
                    site=site,
                    delay=self._delay,
                    consequences=tuple(
                        Consequence(record.iri, f"{record.name} is unavailable", since) for record in records
                    ),
                )
            )
        return down

    def _unavailable(self, found: Found, down: Mapping[int, str], now: int) -> set[int]:
        """Adds the twins whose properties say nothing although their connection is up; the series that are silent."""
        silent: set[int] = set()
        by_twin: dict[str, list[tuple[PropertyRecord, int]]] = {}
        for health in self._health():
            if health.state != "CONNECTED" or not health.series:
                continue
            series, freshness = self._series_of(health)
            live = self._latest.live_many(series, freshness)
            grace = np.maximum(freshness, GRACE) * NANOSECONDS
            missed = ~live.available & (now - health.since > grace)
            for row in np.flatnonzero(missed).tolist():
                record = self._property_of(int(series[row]))
                if record is None:
                    continue
                silent.add(record.series)
                since = int(live.unavailable_since[row])
                by_twin.setdefault(record.owner or record.iri, []).append(
                    (record, health.since if since == NEVER else since)
                )
        for series_number, cause in down.items():
            record = self._property_of(series_number)
            if record is not None and (record.owner or record.iri) not in by_twin:
                found.folded[f"unavailable:{record.owner or record.iri}"] = cause
        for twin, missing in by_twin.items():
            found.add(
                Condition(
                    key=f"unavailable:{twin}",
                    kind="unavailable",
                    severity="warning",
                    message=f"{self._name_of(twin)} does not deliver what is bound to it",
                    about=twin,
                    twin=twin,
                    site=missing[0][0].site,
                    since=min(since for _, since in missing),
                    delay=self._delay,
                    consequences=tuple(
                        Consequence(record.iri, f"{record.name} is unavailable", since) for record, since in missing
                    ),
                )
            )
        return silent

    def _series_of(self, health: ConnectionHealth) -> tuple[Int32, Float64]:
        revision, series = self._twins.revision, health.series
        known = self._bound.get(health.id)
        if known is None or known[:2] != (revision, series):
            records = [record for each in series if (record := self._property_of(each)) is not None]
            known = (
                revision,
                series,
                np.array([record.series for record in records], np.int32),
                np.array([record.freshness for record in records], np.float64),
            )
            self._bound[health.id] = known
        return known[2], known[3]

    def _quality(self, found: Found, down: Mapping[int, str], silent: set[int], now: int) -> None:
        standing, thresholds = self._standing, self._checks.thresholds
        lasting = set(standing.lasting().tolist())
        for series in sorted(lasting | set(standing.bursting(now, BURSTS).tolist())):
            codes = int(standing.column("codes", np.array([series]))[0])
            said = Quality(codes & LASTING) if series in lasting else Quality(PASSING)
            since = int(standing.column("since" if series in lasting else "burst", np.array([series]))[0])
            words = " and ".join(said.flags) if series in lasting else "spikes or jumps again and again"
            self._of_property(found, "quality", series, words, since)
        known = np.flatnonzero(thresholds.known[: standing.highest + 1])
        gap, period = thresholds.of("gap", known), thresholds.of("period", known)
        timed = known[~np.isnan(gap) | ~np.isnan(period)]
        if not len(timed):
            return
        order, interval = standing.column("order", timed), standing.column("interval", timed)
        quiet = ages(order, now) > thresholds.of("gap", timed)
        promised = thresholds.of("period", timed)
        odd = (interval > promised * _SLOW) | (interval < promised * _FAST)
        for row in np.flatnonzero(quiet | odd).tolist():
            series = int(timed[row])
            key = "silence" if quiet[row] else "period"
            if series in silent:
                continue
            if series in down:
                record = self._property_of(series)
                found.folded[f"{key}:{record.iri if record else series}"] = down[series]
                continue
            words = "a gap in its samples" if quiet[row] else f"samples do not come every {promised[row]:g} s"
            self._of_property(found, key, series, words, int(order[row]))

    def _of_property(self, found: Found, key: str, series: int, words: str, since: int) -> None:
        record = self._property_of(series)
        if record is None:
            return
        found.add(
            Condition(
                key=f"{key}:{record.iri}",
                kind="quality",
                severity="warning",
                message=f"{self._of(record)}: {words}",
                about=record.iri,
                twin=record.owner or "",
                site=record.site,
                since=since,
                delay=self._delay,
            )
        )

    def _breaches(self, found: Found, down: Mapping[int, str]) -> None:
        for state in self._contracts.states():
            record, key = state.record, f"breach:{state.record.iri}"
            clauses = state.breached
            if record.series in down:
                clauses = tuple(each for each in clauses if each.name not in _SILENCE)
                if not clauses:
                    found.folded[key] = down[record.series]
            if clauses:
                severity: Severity = state.contract.severity  # type: ignore[assignment]  # it is one of the words
                found.add(
                    Condition(
                        key=key,
                        kind="breach",
                        severity=severity,
                        message=f"{self._of(record)} breaches its contract: " + ", ".join(c.message for c in clauses),
                        about=record.iri,
                        twin=record.owner or "",
                        site=record.site,
                        since=min(clause.since for clause in clauses),
                        delay=self._delay,
                        assigned=state.contract.responsible,
                    )
                )

    def _name_of(self, twin: str) -> str:
        record = self._twins.twin(Scope(), twin) or self._twins.property(Scope(), twin)
        return record.name if record is not None else twin

    def _of(self, record: PropertyRecord) -> str:
        return f"{self._name_of(record.owner)}, {record.name}" if record.owner else record.name

    def _broken_rules(self) -> Iterable[Condition]:
        revision, monotonic = self._twins.revision, self._clock.monotonic()
        if self._rules[0] != revision or monotonic - self._rules[1] > _RULES_EVERY:
            broken = [
                self._rule(site, group)
                for site in self._twins.sites(Scope())
                for group in self._violations.groups(site, severity="violation")
                if group.source != "brick"
            ]
            self._rules = (revision, monotonic, broken)
        return self._rules[2]

    def _rule(self, site: str, group: ViolationGroup) -> Condition:
        shape = group.shape
        nodes = self._violations.nodes(site, shape=shape, limit=_CONSEQUENCES)
        now = self._clock.now()
        return Condition(
            key=f"violation:{site}:{shape}",
            kind="violation",
            severity="notice",
            message=group.rule,
            about=shape,
            site=site,
            since=now,
            delay=self._delay,
            consequences=tuple(Consequence(node.focus, "breaks the rule", now) for node in nodes),
        )


def ages(order: npt.NDArray[np.int64], now: int) -> Float64:
    """Seconds since each moment; NaN for what never happened."""
    return np.where(order == NEVER, np.nan, (now - np.where(order == NEVER, now, order)) / NANOSECONDS)
