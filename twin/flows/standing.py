"""What stands now of alerts and contracts, by IRI and within a scope, for the ``live:`` functions of SPARQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from twin.alerts.records import SEVERITIES, Alert
from twin.clock import Clock
from twin.flows.alerting import Alerting
from twin.flows.contract_states import Contracts
from twin.scope import Scope


@dataclass(frozen=True, slots=True)
class Standings:
    """Answers from the alerts and contracts of a running server."""

    alerting: Alerting
    contracts: Contracts
    clock: Clock

    def __call__(self, scope: Scope, what: str) -> dict[str, Any]:
        """All that stands of ``alerts`` (by IRI, the gravest first) or ``contracts``."""
        return self._alerts(scope) if what == "alerts" else self._contracts(scope)

    def _alerts(self, scope: Scope) -> dict[str, Any]:
        now = self.clock.now()
        standing = [
            alert
            for alert in self.alerting.book.standing.values()
            if (not alert.site or scope.sees(alert.site)) and alert.state(now) != "shelved"
        ]
        found: dict[str, list[dict[str, Any]]] = {}
        for alert in sorted(standing, key=lambda each: (-SEVERITIES.index(each.severity), -each.id)):
            said = {
                "id": str(alert.id),
                "kind": alert.kind,
                "severity": alert.severity,
                "state": alert.state(now),
                "message": alert.said_to(scope.principal.may_see_bindings()),
                "since": alert.since,
            }
            for thing in dict.fromkeys((alert.about, alert.twin, *self._consequences(alert))):
                if thing:
                    found.setdefault(thing, []).append(said)
        return found

    def _consequences(self, alert: Alert) -> Iterable[str]:
        if not alert.consequences:
            return ()
        return (each.about for each in self.alerting.store.consequences(alert.id, limit=alert.consequences))

    def _contracts(self, scope: Scope) -> dict[str, Any]:
        return {
            state.record.iri: {
                "state": "met" if state.met else "breached",
                "clauses": " ".join(clause.name for clause in state.breached),
                "since": state.since,
                "message": ", ".join(clause.message for clause in state.breached),
                "responsible": state.contract.responsible,
            }
            for state in self.contracts.states()
            if scope.sees(state.record.site)
        }
