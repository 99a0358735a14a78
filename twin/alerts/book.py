"""The life of alerts: conditions that stand are raised once, those that ended are cleared, people do the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from twin.alerts.records import Action, Alert, AlertEvent, Condition, Transition
from twin.alerts.store import AlertStore
from twin.clock import NANOSECONDS, Clock
from twin.errors import Conflict, InvalidInput, NotFound

SERVER = "server"
"""The actor of what the server does itself."""
LONGEST_SHELF = 90 * 86_400
"""Seconds that an alert may be shelved at most."""


class AlertBook:
    """The alerts that stand, over a store.  Used from one thread at a time.

    A condition that stands for its delay is raised.  One that is gone for ``settle`` seconds is cleared; one that comes
    back before that is the same alert, so that what flaps does not flood.
    """

    def __init__(self, store: AlertStore, clock: Clock, settle: float = 10.0) -> None:
        self.store = store
        self._clock = clock
        self._settle = settle
        self._standing = store.standing()
        self._seen: dict[str, float] = {}  # conditions that are not raised yet: since when (monotonic)
        self._gone: dict[str, float] = {}  # alerts whose condition is gone: since when (monotonic)
        self._shelved = {key for key, each in self._standing.items() if each.shelved_until is not None}

    @property
    def standing(self) -> Mapping[str, Alert]:
        """The alerts that are not cleared, by key."""
        return self._standing

    def observe(
        self,
        conditions: Mapping[str, Condition],
        folded: Mapping[str, str] | None = None,
    ) -> list[AlertEvent]:
        """Takes everything that is wrong now; what that did to the alerts.

        ``folded`` are conditions that follow from another: key to the key of their cause.  They are no alerts while it
        stands.
        """
        monotonic, now = self._clock.monotonic(), self._clock.now()
        folded = folded or {}
        events: list[AlertEvent] = []
        to_raise = []
        for key, condition in conditions.items():
            if key in self._standing or key in folded:
                self._seen.pop(key, None)
            elif monotonic - self._seen.setdefault(key, monotonic) >= condition.delay:
                to_raise.append(condition)
        for key in [key for key in self._seen if key not in conditions]:
            del self._seen[key]
        to_clear, back, changed = [], [], []
        for key, alert in self._standing.items():
            if key in folded:
                if folded[key] in self._standing:  # its cause is not raised yet: it stays what it is till then
                    to_clear.append(alert)
            elif key in conditions:
                if key in self._gone:
                    back.append(alert)
                elif conditions[key].message != alert.message or _more(conditions[key], alert):
                    changed.append(alert)
            elif monotonic - self._gone.setdefault(key, monotonic) >= self._settle:
                to_clear.append(alert)
        over = [key for key in self._shelved if (self._standing[key].shelved_until or 0) <= now]
        if not (to_raise or to_clear or back or changed or over):
            return events
        with self.store:
            events += [self._raise(condition, now) for condition in to_raise]
            events += [self._back(alert, conditions[alert.key], now) for alert in back]
            for alert in changed:
                events += self._changed(alert, conditions[alert.key], now)
            events += [self._end(alert, folded.get(alert.key), now) for alert in to_clear]
            for key in over:
                self._shelved.discard(key)
                if key in self._standing:
                    alert = replace(self._standing[key], shelved_until=None)
                    events.append(self._step(alert, now, SERVER, "unshelved"))
        return events

    def reload(self) -> None:
        """Makes the book say what the store does, after something could not be written."""
        self._standing = self.store.standing()
        self._shelved = {key for key, each in self._standing.items() if each.shelved_until is not None}

    def acknowledge(self, number: int, actor: str, note: str = "") -> AlertEvent:
        """Notes that somebody has taken notice, also of an alert that was cleared meanwhile; raises `NotFound`."""
        alert, now = self._find(number), self._clock.now()
        if alert.acknowledged is not None:
            raise Conflict(f"Alert {number} was acknowledged by {alert.acknowledged_by} already.")
        return self._step(replace(alert, acknowledged=now, acknowledged_by=actor), now, actor, "acknowledged", note)

    def shelve(self, number: int, actor: str, until: int, note: str = "") -> AlertEvent:
        """Puts an alert, and whatever its condition raises, out of sight until a moment (ns UTC); one that is over
        takes it back.  Raises `NotFound`, `Conflict` for a cleared alert, `InvalidInput` for a moment too far away."""
        alert, now = self._open(number), self._clock.now()
        if until > now + LONGEST_SHELF * NANOSECONDS:
            raise InvalidInput(
                f"An alert can be shelved for {LONGEST_SHELF // 86_400} days at most.",
                remedy="Name an earlier moment; what is never wanted is a check to be left out.",
            )
        if until <= now:
            self._shelved.discard(alert.key)
            return self._step(replace(alert, shelved_until=None), now, actor, "unshelved", note)
        self._shelved.add(alert.key)
        return self._step(replace(alert, shelved_until=until), now, actor, "shelved", note)

    def assign(self, number: int, actor: str, to: str, note: str = "") -> AlertEvent:
        """Gives an alert to somebody (an empty name: to nobody); raises `NotFound`, `Conflict` for a cleared one."""
        alert = self._open(number)
        said = f"to {to}" if to else "to nobody"
        return self._step(
            replace(alert, assigned=to), self._clock.now(), actor, "assigned", f"{said}: {note}" if note else said
        )

    def clear(self, number: int, actor: str, note: str = "") -> AlertEvent:
        """Ends an alert whose condition is gone before it is sure to stay away; raises `NotFound`, and `Conflict` while
        the condition stands."""
        alert = self._open(number)
        if alert.key not in self._gone:
            raise Conflict(
                "The condition still stands.", remedy="Shelve the alert, or mend what it tells of: it clears by itself."
            )
        return self._end(alert, None, self._clock.now(), actor, note)

    def _raise(self, condition: Condition, now: int) -> AlertEvent:
        self._seen.pop(condition.key, None)
        before = self.store.last_of(condition.key)
        shelved = before.shelved_until if before is not None and (before.shelved_until or 0) > now else None
        alert = self.store.add(
            Alert(
                id=0,
                key=condition.key,
                kind=condition.kind,
                severity=condition.severity,
                message=condition.message,
                about=condition.about,
                site=condition.site,
                twin=condition.twin,
                since=condition.since,
                raised=now,
                updated=now,
                shelved_until=shelved,
                assigned=condition.assigned,
            )
        )
        if condition.consequences:
            alert = replace(alert, consequences=self.store.add_consequences(alert.id, condition.consequences))
        if shelved is not None:
            self._shelved.add(alert.key)
        return self._step(alert, now, SERVER, "raised", condition.message)

    def _back(self, alert: Alert, condition: Condition, now: int) -> AlertEvent:
        del self._gone[alert.key]
        alert = replace(alert, times=alert.times + 1, message=condition.message)
        if condition.consequences:
            alert = replace(alert, consequences=self.store.add_consequences(alert.id, condition.consequences))
        return self._step(alert, now, SERVER, "returned")

    def _changed(self, alert: Alert, condition: Condition, now: int) -> list[AlertEvent]:
        said = condition.message != alert.message
        count = self.store.add_consequences(alert.id, condition.consequences)
        if not said and count == alert.consequences:
            return []
        alert = replace(alert, message=condition.message, severity=condition.severity, consequences=count)
        return [self._step(alert, now, SERVER, "changed", condition.message if said else f"{count} consequences")]

    def _end(self, alert: Alert, cause: str | None, now: int, actor: str = SERVER, note: str = "") -> AlertEvent:
        self._gone.pop(alert.key, None)
        if cause is None:
            return self._step(replace(alert, cleared=now), now, actor, "cleared", note)
        root = self._standing[cause]
        return self._step(replace(alert, cleared=now, cause=root.id), now, actor, "folded", f"into alert {root.id}")

    def _step(self, alert: Alert, now: int, actor: str, action: Action, note: str = "") -> AlertEvent:
        alert = replace(alert, updated=now)
        step = Transition(alert.id, now, actor, action, note)
        with self.store:
            self.store.put(alert)
            self.store.note(step)
        if alert.cleared is None:
            self._standing[alert.key] = alert
        elif self._standing.get(alert.key, alert).id == alert.id:
            self._standing.pop(alert.key, None)
            self._shelved.discard(alert.key)
        return AlertEvent(alert, step)

    def _find(self, number: int) -> Alert:
        alert = self.store.find(number)
        if alert is None:
            raise NotFound(f"There is no alert {number}.", remedy="Ask for the alerts again.")
        return self._standing.get(alert.key, alert) if alert.cleared is None else alert

    def _open(self, number: int) -> Alert:
        alert = self._find(number)
        if alert.cleared is not None:
            raise Conflict(f"Alert {number} is cleared.", remedy="Nothing is left to do about it.")
        return alert


def _more(condition: Condition, alert: Alert) -> bool:
    return len(condition.consequences) > alert.consequences or condition.severity != alert.severity
